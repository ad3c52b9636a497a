// A rehearsal: everything of a failover but the write. Providers are opened and asked for what they hold, every candidate
// is measured and put to every guard, and the plan is made. Settles nothing, takes no lease, writes no counters.

import { judge, forbidding } from '../change/guards/index.ts';
import { candidatesOf, matchLive } from '../change/published.ts';
import { recoveryBudget, type RecoveryBudget } from '../change/recovery-budget.ts';
import { AppError, exitCodes, type ExitCode, RefusedError } from '../errors.ts';
import type { Action, GuardResult } from '../model/change.ts';
import type { DomainName } from '../model/domain-name.ts';
import type { PathHealth } from '../model/hop-health.ts';
import { normalTtlsOf, type Route } from '../model/route.ts';
import type { Rrset } from '../model/rrset.ts';
import type { ProviderCapabilities } from '../providers/provider.ts';
import { contextFor, type RouteFacts } from './assess.ts';
import { mapBounded } from './concurrency.ts';
import type { Deps } from './deps.ts';
import { confirmPauseMs } from './measure.ts';
import { preparePlan, type PreparedPlan, readHeld } from './prepare.ts';
import { gatherFacts } from './propose.ts';

export interface RehearsedProvider {
  readonly name: string;
  /** Null where it could not even be opened. */
  readonly label: string | null;
  readonly capabilities: ProviderCapabilities | null;
  readonly zones: readonly DomainName[];
  /** Why it does not let us read; null where it does. */
  readonly fault: AppError | null;
  /** Its last write for us that every authority answered, an instant; ms; null where none is on record. */
  readonly provenAt: number | null;
}

export interface RehearsedCandidate {
  readonly path: string;
  readonly health: PathHealth | null;
  readonly guards: readonly GuardResult[];
  /** Null where a provider does not let us read what it holds. */
  readonly prepared: PreparedPlan | null;
}

export interface Rehearsal {
  readonly route: Route;
  readonly now: number;
  readonly active: string | null;
  readonly providers: readonly RehearsedProvider[];
  /** In the order in which a failover would try them. */
  readonly candidates: readonly RehearsedCandidate[];
  readonly budget: RecoveryBudget;
  /** What an earlier run left open. */
  readonly unsettled: readonly Action[];
  /** Each a sentence: what a failover would stumble over. */
  readonly findings: readonly string[];
  readonly exitCode: ExitCode;
  readonly error: AppError | null;
}

const parallelProviders = 8;

export async function rehearse(route: Route, deps: Deps, signal: AbortSignal): Promise<Rehearsal> {
  const [facts, asked] = await Promise.all([
    gatherFacts(route, deps, signal),
    mapBounded([...new Set(route.records.map((one) => one.provider))], parallelProviders, (name) =>
      askProvider(name, route, deps, signal),
    ),
  ]);
  const providers = asked.map((one) => one.provider);
  const isReadable = providers.every((one) => one.fault === null);
  const held = new Map(asked.flatMap((one) => [...one.held]));
  const match = isReadable ? matchLive(route, held) : facts.match;
  const active = match.kind === 'path' ? match.path : null;
  const names = candidatesOf(route)
    .map((path) => path.name)
    .filter((name) => name !== active);
  const candidates: RehearsedCandidate[] = [];
  for (const name of names) {
    candidates.push(await rehearseCandidate(name, facts, isReadable ? held : null, deps, signal));
  }
  const unsettled = await deps.store.listActions({ route: route.name, isUnsettled: true });
  const seconds = candidates.map((one) => one.prepared?.publish.seconds ?? 0);
  const found = { route, providers, candidates, unsettled };
  return {
    ...found,
    now: facts.now,
    active,
    budget: recoveryBudget(
      { probe: route.probe, canary: route.canary, ttl: normalTtlsOf(route).most },
      { publishSeconds: Math.max(0, ...seconds), burstPauseSeconds: confirmPauseMs.most / 1000 },
    ),
    findings: findingsOf(found),
    ...endOf(found),
  };
}

async function askProvider(
  name: string,
  route: Route,
  deps: Deps,
  signal: AbortSignal,
): Promise<{ readonly provider: RehearsedProvider; readonly held: ReadonlyMap<string, Rrset | null> }> {
  const records = route.records.filter((one) => one.provider === name);
  const zones = [...new Set(records.map((one) => one.zone))];
  const times = await Promise.all(zones.map((zone) => deps.store.readPublishTimes(name, zone, 1)));
  const proven = times.flat().filter((one) => one.allMs !== null);
  const base = {
    name,
    zones,
    provenAt: proven.length === 0 ? null : Math.max(...proven.map((one) => one.at)),
  };
  let opened: Pick<RehearsedProvider, 'label' | 'capabilities'> = { label: null, capabilities: null };
  try {
    const { label, capabilities } = await deps.provider(name);
    opened = { label, capabilities };
    const held = await readHeld({ ...route, records }, deps, signal);
    return { provider: { ...base, ...opened, fault: null }, held };
  } catch (error) {
    if (!(error instanceof AppError) || signal.aborted) throw error;
    return { provider: { ...base, ...opened, fault: error }, held: new Map() };
  }
}

async function rehearseCandidate(
  name: string,
  facts: RouteFacts,
  held: ReadonlyMap<string, Rrset | null> | null,
  deps: Deps,
  signal: AbortSignal,
): Promise<RehearsedCandidate> {
  const health = facts.measurement.health.get(name) ?? null;
  if (held === null) {
    return { path: name, health, guards: judge(contextFor(facts, name, 'manual')), prepared: null };
  }
  const prepared = await preparePlan(facts, held, name, 'manual', deps, signal);
  return { path: name, health, guards: prepared.guards, prepared };
}

type Found = Pick<Rehearsal, 'route' | 'providers' | 'candidates' | 'unsettled'>;

function findingsOf({ route, providers, candidates, unsettled }: Found): string[] {
  return [
    ...providers.flatMap(({ name, fault }) => (fault === null ? [] : [`${name}: ${fault.message}`])),
    ...candidates.flatMap(({ path, guards }) =>
      isMeant(route, path)
        ? forbidding(guards).map((one) => `${path} would be refused by ${one.name}: ${one.reason}`)
        : [],
    ),
    ...(candidates.length === 0 ? ['there is no other path to move to'] : []),
    ...unsettled.map(
      ({ plan, state }) => `change ${plan.id} is left open (${state}): mxctl watch ${plan.id}`,
    ),
  ];
}

/** Paths that a failover would try by itself; others are shown, and may be as they like. */
function isMeant(route: Route, path: string): boolean {
  return path === route.prefer || route.failoverTo.length === 0 || route.failoverTo.includes(path);
}

function endOf(found: Found): Pick<Rehearsal, 'exitCode' | 'error'> {
  const fault = found.providers.find((one) => one.fault !== null)?.fault ?? null;
  if (fault !== null) return { exitCode: fault.exitCode, error: fault };
  const meant = found.candidates.filter((one) => isMeant(found.route, one.path));
  const refused = meant.filter((one) => forbidding(one.guards).length > 0);
  if (refused.length === meant.length) {
    const [first] = refused.flatMap((one) => forbidding(one.guards));
    const why = first === undefined ? 'there is no other path' : `${first.name}: ${first.reason}`;
    const error = new RefusedError('refused', `a failover would be refused now by ${why}`, {
      hint: 'nothing was changed; this is what a night would have met',
    });
    return { exitCode: error.exitCode, error };
  }
  return { exitCode: findingsOf(found).length > 0 ? exitCodes.found : exitCodes.ok, error: null };
}
