// Leases: one holder per route, by compare-and-set on one row. The row outlives the lease, because the token in it is
// spent for ever: a holder that slept through its lease is recognised by its smaller token (fencing).

import type { Transaction } from 'kysely';
import { exitCodes, LeaseError, StoreError } from '../../errors.ts';
import type { Lease } from '../../model/lease.ts';
import { sanitise } from '../../model/text.ts';
import type { LeaseAnswer } from '../store.ts';
import type { SqlEngine } from './engine.ts';
import { Fields } from './fields.ts';
import type { Tables } from './schema.ts';

/** A lease covers one action, minutes; renewal makes longer ones. */
const maxTtlMs = 3_600_000;
/** A lease that ends later than any honest one could was written by a clock that ran wild (a machine that booted in
 *  2040): it would lock the route for years. An hour of skew between two hosts is still honoured. */
const maxHorizonMs = 2 * maxTtlMs;
/** Holder of a lease that nobody has. */
export const nobody = '';

type Trx = Transaction<Tables>;

interface LeaseRow {
  readonly holder: string;
  readonly token: number;
  readonly expiresAt: number;
}

async function readRow(trx: Trx, route: string): Promise<LeaseRow | null> {
  const row = await trx.selectFrom('lease').selectAll().where('route', '=', route).executeTakeFirst();
  if (row === undefined) return null;
  const fields = Fields.ofRow('lease', route, row);
  return {
    holder: fields.text('holder'),
    token: fields.count('token'),
    expiresAt: fields.number('expires_at'),
  };
}

/** Largest token in the route's journal; 0 where there is none. */
async function maxJournalToken(trx: Trx, route: string): Promise<number> {
  const row = await trx
    .selectFrom('action')
    .select((eb) => eb.fn.max('lease_token').as('token'))
    .where('route', '=', route)
    .executeTakeFirst();
  return row === undefined ? 0 : (Fields.ofRow('action', route, row).numberOrNull('token') ?? 0);
}

function checkTtl(ttlMs: number): void {
  if (!(ttlMs > 0 && ttlMs <= maxTtlMs))
    throw new RangeError(`lease of ${ttlMs} ms: 1..${maxTtlMs} is possible`);
}

export async function acquireLease(
  engine: SqlEngine,
  route: string,
  holder: string,
  ttlMs: number,
  callersNow: number,
  deadHolder: string | null = null,
): Promise<LeaseAnswer> {
  checkTtl(ttlMs);
  if (holder === nobody) throw new RangeError('a lease needs a holder');
  return engine.write('relaxed', async (trx): Promise<LeaseAnswer> => {
    const now = await engine.leaseNow(trx, callersNow);
    const expiresAt = now + ttlMs;
    const known = await readRow(trx, route);
    if (known === null) {
      const token = (await maxJournalToken(trx, route)) + 1;
      await trx.insertInto('lease').values({ route, holder, token, expires_at: expiresAt }).execute();
      return { outcome: 'held', lease: { route, holder, token, expiresAt } };
    }
    // Not even by the same holder: an action of this run is under way under the first token.
    const isLive = known.holder !== nobody && known.expiresAt > now && known.expiresAt <= now + maxHorizonMs;
    if (isLive && known.holder !== deadHolder) return taken(known, now);
    const token = known.token + 1;
    const updated = await trx
      .updateTable('lease')
      .set({ holder, token, expires_at: expiresAt })
      .where('route', '=', route)
      .where('token', '=', known.token)
      .executeTakeFirst();
    if (updated.numUpdatedRows === 1n) return { outcome: 'held', lease: { route, holder, token, expiresAt } };
    // Only where the database let another writer in between (not SQLite): it was quicker.
    return taken((await readRow(trx, route)) ?? { holder: nobody, token, expiresAt: now }, now);
  });
}

function taken({ holder, expiresAt }: LeaseRow, now: number): LeaseAnswer {
  return { outcome: 'taken', holder: sanitise(holder), expiresAt, leftMs: expiresAt - now };
}

function lost(lease: Lease, row: LeaseRow | null): LeaseError {
  const now =
    row === null || row.holder === nobody ? 'nobody has it now' : `${sanitise(row.holder)} has it now`;
  return new LeaseError('lease-lost', `route ${lease.route}: lease ${lease.token} was lost; ${now}`, {
    hint: `mxctl status ${lease.route}   shows what the other run did`,
  });
}

/** A lease that ran out but that nobody took may be renewed: no other token was given, so nobody acted in between. */
export async function renewLease(
  engine: SqlEngine,
  lease: Lease,
  ttlMs: number,
  callersNow: number,
): Promise<Lease> {
  checkTtl(ttlMs);
  return engine.write('relaxed', async (trx) => {
    const expiresAt = (await engine.leaseNow(trx, callersNow)) + ttlMs;
    const renewed = await trx
      .updateTable('lease')
      .set({ expires_at: expiresAt })
      .where('route', '=', lease.route)
      .where('token', '=', lease.token)
      .where('holder', '=', lease.holder)
      .executeTakeFirst();
    if (renewed.numUpdatedRows !== 1n) throw lost(lease, await readRow(trx, lease.route));
    return { ...lease, expiresAt };
  });
}

export async function releaseLease(engine: SqlEngine, lease: Lease): Promise<void> {
  await engine.write('relaxed', async (trx) => {
    await trx
      .updateTable('lease')
      .set({ holder: nobody, expires_at: 0 })
      .where('route', '=', lease.route)
      .where('token', '=', lease.token)
      .where('holder', '=', lease.holder)
      .execute();
  });
}

/** Fencing, within the transaction that writes: throws StoreError `store-fenced` where a larger token was given, and
 *  LeaseError `lease-lost` where the lease was released or is unknown. */
export async function assertLease(trx: Trx, lease: Lease): Promise<void> {
  // An UPDATE that changes nothing, not a SELECT: it locks the row where the database locks rows.
  const still = await trx
    .updateTable('lease')
    .set((eb) => ({ token: eb.ref('token') }))
    .where('route', '=', lease.route)
    .where('token', '=', lease.token)
    .where('holder', '=', lease.holder)
    .executeTakeFirst();
  const row = still.numUpdatedRows === 1n ? null : await readRow(trx, lease.route);
  const seen = Math.max(row?.token ?? 0, await maxJournalToken(trx, lease.route));
  if (seen > lease.token) {
    throw new StoreError(
      'store-fenced',
      `route ${lease.route}: lease ${lease.token} is too old, ${seen} was given`,
      {
        hint: `another run took over; mxctl status ${lease.route}   shows what it did`,
        exitCode: exitCodes.locked,
      },
    );
  }
  if (still.numUpdatedRows !== 1n) throw lost(lease, row);
}
