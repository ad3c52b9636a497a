import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';

import { decodeMessage } from '../../../src/dns/decode.ts';
import { encodeMessage, makeQuery, makeResponse } from '../../../src/dns/encode.ts';
import { rcodes } from '../../../src/dns/message.ts';
import {
  parseTsigSecret,
  serverTimeOf,
  signMessage,
  type TsigAlgorithm,
  type TsigKey,
  verifyTsig,
} from '../../../src/dns/tsig.ts';
import { domainNameOf } from '../../../src/model/domain-name.ts';

const key = (algorithm: TsigAlgorithm = 'hmac-sha256', secret = 'sesame', name = 'mxctl.'): TsigKey => ({
  name: domainNameOf(name),
  algorithm,
  secret: Buffer.from(secret),
});
const signedAt = 1_700_000_000;
const query = makeQuery({ id: 0x1234, name: domainNameOf('example.com'), type: 'MX', edns: null });

function verdict(
  octets: Uint8Array,
  by: TsigKey,
  requestMac: Uint8Array | null = null,
  nowSeconds = signedAt,
) {
  const decoded = decodeMessage(octets);
  if (!decoded.ok) return decoded.fault;
  const result = verifyTsig(octets, decoded, by, { requestMac, nowSeconds });
  return result.ok ? 'ok' : result.fault;
}

const tsigOf = (octets: Uint8Array) => {
  const decoded = decodeMessage(octets);
  return decoded.ok ? decoded.message.tsig : null;
};

describe('a signature', () => {
  it.each([
    ['hmac-sha256', 'sha256'],
    ['hmac-sha384', 'sha384'],
    ['hmac-sha512', 'sha512'],
  ] as const)('%s is over the octets that RFC 8945 §4.3 lists', (algorithm, hash) => {
    const message = Buffer.from(
      '123400000001000000000000' + '076578616d706c6503636f6d00' + '000f0001',
      'hex',
    );
    const variables = Buffer.concat([
      Buffer.from('\x05mxctl\x00'),
      Buffer.from('00ff00000000', 'hex'),
      Buffer.from(`\x0b${algorithm}\x00`),
      Buffer.from('00006553f100012c00000000', 'hex'),
    ]);
    const expected = createHmac(hash, 'sesame').update(message).update(variables).digest('hex');
    const { octets, mac } = signMessage(query, key(algorithm), signedAt);
    expect(Buffer.from(mac).toString('hex')).toBe(expected);
    expect(tsigOf(octets)).toMatchObject({ timeSigned: signedAt, fudge: 300, originalId: 0x1234, mac });
    // On the wire the same octets, but for ARCOUNT.
    expect(Buffer.from(octets.subarray(12, message.length))).toEqual(message.subarray(12));
  });

  it('of an answer covers the MAC of the question, its length first', () => {
    const response = makeResponse(query, {});
    const requestMac = Uint8Array.of(1, 2, 3, 4);
    const message = encodeMessage(response);
    const variables = Buffer.concat([
      Buffer.from('\x05mxctl\x00'),
      Buffer.from('00ff00000000', 'hex'),
      Buffer.from('\x0bhmac-sha256\x00'),
      Buffer.from('00006553f100012c00000000', 'hex'),
    ]);
    const expected = createHmac('sha256', 'sesame')
      .update(Buffer.from('000401020304', 'hex'))
      .update(message)
      .update(variables)
      .digest('hex');
    expect(Buffer.from(signMessage(response, key(), signedAt, requestMac).mac).toString('hex')).toBe(
      expected,
    );
  });
});

describe('verification', () => {
  const { octets, mac } = signMessage(query, key(), signedAt);
  const tsigAt = encodeMessage(query).length;
  const withMac = (length: number) => {
    const tsig = tsigOf(octets);
    return encodeMessage({ ...query, tsig: { ...tsig!, mac: mac.subarray(0, length) } });
  };

  it.each([
    ['the same key', octets, key(), 'ok'],
    ['another secret', octets, key('hmac-sha256', 'other'), 'signature'],
    ['another key name', octets, key('hmac-sha256', 'sesame', 'else.'), 'key'],
    ['another algorithm', octets, key('hmac-sha512'), 'key'],
    ['no TSIG', encodeMessage(query), key(), 'unsigned'],
    ['no MAC', withMac(0), key(), 'unsigned'],
    ['a MAC of nine octets', withMac(9), key(), 'signature'],
    ['half the MAC', withMac(16), key(), 'truncation'],
  ] as const)('by %s', (_, message, by, expected) => {
    expect(verdict(message, by)).toBe(expected);
  });

  it('allows five minutes either way', () => {
    expect([-301, -300, 300, 301].map((off) => verdict(octets, key(), null, signedAt + off))).toEqual([
      'time',
      'ok',
      'ok',
      'time',
    ]);
  });

  it('is blind to the id, which a forwarder may replace, and to no other bit before the TSIG', () => {
    for (let bit = 0; bit < tsigAt * 8; bit++) {
      const altered = octets.slice();
      altered[bit >> 3]! ^= 1 << (bit & 7);
      if (bit < 16) expect(verdict(altered, key())).toBe('ok');
      else expect(verdict(altered, key())).not.toBe('ok');
    }
  });

  it('is the same for octets in the middle of a pool, which stays as it was', () => {
    const { octets } = signMessage(query, key(), signedAt);
    const pool = Buffer.alloc(octets.length + 64, 0xaa);
    pool.set(octets, 32);
    const before = Buffer.from(pool);
    expect(verdict(pool.subarray(32, 32 + octets.length), key())).toBe('ok');
    expect(pool.equals(before)).toBe(true);
  });

  it('of an answer wants the MAC of our own question', () => {
    const answer = signMessage(makeResponse(query, {}), key(), signedAt, mac);
    expect(verdict(answer.octets, key(), mac)).toBe('ok');
    expect(verdict(answer.octets, key(), Uint8Array.of(1))).toBe('signature');
    expect(verdict(answer.octets, key(), null)).toBe('signature');
  });

  it('of BADTIME tells the time of the server', () => {
    const otherData = Uint8Array.from(Buffer.from('00006553f500', 'hex'));
    const response = makeResponse(query, { rcode: rcodes.NOTAUTH });
    const answer = signMessage(response, key(), signedAt, mac, { error: rcodes.BADTIME, otherData });
    expect(verdict(answer.octets, key(), mac)).toBe('ok');
    expect(serverTimeOf(tsigOf(answer.octets)!)).toBe(signedAt + 1024);
    expect(serverTimeOf(tsigOf(octets)!)).toBeNull();
  });
});

describe('a secret', () => {
  it.each([
    ['c2VzYW1l', 'sesame'],
    [' c2Vz\n YW1lIQ== ', 'sesame!'],
    ['', null],
    ['c2VzYW1', null],
    ['not base64!', null],
  ])('%j', (text, expected) => {
    const octets = parseTsigSecret(text);
    expect(octets === null ? null : Buffer.from(octets).toString()).toBe(expected);
  });
});
