// Changes and events of the journal, oldest first: the last line is the newest.

import type { Action } from '../model/change.ts';
import { sanitise } from '../model/text.ts';
import type { Event } from '../store/store.ts';
import { actionDocument, actionLine, partLines } from './action.ts';
import { formatInstant, iso } from './duration.ts';
import { type Style, wrap } from './terminal.ts';

export function renderHistory(
  actions: readonly Action[],
  events: readonly Event[],
  limit: number,
  style: Style,
): string[] {
  const entries = [
    ...actions.map((one) => ({
      at: one.intendedAt,
      text: actionLine(one),
      below: partLines(one, style, '    '),
    })),
    // Actions tell their own story, better than the event beside them.
    ...events
      .filter((one) => one.kind !== 'action')
      .map((one) => ({ at: one.at, text: eventLine(one), below: [] })),
  ].sort((a, b) => a.at - b.at);
  if (entries.length === 0) return ['Nothing was changed or decided yet.'];
  return entries
    .slice(-limit)
    .flatMap(({ text, below }) => [
      ...wrap(text, style.width, '    ').map((line) => line.trimEnd()),
      ...below,
    ]);
}

function eventLine(event: Event): string {
  const route = event.route === null ? '' : `${event.route}: `;
  return `${formatInstant(event.at)}  ${event.kind}  ${route}${sanitise(event.text, 600)}`;
}

export function historyDocument(actions: readonly Action[], events: readonly Event[]): unknown {
  return {
    changes: actions.map(actionDocument),
    events: events.map((one) => ({ ...one, at: iso(one.at) })),
  };
}
