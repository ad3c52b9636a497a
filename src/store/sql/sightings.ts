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

/** The same answer again: true where an open sighting of it was there to extend. */
async function extend(trx: Transaction<Tables>, look: Look, rdata: string): Promise<boolean> {
  const answer = await trx
    .updateTable('sighting')
    .set((eb) => ({
      last_seen_at: eb
        .case()
        .when('last_seen_at', '<', look.at)
        .then(look.at)
        .else(eb.ref('last_seen_at'))
        .end(),
    }))
    .where('owner', '=', look.owner)
    .where('type', '=', look.type)
    .where('server', '=', look.server)
    .where('replaced_at', 'is', null)
    .where('ttl', '=', look.ttl)
    .where('rdata', '=', rdata)
    .executeTakeFirst();
  return answer.numUpdatedRows > 0n;
}

/** Closes what the server answered until now; returns from when the new answer counts. */
async function closeOpen(trx: Transaction<Tables>, look: Look): Promise<number> {
  const open = await trx
    .selectFrom('sighting')
    .select(['last_seen_at'])
    .where('owner', '=', look.owner)
    .where('type', '=', look.type)
    .where('server', '=', look.server)
    .where('replaced_at', 'is', null)
    .executeTakeFirst();
  if (open === undefined) return look.at;
  // A clock that was set back, or a look that comes late, must not let the old answer end before it was last seen.
  const lastSeenAt = Fields.ofRow('sighting', `${look.owner} ${look.type} ${look.server}`, open).number(
    'last_seen_at',
  );
  const at = Math.max(look.at, lastSeenAt);
  await trx
    .updateTable('sighting')
    .set({ replaced_at: at })
    .where('owner', '=', look.owner)
    .where('type', '=', look.type)
    .where('server', '=', look.server)
    .where('replaced_at', 'is', null)
    .execute();
  return at;
}

export async function recordLooks(engine: SqlEngine, looks: readonly Look[]): Promise<void> {
  if (looks.length === 0) return;
  await engine.write('relaxed', async (trx) => {
    for (const look of looks) {
      const rdata = JSON.stringify(look.rdata);
      if (await extend(trx, look, rdata)) continue;
      const at = await closeOpen(trx, look);
      await trx
        .insertInto('sighting')
        .values({
          owner: look.owner,
          type: look.type,
          server: look.server,
          ttl: look.ttl,
          rdata,
          first_seen_at: at,
          last_seen_at: at,
          replaced_at: null,
        })
        .execute();
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
