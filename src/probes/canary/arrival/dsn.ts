// Whether a letter is a notification that a canary could not be delivered, and what it says. Pure. RFC 3464 and RFC 6522
// (which replaced RFC 3462); and the notifications of qmail and others, which quote the letter and have no form.

import { sanitise } from '../../../model/text.ts';
import type { FoundBounce } from '../../canary.ts';
import { findTokens } from '../token.ts';
import { decodeWords, fieldOf, type HeaderField, maxHeaderBytes, parseFields, textOf } from './header.ts';

/** Of a notification: its own header, the explanation, the report, and the header of a canary come to some 12 KiB. */
export const maxNotificationBytes = maxHeaderBytes;
/** RFC 6522 §3 has three parts; some servers put one or two more between them. */
const maxParts = 10;
/** Longer says no more to a person who reads one line. */
const maxTextLength = 300;
const maxReporterLength = 100;

/** By its header alone: sent by a mail system about a letter, whatever it says of it. */
export function isNotification(fields: readonly HeaderField[]): boolean {
  return (
    isReport(fields) ||
    fieldOf(fields, 'x-failed-recipients') !== null ||
    // RFC 5321 §4.5.5: notifications have the null reverse-path; so have absence notes.
    /^<\s*>$/.test(fieldOf(fields, 'return-path') ?? '') ||
    /mailer-daemon|mail delivery (?:sub)?system|microsoftexchange[\da-f]{8}/i.test(
      fieldOf(fields, 'from') ?? '',
    )
  );
}

function isReport(fields: readonly HeaderField[]): boolean {
  const type = fieldOf(fields, 'content-type') ?? '';
  return /^multipart\/report\b/i.test(type) && /report-type\s*=\s*"?(?:global-)?delivery-status/i.test(type);
}

/** `source` is the letter, or its beginning. null where it tells of no failure, or of no letter with a token. */
export function readBounce(source: Uint8Array): FoundBounce | null {
  const text = textOf(source.subarray(0, maxNotificationBytes));
  const fields = parseFields(text);
  if (!isNotification(fields)) return null;
  return isReport(fields) ? readReport(fields, bodyOf(text)) : readPlain(fields, bodyOf(text));
}

interface Part {
  readonly type: string;
  readonly body: string;
}

function readReport(fields: readonly HeaderField[], body: string): FoundBounce | null {
  const boundary = /\bboundary\s*=\s*(?:"([^"]+)"|([^\s;"]+))/i.exec(fieldOf(fields, 'content-type') ?? '');
  const parts = partsOf(body, boundary?.[1] ?? boundary?.[2] ?? '');
  const status = parts.find(({ type }) => /^message\/(?:global-)?delivery-status\b/i.test(type));
  if (status === undefined) return null;
  const groups = status.body.split(/\r?\n[ \t]*\r?\n/).map((group) => parseFields(group.trimStart()));
  // RFC 3464 §2.3.3: `delayed` is a warning, and the others tell of success.
  const failed = groups.find((group) => {
    const action = fieldOf(group, 'action');
    return action === null
      ? /^5\./.test(fieldOf(group, 'status') ?? '')
      : /^failed\b/i.test(withoutComment(action));
  });
  if (failed === undefined) return null;
  const returned = parts.find(({ type }) => /^(?:message|text)\/(?:rfc822|global)/i.test(type));
  // The letter's own fields first: what else is in the notification may quote another.
  const token = tokenOfLetter(returned?.body ?? '') ?? firstToken(status.body) ?? firstToken(body);
  const mta = groups.map((group) => fieldOf(group, 'reporting-mta')).find((one) => one !== null);
  return bounceOf(token ?? tokenOfHeader(fields), {
    status: withoutComment(fieldOf(failed, 'status') ?? ''),
    diagnostic: withoutType(fieldOf(failed, 'diagnostic-code') ?? ''),
    reporter: withoutType(mta ?? ''),
  });
}

