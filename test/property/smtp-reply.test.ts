// The reply parser against anything a socket can deliver.
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { ReplyParser, type ParsedReply } from '../../src/smtp/reply.ts';

const numRuns = Number(process.env['MXCTL_PROPERTY_RUNS'] ?? 200);

function readAll(chunks: readonly Uint8Array[]): { replies: ParsedReply[]; fault: string | null } {
  const parser = new ReplyParser();
  for (const chunk of chunks) parser.push(chunk);
  const replies: ParsedReply[] = [];
  for (let reply = parser.take(); reply !== null; reply = parser.take()) replies.push(reply);
  return { replies, fault: parser.fault };
}

function cut(octets: Uint8Array, at: readonly number[]): Uint8Array[] {
  const places = [...new Set(at.map((one) => one % (octets.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((from, n) => octets.subarray(from, places[n] ?? octets.length));
}

/** Octets that look like replies more often than chance would have it. */
const stream = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc
        .tuple(
          fc.integer({ min: 100, max: 699 }),
          fc.constantFrom(' ', '-', '', '\t'),
          fc.constantFrom('', '4.7.1 x', 'STARTTLS', 'größe', '\x1b[2J', '\u202e'),
          fc.constantFrom('\r\n', '\n', '\r', ''),
        )
        .map(([code, separator, text, end]) => Buffer.from(`${code}${separator}${text}${end}`)),
      // Around the bounds of a line and of a reply.
      fc
        .tuple(fc.constantFrom('250 ', '250-'), fc.integer({ min: 16_300, max: 16_500 }))
        .map(([start, length]) => Buffer.from(`${start}${'x'.repeat(length)}\r\n`)),
    ),
    { maxLength: 12 },
  )
  .map((parts) => new Uint8Array(Buffer.concat(parts)));

test('it never throws, and what it read does not depend on how the octets arrived', () => {
  fc.assert(
    fc.property(stream, fc.array(fc.nat(), { maxLength: 20 }), (octets, at) => {
      expect(readAll(cut(octets, at))).toEqual(readAll([octets]));
    }),
    { numRuns },
  );
});

test('octet by octet gives the same', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => {
      expect(readAll(Array.from(octets, (one) => Uint8Array.of(one)))).toEqual(readAll([octets]));
    }),
    { numRuns },
  );
});

test('no text it gives is longer than its bound or holds a control character', () => {
  fc.assert(
    fc.property(stream, (octets) => {
      for (const reply of readAll([octets]).replies) {
        for (const text of [reply.text, ...reply.lines]) {
          expect(text.length).toBeLessThanOrEqual(512);
          // eslint-disable-next-line no-control-regex -- the property is about control characters
          expect(text).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202e]/);
        }
        expect(reply.code).toBeGreaterThanOrEqual(200);
        expect(reply.code).toBeLessThan(600);
        if (reply.enhanced !== null) expect(reply.enhanced.charAt(0)).toBe(String(reply.code).charAt(0));
      }
    }),
    { numRuns },
  );
});
