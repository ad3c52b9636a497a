// The Received fields of a letter as the hops it passed. Pure. RFC 5321 §4.4 says what they look like; Exim, Exchange,
// Gmail and qmail each have their own idea, and anybody on the way may write what he likes.

import type { TraceHop } from '../../../model/canary.ts';
import { sanitise } from '../../../model/text.ts';
import type { HeaderField } from './header.ts';
import { parseMailDate } from './mail-date.ts';

/** RFC 5321 §6.3: a hundred fields are a loop; letters that arrive have under twenty. */
const maxHops = 50;
/** A field has some 300 characters. */
const maxFieldLength = 2000;
/** Of a domain name: RFC 1035 §2.3.4. */
const maxNameLength = 255;
/** ESMTPSA is the longest of RFC 3848; `Microsoft SMTP Server` the longest in use. */
const maxProtocolLength = 40;

/** `fields` as they stand in the letter, the last hop first; the answer has the first hop first. */
export function readTrace(fields: readonly HeaderField[]): readonly TraceHop[] {
  return traceOf(fields.filter(({ name }) => name === 'received').map(({ value }) => value));
}

/** Of values of Received fields in the order of a letter. The last hops are kept: the first ones are the sender's word. */
export function traceOf(values: readonly string[]): readonly TraceHop[] {
  return values.slice(0, maxHops).map(parseReceived).reverse();
}

/**
 * `from` is the name that was greeted with, and in brackets the address that was seen, e.g. `mx.example.com
 * [192.0.2.7]`; `by` the name alone.
 */
export function parseReceived(value: string): TraceHop {
  const { clauses, date } = split(value.slice(0, maxFieldLength));
  const from = clauses.get('from');
  return {
    from: from === undefined ? null : (senderOf(from) ?? null),
    by: nameOf(clauses.get('by')?.words[0]),
    protocol: protocolOf(clauses.get('with')),
    at: date === null ? null : parseMailDate(date),
  };
}

interface Clause {
  readonly words: string[];
  readonly comments: string[];
}

const keywords: ReadonlySet<string> = new Set(['from', 'by', 'via', 'with', 'id', 'for']);

/** Clauses are told apart by their keywords outside comments; the date follows the last semicolon outside them. */
function split(value: string): { clauses: ReadonlyMap<string, Clause>; date: string | null } {
  const { tokens, semicolon } = tokenise(value);
  const clauses = new Map<string, Clause>();
  let current: Clause | null = null;
  for (const { text, isComment, at } of tokens) {
    if (semicolon !== null && at > semicolon) break;
    const keyword = text.toLowerCase();
    if (isComment) current?.comments.push(text);
    // `from from.example` names a host `from`; a second `with` in a comment-less tail does not replace the first.
    else if (keywords.has(keyword) && current?.words.length !== 0) {
      current = { words: [], comments: [] };
      if (!clauses.has(keyword)) clauses.set(keyword, current);
    } else current?.words.push(text);
  }
  return { clauses, date: semicolon === null ? null : value.slice(semicolon + 1) };
}

interface Token {
  readonly text: string;
  readonly isComment: boolean;
  readonly at: number;
}

function tokenise(value: string): { tokens: readonly Token[]; semicolon: number | null } {
  const tokens: Token[] = [];
  let semicolon: number | null = null;
  let depth = 0;
  let start = 0;
  const push = (end: number, isComment: boolean) => {
    const text = value.slice(start, end).trim();
    if (text !== '') tokens.push({ text, isComment, at: start });
    start = end + 1;
  };
  for (let at = 0; at < value.length; at += 1) {
    const char = value[at] ?? '';
    if (char === '\\') at += 1;
    else if (char === '(') {
      if (depth === 0) push(at, false);
      depth += 1;
    } else if (char === ')' && depth > 0) {
      depth -= 1;
      if (depth === 0) push(at, true);
    } else if (depth === 0 && /[\s;]/.test(char)) {
      push(at, false);
      if (char === ';') semicolon = at;
    }
  }
  // A comment that never ends was cut by somebody: what is in it still tells the address.
  push(value.length, depth > 0);
  return { tokens, semicolon };
}

const address =
  /\[?(?:ipv6:)?((?:\d{1,3}\.){3}\d{1,3}|[\da-f]{0,4}(?::[\da-f]{0,4}){2,7}(?:\d{1,3}(?:\.\d{1,3}){3})?)\]?/i;

function senderOf({ words, comments }: Clause): string | null {
  const seen = comments.join(' ');
  // Exim: `from [192.0.2.7] (helo=mx.example.com)`; qmail: `from unknown (HELO mx.example.com) (192.0.2.7)`.
  const greeted = /\bhelo[= ]([^\s)]+)/i.exec(seen)?.[1];
  const literal = words[0] === undefined ? null : address.exec(words[0]);
  const name = nameOf(greeted ?? (literal === null ? words[0] : undefined));
  const ip = literal?.[1] ?? address.exec(seen)?.[1] ?? null;
  if (name === null) return ip === null ? null : `[${ip}]`;
  return ip === null || name.includes(ip) ? name : `${name} [${ip}]`;
}

/** Gmail writes `mx.example.com.` in comments, qmail-ldap a trailing dot in `by`. */
function nameOf(word: string | undefined): string | null {
  const name = (word ?? '').replace(/\.$/, '');
  return name === '' ? null : sanitise(name, maxNameLength);
}

function protocolOf(clause: Clause | undefined): string | null {
  const words = clause?.words.slice(0, 3) ?? [];
  if (words.length === 0) return null;
  // Exchange: `with Microsoft SMTP Server`; everybody else has one word, and Exim may say more after it.
  const protocol = /^microsoft$/i.test(words[0] ?? '') ? words.join(' ') : (words[0] ?? '');
  return sanitise(protocol, maxProtocolLength);
}
