// Whether a letter carries a canary's token. Pure; takes whatever octets come. Does not say whose token it is.

import type { FoundLetter } from '../../canary.ts';
import { findTokens } from '../token.ts';
import { isNotification } from './dsn.ts';
import { decodeWords, fieldOf, type HeaderField } from './header.ts';
import { readTrace } from './received.ts';

/** Field that carries the token. */
const tokenField = 'x-mxctl-canary';

export interface LetterPlace {
  /** ms; null = the place does not say. */
  readonly storedAt: number | null;
  readonly isSpam: boolean;
}

/** null for a letter without a token, for a notification about one, and for an answer to one. */
export function readLetter(fields: readonly HeaderField[], place: LetterPlace): FoundLetter | null {
  const [own] = findTokens(fieldOf(fields, tokenField) ?? '');
  if (own !== undefined) return { token: own, isBySubject: false, ...place, trace: readTrace(fields) };
  // A bounce or an absence note has the subject of what it is about: neither says that the letter arrived.
  if (isNotification(fields) || isAnswer(fields)) return null;
  const [told] = findTokens(decodeWords(fieldOf(fields, 'subject') ?? ''));
  return told === undefined ? null : { token: told, isBySubject: true, ...place, trace: readTrace(fields) };
}

/** RFC 5322 §3.6.4, RFC 3834 §5: a canary is the first of its thread and no reply. */
function isAnswer(fields: readonly HeaderField[]): boolean {
  const has = (name: string) => fieldOf(fields, name) !== null;
  return (
    has('in-reply-to') ||
    has('references') ||
    /^\s*auto-replied/i.test(fieldOf(fields, 'auto-submitted') ?? '')
  );
}
