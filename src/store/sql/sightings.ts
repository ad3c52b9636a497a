// Sightings: which answer each authoritative server gave from when until when. The cache bound is computed from these,
// so where a look is doubtful the record errs towards "served longer". RFC 2181 §8, RFC 2308 §5.

import type { Transaction } from 'kysely';
import type { DomainName } from '../../model/domain-name.ts';
import type { RrType } from '../../model/rrset.ts';
import type { Sighting } from '../../model/sighting.ts';
import type { Look } from '../store.ts';
import type { SqlEngine } from './engine.ts';
import { Fields } from './fields.ts';
import type { Tables } from './schema.ts';
import { isRrType } from './words.ts';

/** Looks in one go: nine columns each, below SQLite's 32,766 parameters. */
const looksPerBatch = 500;

/** What a server answers now, as the store has it or will have it. */
interface Open {
  readonly owner: string;
  readonly type: string;
  readonly server: string;
  readonly ttl: number;
  readonly rdata: string;
  readonly first_seen_at: number;
  readonly last_seen_at: number;
  readonly replaced_at: null;
}

type Replaced = Omit<Open, 'replaced_at'> & { readonly replaced_at: number };

const keyOf = ({ owner, type, server }: Pick<Open, 'owner' | 'type' | 'server'>): string =>
  JSON.stringify([owner, type, server]);

async function readOpen(trx: Transaction<Tables>, looks: readonly Look[]): Promise<Map<string, Open>> {
  const rows = await trx
    .selectFrom('sighting')
    .selectAll()
    .where('owner', 'in', [...new Set(looks.map((one) => one.owner))])
    .where('replaced_at', 'is', null)
    .execute();
  return new Map(
    rows.map((row) => {
      const fields = Fields.ofRow('sighting', `${row.owner} ${row.type} ${row.server}`, row);
      const open: Open = {
        owner: fields.text('owner'),
        type: fields.text('type'),
        server: fields.text('server'),
        ttl: fields.count('ttl'),
        rdata: fields.text('rdata'),
        first_seen_at: fields.number('first_seen_at'),
        last_seen_at: fields.number('last_seen_at'),
        replaced_at: null,
      };
      return [keyOf(open), open];
    }),
  );
}

/** The same answer again extends what is open; another one closes it and opens anew. A clock that was set back, or a
 *  look that comes late, must not let the old answer end before it was last seen. */
function follow(
  before: Open | undefined,
  look: Look,
): { readonly open: Open; readonly replaced: Replaced | null } {
  const { owner, type, server, ttl, at } = look;
  const rdata = JSON.stringify(look.rdata);
  if (before?.ttl === ttl && before.rdata === rdata)
    return { open: { ...before, last_seen_at: Math.max(before.last_seen_at, at) }, replaced: null };
  const since = Math.max(at, before?.last_seen_at ?? at);
  const seen = { first_seen_at: since, last_seen_at: since, replaced_at: null };
  return {
    open: { owner, type, server, ttl, rdata, ...seen },
    replaced: before === undefined ? null : { ...before, replaced_at: since },
  };
}

/** The one open sighting of that server, whatever it is: closed for good. */
async function closeStored(trx: Transaction<Tables>, one: Replaced): Promise<void> {
  await trx
    .updateTable('sighting')
    .set({ last_seen_at: one.last_seen_at, replaced_at: one.replaced_at })
    .where('owner', '=', one.owner)
    .where('type', '=', one.type)
    .where('server', '=', one.server)
    .where('replaced_at', 'is', null)
    .execute();
}

async function recordBatch(trx: Transaction<Tables>, looks: readonly Look[]): Promise<void> {
  const stored = await readOpen(trx, looks);
  const open = new Map<string, Open>();
  const passing: Replaced[] = [];
  for (const look of looks) {
    const key = keyOf(look);
    const next = follow(open.get(key) ?? stored.get(key), look);
    if (next.replaced !== null) {
      // What was opened and replaced within this call is not stored yet.
      if (stored.delete(key)) await closeStored(trx, next.replaced);
      else passing.push(next.replaced);
    }
    open.set(key, next.open);
  }
  if (passing.length > 0) await trx.insertInto('sighting').values(passing).execute();
  await trx
    .insertInto('sighting')
    .values([...open.values()])
    .onConflict((conflict) =>
      conflict
        .columns(['owner', 'type', 'server'])
        .where('replaced_at', 'is', null)
        .doUpdateSet((eb) => ({ last_seen_at: eb.ref('excluded.last_seen_at') })),
    )
    .execute();
}

export async function recordLooks(engine: SqlEngine, looks: readonly Look[]): Promise<void> {
  if (looks.length === 0) return;
  await engine.write('relaxed', async (trx) => {
    for (let start = 0; start < looks.length; start += looksPerBatch) {
      await recordBatch(trx, looks.slice(start, start + looksPerBatch));
    }
  });
}

export async function readSightings(engine: SqlEngine, owner: DomainName, type: RrType): Promise<Sighting[]> {
  const rows = await engine.db
    .selectFrom('sighting')
    .selectAll()
    .where('owner', '=', owner)
    .where('type', '=', type)
    .orderBy('first_seen_at')
    .orderBy('server')
    .execute();
  return rows.map((row) => {
    const fields = Fields.ofRow('sighting', `${row.owner} ${row.type} ${row.server}`, row);
    const stored = fields.text('type');
    return {
      owner: fields.domainName('owner'),
      type: isRrType(stored) ? stored : fields.fail('type', 'a record type'),
      server: fields.text('server'),
      ttl: fields.count('ttl'),
      rdata: fields.jsonList('rdata').texts('rdata'),
      firstSeenAt: fields.number('first_seen_at'),
      lastSeenAt: fields.number('last_seen_at'),
      replacedAt: fields.numberOrNull('replaced_at'),
    };
  });
}
