import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeMessage } from '../../../src/dns/decode.ts';
import { encodeMessage, makeQuery } from '../../../src/dns/encode.ts';
import { type Message, rcodes } from '../../../src/dns/message.ts';
import { FrameReader } from '../../../src/dns/tcp.ts';
import { signMessage, type TsigKey, verifyTsig } from '../../../src/dns/tsig.ts';
import { makeUpdate } from '../../../src/dns/update.ts';
import { domainNameOf } from '../../../src/model/domain-name.ts';
import { formatRrset, rrsetOf } from '../../../src/model/rrset.ts';
import { startUpdatePort, type UpdatePort } from '../../../src/sandbox/update-port.ts';
import { createZoneData, type ZoneData } from '../../../src/sandbox/zone.ts';
import { manualClock, type ManualClock } from './manual-clock.ts';

const shop = domainNameOf('shop.example');
const key: TsigKey = {
  name: domainNameOf('mxctl.sandbox'),
  algorithm: 'hmac-sha256',
  secret: Buffer.alloc(32, 7),
};
const before = rrsetOf(shop, 'MX', 60, ['10 mx1.filter.example.net.', '20 mx2.filter.example.net.']);
const after = rrsetOf(shop, 'MX', 5, ['10 mx.shop.example.', '90 spool.example.org.']);

let clock: ManualClock;
let data: ZoneData;
let port: UpdatePort;

beforeEach(async () => {
  clock = manualClock();
  data = createZoneData(
    clock,
    [domainNameOf('ns1.example.net')],
    [{ origin: shop, lines: formatRrset(before) }],
  );
  port = await startUpdatePort({ data, key, clock, address: '127.0.0.1', port: 0 });
});

afterEach(async () => {
  await port.close();
});

const nowSeconds = () => Math.floor(clock.now() / 1000);
const published = () => formatRrset(data.rrset(shop, 'MX') ?? rrsetOf(shop, 'MX', 0, []));
const update = (expected: typeof before | null, desired: typeof before | null) =>
  makeUpdate({ id: 4711, zone: shop, changes: [{ owner: shop, type: 'MX', expected, desired }] });

/** Sends octets over TCP; the first message back, or null where the connection ends without one. */
function exchange(octets: Uint8Array): Promise<Uint8Array | null> {
  return new Promise((resolve, reject) => {
    const socket = connect(port.port, '127.0.0.1');
    const frames = new FrameReader();
    socket.on('data', (chunk) => {
      const [message] = frames.push(chunk);
      if (message === undefined) return;
      socket.destroy();
      resolve(Uint8Array.from(message));
    });
    socket.on('close', () => resolve(null));
    socket.on('error', reject);
    socket.write(Buffer.concat([Buffer.from([octets.length >> 8, octets.length & 255]), octets]));
  });
}

/** Signs, sends, verifies; the answer's rcode and what its TSIG says. */
async function send(message: Message, by: TsigKey = key) {
  const signed = signMessage(message, by, nowSeconds());
  const octets = await exchange(signed.octets);
  if (octets === null) return null;
  const decoded = decodeMessage(octets);
  if (!decoded.ok) throw new Error(`malformed answer: ${decoded.fault}`);
  const verdict = verifyTsig(octets, decoded, by, { requestMac: signed.mac, nowSeconds: nowSeconds() });
  return {
    rcode: decoded.message.rcode,
    tsigError: decoded.message.tsig?.error ?? null,
    signature: verdict.ok ? 'good' : verdict.fault,
    answers: decoded.message.answers.map(
      (one) => `${one.owner} ${one.ttl} IN ${one.type} ${one.rdata ?? ''}`,
    ),
  };
}

