// Moves of `auto` that DNS has and nobody has heard of: the run that made them was killed before it could tell. Found
// by what the history lacks.

import { type Action, autoNamed, isByAuto } from '../model/change.ts';
import type { Event } from '../store/store.ts';
import type { Deps } from './deps.ts';
import { describeRecovered, type Recovery } from './recover.ts';

/** What is older is history, and no news; ms. */
const newsMs = 3_600_000;
/** Another machine tells of its own moves within the round that makes them; ms. */
const othersMs = 120_000;

/** `data.actions` of an event: ids of the actions that it tells of. */
function toldIn({ data }: Event): readonly unknown[] {
  return Array.isArray(data['actions']) ? (data['actions'] as unknown[]) : [];
}

/** `actions` of the route, newest first. */
export async function untoldMoves(
  route: string,
  actions: readonly Action[],
  { store, clock, config }: Pick<Deps, 'store' | 'clock' | 'config'>,
): Promise<Recovery[]> {
  const now = clock.now();
  const isDue = (action: Action): boolean => {
    const { by, confirmedAt } = action;
    if (confirmedAt === null || now - confirmedAt >= newsMs) return false;
    // Rounds under this name follow one another: the one that made it is over.
    return by === autoNamed(config.vantage) || (isByAuto(action) && now - confirmedAt >= othersMs);
  };
  const due = actions.filter(isDue);
  if (due.length === 0) return [];
  const sinceAt = Math.min(...due.map((one) => one.intendedAt));
  const told = new Set((await store.listEvents({ route, sinceAt })).flatMap(toldIn));
  return due
    .filter((one) => !told.has(one.id))
    .map((action) => ({ action, isNews: true, text: describeRecovered(action) }));
}
