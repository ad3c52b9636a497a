// Observations: what probes measured, whole as JSON, newest first.

import type { Transaction } from 'kysely';
import type { Observation, SmtpReply, StageResult, TlsFacts } from '../../model/observation.ts';
import type { ObservationRow } from '../store.ts';
import type { SqlEngine } from './engine.ts';
import { Fields } from './fields.ts';
import type { Tables } from './schema.ts';
import { knownFates, knownStages, knownVerdicts } from './words.ts';

/** Rows in one INSERT: four columns each, far below SQLite's 32,766 parameters and PostgreSQL's 65,535. */
const rowsPerInsert = 500;

export function parseReply(fields: Fields): SmtpReply {
  return { code: fields.count('code'), enhanced: fields.textOrNull('enhanced'), text: fields.line('text') };
}

function parseReplyIn(fields: Fields): SmtpReply | null {
  const reply = fields.objectOrNull('reply');
  return reply === null ? null : parseReply(reply);
}

function parseStage(fields: Fields): StageResult {
  return {
    stage: fields.oneOf('stage', knownStages),
    ok: fields.flag('ok'),
    elapsedMs: fields.number('elapsedMs'),
    reply: parseReplyIn(fields),
    fault: fields.lineOrNull('fault'),
  };
}

function parseTls(fields: Fields): TlsFacts {
  return {
    protocol: fields.line('protocol'),
    isNameGood: fields.flag('isNameGood'),
    isChainTrusted: fields.flag('isChainTrusted'),
    fault: fields.lineOrNull('fault'),
    expiresAt: fields.numberOrNull('expiresAt'),
    names: fields.lines('names'),
    presented: null,
  };
}

function parseObservation(fields: Fields): Observation {
  const tls = fields.objectOrNull('tls');
  return {
    exchange: fields.domainName('exchange'),
    address: fields.textOrNull('address'),
    port: fields.count('port'),
    vantage: fields.line('vantage'),
    at: fields.number('at'),
    elapsedMs: fields.number('elapsedMs'),
    verdict: fields.oneOf('verdict', knownVerdicts),
    fate: fields.oneOf('fate', knownFates),
    stage: fields.oneOf('stage', knownStages),
    stages: fields.objects('stages').map(parseStage),
    reply: parseReplyIn(fields),
    summary: fields.line('summary'),
    isSlow: fields.flag('isSlow'),
    tls: tls === null ? null : parseTls(tls),
    offersStarttls: fields.flagOrNull('offersStarttls'),
    takesCanary: fields.flagOrNull('takesCanary'),
  };
}

/** Without the digests of the chain: more than the rest of the row, and a guard believes only what this run saw. */
function bodyOf(observation: Observation): string {
  const { tls } = observation;
  return JSON.stringify({ ...observation, tls: tls === null ? null : { ...tls, presented: undefined } });
}

const instantOf = (route: string, at: number): string => JSON.stringify([route, at]);

/** Largest `seq` of each route and instant that has observations already. */
async function lastSeqs(
  trx: Transaction<Tables>,
  rows: readonly ObservationRow[],
): Promise<Map<string, number>> {
  const instants = rows.map((one) => one.observation.at);
  const known = await trx
    .selectFrom('observation')
    .select(['route', 'at', (eb) => eb.fn.max('seq').as('seq')])
    .where('route', 'in', [...new Set(rows.map((one) => one.route))])
    // Not each instant by itself: every route would be asked for every one of them.
    .where('at', '>=', Math.min(...instants))
    .where('at', '<=', Math.max(...instants))
    .groupBy(['route', 'at'])
    .execute();
  return new Map(
    known.map((row) => {
      const fields = Fields.ofRow('observation', row.route, row);
      return [instantOf(row.route, fields.number('at')), fields.number('seq')];
    }),
  );
}

export async function recordObservations(engine: SqlEngine, rows: readonly ObservationRow[]): Promise<void> {
  if (rows.length === 0) return;
  await engine.write('relaxed', async (trx) => {
    for (let start = 0; start < rows.length; start += rowsPerInsert) {
      const batch = rows.slice(start, start + rowsPerInsert);
      const seqs = await lastSeqs(trx, batch);
      const values = batch.map(({ route, observation }) => {
        const { at } = observation;
        const seq = (seqs.get(instantOf(route, at)) ?? 0) + 1;
        seqs.set(instantOf(route, at), seq);
        return { route, at, seq, body: bodyOf(observation) };
      });
      await trx.insertInto('observation').values(values).execute();
    }
  });
}

export async function listObservations(
  engine: SqlEngine,
  route: string,
  limit: number,
): Promise<Observation[]> {
  const rows = await engine.db
    .selectFrom('observation')
    .selectAll()
    .where('route', '=', route)
    .orderBy('at', 'desc')
    .orderBy('seq', 'desc')
    .limit(limit)
    .execute();
  return rows.map((row) =>
    parseObservation(Fields.ofRow('observation', `${row.route} at ${row.at}`, row).json('body')),
  );
}