describe('the update port', () => {
  it('replaces the whole RRset with its TTL when the prerequisites hold, and signs its answer', async () => {
    expect(await send(update(before, after))).toMatchObject({ rcode: rcodes.NOERROR, signature: 'good' });
    expect(published()).toEqual([
      'shop.example. 5 IN MX 10 mx.shop.example.',
      'shop.example. 5 IN MX 90 spool.example.org.',
    ]);
    expect(data.rrset(shop, 'SOA')?.rdata[0]).toMatch(/ 2 60 10 3600 2$/);
    expect(port.seen).toEqual([{ at: clock.now(), zone: shop, rcode: rcodes.NOERROR }]);
  });

  it.each([
    ['other values are there', update(after, before), rcodes.NXRRSET],
    ['nothing was to be there', update(null, after), rcodes.YXRRSET],
    [
      'the zone is not ours',
      {
        ...update(before, after),
        questions: [{ name: domainNameOf('else.example'), type: 'SOA' as const, class: 1 }],
      },
      rcodes.NOTAUTH,
    ],
  ])('changes nothing when %s', async (_why, message, rcode) => {
    expect(await send(message)).toMatchObject({ rcode, signature: 'good' });
    expect(published()).toEqual(formatRrset(before));
  });

  it.each([
    ['a wrong secret', { ...key, secret: Buffer.alloc(32, 8) }, rcodes.BADSIG],
    ['an unknown key name', { ...key, name: domainNameOf('other.sandbox') }, rcodes.BADKEY],
    ['another algorithm', { ...key, algorithm: 'hmac-sha512' }, rcodes.BADKEY],
  ] satisfies [string, TsigKey, number][])(
    'refuses %s with NOTAUTH and an unsigned answer',
    async (_what, by, error) => {
      expect(await send(update(before, after), by)).toMatchObject({
        rcode: rcodes.NOTAUTH,
        tsigError: error,
        signature: 'unsigned',
      });
      expect(published()).toEqual(formatRrset(before));
    },
  );

  it('tells a client with a wrong clock BADTIME, signed', async () => {
    port.clockSkewMs = 301_000;
    expect(await send(update(before, after))).toMatchObject({
      rcode: rcodes.NOTAUTH,
      tsigError: rcodes.BADTIME,
      signature: 'good',
    });
    expect(published()).toEqual(formatRrset(before));
  });

  it('refuses an update that nobody signed', async () => {
    const octets = await exchange(encodeMessage(update(before, after)));
    const decoded = decodeMessage(octets ?? new Uint8Array());
    expect(decoded).toMatchObject({ ok: true, message: { rcode: rcodes.REFUSED, tsig: null } });
    expect(published()).toEqual(formatRrset(before));
  });

  it('answers a signed query with what an update has just written', async () => {
    await send(update(before, after));
    const query = makeQuery({ id: 1, name: shop, type: 'MX', edns: null });
    expect(await send(query)).toEqual({
      rcode: rcodes.NOERROR,
      tsigError: 0,
      signature: 'good',
      answers: formatRrset(after),
    });
  });

  it('can apply an update and lose the reply', async () => {
    port.repliesToLose = 1;
    expect(await send(update(before, after))).toBeNull();
    expect(published()).toEqual(formatRrset(after));
    expect(await send(update(after, before))).toMatchObject({ rcode: rcodes.NOERROR });
  });

  it('tells of the next applied update before anybody hears of it, and cuts that connection', async () => {
    const told: unknown[] = [];
    port.onNextApplied = () => Promise.resolve(void told.push(published()));
    expect(await send(update(before, after))).toBeNull();
    expect(told).toEqual([formatRrset(after)]);
    expect(await send(update(after, before))).toMatchObject({ rcode: rcodes.NOERROR });
    expect(told).toHaveLength(1);
  });

  it('calls octets that are no message a format error', async () => {
    const octets = await exchange(Buffer.from('GET / HTTP/1.0\r\n\r\n'));
    expect(decodeMessage(octets ?? new Uint8Array())).toMatchObject({ message: { rcode: rcodes.FORMERR } });
  });
});
