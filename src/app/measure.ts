// Measures a route: every hop of every path, standby and backup included, and what thresholds make of it. Hops that
// routes share are probed once a run. Counters come from the store and go back to it.

import { needsConfirmation, stepHop } from '../health/hop.ts';
import { pathHealth } from '../health/path.ts';
import type { Sight, Vote } from '../health/quorum.ts';
import type { DomainName } from '../model/domain-name.ts';
import { hopKey, type Hop } from '../model/hop.ts';
import type { HopHealth, PathHealth } from '../model/hop-health.ts';
import type { MailPath } from '../model/mail-path.ts';
import type { Observation } from '../model/observation.ts';
import type { ProbePolicy, Route } from '../model/route.ts';
import type { ProbeTarget } from '../probes/probe.ts';
import type { HealthRow } from '../store/store.ts';
import { mapBounded } from './concurrency.ts';
import type { Deps } from './deps.ts';
import { type Panel, pathSight, readPanel } from './panel.ts';

export interface MeasuredHop {
  readonly hop: Hop;
  readonly preference: number;
  /** This run's observations, oldest first: more than one where a failure was confirmed. */
  readonly observations: readonly Observation[];
  /** As this vantage sees it. */
  readonly own: HopHealth;
  /** As all fresh vantages together see it. */
  readonly health: HopHealth;
  /** What each vantage says of it. */
  readonly votes: readonly Vote[];
}

export interface RouteMeasurement {
  readonly hops: ReadonlyMap<string, readonly MeasuredHop[]>;
  readonly health: ReadonlyMap<string, PathHealth>;
  /** Who sees which path how. */
  readonly sights: ReadonlyMap<string, Sight>;
  readonly rows: readonly HealthRow[];
}

/** Least and most pause before a failure is probed again: long enough for a dropped packet or a restarting listener,
 *  short enough that `fall: 3` is settled well within a one-minute slot; ms. */
export const confirmPauseMs = { least: 300, most: 1000 };
/** Hops of one path probed at once; the probe itself bounds sessions per address. */
const parallelHops = 32;

type MeasureDeps = Pick<Deps, 'probe' | 'store' | 'clock' | 'random' | 'config'>;

/** One run's probes. Two routes that share a hop and a policy share the observation. */
export class ProbeRun {
  readonly #deps: Pick<Deps, 'probe'>;
  readonly #panel: Panel | null;
  readonly #resolved = new Map<string, ReturnType<Deps['probe']['resolve']>>();
  readonly #probed = new Map<string, Promise<Observation>>();

  /** `panel`: everybody's counters of all routes; without it those of a route are read when it is measured. */
  constructor(deps: Pick<Deps, 'probe'>, panel: Panel | null = null) {
    this.#deps = deps;
    this.#panel = panel;
  }

  panelOf(route: string, deps: Pick<Deps, 'store' | 'clock' | 'config'>): Promise<Panel> {
    return this.#panel === null ? readPanel(route, deps) : Promise.resolve(this.#panel);
  }

  /** Probes made so far. */
  get probes(): number {
    return this.#probed.size;
  }

  resolve(target: ProbeTarget, signal: AbortSignal): ReturnType<Deps['probe']['resolve']> {
    if (target.addresses !== null) return this.#deps.probe.resolve(target, signal);
    const known = this.#resolved.get(target.exchange) ?? this.#deps.probe.resolve(target, signal);
    this.#resolved.set(target.exchange, known);
    return known;
  }

  /** `round` counts confirmations: 0 is the first look of the run. */
  observe(hop: Hop, policy: ProbePolicy, round: number, signal: AbortSignal): Promise<Observation> {
    const key = `${hopKey(hop)} ${policyKey(policy)} ${round}`;
    const known = this.#probed.get(key) ?? this.#deps.probe.probe(hop, policy, signal);
    this.#probed.set(key, known);
    return known;
  }
}

function policyKey(policy: ProbePolicy): string {
  return JSON.stringify([
    policy.stages,
    policy.rcpt,
    policy.ehloName,
    policy.sourceAddresses,
    policy.timeoutMs,
    policy.slowAfterMs,
    policy.caFile,
  ]);
}

/** Where a canary address is configured, RCPT is always asked: a target that refuses strangers must be found out
 *  before mail is sent there. */
