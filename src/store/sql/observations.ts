// Observations: what probes measured, whole as JSON, newest first.

import type { Transaction } from 'kysely';
import type { Observation, SmtpReply, StageResult, TlsFacts } from '../../model/observation.ts';
import type { SqlEngine } from './engine.ts';
import { Fields } from './fields.ts';
import type { Tables } from './schema.ts';
import { knownFates, knownStages, knownVerdicts } from './words.ts';

/** Rows in one INSERT: four columns each, far below SQLite's 32,766 parameters and PostgreSQL's 65,535. */
const rowsPerInsert = 500;

function parseReply(fields: Fields): SmtpReply {
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

/** Largest `seq` of each instant that the route has observations of already. */
async function lastSeqs(
  trx: Transaction<Tables>,
  route: string,
  instants: readonly number[],
): Promise<Map<number, number>> {
  const rows = await trx
    .selectFrom('observation')
    .select(['at', (eb) => eb.fn.max('seq').as('seq')])
    .where('route', '=', route)
    .where('at', 'in', instants)
    .groupBy('at')
    .execute();
  return new Map(
    rows.map((row) => {
      const fields = Fields.ofRow('observation', route, row);
      return [fields.number('at'), fields.number('seq')];
    }),
  );
}

export async function recordObservations(
  engine: SqlEngine,
  route: string,
  observations: readonly Observation[],
): Promise<void> {
  if (observations.length === 0) return;
  await engine.write('relaxed', async (trx) => {
    for (let start = 0; start < observations.length; start += rowsPerInsert) {
      const batch = observations.slice(start, start + rowsPerInsert);
      const seqs = await lastSeqs(trx, route, [...new Set(batch.map((one) => one.at))]);
      const rows = batch.map((one) => {
        const seq = (seqs.get(one.at) ?? 0) + 1;
        seqs.set(one.at, seq);
        return { route, at: one.at, seq, body: bodyOf(one) };
      });
      await trx.insertInto('observation').values(rows).execute();
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
