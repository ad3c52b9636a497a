// What DNS publishes for a route now: every authoritative server asked, every answer remembered as a sighting, and
// the path that the answers amount to. Reads; never decides.

import { appliedFlip } from '../change/revert.ts';
import { matchLive, placesOf, rrsetKey, type LiveMatch, type RrsetPlace } from '../change/published.ts';
import type { AuthorityAnswer, PublishedView } from '../dns/reader.ts';
import { displayName } from '../model/domain-name.ts';
import type { Route } from '../model/route.ts';
import { isSameRrset, type Rrset } from '../model/rrset.ts';
import type { Look } from '../store/store.ts';
import { recentActions } from './assess.ts';
import { mapBounded } from './concurrency.ts';
import type { Deps } from './deps.ts';

/** One RRset as all its authorities answer it. */
export interface PlaceView {
  readonly place: RrsetPlace;
  readonly view: PublishedView;
  /** Undefined = nobody could say. */
  readonly live: Rrset | null | undefined;
}

export interface RouteLook {
  readonly views: readonly PlaceView[];
  readonly live: ReadonlyMap<string, Rrset | null>;
  readonly match: LiveMatch;
  /** Null while every authority that answers says the same. */
  readonly disagreement: string | null;
  /** Id of the last flip that was on record as applied before DNS was asked; null = none. */
  readonly knownFlip: string | null;
}

/** RRsets of one route read at once; a route of 500 owners must not open 500 questions at a time. */
const parallelLooks = 16;

export async function lookAtRoute(
  route: Route,
  deps: Pick<Deps, 'reader' | 'provider' | 'store'>,
  signal: AbortSignal,
): Promise<RouteLook> {
  const knownFlip = appliedFlip(await deps.store.listActions({ route: route.name, limit: recentActions }));
  const views = await mapBounded(placesOf(route), parallelLooks, async (place) => {
    const view = await readPlace(place, deps, signal);
    return { place, view, live: await liveOf(place, view, deps, signal) };
  });
  await deps.store.recordLooks(views.flatMap(({ view }) => looksOf(view)));
  const live = new Map(
    views.flatMap(({ place, live: rrset }) =>
      rrset === undefined ? [] : [[rrsetKey(place.owner, place.type), rrset] as const],
    ),
  );
  return { views, live, match: matchLive(route, live), disagreement: disagreementOf(views), knownFlip };
}

export async function readPlace(
  place: RrsetPlace,
  deps: Pick<Deps, 'reader'>,
  signal: AbortSignal,
): Promise<PublishedView> {
  const { zone, authorities } = place.records;
  return deps.reader.readPublished({ zone, owner: place.owner, type: place.type, authorities }, signal);
}

/** Answers that say something about the RRset. */
function saying(view: PublishedView): AuthorityAnswer[] {
  return view.answers.filter((one) => one.outcome === 'answer' || one.outcome === 'absent');
}

/** The common answer of the authorities; where they differ, what the provider holds, for that is what a
 *  compare-and-set compares with. */
async function liveOf(
  place: RrsetPlace,
  view: PublishedView,
  deps: Pick<Deps, 'provider'>,
  signal: AbortSignal,
): Promise<Rrset | null | undefined> {
  const answers = saying(view);
  const [first] = answers;
  if (first === undefined) return undefined;
  if (answers.every((one) => isSameRrset(one.rrset, first.rrset))) return first.rrset;
  try {
    const provider = await deps.provider(place.records.provider);
    return await provider.readRrset(place.records.zone, place.owner, place.type, signal);
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

/** What the store keeps of a view: one look per server that said something. */
export function looksOf(view: PublishedView): Look[] {
  return saying(view).map((one) => ({
    owner: view.owner,
    type: view.type,
    server: `${one.server.address}#${one.server.port}`,
    ttl: one.rrset?.ttl ?? one.negativeTtl ?? 0,
    rdata: one.rrset?.rdata ?? [],
    at: one.at,
  }));
}

function disagreementOf(views: readonly PlaceView[]): string | null {
  for (const { place, view } of views) {
    const answers = saying(view);
    const differing = answers.filter((one) => !isSameRrset(one.rrset, answers[0]?.rrset ?? null));
    if (differing.length > 0) {
      const servers = differing.map((one) => one.server.address).slice(0, 3);
      return `authorities differ on ${displayName(place.owner)} ${place.type}: ${servers.join(', ')} against the first`;
    }
  }
  return null;
}

/** True where every authoritative server answers exactly this. A server that fails or is lame answers nothing. */
export function isPublishedEverywhere(view: PublishedView, desired: Rrset | null): boolean {
  return (
    view.answers.length > 0 &&
    view.answers.every(
      (one) => (one.outcome === 'answer' || one.outcome === 'absent') && isSameRrset(one.rrset, desired),
    )
  );
}
