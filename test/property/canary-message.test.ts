// Canaries for routes, paths and places of any name: always a well-formed message, and nobody's header but ours.
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { domainNameOf } from '../../src/model/domain-name.ts';
import { Secret } from '../../src/model/secret.ts';
import { sanitise } from '../../src/model/text.ts';
import type { CanaryOrder } from '../../src/probes/canary.ts';
import { composeCanary } from '../../src/probes/canary/message.ts';
import { createTokenMint, findTokens } from '../../src/probes/canary/token.ts';
import { formatContent } from '../../src/smtp/content.ts';

const numRuns = Number(process.env['MXCTL_PROPERTY_RUNS'] ?? 200);

const mint = createTokenMint(new Secret('a key nobody would guess'));
const crockford = Array.from('0123456789ABCDEFGHJKMNPQRSTVWXYZ');
const id = fc
  .tuple(
    fc.constantFrom(...crockford.slice(0, 8)),
    fc.array(fc.constantFrom(...crockford), { minLength: 25, maxLength: 25 }),
  )
  .map(([first, rest]) => first + rest.join(''));

const name = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 80 }),
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc
    .array(
      fc.constantFrom(
        '\r\n',
        '\n',
        '\r',
        '\r\nBcc: you@example.com',
        '\r\n\r\n.\r\nMAIL FROM:<a@b>',
        ': ',
        ' ',
        '\t',
        '\u00a0',
        '\u2028',
        '=?utf-8?Q?a=0D=0ABcc?=',
        '=?utf-8?B?',
        '?=',
        'x'.repeat(90),
        'ä'.repeat(90),
        '.',
        '"',
        '<a@b>',
        '\0',
        '\ud800',
        '\u202e',
        '😀',
      ),
      { maxLength: 8 },
    )
    .map((parts) => parts.join('')),
);

const order: fc.Arbitrary<CanaryOrder> = fc
  .record({
    id,
    route: name,
    path: name,
    vantage: name,
    sentAt: fc.integer({ min: 0, max: 4_102_444_800_000 }),
  })
  .map(({ id: of, ...rest }) => ({
    ...rest,
    token: mint.tokenOf(of),
    hop: { exchange: domainNameOf('mx.example.com'), address: '2001:db8::1', port: 25 },
  }));

const envelope = { from: 'canary@ops.example', to: 'canary@example.com' };

/** RFC 5322 §2.2.3 unfolding; name, and value without the first space. */
function fieldsOf(message: string): (readonly [name: string, value: string])[] {
  const header = message.slice(0, message.indexOf('\r\n\r\n'));
  return header
    .replace(/\r\n(?=[ \t])/g, '')
    .split('\r\n')
    .map((line) => {
      const at = line.indexOf(':');
      return [line.slice(0, at), line.slice(at + 1).trim()];
    });
}

/** RFC 2047 §4, §6.2: white space between encoded words is not part of the text. */
function decodeWords(text: string): string {
  const words = /=\?utf-8\?([qb])\?([^?\s]*)\?=(?:\s+(?==\?utf-8\?))?/gi;
  const octets = (encoding: string, data: string): Buffer =>
    encoding.toLowerCase() === 'b'
      ? Buffer.from(data, 'base64')
      : Buffer.from(
          data
            .replaceAll('_', ' ')
            .replace(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
          'latin1',
        );
  return text.replace(words, (_, encoding: string, data: string) => octets(encoding, data).toString());
}

/** Nothing of a name passes for an encoded word. */
const told = (text: string): string =>
  sanitise(text, 200).replace(/\s+/g, ' ').replaceAll('=?', '= ?').trim();

test('a message is ASCII in lines of at most 998 octets that end with CRLF, and can be sent', async () => {
  await fc.assert(
    fc.asyncProperty(order, async (one) => {
      const message = await composeCanary(one, envelope, null);
      const text = message.toString('latin1');
      expect(text).toMatch(/^[\x20-\x7e\r\n]*$/);
      expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
      for (const line of text.split('\r\n')) expect(line.length).toBeLessThanOrEqual(998);
      // A line of a header that is white space alone ends it for some readers (RFC 5322 §3.2.2).
      expect(text.slice(0, text.indexOf('\r\n\r\n'))).not.toMatch(/^[ \t]+$/m);
      expect(formatContent(message).subarray(-5).toString()).toBe('\r\n.\r\n');
    }),
    { numRuns },
  );
});

test('its fields are ours, once each, and unfolded say what they were given', async () => {
  await fc.assert(
    fc.asyncProperty(order, async (one) => {
      const fields = fieldsOf((await composeCanary(one, envelope, null)).toString('latin1'));
      const { Date: date, ...values }: Record<string, string> = Object.fromEntries(
        fields.map(([name, value]) => [name, decodeWords(value)]),
      );
      const expected = {
        'Auto-Submitted': 'auto-generated',
        'X-Mxctl-Canary': one.token,
        'X-Mxctl-Route': told(one.route),
        'X-Mxctl-Path': told(one.path),
        'X-Mxctl-Hop': 'mx.example.com[2001:db8::1]:25',
        'X-Mxctl-Vantage': told(one.vantage),
        From: envelope.from,
        To: envelope.to,
        Subject: `mxctl canary ${one.token}`,
        'Message-ID': `<${one.token}@ops.example>`,
        'Content-Transfer-Encoding': '7bit',
        'MIME-Version': '1.0',
        'Content-Type': 'text/plain; charset=utf-8',
      };
      const present = Object.entries(expected).filter(([, value]) => value !== '');
      expect(values).toEqual(Object.fromEntries(present));
      expect(fields).toHaveLength(present.length + 1);
      // RFC 5322 §3.3 knows seconds.
      expect(Date.parse(date ?? '')).toBe(Math.floor(one.sentAt / 1000) * 1000);
    }),
    { numRuns },
  );
});

test('made again it is the same octets', async () => {
  await fc.assert(
    fc.asyncProperty(order, async (one) => {
      const again = composeCanary({ ...one }, { ...envelope }, null);
      expect((await composeCanary(one, envelope, null)).equals(await again)).toBe(true);
    }),
    { numRuns: Math.ceil(numRuns / 4) },
  );
});

test('a token gives its id back, and with any one character changed nothing', () => {
  fc.assert(
    fc.property(
      id,
      fc.nat(),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
      fc.boolean(),
      (of, at, char, isTyped) => {
        const token = mint.tokenOf(of);
        expect(mint.idOf(token)).toBe(of);
        expect(findTokens(`Subject: ${token.toUpperCase()}\r\n`)).toEqual([token]);
        const place = at % token.length;
        const digits = 'abcdefghijklmnopqrstuvwxyz0123456789-';
        const other = isTyped ? digits.charAt(char.charCodeAt(0) % digits.length) : char;
        fc.pre(other.toLowerCase() !== token.charAt(place));
        expect(mint.idOf(token.slice(0, place) + other + token.slice(place + 1))).toBeNull();
      },
    ),
    { numRuns: numRuns * 5 },
  );
});
