// What became of an action, in text and JSON.

import { displayName } from '../model/domain-name.ts';
import type { Action, ActionState } from '../model/change.ts';
import { sanitise } from '../model/text.ts';
import { formatInstant } from './duration.ts';
import { changeDocument, waitText } from './plan.ts';
import { iso } from './status.ts';
import type { Style, Tone } from './terminal.ts';

const endings: Readonly<Record<ActionState, { text: string; tone: Tone }>> = {
  intended: { text: 'NOT KNOWN', tone: 'bad' },
  applied: { text: 'written, not confirmed', tone: 'warn' },
  confirmed: { text: 'done', tone: 'good' },
  cleared: { text: 'done', tone: 'good' },
  conflict: { text: 'overtaken, nothing changed', tone: 'warn' },
  failed: { text: 'failed, nothing changed', tone: 'bad' },
  partial: { text: 'PARTLY done', tone: 'bad' },
};

const overwritten = { text: 'written, overwritten since', tone: 'warn' } as const;

/** An action that was applied first and then found overwritten did change something. */
function endingOf({ state, appliedAt }: Action): { readonly text: string; readonly tone: Tone } {
  return state === 'conflict' && appliedAt !== null ? overwritten : endings[state];
}

/** `support: proxy -> direct`, as in every list and event. */
export function describeMove({ plan }: Action): string {
  if (plan.kind === 'raise-ttl') return `${plan.route}: TTL of ${plan.to ?? ''} raised`;
  return `${plan.route}: ${plan.from ?? 'drift'} -> ${plan.to ?? 'as before'}`;
}

export function renderAction(action: Action, now: number, style: Style): string[] {
  const { text, tone } = endingOf(action);
  const isMixed = action.state === 'partial' || action.state === 'intended';
  return [
    ...(isMixed ? changeLines(action) : []),
    ...(action.state === 'confirmed' ? ['every authoritative server answers the new records'] : []),
    ...(action.appliedAt === null ? [] : [waitText(action.clearAt, now)]),
    `${style.paint(tone, text)}   ${describeMove(action)}   change ${action.plan.id}`,
  ];
}

/** What a round did, in a sentence: a move is only called one where something was written. */
export function describeOutcome(action: Action, now: number): string {
  const move = describeMove(action);
  if (action.appliedAt === null) return `${move}: ${endingOf(action).text}`;
  const isWhole = action.state !== 'partial' && action.state !== 'conflict';
  const what = isWhole
    ? `${action.plan.kind === 'raise-ttl' ? '' : 'moved '}${move}`
    : `${move}: ${endingOf(action).text}`;
  return `${what}; ${waitText(action.clearAt, now)}; undo: mxctl rollback ${action.plan.id}`;
}

function changeLines(action: Action): string[] {
  return action.plan.changes.map(
    (change, at) =>
      `  ${(action.changeStates[at] ?? 'pending').padEnd(9)}  ${displayName(change.owner)} ${change.type} (${change.provider})`,
  );
}

/** One line of `history`. */
export function actionLine(action: Action): string {
  const end = endingOf(action).text;
  const note = action.note === null ? '' : ` (${sanitise(action.note, 120)})`;
  const kind = action.plan.kind === 'raise-ttl' ? '' : `  ${action.plan.kind}`;
  return `${formatInstant(action.intendedAt)}  ${action.plan.id}  ${describeMove(action)}${kind}  ${end}  ${sanitise(action.by)}${note}`;
}

export function actionDocument(action: Action): Record<string, unknown> {
  const { plan } = action;
  return {
    id: action.id,
    plan: plan.id,
    digest: plan.digest,
    route: plan.route,
    kind: plan.kind,
    from: plan.from,
    to: plan.to,
    state: action.state,
    by: action.by,
    reason: action.reason,
    overrides: action.overrides,
    intended_at: iso(action.intendedAt),
    applied_at: iso(action.appliedAt),
    confirmed_at: iso(action.confirmedAt),
    clear_at: iso(action.clearAt),
    rollback_of: action.rollbackOf,
    note: action.note,
    changes: plan.changes.map((change, at) => ({
      ...changeDocument(change),
      state: action.changeStates[at] ?? 'pending',
    })),
  };
}
