// What became of an action, in text and JSON.

import { displayName } from '../model/domain-name.ts';
import { type Action, type ActionState, type ChangeState, stillKinds } from '../model/change.ts';
import { sanitise } from '../model/text.ts';
import { formatInstant, iso } from './duration.ts';
import { changeDocument, waitText } from './plan.ts';
import { hang, pad, type Style, type Tone } from './terminal.ts';

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
  if (plan.kind === 'measure') return `${plan.route}: publish time measured by a TXT record`;
  return `${plan.route}: ${plan.from ?? 'drift'} -> ${plan.to ?? 'as before'}`;
}

export function renderAction(action: Action, now: number, style: Style): string[] {
  const { text, tone } = endingOf(action);
  return [
    ...(action.state === 'confirmed' ? ['every authoritative server answers the new records'] : []),
    ...(action.appliedAt === null || isMixed(action) ? [] : [waitText(action.clearAt, now)]),
    ...partLines(action, style),
    `${style.paint(tone, text)}   ${describeMove(action)}   change ${action.plan.id}`,
  ];
}

/** What a round did, in a sentence: a move is only called one where something was written. */
export function describeOutcome(action: Action, now: number): string {
  const move = describeMove(action);
  if (action.appliedAt === null) return `${move}: ${endingOf(action).text}`;
  const undo = `undo: mxctl rollback ${action.plan.id}`;
  if (isMixed(action)) {
    const parts = partsOf(action).map(({ word, names }) => `${word}: ${names}`);
    return [`${move}: ${endingOf(action).text}`, ...parts, undo].join('; ');
  }
  const what =
    action.state === 'conflict'
      ? `${move}: ${endingOf(action).text}`
      : `${stillKinds.includes(action.plan.kind) ? '' : 'moved '}${move}`;
  return `${what}; ${waitText(action.clearAt, now)}; ${undo}`;
}

/** True where some RRsets were changed and others were not, or nobody knows. */
function isMixed({ state }: Action): boolean {
  return state === 'partial' || state === 'intended';
}

/** What was not done comes last: the last lines are the ones that are read. */
const parts: readonly { readonly word: string; readonly states: readonly ChangeState[] }[] = [
  { word: 'changed', states: ['applied', 'confirmed'] },
  { word: 'not known', states: ['pending'] },
  { word: 'NOT changed', states: ['failed', 'conflict'] },
];

/** RRsets of each part that are named; --json has them all. */
const mostNamed = 12;

function partsOf({ plan, changeStates }: Action): { readonly word: string; readonly names: string }[] {
  return parts.flatMap(({ word, states }) => {
    const own = plan.changes.filter((_, at) => states.includes(changeStates[at] ?? 'pending'));
    if (own.length === 0) return [];
    const names = own
      .slice(0, mostNamed)
      .map(({ owner, type, provider }) => `${displayName(owner)} ${type} (${provider})`);
    const more = own.length > mostNamed ? [`and ${own.length - mostNamed} more`] : [];
    return [{ word, names: [...names, ...more].join(', ') }];
  });
}

/** Which RRsets were changed and which were not, where that is not all or none. */
export function partLines(action: Action, style: Style, indent = '  '): string[] {
  if (!isMixed(action)) return [];
  const wordWidth = Math.max(...parts.map(({ word }) => word.length)) + 2;
  return partsOf(action).flatMap(({ word, names }) =>
    hang(indent + pad(word, wordWidth), names, style.width),
  );
}

/** One line of `history`. */
export function actionLine(action: Action): string {
  const end = endingOf(action).text;
  // Why it stopped short is of no use once it was carried out to the end.
  const isDone = action.state === 'confirmed' || action.state === 'cleared';
  const note = action.note === null || isDone ? '' : ` (${sanitise(action.note, longestNote)})`;
  const kind = stillKinds.includes(action.plan.kind) ? '' : `  ${action.plan.kind}`;
  return `${formatInstant(action.intendedAt)}  ${action.plan.id}  ${describeMove(action)}${kind}  ${end}  ${sanitise(action.by)}${note}`;
}

/** Three zones' reasons; --json has the whole. */
const longestNote = 400;

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
