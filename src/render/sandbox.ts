// The sandbox as JSON and as text: a tour's result, the hops with their faults, the books at the end.

import { iso } from './duration.ts';
import { renderTable } from './table.ts';
import type { Style } from './terminal.ts';

interface Replayable {
  readonly kind: 'letter' | 'canary';
  readonly id: string;
  readonly path: string | null;
  readonly hop: string;
  readonly queueId: string;
  readonly at: number;
}

interface Window {
  readonly path: string | null;
  readonly hop: string;
  readonly fromAt: number;
  readonly toAt: number;
  readonly letters: number;
  readonly canaries: number;
}

interface Tour {
  readonly flips: readonly {
    readonly route: string;
    readonly from: string;
    readonly to: string;
    readonly at: number;
  }[];
  readonly timeline: readonly { readonly at: number; readonly text: string }[];
  readonly toReplay: readonly Replayable[];
  readonly windows: readonly Window[];
  readonly isAsExpected: boolean;
}

/** `data` of `mxctl sandbox --tour`. */
export function tourDocument({ flips, timeline, toReplay, windows, isAsExpected, ...counts }: Tour): unknown {
  return {
    ...counts,
    as_expected: isAsExpected,
    flips: flips.map((flip) => ({ ...flip, at: iso(flip.at) })),
    replay: toReplay.map(replayDocument),
    windows: windows.map(windowDocument),
    timeline: timeline.map((one) => ({ ...one, at: iso(one.at) })),
  };
}

/** One letter or canary that must be sent again. */
export const replayDocument = ({ kind, id, path, hop, queueId, at }: Replayable) => ({
  ...(kind === 'canary' ? { token: id } : { message_id: id }),
  path,
  hop,
  queue_id: queueId,
  handed_at: iso(at),
});

const windowDocument = ({ path, hop, fromAt, toAt, letters, canaries }: Window) => ({
  path,
  hop,
  from: iso(fromAt),
  to: iso(toAt),
  letters,
  canaries,
});

interface Hop {
  readonly name: string;
  readonly exchange: string;
  readonly address: string;
  readonly port: number;
  readonly fault: string;
  readonly held: number;
  readonly discarded: number;
}

/** What `--set` answers: the last two columns count letters that were answered 250 and did not go on. */
export function renderHopStates(hops: readonly Hop[], style: Style): string[] {
  const columns = [
    ...['HOP', 'EXCHANGE', 'ADDRESS', 'STATE'].map((header) => ({ header })),
    ...['HELD', 'GONE'].map((header) => ({ header, align: 'right' as const })),
  ];
  const rows = hops.map(({ name, exchange, address, fault, held, discarded }) => [
    ...[name, exchange, address, fault],
    ...[held, discarded].map(String),
  ]);
  return renderTable(columns, rows, style);
}

export function renderHopAddresses(hops: readonly Hop[], style: Style): string[] {
  const columns = ['HOP', 'EXCHANGE', 'ADDRESS'].map((header) => ({ header }));
  return renderTable(
    columns,
    hops.map((one) => [one.name, one.exchange, `${one.address}:${one.port}`]),
    style,
  );
}

interface Books {
  readonly sent: number;
  readonly delivered: number;
  readonly bounced: number;
  readonly queued: number;
  readonly held: number;
  readonly swallowed: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly canaries: { readonly sent: number; readonly arrived: number; readonly missing: number };
}

/** The last words of a sandbox that stayed up. */
export function renderBooks({ canaries, ...books }: Books): string[] {
  const { sent, delivered, bounced, queued, held, swallowed, lost, duplicated } = books;
  return [
    `sent ${sent}  delivered ${delivered}  bounced ${bounced}  queued ${queued}`,
    `held ${held}  swallowed ${swallowed}  lost ${lost}  duplicated ${duplicated}`,
    `canaries: sent ${canaries.sent}  arrived ${canaries.arrived}  missing ${canaries.missing}`,
  ];
}