/** What such notifications say where it is final; and what makes it a mere warning. */
const failure =
  /permanent (?:fatal )?error|(?:not|n't|unable to) (?:able to )?(?:be )?deliver|undeliver|delivery (?:has |status notification.{0,3})?fail|failure notice|returned mail|returned to sender/i;
const warning = /\bdelay|\bwarning\b|will (?:be retried|keep trying|continue to)/i;

function readPlain(fields: readonly HeaderField[], body: string): FoundBounce | null {
  const subject = decodeWords(fieldOf(fields, 'subject') ?? '');
  const says = `${subject}\n${body}`;
  if (warning.test(subject) || !failure.test(says)) return null;
  // qmail: `Remote host said: 550 5.1.1 ...`; Exchange and Exim: the reply on a line of its own.
  const reply = /(?:^|[\s:>])([45]\d\d[ -](?:\d\.\d{1,3}\.\d{1,3} )?[^\r\n]{1,300})/.exec(body)?.[1] ?? '';
  const status = /\b([45]\.\d{1,3}\.\d{1,3})\b/.exec(reply === '' ? body : reply)?.[1] ?? '';
  const reporter = /@([^\s>@]+)/.exec(fieldOf(fields, 'from') ?? '')?.[1] ?? '';
  return bounceOf(tokenOfLetter(body) ?? tokenOfHeader(fields), { status, diagnostic: reply, reporter });
}

/** Of quoted or returned header fields, wherever in the text they stand. */
function tokenOfLetter(text: string): string | undefined {
  const line = (name: string) => new RegExp(`^[ \\t>]*${name}:[^\\r\\n]*(?:\\r?\\n[ \\t][^\\r\\n]*)?`, 'im');
  return ['x-mxctl-canary', 'message-id', 'subject']
    .map((name) => firstToken(line(name).exec(text)?.[0] ?? ''))
    .find((token) => token !== undefined);
}

/** Exchange names the letter in its own header; RFC 5322 §3.6.4. */
function tokenOfHeader(fields: readonly HeaderField[]): string | undefined {
  return ['in-reply-to', 'references', 'subject']
    .map((name) => firstToken(decodeWords(fieldOf(fields, name) ?? '')))
    .find((token) => token !== undefined);
}

function firstToken(text: string): string | undefined {
  return findTokens(text, 1)[0];
}

function bounceOf(
  token: string | undefined,
  said: { readonly status: string; readonly diagnostic: string; readonly reporter: string },
): FoundBounce | null {
  if (token === undefined) return null;
  const { status, diagnostic } = said;
  const reporter = sanitise(said.reporter, maxReporterLength);
  const by = reporter === '' ? '' : ` (reported by ${reporter})`;
  const what = diagnostic.includes(status) ? diagnostic : `${status} ${diagnostic}`;
  const line = what.replace(/\s+/g, ' ').trim();
  return {
    token,
    text: `${sanitise(line === '' ? 'no reason given' : line, maxTextLength - by.length)}${by}`,
  };
}

/** RFC 3464 §2.1.2: `dns; mx.example.com`, `smtp; 550 no such user`. */
function withoutType(value: string): string {
  return value.replace(/^\s*[a-z][a-z0-9-]*\s*;\s*/i, '').trim();
}

/** Of a word or two: a longer value is cut, since a thousand open brackets would take as many passes. */
function withoutComment(value: string): string {
  return value
    .slice(0, 200)
    .replace(/\([^)]*\)/g, '')
    .trim();
}

function bodyOf(text: string): string {
  const end = /\r?\n\r?\n/.exec(text);
  return end === null ? '' : text.slice(end.index + end[0].length);
}

/** RFC 2046 §5.1.1. */
function partsOf(body: string, boundary: string): readonly Part[] {
  if (boundary === '') return [];
  const parts: string[][] = [];
  for (const line of body.split(/\r?\n/)) {
    if (line.startsWith(`--${boundary}--`) || parts.length > maxParts) break;
    if (line.startsWith(`--${boundary}`)) parts.push([]);
    else parts.at(-1)?.push(line);
  }
  return parts.map((lines) => {
    const text = lines.join('\n');
    // A part without header begins with its empty line.
    const fields = parseFields(text);
    const encoding = fieldOf(fields, 'content-transfer-encoding') ?? '';
    const content = text.startsWith('\n') ? text.slice(1) : bodyOf(text);
    return { type: fieldOf(fields, 'content-type') ?? '', body: decodeBody(content, encoding) };
  });
}

/** RFC 2045 §6.7, §6.8. */
function decodeBody(body: string, encoding: string): string {
  if (/^base64/i.test(encoding)) return Buffer.from(body, 'base64').toString('utf8');
  if (!/^quoted-printable/i.test(encoding)) return body;
  return body
    .replace(/=[ \t]*\r?\n/g, '')
    .replace(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
