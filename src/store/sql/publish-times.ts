// Publish times: measured by drills and by every write that was due anyway.

import type { Transaction } from 'kysely';
import type { DomainName } from '../../model/domain-name.ts';
import type { PublishTime } from '../../model/publish-time.ts';
import type { SqlEngine } from './engine.ts';
import { Fields, known } from './fields.ts';
import type { Tables } from './schema.ts';

const sources = known<PublishTime['source']>(['drill', 'action']);

export async function recordPublishTimes(engine: SqlEngine, times: readonly PublishTime[]): Promise<void> {
  if (times.length === 0) return;
  await engine.write('relaxed', async (trx) => {
    // A handful of zones at a time: one statement each costs nothing, and may name an id twice.
    for (const { id, ...time } of times) {
      const values = {
        provider: time.provider,
        zone: time.zone,
        at: time.at,
        source: time.source,
        accepted_ms: Math.round(time.acceptedMs),
        first_ms: time.firstMs === null ? null : Math.round(time.firstMs),
        all_ms: time.allMs === null ? null : Math.round(time.allMs),
      };
      await trx
        .insertInto('publish_time')
        .values({ id, ...values })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
        .execute();
    }
  });
}

export async function readPublishTimes(
  engine: SqlEngine,
  provider: string,
  zone: DomainName,
  limit: number,
): Promise<PublishTime[]> {
  const rows = await engine.db
    .selectFrom('publish_time')
    .selectAll()
    .where('provider', '=', provider)
    .where('zone', '=', zone)
    .orderBy('at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
  return rows.map((row) => {
    const fields = Fields.ofRow('publish_time', row.id, row);
    return {
      id: fields.text('id'),
      provider: fields.text('provider'),
      zone: fields.domainName('zone'),
      at: fields.number('at'),
      source: fields.oneOf('source', sources),
      acceptedMs: fields.count('accepted_ms'),
      firstMs: fields.numberOrNull('first_ms'),
      allMs: fields.numberOrNull('all_ms'),
    };
  });
}

export async function prunePublishTimes(trx: Transaction<Tables>, before: number): Promise<bigint> {
  const answer = await trx.deleteFrom('publish_time').where('at', '<', before).executeTakeFirst();
  return answer.numDeletedRows;
}
