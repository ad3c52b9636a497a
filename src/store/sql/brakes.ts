// Brakes that tripped, and the owner names that were moved of late: what all controllers of a store share.

import type { Brake } from '../../model/brake.ts';
import type { DomainUse, DomainUseAnswer } from '../store.ts';
import { nextOf } from './counters.ts';
import type { SqlEngine } from './engine.ts';
import { Fields } from './fields.ts';
import type { Tables } from './schema.ts';
import { knownBrakeKinds } from './words.ts';

/** A route or a vantage may have any name, so what binds all cannot be a name. */
function scopeOf({ route, vantage }: Pick<Brake, 'route' | 'vantage'>): string {
  if (route !== null) return `route:${route}`;
  return vantage === null ? 'all' : `vantage:${vantage}`;
}

function parseBrake(row: Tables['brake']): Brake {
  const fields = Fields.ofRow('brake', `${row.kind} ${row.scope}`, row);
  return {
    kind: fields.oneOf('kind', knownBrakeKinds),
    route: fields.textOrNull('route'),
    vantage: fields.textOrNull('vantage'),
    at: fields.number('at'),
    by: fields.line('actor'),
    reason: fields.line('reason'),
    releasedAt: fields.numberOrNull('released_at'),
    releasedBy: fields.lineOrNull('released_by'),
  };
}

export async function readBrakes(engine: SqlEngine): Promise<Brake[]> {
  const rows = await engine.db.selectFrom('brake').selectAll().orderBy('scope').orderBy('kind').execute();
  return rows.map(parseBrake);
}

export async function tripBrake(
  engine: SqlEngine,
  brake: Omit<Brake, 'releasedAt' | 'releasedBy'>,
): Promise<boolean> {
  const values = {
    route: brake.route,
    vantage: brake.vantage,
    at: brake.at,
    actor: brake.by,
    reason: brake.reason,
    released_at: null,
    released_by: null,
  };
  return engine.write('synced', async (trx) => {
    const answer = await trx
      .insertInto('brake')
      .values({ kind: brake.kind, scope: scopeOf(brake), ...values })
      // One that holds keeps when and why it tripped first.
      .onConflict((conflict) =>
        conflict.columns(['kind', 'scope']).doUpdateSet(values).where('brake.released_at', 'is not', null),
      )
      .executeTakeFirst();
    return (answer.numInsertedOrUpdatedRows ?? 0n) > 0n;
  });
}

export async function releaseBrakes(
  engine: SqlEngine,
  route: string | null,
  by: string,
  at: number,
): Promise<Brake[]> {
  return engine.write('synced', async (trx) => {
    const rows = await trx
      .selectFrom('brake')
      .selectAll()
      .where('released_at', 'is', null)
      .where('route', route === null ? 'is' : '=', route)
      .orderBy('scope')
      .orderBy('kind')
      .execute();
    for (const { kind, scope } of rows) {
      await trx
        .updateTable('brake')
        .set({ released_at: at, released_by: by })
        .where('kind', '=', kind)
        .where('scope', '=', scope)
        .execute();
    }
    // What a person has looked at is not held against the next hour.
    if (route === null) await trx.deleteFrom('domain_use').execute();
    return rows.map(parseBrake).map((one) => ({ ...one, releasedAt: at, releasedBy: by }));
  });
}

export async function useDomains(engine: SqlEngine, use: DomainUse): Promise<DomainUseAnswer> {
  const { id, route, at, domains } = use;
  return engine.write('synced', async (trx) => {
    await nextOf(trx, 'domain-use');
    const row = await trx
      .selectFrom('domain_use')
      .select((eb) => eb.fn.sum('domains').as('used'))
      // Dated later than now counts too: a clock that was set back frees nothing.
      .where('at', '>', use.sinceAt)
      .where('id', '!=', id)
      .executeTakeFirst();
    const used = row === undefined ? 0 : (Fields.ofRow('domain_use', id, row).numberOrNull('used') ?? 0);
    if (used + domains > use.most) return { isGranted: false, used };
    await trx
      .insertInto('domain_use')
      .values({ id, route, at, domains })
      .onConflict((conflict) => conflict.column('id').doUpdateSet({ route, at, domains }))
      .execute();
    return { isGranted: true, used: used + domains };
  });
}

export async function returnDomains(engine: SqlEngine, id: string): Promise<void> {
  await engine.write('relaxed', async (trx) => {
    await trx.deleteFrom('domain_use').where('id', '=', id).execute();
  });
}
