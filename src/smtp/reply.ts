// Reads SMTP replies out of a byte stream, in whatever pieces it arrives. Pure; never throws, never keeps more than
// its bounds. RFC 5321 §4.2 (replies), §4.2.1 (multi-line), RFC 3463 and RFC 2034 (enhanced status codes).
//
// More liberal than RFC 5321 §2.3.8 and §4.5.3.1.5 because hops in the field are: a bare LF ends a line, a line
// may be longer than 512 octets, and any octet may stand in its text.

import type { SmtpReply } from '../model/observation.ts';
import { sanitise } from '../model/text.ts';

export interface ParsedReply extends SmtpReply {
  /** Text of each line without code, sanitised and bounded; what EHLO keywords are read from. */
  readonly lines: readonly string[];
}

/** RFC 5321 §4.5.3.1.5 allows 512 octets; 32 times that is kept for people to look at, the rest of a line is dropped. */
const maxLineOctets = 16 * 1024;
/** A reply that goes on for longer is not a reply. Larger than any EHLO list, small beside a thousand sessions. */
const maxReplyOctets = 64 * 1024;
/** Replies nobody asked for yet. One late 421 is normal (RFC 5321 §3.8), a flood is not a dialogue. */
const maxWaitingReplies = 16;
/** Of one line, for `lines`: an EHLO keyword line fits in the 512 octets of RFC 5321 §4.5.3.1.5. */
const maxLineText = 512;

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** UTF-8 where it is (RFC 6531), otherwise one character an octet: never a decoding error. */
function decode(octets: Uint8Array): string {
  try {
    return utf8.decode(octets);
  } catch {
    return Array.from(octets, (octet) => String.fromCharCode(octet)).join('');
  }
}

/** Splits `4.7.1 text`; the class must agree with the reply's first digit (RFC 3463 §2, RFC 2034 §4). */
export function splitEnhanced(code: number, text: string): { enhanced: string | null; text: string } {
  const match = /^([245])\.(\d{1,3})\.(\d{1,3})(?:\s+|$)/.exec(text);
  if (match === null || Number(match[1]) !== Math.floor(code / 100)) return { enhanced: null, text };
  return { enhanced: match[0].trim(), text: text.slice(match[0].length) };
}

function buildReply(code: number, texts: readonly string[]): ParsedReply {
  const split = texts.map((text) => splitEnhanced(code, text));
  return {
    code,
    enhanced: split.find((one) => one.enhanced !== null)?.enhanced ?? null,
    text: sanitise(
      split
        .map((one) => one.text.trim())
        .filter((text) => text !== '')
        .join(' / '),
    ),
    lines: texts.map((text) => sanitise(text, maxLineText)),
  };
}

/** As people write it: `421 4.3.2 try later`; text at most `maxLength` characters. */
export function formatReply(reply: SmtpReply, maxLength = 160): string {
  const text = reply.text.length > maxLength ? `${reply.text.slice(0, maxLength - 3)}...` : reply.text;
  return [reply.code, reply.enhanced, text].filter((part) => part !== null && part !== '').join(' ');
}

export class ReplyParser {
  readonly #waiting: ParsedReply[] = [];
  #pieces: Uint8Array[] = [];
  #lineOctets = 0;
  #replyOctets = 0;
  #texts: string[] = [];
  #fault: string | null = null;

  /** Why nothing more can be read from this stream; null while it is fine. Replies read before it are still given. */
  get fault(): string | null {
    return this.#fault;
  }

  /** True where octets have come that no reply given so far accounts for. */
  get hasLeftovers(): boolean {
    return this.#waiting.length > 0 || this.isMidReply || this.#fault !== null;
  }

  /** True where a reply has begun and its end has not come. */
  get isMidReply(): boolean {
    return this.#replyOctets > 0;
  }

  /** The oldest complete reply not yet taken. */
  take(): ParsedReply | null {
    return this.#waiting.shift() ?? null;
  }

  push(chunk: Uint8Array): void {
    let from = 0;
    while (this.#fault === null && from < chunk.length) {
      const at = chunk.indexOf(lineFeed, from);
      const to = at === -1 ? chunk.length : at;
      this.#append(chunk.subarray(from, to), at !== -1);
      from = to + 1;
    }
  }

  #append(octets: Uint8Array, isEnded: boolean): void {
    this.#replyOctets += octets.length + (isEnded ? 1 : 0);
    if (this.#replyOctets > maxReplyOctets) {
      this.#fail(`reply longer than ${maxReplyOctets / 1024} KiB`);
      return;
    }
    const kept = octets.subarray(0, Math.max(0, maxLineOctets - this.#lineOctets));
    // Copied: the chunk belongs to the socket, and a few octets must not pin a whole buffer.
    if (kept.length > 0) this.#pieces.push(kept.slice());
    this.#lineOctets += kept.length;
    if (isEnded) this.#endLine();
  }

  #endLine(): void {
    const line = Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#lineOctets = 0;
    const text = decode(line.at(-1) === carriageReturn ? line.subarray(0, -1) : line);
    // RFC 5321 §4.2: the first digit is 2 to 5. Unknown second and third digits are taken by class (§4.3.2).
    const match = /^([2-5]\d\d)(?:([ -])([\s\S]*))?$/.exec(text);
    if (match === null) {
      this.#fail(`not an SMTP reply: ${sanitise(text, 80)}`);
      return;
    }
    this.#texts.push(match[3] ?? '');
    if (match[2] === '-') return;
    this.#endReply(Number(match[1]));
  }

  /** RFC 5321 §4.2.1 wants one code on every line. Where lines differ the last one decides, as in Postfix. */
  #endReply(code: number): void {
    this.#waiting.push(buildReply(code, this.#texts));
    this.#texts = [];
    this.#replyOctets = 0;
    if (this.#waiting.length > maxWaitingReplies) this.#fail('flood of replies to no command');
  }

  #fail(fault: string): void {
    this.#fault = fault;
    this.#pieces = [];
    this.#texts = [];
    this.#replyOctets = 0;
  }
}

/** EHLO keywords in upper case, without their parameters (RFC 5321 §4.1.1.1). The first line is the greeting. */
export function ehloKeywords(reply: ParsedReply): ReadonlySet<string> {
  const keywords = reply.lines.slice(1).map((line) => line.trim().split(/[\s=]/, 1)[0]?.toUpperCase() ?? '');
  return new Set(keywords.filter((keyword) => keyword !== ''));
}
