// Where a change has got to: one line while it goes on, the whole at the end.

import type { ChangeSeen, SeenVersion, ServerSeen, WatchFrame } from '../app/watch.ts';
import { displayName } from '../model/domain-name.ts';
import { describeMove } from './action.ts';
import { formatDuration, formatTime, iso } from './duration.ts';
import { renderTable } from './table.ts';
import { type Style, type Tone, wrap } from './terminal.ts';

const tones: Readonly<Record<SeenVersion, Tone>> = { new: 'good', old: 'warn', other: 'bad', none: 'faint' };

function tally(seen: readonly ServerSeen[]): string {
  const isNew = seen.filter((one) => one.version === 'new').length;
  return `${isNew}/${seen.length} new`;
}

function boundText({ clearAt, at }: WatchFrame): string {
  if (clearAt === null) return 'cache bound not known until every authority answers the new records';
  if (clearAt <= at) return 'no conforming cache holds the old records';
  return `caches clear at ${formatTime(clearAt)} UTC, in ${formatDuration(clearAt - at)}`;
}

/** One line for a log that goes on. */
export function renderFrameLine(frame: WatchFrame, style: Style): string[] {
  const authorities = tally(frame.changes.flatMap((one) => one.authorities));
  const resolvers = frame.changes.flatMap((one) => one.resolvers);
  const cached = resolvers.length === 0 ? '' : `, resolvers ${tally(resolvers)}`;
  return wrap(
    `${formatTime(frame.at)}  authorities ${authorities}${cached}; ${boundText(frame)}`,
    style.width,
    '    ',
  );
}

export function renderFrame(frame: WatchFrame, style: Style): string[] {
  return [
    `Change ${frame.action.plan.id}   ${describeMove(frame.action)}   ${frame.action.state}`,
    ...renderTable(
      ['RRSET', 'ASKED', 'SERVER', 'ANSWERS', 'TTL', ''].map((header) => ({ header })),
      frame.changes.flatMap((change) => [
        ...change.authorities.map((seen) => row(change, 'authority', seen)),
        ...change.resolvers.map((seen) => row(change, 'resolver', seen)),
      ]),
      style,
    ),
    boundText(frame),
  ];
}

function row({ change }: ChangeSeen, asked: string, seen: ServerSeen) {
  return [
    `${displayName(change.owner)} ${change.type}`,
    asked,
    seen.server.port === 53 ? seen.server.address : `${seen.server.address}#${seen.server.port}`,
    { text: seen.version, tone: tones[seen.version] },
    seen.ttl === null ? '' : String(seen.ttl),
    seen.reason ?? '',
  ];
}

export function frameDocument(frame: WatchFrame): Record<string, unknown> {
  const servers = (seen: readonly ServerSeen[]) =>
    seen.map(({ server, ...rest }) => ({ ...server, ...rest }));
  return {
    at: iso(frame.at),
    change: frame.action.plan.id,
    route: frame.action.plan.route,
    state: frame.action.state,
    clear_at: iso(frame.clearAt),
    clear: frame.isClear,
    rrsets: frame.changes.map(({ change, authorities, resolvers, isPublished }) => ({
      owner: change.owner,
      type: change.type,
      published: isPublished,
      authorities: servers(authorities),
      resolvers: servers(resolvers),
    })),
  };
}
