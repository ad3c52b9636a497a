// A live drill as lines and as a document: what it took to get there, what senders would have met, and whether
// everything is as it was.

import type { DrillLook } from '../app/drill-hold.ts';
import type { LiveDrill } from '../app/drill-live.ts';
import type { Fate } from '../model/fate.ts';
import { sanitise } from '../model/text.ts';
import { actionDocument } from './action.ts';
import { formatDuration, formatTime, iso } from './duration.ts';
import { hang, pad, type Style } from './terminal.ts';

const labelWidth = 12;

/** One look while it is held, as it happens. */
export function renderLook({ at, target, home }: DrillLook, drilled: { to: string; from: string }): string {
  const word = ({ status, fate }: DrillLook['target']) => `${status} (${fate})`;
  return `${formatTime(at)}  ${drilled.to} ${word(target)}, ${drilled.from} ${word(home)}`;
}

export function renderLiveDrill(drill: LiveDrill, style: Style): string[] {
  const { flip, looks, end, back, isIdentical } = drill;
  const { from, to } = flip.plan;
  const line = (label: string, text: string) =>
    hang(pad(`  ${label}`, labelWidth), sanitise(text, 600), style.width);
  return [
    ...line('There', thereText(drill)),
    ...line('Senders', sendersText(looks, to ?? '?', from ?? '?')),
    ...(end === null ? [] : line('Held', `${formatDuration(heldMs(drill))}: ${end.reason}`)),
    ...(back === null ? [] : line('Back', backText(drill))),
    drill.error === null
      ? `${style.paint('good', 'done')}   ${flip.plan.route} went to ${to ?? '?'} and came back; every record is as it was`
      : `${style.paint('bad', isIdentical ? 'not well' : 'NOT AS IT WAS')}   ${flip.plan.route}`,
  ];
}

function thereText({ flip }: LiveDrill): string {
  const { intendedAt, appliedAt, confirmedAt, clearAt } = flip;
  if (appliedAt === null) return 'nothing was written';
  const published =
    confirmedAt === null
      ? 'not every authority answered it'
      : `everywhere after ${formatDuration(confirmedAt - intendedAt)}`;
  const trueBy = clearAt === null ? '' : `; true for the world at ${formatTime(clearAt)} UTC`;
  return `accepted after ${formatDuration(appliedAt - intendedAt)}, ${published}${trueBy}`;
}

function sendersText(looks: readonly DrillLook[], to: string, from: string): string {
  if (looks.length === 0) return 'nobody looked';
  const of = (pick: (look: DrillLook) => Fate) =>
    [...Map.groupBy(looks, pick)].map(([fate, own]) => `${fate} ${own.length}x`).join(', ');
  return (
    `${looks.length} looks: on ${to} ${of((look) => look.target.fate)}; ` +
    `caches with the old records led to ${from}: ${of((look) => look.home.fate)}`
  );
}

function heldMs({ flip, looks }: LiveDrill): number {
  return (looks.at(-1)?.at ?? 0) - (flip.confirmedAt ?? looks[0]?.at ?? 0);
}

function backText({ flip, back }: LiveDrill): string {
  const until = back?.action?.clearAt ?? null;
  const keep = until === null ? '' : `; keep ${flip.plan.to ?? '?'} up until ${formatTime(until)} UTC`;
  return `${back?.backAt == null ? '' : `at ${formatTime(back.backAt)} UTC, `}${back?.reason ?? ''}${keep}`;
}

export function liveDrillDocument(drill: LiveDrill): Record<string, unknown> {
  const { flip, looks, end, back, isIdentical, finishedAt } = drill;
  return {
    depth: 'live',
    route: flip.plan.route,
    flip: actionDocument(flip),
    accepted_ms: flip.appliedAt === null ? null : flip.appliedAt - flip.intendedAt,
    published_ms: flip.confirmedAt === null ? null : flip.confirmedAt - flip.intendedAt,
    true_by: iso(flip.clearAt),
    looks: looks.map(({ at, target, home }) => ({ at: iso(at), target, home })),
    end,
    back:
      back === null ? null : { at: iso(back.backAt), reason: back.reason, action: back.action?.id ?? null },
    is_identical: isIdentical,
    finished_at: iso(finishedAt),
  };
}
