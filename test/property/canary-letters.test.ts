// Whatever octets a stranger puts into a letter: reading it never throws, and what comes out is short and printable.

import fc from 'fast-check';
import { expect, it } from 'vitest';

import { readBounce } from '../../src/probes/canary/arrival/dsn.ts';
import { parseHeader } from '../../src/probes/canary/arrival/header.ts';
import { readLetter } from '../../src/probes/canary/arrival/letter.ts';
import { parseListing } from '../../src/probes/canary/arrival/listing.ts';
import { parseMailDate } from '../../src/probes/canary/arrival/mail-date.ts';
import { parseReceived } from '../../src/probes/canary/arrival/received.ts';

const numRuns = Number(process.env['MXCTL_PROPERTY_RUNS'] ?? 200);
const token = 'mxc-01jqzk3v5c8d9e0f1g2h3j4k5m-abcdefghijklmnopqrstuvwx23';

/** Pieces that steer into the parsers, and octets that do not. */
const pieces = fc.oneof(
  fc.constantFrom(
    ...[
      '\r\n',
      '\n',
      ' ',
      '\t',
      '(',
      ')',
      '\\',
      '"',
      ';',
      '[',
      ']',
      '<>',
      '\0',
      '\u001b[2J',
      '\u202e',
      '\ud800',
    ],
    ...['Received: from ', ' by ', ' with ', ' id ', ' for ', 'Subject: ', 'X-Mxctl-Canary: ', token, 'mxc-'],
    ...[
      '=?utf-8?B?',
      '=?utf-8?Q?',
      '?=',
      '=?',
      'Message-ID: <',
      'Return-Path: <>\n',
      'From: mailer-daemon@x\n',
    ],
    ...['Content-Type: multipart/report; report-type=delivery-status; boundary=b\n', '\n--b\n', '--b--'],
    ...['Content-Type: message/delivery-status\n\n', 'Content-Type: message/rfc822\n\n', 'Action: failed\n'],
    ...[
      'Reporting-MTA: dns; ',
      'Status: 5.',
      'Diagnostic-Code: smtp; 550 ',
      'Content-Transfer-Encoding: base64\n',
    ],
    ...[
      'Thu, 5 Mar 2026 10:00:00 +0000',
      '99',
      'EST',
      '(HELO ',
      '[IPv6:2001:db8::1]',
      '192.0.2.1',
      'a'.repeat(3000),
    ],
  ),
  fc.string({ unit: 'binary' }),
);
const octets = fc.oneof(
  fc.array(pieces, { maxLength: 60 }).map((all) => Buffer.from(all.join(''))),
  fc.uint8Array({ maxLength: 2000 }),
);

// eslint-disable-next-line no-control-regex -- control characters are what this is about
const unprintable = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;

function expectSafe(text: string | null, maxLength: number): void {
  if (text === null) return;
  expect(text).not.toMatch(unprintable);
  expect(text.length).toBeLessThanOrEqual(maxLength);
}

it('a letter of any octets gives a bounded and printable answer, or none', () => {
  fc.assert(
    fc.property(octets, (letter) => {
      const found = readLetter(parseHeader(letter), { storedAt: null, isSpam: false });
      if (found === null) return;
      expect(found.token).toMatch(/^mxc-[0-9a-z]{26}-[a-z2-7]{26}$/);
      expect(found.trace.length).toBeLessThanOrEqual(50);
      for (const { from, by, protocol, at } of found.trace) {
        expectSafe(from, 255 + 60);
        expectSafe(by, 255);
        expectSafe(protocol, 40);
        expect(at === null || Number.isSafeInteger(at)).toBe(true);
      }
    }),
    { numRuns },
  );
});

it('a Received field of any text gives a hop', () => {
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 40 }), (all) => {
      const { from, by, protocol, at } = parseReceived(all.join(''));
      for (const text of [from, by, protocol]) expectSafe(text, 255 + 60);
      expect(at === null || Number.isSafeInteger(at)).toBe(true);
    }),
    { numRuns },
  );
});

it('a notification of any octets gives one printable line, or none', () => {
  fc.assert(
    fc.property(octets, (letter) => {
      const bounce = readBounce(letter);
      if (bounce !== null) expectSafe(bounce.text, 300);
    }),
    { numRuns },
  );
});

it('a date that was written is read as it was', () => {
  const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
  const two = (n: number) => String(n).padStart(2, '0');
  fc.assert(
    fc.property(
      fc.integer({ min: Date.UTC(1990, 0), max: Date.UTC(2099, 0) }).map((at) => at - (at % 1000)),
      fc.integer({ min: -14 * 60, max: 14 * 60 }),
      (at, minutes) => {
        const local = new Date(at + minutes * 60_000);
        const zone = `${minutes < 0 ? '-' : '+'}${two(Math.floor(Math.abs(minutes) / 60))}${two(Math.abs(minutes) % 60)}`;
        const day = `${local.getUTCDate()} ${months[local.getUTCMonth()]} ${local.getUTCFullYear()}`;
        const time = [local.getUTCHours(), local.getUTCMinutes(), local.getUTCSeconds()].map(two).join(':');
        expect(parseMailDate(`${day} ${time} ${zone}`)).toBe(at);
      },
    ),
    { numRuns },
  );
});

it('a listing of any JSON is read or told to be none', () => {
  const entry = fc.record(
    {
      token: fc.oneof(fc.constant(token), fc.string(), fc.anything()),
      stored_at: fc.oneof(fc.constant('2026-03-05T10:00:00Z'), fc.string(), fc.anything()),
      spam: fc.oneof(fc.boolean(), fc.anything()),
      received: fc.oneof(fc.array(fc.string()), fc.anything()),
      text: fc.oneof(fc.string({ unit: 'binary' }), fc.anything()),
    },
    { requiredKeys: [] },
  );
  const listing = fc.oneof(
    fc.record({ letters: fc.array(entry), bounces: fc.array(entry) }, { requiredKeys: [] }),
    fc.jsonValue(),
  );
  fc.assert(
    fc.property(listing, (value) => {
      const answer = parseListing(
        JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? 1 : one)),
      );
      if (answer.outcome === 'unreadable') expectSafe(answer.reason, 200);
      else for (const { text } of answer.bounces) expectSafe(text, 300);
    }),
    { numRuns },
  );
});
