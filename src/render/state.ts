// What `mxctl state` shows: where the state is, what is in it, who holds what.

import type { RowCounts } from '../app/state.ts';
import type { HeldLeaseRow, StoreDescription } from '../store/store.ts';
import { formatDuration, formatInstant } from './duration.ts';
import { renderTable } from './table.ts';
import type { Style } from './terminal.ts';

const kinds: Readonly<Record<StoreDescription['kind'], string>> = {
  sqlite: 'SQLite, this machine alone',
  postgres: 'PostgreSQL, may be shared',
};

export function isPending({ schema, knownSchema }: StoreDescription): boolean {
  return schema < knownSchema;
}

export function renderState(state: StoreDescription, now: number, style: Style): string[] {
  const { location, kind, schema, knownSchema, sizeBytes, tables, oldestAt, leases } = state;
  const pending = isPending(state) ? style.paint('warn', `  migration to ${knownSchema} pending`) : '';
  const facts = [
    ['state', location],
    ['kind', kinds[kind]],
    ['schema', schema === 0 ? 'none yet' : String(schema)],
    ['size', sizeBytes === null ? 'unknown' : formatBytes(sizeBytes)],
    [
      'oldest',
      oldestAt === null ? 'nothing yet' : `${formatInstant(oldestAt)}, ${formatDuration(now - oldestAt)} ago`,
    ],
  ];
  const lines = renderTable([{ header: '' }, { header: '' }], facts, style);
  if (pending !== '') lines[2] = `${lines[2] ?? ''}${pending}`;
  const filled = tables.filter((one) => one.rows > 0);
  return [
    ...lines,
    '',
    ...(filled.length === 0
      ? ['No rows.']
      : renderTable(
          [{ header: 'TABLE' }, { header: 'ROWS', align: 'right' }],
          filled.map((one) => [one.name, String(one.rows)]),
          style,
        )),
    '',
    ...(leases.length === 0
      ? ['No lease is held.']
      : renderTable(
          [{ header: 'LEASE' }, { header: 'HOLDER' }, { header: 'SINCE' }, { header: 'ENDS' }],
          leases.map((one) => [one.lease.route, one.lease.holder, sinceOf(one, now), endOf(one)]),
          style,
        )),
  ];
}

/** Who holds it and since when, for a person who is about to free it. */
export function renderLease(held: HeldLeaseRow, now: number): string[] {
  const { route, holder, token } = held.lease;
  return [`${route} is held by ${holder}, since ${sinceOf(held, now)} (token ${token}); ${endOf(held)}`];
}

function endOf({ leftMs }: HeldLeaseRow): string {
  return leftMs > 0 ? `ends in ${formatDuration(leftMs)}` : `ended ${formatDuration(-leftMs)} ago`;
}

function sinceOf({ lease }: HeldLeaseRow, now: number): string {
  const at = heldSince(lease.holder);
  return at === null ? 'unknown' : `${formatInstant(at)}, ${formatDuration(now - at)} ago`;
}

const crockford = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** When the run of the holder began: its ULID says so in its first ten characters. Null where it bears none. */
function heldSince(holder: string): number | null {
  const [, time] = /:([0-7][0-9A-HJKMNP-TV-Z]{9})[0-9A-HJKMNP-TV-Z]{16}$/.exec(holder) ?? [];
  return time === undefined
    ? null
    : time.split('').reduce((at, digit) => at * 32 + crockford.indexOf(digit), 0);
}

function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1000).toFixed(1)} kB`;
  return bytes < 1_000_000_000 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

export function stateDocument(state: StoreDescription, now: number): Record<string, unknown> {
  return {
    location: state.location,
    kind: state.kind,
    schema: state.schema,
    known_schema: state.knownSchema,
    migration_pending: isPending(state),
    size_bytes: state.sizeBytes,
    tables: Object.fromEntries(state.tables.map((one) => [one.name, one.rows])),
    oldest_at: state.oldestAt === null ? null : new Date(state.oldestAt).toISOString(),
    leases: state.leases.map((one) => leaseDocument(one, now)),
  };
}

export function leaseDocument({ lease, leftMs }: HeldLeaseRow, now: number): Record<string, unknown> {
  const since = heldSince(lease.holder);
  return {
    name: lease.route,
    holder: lease.holder,
    token: lease.token,
    since: since === null ? null : new Date(since).toISOString(),
    ends_at: new Date(now + leftMs).toISOString(),
    is_live: leftMs > 0,
  };
}

/** Rows by table, and their sum. */
export function countsDocument(counts: RowCounts): Record<string, unknown> {
  return {
    rows: [...counts.values()].reduce((sum, one) => sum + one, 0),
    tables: Object.fromEntries(counts),
  };
}
