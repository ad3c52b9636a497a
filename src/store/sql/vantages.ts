// Vantages: a row for each machine and name, written by that machine alone.

import type { Vantage } from '../../model/vantage.ts';
import type { CheckIn, VantagePatch } from '../store.ts';
import { nextOf } from './counters.ts';
import type { SqlEngine } from './engine.ts';
import { Fields } from './fields.ts';
import type { Tables } from './schema.ts';

function parseVantage(row: Tables['vantage']): Vantage {
  const fields = Fields.ofRow('vantage', `${row.name} ${row.machine}`, row);
  return {
    name: fields.line('name'),
    machine: fields.line('machine'),
    holder: fields.line('holder'),
    version: fields.line('version'),
    turn: fields.count('turn'),
    sinceTurn: fields.count('since_turn'),
    seenAt: fields.number('seen_at'),
    previousTurn: fields.numberOrNull('prev_turn'),
    previousSeenAt: fields.numberOrNull('prev_seen_at'),
    faultSince: fields.numberOrNull('fault_since'),
    rival: fields.lineOrNull('rival'),
    rivalAt: fields.numberOrNull('rival_at'),
  };
}

export async function readVantages(engine: SqlEngine): Promise<Vantage[]> {
  const rows = await engine.db.selectFrom('vantage').selectAll().orderBy('name').orderBy('machine').execute();
  return rows.map(parseVantage);
}

export async function checkIn(
  engine: SqlEngine,
  said: CheckIn,
): Promise<{ turn: number; before: Vantage[] }> {
  const { name, machine, holder, version } = said;
  return engine.write('relaxed', async (trx) => {
    const turn = await nextOf(trx, 'turn');
    const rows = await trx
      .selectFrom('vantage')
      .selectAll()
      .where('name', '=', name)
      .orderBy('machine')
      .execute();
    const mutable = { holder, version, turn, seen_at: said.at };
    await trx
      .insertInto('vantage')
      .values({
        name,
        machine,
        since_turn: turn,
        prev_turn: null,
        prev_seen_at: null,
        fault_since: null,
        rival: null,
        rival_at: null,
        ...mutable,
      })
      .onConflict((conflict) =>
        conflict.columns(['name', 'machine']).doUpdateSet((eb) => ({
          ...mutable,
          prev_turn: eb.ref('vantage.turn'),
          prev_seen_at: eb.ref('vantage.seen_at'),
        })),
      )
      .execute();
    return { turn, before: rows.map(parseVantage) };
  });
}

export async function updateVantage(
  engine: SqlEngine,
  name: string,
  machine: string,
  patch: VantagePatch,
): Promise<void> {
  await engine.write('relaxed', async (trx) => {
    await trx
      .updateTable('vantage')
      .set({
        ...(patch.sinceTurn === undefined ? {} : { since_turn: patch.sinceTurn }),
        fault_since: patch.faultSince,
        rival: patch.rival,
        rival_at: patch.rivalAt,
      })
      .where('name', '=', name)
      .where('machine', '=', machine)
      .execute();
  });
}
