// From an intent to a plan: what the provider holds is read (that is what a compare-and-set compares with), the
// changes are computed, and every guard is asked. Writes nothing.

import { trueBy } from '../change/cache-bound.ts';
import type { GuardContext } from '../change/guards/context.ts';
import { judge } from '../change/guards/index.ts';
import { matchLive, placesOf, rrsetKey } from '../change/published.ts';
import { planOf } from '../change/plan.ts';
import { countedWrites, publishPromise, type PublishPromise, slowestOf } from '../change/publish-promise.ts';
import type { ActionKind, GuardResult, Plan, RrsetChange } from '../model/change.ts';
import type { DomainName } from '../model/domain-name.ts';
import type { Route } from '../model/route.ts';
import type { Rrset } from '../model/rrset.ts';
import type { ProviderCapabilities } from '../providers/provider.ts';
import { contextFor, plannedChanges, type RouteFacts } from './assess.ts';
import { mapBounded } from './concurrency.ts';
import { strandedNote } from './canary-judge.ts';
import type { Deps } from './deps.ts';
import { withTargetFaults } from './target-faults.ts';

export interface PreparedPlan {
  readonly plan: Plan;
  readonly guards: readonly GuardResult[];
  readonly context: GuardContext;
  /** When no conforming cache can hold the replaced RRsets any more, if the plan were carried out now; ms. */
  readonly trueByAt: number;
  /** Until every authority answers what would be written. */
  readonly publish: PublishPromise;
  /** What else must be said: of mail that DNS cannot pull back, and what the providers want said of these zones. */
  readonly notes: readonly string[];
  /** Provider labels and what each can guarantee, by provider name. */
  readonly providers: ReadonlyMap<
    string,
    {
      readonly label: string;
      readonly capabilities: ProviderCapabilities;
      /** The provider's ids of the zones of the plan, where it has such. */
      readonly zoneIds: ReadonlyMap<DomainName, string>;
    }
  >;
}

const parallelReads = 8;

/** What the providers hold for every RRset of the route. Throws ProviderError where one cannot say. */
export async function readHeld(
  route: Route,
  deps: Pick<Deps, 'provider'>,
  signal: AbortSignal,
): Promise<Map<string, Rrset | null>> {
  const zones = [
    ...Map.groupBy(placesOf(route), ({ records }) => `${records.provider} ${records.zone}`).values(),
  ];
  const held = await mapBounded(zones, parallelReads, async (places) => {
    const records = places[0]?.records;
    if (records === undefined) return [];
    const provider = await deps.provider(records.provider);
    const rrsets = await provider.readRrsets(records.zone, places, signal);
    return places.map((place, at) => [rrsetKey(place.owner, place.type), rrsets[at] ?? null] as const);
  });
  return new Map(held.flat());
}

/** The plan for `to`, made from what the providers hold (`readHeld`), with every guard's result. */
export async function preparePlan(
  facts: RouteFacts,
  held: ReadonlyMap<string, Rrset | null>,
  to: string,
  kind: ActionKind,
  deps: Pick<Deps, 'provider' | 'store' | 'clock' | 'digest'>,
  signal: AbortSignal,
): Promise<PreparedPlan> {
  const match = matchLive(facts.route, held);
  const isLagging = JSON.stringify(match) !== JSON.stringify(facts.match);
  const current: RouteFacts = {
    ...facts,
    live: held,
    match,
    disagreement: isLagging
      ? 'the authorities do not publish yet what the provider holds'
      : facts.disagreement,
  };
  const changes = plannedChanges(current, to, kind);
  return finishPlan(current, { to, kind, changes }, deps, signal);
}

export async function finishPlan(
  facts: RouteFacts,
  { to, kind, changes }: { to: string; kind: ActionKind; changes: readonly RrsetChange[] },
  deps: Pick<Deps, 'provider' | 'store' | 'clock' | 'digest'>,
  signal: AbortSignal,
): Promise<PreparedPlan> {
  const { route, match } = facts;
  const from = match.kind === 'path' ? match.path : null;
  const context = contextFor(facts, to, kind, changes);
  const plan = planOf({ route: route.name, kind, from, to, madeAt: facts.now }, changes, deps.digest);
  const providers = await providersOf(changes, deps);
  const publish = await publishPromiseOf(changes, providers, deps);
  return {
    plan,
    guards: await withTargetFaults(judge(context), route, to, deps, signal),
    context,
    publish,
    notes: [...strandedNote(facts.canary, from), ...(await notesOf(changes, deps, signal))],
    trueByAt: await trueByOf(changes, facts.now + publish.seconds * 1000, deps),
    providers,
  };
}

async function publishPromiseOf(
  changes: readonly RrsetChange[],
  providers: PreparedPlan['providers'],
  deps: Pick<Deps, 'store'>,
): Promise<PublishPromise> {
  const zones = [...Map.groupBy(changes, (one) => `${one.provider} ${one.zone}`).values()];
  const promises = await mapBounded(zones, parallelReads, async ([first]) => {
    if (first === undefined) return [];
    const { provider, zone } = first;
    const times = await deps.store.readPublishTimes(provider, zone, countedWrites);
    return [publishPromise(times, providers.get(provider)?.capabilities.publishSeconds ?? 0)];
  });
  return slowestOf(promises.flat());
}

async function notesOf(
  changes: readonly RrsetChange[],
  deps: Pick<Deps, 'provider'>,
  signal: AbortSignal,
): Promise<string[]> {
  const zones = [...Map.groupBy(changes, (one) => `${one.provider} ${one.zone}`).values()];
  const notes = await mapBounded(zones, parallelReads, async ([first]) => {
    if (first === undefined) return [];
    const provider = await deps.provider(first.provider);
    return (await provider.readNotes?.(first.zone, signal)) ?? [];
  });
  return [...new Set(notes.flat())];
}

async function providersOf(
  changes: readonly RrsetChange[],
  deps: Pick<Deps, 'provider'>,
): Promise<PreparedPlan['providers']> {
  const names = [...new Set(changes.map((one) => one.provider))];
  const opened = await Promise.all(names.map(async (name) => [name, await deps.provider(name)] as const));
  return new Map(
    opened.map(([name, provider]) => {
      const zones = new Set(changes.filter((one) => one.provider === name).map((one) => one.zone));
      const zoneIds = new Map(
        [...zones].flatMap((zone) => {
          const id = provider.zoneId?.(zone) ?? null;
          return id === null ? [] : [[zone, id] as const];
        }),
      );
      return [name, { label: provider.label, capabilities: provider.capabilities, zoneIds }];
    }),
  );
}

async function trueByOf(
  changes: readonly RrsetChange[],
  writtenAt: number,
  deps: Pick<Deps, 'store'>,
): Promise<number> {
  const bounds = await mapBounded(changes, parallelReads, async ({ owner, type, expected }) =>
    trueBy(await deps.store.readSightings(owner, type), expected?.ttl ?? 0, writtenAt),
  );
  return Math.max(writtenAt, ...bounds);
}