function policyFor(route: Route): ProbePolicy {
  const { probe } = route;
  return probe.rcpt === null
    ? probe
    : { ...probe, stages: [...new Set([...probe.stages, 'mail', 'rcpt'] as const)] };
}

interface PathExchange {
  readonly exchange: DomainName;
  readonly port: number;
  readonly preference: number;
  readonly addresses: readonly string[] | null;
}

export function probedExchangesOf(path: MailPath): PathExchange[] {
  return path.kind === 'mx'
    ? path.mx.map((mx) => ({ ...mx, addresses: null }))
    : [...path.addresses].map(([exchange, addresses]) => ({
        exchange,
        port: path.port,
        preference: 0,
        addresses,
      }));
}

/** Probes every path of the route (or just those named) and steps the health of each hop. Writes nothing. */
export async function measureRoute(
  route: Route,
  run: ProbeRun,
  deps: MeasureDeps,
  signal: AbortSignal,
  only: readonly string[] | null = null,
): Promise<RouteMeasurement> {
  const panel = await run.panelOf(route.name, deps);
  const paths = route.paths.filter((path) => only === null || only.includes(path.name));
  // All paths at once: while one waits out the pauses of its confirmation burst, the others are not kept waiting.
  const measured = await Promise.all(
    paths.map(async (path) => {
      const lists = await mapBounded(probedExchangesOf(path), parallelHops, (one) =>
        measureExchange(route, one, { run, panel, deps, signal }),
      );
      return [path.name, lists.flat()] as const;
    }),
  );
  const hops = new Map(measured);
  const health = new Map([...hops].map(([name, list]) => [name, pathHealth(list)]));
  const sights = new Map([...hops].map(([name, list]) => [name, pathSight(list)]));
  return { hops, health, sights, rows: rowsOf(route, hops, deps.config.vantage) };
}

interface MeasureContext {
  readonly run: ProbeRun;
  readonly panel: Panel;
  readonly deps: MeasureDeps;
  readonly signal: AbortSignal;
}

async function measureExchange(
  route: Route,
  one: PathExchange,
  { run, panel, deps, signal }: MeasureContext,
): Promise<MeasuredHop[]> {
  const target: ProbeTarget = { ...one, policy: policyFor(route) };
  const found = await run.resolve(target, signal);
  if (found.outcome !== 'found') {
    const hop = { exchange: one.exchange, address: null, port: one.port };
    const observation = deps.probe.withoutAddress(target, found);
    return [conclude(route, hop, one.preference, [observation], panel, deps)];
  }
  return mapBounded(found.addresses, parallelHops, async (address) => {
    const hop = { exchange: one.exchange, address, port: one.port };
    const observations = await observeUntilSettled(route, hop, { run, panel, deps, signal });
    return conclude(route, hop, one.preference, observations, panel, deps);
  });
}

/** The confirmation burst: a hop that was up and failed is probed again after a short jittered pause until `fall` or
 *  a pass settles it. */
async function observeUntilSettled(
  route: Route,
  hop: Hop,
  { run, panel, deps, signal }: MeasureContext,
): Promise<Observation[]> {
  let health = panel.ownOf(route.name, hop);
  const observations: Observation[] = [];
  for (let round = 0; round < route.probe.fall; round++) {
    if (round > 0) {
      const { least, most } = confirmPauseMs;
      await deps.clock.sleep(least + deps.random() * (most - least), signal);
    }
    const observation = await run.observe(hop, policyFor(route), round, signal);
    observations.push(observation);
    health = stepHop(health, observation, route.probe);
    if (!needsConfirmation(health) || observation.verdict === 'inconclusive') break;
  }
  return observations;
}

function conclude(
  route: Route,
  hop: Hop,
  preference: number,
  observations: readonly Observation[],
  panel: Panel,
  deps: MeasureDeps,
): MeasuredHop {
  const own = observations.reduce(
    (health, one) => stepHop(health, one, route.probe),
    panel.ownOf(route.name, hop),
  );
  const { health, votes } = panel.judge(route, hop, own, deps.clock.now());
  return { hop, preference, observations, own, health, votes };
}

function rowsOf(
  route: Route,
  hops: ReadonlyMap<string, readonly MeasuredHop[]>,
  vantage: string,
): HealthRow[] {
  return [...hops.values()]
    .flat()
    .map((one) => ({ route: route.name, vantage, hop: hopKey(one.hop), health: one.own }));
}
