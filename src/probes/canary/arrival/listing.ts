// What an endpoint or a command says of arrived canaries, as JSON. Pure; validated by hand. One list that is not in form
// makes the whole unreadable: half a list would look like swallowed mail.
//
//   {"letters": [{"token": "mxc-...", "stored_at": "2026-03-05T10:00:00Z", "spam": false, "received": ["from ..."]}],
//    "bounces": [{"token": "mxc-...", "text": "550 5.1.1 no such user"}]}

import { sanitise } from '../../../model/text.ts';
import type { FoundBounce, FoundLetter, MailboxAnswer } from '../../canary.ts';
import { findTokens } from '../token.ts';
import { maxLettersPerLook } from './bounds.ts';
import { traceOf } from './received.ts';

/** RFC 3339 §5.6, with the zone: a time without one is an hour off twice a year. */
const isoTime = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:[Zz]|[+-]\d\d:\d\d)$/;
const maxBounceLength = 300;

class Malformed extends Error {}

/** Entries whose token has not the form of one are left out: a stranger can put any word into a header field. */
export function parseListing(text: string): MailboxAnswer {
  try {
    const whole = objectOf(parseJson(text), 'the answer');
    const letters = listOf(whole['letters'], 'letters').map((one, n) => readEntry(one, `letters[${n}]`));
    const bounces = listOf(whole['bounces'] ?? [], 'bounces').map((one, n) =>
      readBounce(one, `bounces[${n}]`),
    );
    const known = letters.filter((one) => one !== null);
    return {
      outcome: 'read',
      letters: known.slice(0, maxLettersPerLook),
      bounces: bounces.filter((one) => one !== null).slice(0, maxLettersPerLook),
      isCut: known.length > maxLettersPerLook,
    };
  } catch (error) {
    if (error instanceof Malformed) return { outcome: 'unreadable', reason: error.message };
    throw error;
  }
}

function readEntry(value: unknown, where: string): FoundLetter | null {
  const entry = objectOf(value, where);
  const token = tokenOf(entry, where);
  const isSpam = entry['spam'] ?? false;
  if (typeof isSpam !== 'boolean') throw new Malformed(`${where}.spam is neither true nor false`);
  const received = listOf(entry['received'] ?? [], `${where}.received`).map((one, n) =>
    stringOf(one, `${where}.received[${n}]`),
  );
  const storedAt = timeOf(entry['stored_at'] ?? null, `${where}.stored_at`);
  if (token === null) return null;
  // Folded as they may be in the letter.
  const values = received.map((one) => one.replace(/^received:/i, '').replace(/\r?\n(?=[ \t])/g, ''));
  return { token, isBySubject: false, storedAt, isSpam, trace: traceOf(values) };
}

function readBounce(value: unknown, where: string): FoundBounce | null {
  const entry = objectOf(value, where);
  const token = tokenOf(entry, where);
  const text = sanitise(stringOf(entry['text'], `${where}.text`), maxBounceLength);
  return token === null ? null : { token, text };
}

function tokenOf(entry: Readonly<Record<string, unknown>>, where: string): string | null {
  return findTokens(stringOf(entry['token'], `${where}.token`).slice(0, 200), 1)[0] ?? null;
}

function timeOf(value: unknown, where: string): number | null {
  if (value === null) return null;
  const text = stringOf(value, where);
  const at = isoTime.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) throw new Malformed(`${where} is no time like 2026-03-05T10:00:00Z`);
  return at;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Malformed(
      text.trim() === '' ? 'the answer is empty; say {"letters": []} where there are none' : 'not JSON',
    );
  }
}

function objectOf(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Malformed(`${where} is no object`);
  return value as Readonly<Record<string, unknown>>;
}

function listOf(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new Malformed(`${where} is no list`);
  return value;
}

function stringOf(value: unknown, where: string): string {
  if (typeof value !== 'string') throw new Malformed(`${where} is no text`);
  return value;
}
