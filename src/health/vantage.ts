// Whose results count. A vantage that fails its references is left out, with what it wrote before it noticed; one whose
// clock is wrong is left out by the dates of its results, and named; a name that two machines use is one vote, and of
// one machine.

import type { Vantage } from '../model/vantage.ts';

/** Where a machine stands that uses a name. */
export interface Standing {
  /** Turn from which it has used the name without a break. */
  readonly sinceTurn: number;
  /** Another machine that works under the same name at the same time. */
  readonly rival: string | null;
  readonly rivalAt: number | null;
  /** True where the rival had the name first: this machine measures nothing, writes nothing and decides nothing. */
  readonly isLeftOut: boolean;
  /** True in the first run that notices: what stands under the name was counted by both. */
  readonly isNewRival: boolean;
}

/**
 * What the rows of a name, as they were before this check-in, say of the machine that checks in. Two machines are at
 * work where another one checked in between two check-ins of this one, no further apart than `withinMs` by its own
 * clock: turns are an order that no clock has a say in. A machine that takes over for good (a container that was
 * started elsewhere) never sees the other one again, and goes on with its counters.
 */
export function standingOf(
  before: readonly Vantage[],
  me: { readonly machine: string; readonly turn: number; readonly at: number },
  withinMs: number,
): Standing {
  const own = before.find((one) => one.machine === me.machine);
  const fresh = { sinceTurn: me.turn, rival: null, rivalAt: null, isLeftOut: false, isNewRival: false };
  // It was away: whoever has the name now had it first.
  if (own === undefined || Math.abs(me.at - own.seenAt) > withinMs) return fresh;
  const others = before.filter((one) => one.machine !== me.machine);
  const between = others.filter((one) => one.turn > own.turn).sort((a, b) => b.turn - a.turn);
  const isRemembered = own.rivalAt !== null && Math.abs(me.at - own.rivalAt) <= withinMs;
  const rivals =
    between.length > 0 ? between : others.filter((one) => isRemembered && one.machine === own.rival);
  const [rival] = rivals;
  if (rival === undefined) return { ...fresh, sinceTurn: own.sinceTurn };
  return {
    sinceTurn: own.sinceTurn,
    rival: rival.machine,
    rivalAt: between.length > 0 ? me.at : own.rivalAt,
    isLeftOut: rivals.some((one) => one.sinceTurn < own.sinceTurn),
    isNewRival: !isRemembered,
  };
}

/** fresh    heard of within the time that results stay fresh
 *  silent   not heard of for longer
 *  fault    its references fail: nothing of it counts
 *  clock    its clock and another's differ by more than results stay fresh */
export type SeatState = 'fresh' | 'silent' | 'fault' | 'clock';

/** What is known of the vantage of a name. */
export interface Seat {
  readonly name: string;
  readonly machine: string;
  readonly version: string;
  readonly state: SeatState;
  readonly seenAt: number;
  readonly faultSince: number | null;
  /** How far its clock is ahead of ours (negative: behind another's); ms; null where nothing shows it. */
  readonly skewMs: number | null;
  /** Another machine that works under the same name; null where none does. */
  readonly rival: string | null;
}

/** The vantages by name, each as the machine that has the name. */
export function seatsOf(vantages: readonly Vantage[], now: number, staleAfterMs: number): Seat[] {
  return [...Map.groupBy(vantages, (one) => one.name).values()].map((rows) => {
    const [newest, ...older] = rows.toSorted((a, b) => b.turn - a.turn) as [Vantage, ...Vantage[]];
    // Whoever came last knows whether the other one is still there; of the two, who had the name first has it.
    const contender = older.find((one) => one.machine === newest.rival);
    const holder = contender !== undefined && contender.sinceTurn < newest.sinceTurn ? contender : newest;
    const other = holder === newest ? contender : newest;
    const skewMs = skewOf(holder, vantages, now, staleAfterMs);
    return {
      name: holder.name,
      machine: holder.machine,
      version: holder.version,
      state: stateOf(holder, skewMs, now, staleAfterMs),
      seenAt: holder.seenAt,
      faultSince: holder.faultSince,
      skewMs,
      rival: other?.machine ?? null,
    };
  });
}

function skewOf(one: Vantage, all: readonly Vantage[], now: number, toleranceMs: number): number | null {
  if (one.seenAt - now > toleranceMs) return one.seenAt - now;
  // Whoever checked in before it cannot have done so later. One whose own clock is ahead is no witness, not even of
  // what it said an interval ago.
  const earlier = all
    .filter((other) => other.seenAt - now <= toleranceMs)
    .flatMap((other) => [
      { turn: other.turn, at: other.seenAt },
      { turn: other.previousTurn ?? Infinity, at: other.previousSeenAt ?? 0 },
    ])
    .filter(({ turn, at }) => turn < one.turn && at - now <= toleranceMs);
  const latest = Math.max(one.seenAt, ...earlier.map(({ at }) => at));
  return latest - one.seenAt > toleranceMs ? one.seenAt - latest : null;
}

function stateOf(one: Vantage, skewMs: number | null, now: number, staleAfterMs: number): SeatState {
  if (one.faultSince !== null) return 'fault';
  if (skewMs !== null) return 'clock';
  return now - one.seenAt > staleAfterMs ? 'silent' : 'fresh';
}

/** True where the results of that vantage count for others. One that never checked in was written by an older
 *  mxctl: its results count while they are fresh. */
export function mayVote(vantage: string, seats: ReadonlyMap<string, Seat>): boolean {
  const state = seats.get(vantage)?.state ?? 'fresh';
  return state === 'fresh' || state === 'silent';
}
