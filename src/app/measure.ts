// Measures a route: every hop of every path, standby and backup included, and what thresholds make of it. Hops that
// routes share are probed once a run. Counters come from the store and go back to it.

import { healthAsOf, needsConfirmation, stepHop, unmeasured } from '../health/hop.ts';
import { pathHealth } from '../health/path.ts';
import { poll } from '../health/quorum.ts';
import type { DomainName } from '../model/domain-name.ts';
import { hopKey, type Hop } from '../model/hop.ts';
import type { HopHealth, PathHealth, RankedHop } from '../model/hop-health.ts';
import type { MailPath } from '../model/mail-path.ts';
import type { Observation } from '../model/observation.ts';
import type { ProbePolicy, Route } from '../model/route.ts';
import type { ProbeTarget } from '../probes/probe.ts';
import type { HealthRow } from '../store/store.ts';
import { mapBounded } from './concurrency.ts';
import type { Deps } from './deps.ts';

export interface MeasuredHop {
  readonly hop: Hop;
  readonly preference: number;
  /** This run's observations, oldest first: more than one where a failure was confirmed. */
  readonly observations: readonly Observation[];
  /** As this vantage sees it. */
  readonly own: HopHealth;
  /** As all fresh vantages together see it. */
  readonly health: HopHealth;
  readonly up: readonly string[];
  readonly down: readonly string[];
}

export interface RouteMeasurement {
  readonly hops: ReadonlyMap<string, readonly MeasuredHop[]>;
  readonly health: ReadonlyMap<string, PathHealth>;
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
  readonly #resolved = new Map<string, ReturnType<Deps['probe']['resolve']>>();
  readonly #probed = new Map<string, Promise<Observation>>();

  constructor(deps: Pick<Deps, 'probe'>) {
    this.#deps = deps;
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

function exchangesOf(path: MailPath): PathExchange[] {
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
  const known = await deps.store.readHealth(route.name);
  const paths = route.paths.filter((path) => only === null || only.includes(path.name));
  // All paths at once: while one waits out the pauses of its confirmation burst, the others are not kept waiting.
  const measured = await Promise.all(
    paths.map(async (path) => {
      const lists = await mapBounded(exchangesOf(path), parallelHops, (one) =>
        measureExchange(route, one, { run, known, deps, signal }),
      );
      return [path.name, lists.flat()] as const;
    }),
  );
  const hops = new Map(measured);
  const health = new Map([...hops].map(([name, list]) => [name, pathHealth(list)]));
  return { hops, health, rows: rowsOf(route, hops, deps.config.vantage) };
}

interface MeasureContext {
  readonly run: ProbeRun;
  readonly known: readonly HealthRow[];
  readonly deps: MeasureDeps;
  readonly signal: AbortSignal;
}

async function measureExchange(
  route: Route,
  one: PathExchange,
  { run, known, deps, signal }: MeasureContext,
): Promise<MeasuredHop[]> {
  const target: ProbeTarget = { ...one, policy: policyFor(route) };
  const found = await run.resolve(target, signal);
  if (found.outcome !== 'found') {
    const hop = { exchange: one.exchange, address: null, port: one.port };
    const observation = deps.probe.withoutAddress(target, found);
    return [conclude(route, hop, one.preference, [observation], known, deps)];
  }
  return mapBounded(found.addresses, parallelHops, async (address) => {
    const hop = { exchange: one.exchange, address, port: one.port };
    const observations = await observeUntilSettled(route, hop, { run, known, deps, signal });
    return conclude(route, hop, one.preference, observations, known, deps);
  });
}

function ownRow(known: readonly HealthRow[], hop: Hop, vantage: string): HopHealth {
  return known.find((row) => row.vantage === vantage && row.hop === hopKey(hop))?.health ?? unmeasured;
}

/** The confirmation burst: a hop that was up and failed is probed again after a short jittered pause until `fall` or
 *  a pass settles it. */
async function observeUntilSettled(
  route: Route,
  hop: Hop,
  { run, known, deps, signal }: MeasureContext,
): Promise<Observation[]> {
  let health = ownRow(known, hop, deps.config.vantage);
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
  known: readonly HealthRow[],
  deps: MeasureDeps,
): MeasuredHop {
  const own = observations.reduce(
    (health, one) => stepHop(health, one, route.probe),
    ownRow(known, hop, deps.config.vantage),
  );
  const others = known.filter((row) => row.hop === hopKey(hop) && row.vantage !== deps.config.vantage);
  const votes = [{ vantage: deps.config.vantage, health: own }, ...others];
  const { quorum } = route.failover;
  const { health, up, down } = poll(votes, { quorum, thresholds: route.probe }, deps.clock.now());
  return { hop, preference, observations, own, health, up, down };
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

/** Health as the store has it, without probing: for `status`. Hops are those the store knows of the path. */
export function rememberedHealth(
  route: Route,
  known: readonly HealthRow[],
  now: number,
): Map<string, PathHealth> {
  return new Map(route.paths.map((path) => [path.name, pathHealth(rememberedHops(route, path, known, now))]));
}

function rememberedHops(route: Route, path: MailPath, known: readonly HealthRow[], now: number): RankedHop[] {
  return exchangesOf(path).flatMap((one) => {
    const prefix = `${one.exchange}[`;
    const rows = known.filter((row) => row.hop.startsWith(prefix) && row.hop.endsWith(`]:${one.port}`));
    // An address the exchange no longer has keeps its old row for a while: only what the last runs saw counts.
    const newestAt = Math.max(0, ...rows.map((row) => row.health.lastAt));
    const present = rows.filter((row) => newestAt - row.health.lastAt <= route.probe.staleAfterMs);
    return [...new Set(present.map((row) => row.hop))].map((key) => {
      const votes = present.filter((row) => row.hop === key);
      const { health } = poll(votes, { quorum: route.failover.quorum, thresholds: route.probe }, now);
      const address = key.slice(prefix.length, key.lastIndexOf(']'));
      const hop = { exchange: one.exchange, address: address === '' ? null : address, port: one.port };
      return { hop, preference: one.preference, health: healthAsOf(health, now, route.probe) };
    });
  });
}
