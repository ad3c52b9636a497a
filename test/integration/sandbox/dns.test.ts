import { afterEach, describe, expect, it } from 'vitest';
import { createDnsClient } from '../../../src/dns/client.ts';
import { rcodes } from '../../../src/dns/message.ts';
import { domainNameOf } from '../../../src/model/domain-name.ts';
import type { RrType } from '../../../src/model/rrset.ts';
import { startAuthority } from '../../../src/sandbox/authority.ts';
import { startResolver } from '../../../src/sandbox/resolver.ts';
import { createZoneData, parseZoneLine, type ZoneData } from '../../../src/sandbox/zone.ts';
import { manualClock } from './manual-clock.ts';

const shop = domainNameOf('shop.example');
const net = domainNameOf('example.net');
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const opened = async <T extends { close(): unknown }>(opening: T | Promise<T>): Promise<T> => {
  const part = await opening;
  closers.push(() => part.close());
  return part;
};

function zones(clock = manualClock()): ZoneData {
  return createZoneData(
    clock,
    [domainNameOf('ns1.example.net'), domainNameOf('ns2.example.net')],
    [
      {
        origin: shop,
        lines: [
          '@ 60 IN MX 10 mx1.example.net.',
          '@ 60 IN MX 20 mx2.example.net.',
          '_25._tcp.mx 300 IN TLSA 3 1 1 0123456789abcdef',
          'www 300 IN CNAME web',
          'web 300 IN A 127.0.0.80',
          'web 300 IN AAAA ::1',
          '@ 300 IN TXT "v=spf1 -all"',
        ],
      },
      { origin: net, lines: ['mx1 300 IN A 127.0.1.1', 'mx2 300 IN A 127.0.1.2', ...manyTexts] },
    ],
  );
}

/** More than 1,232 octets: the answer does not fit UDP. */
const manyTexts = Array.from({ length: 40 }, (_, n) => `many 60 IN TXT "number ${n} ${'x'.repeat(60)}"`);

async function dig(server: { address: string; port: number }, name: string, type: RrType) {
  const client = await opened(createDnsClient());
  const answered = await client.ask(
    { address: server.address, port: server.port },
    { name: domainNameOf(name), type },
    { recursionDesired: true, timeoutMs: 300, attempts: 1 },
    new AbortController().signal,
  );
  if (!answered.ok) return { fault: answered.fault };
  const { rcode, isAuthoritative, recursionAvailable, answers, authorities } = answered.message;
  const lines = (records: typeof answers) =>
    records.map((one) => `${one.owner} ${one.ttl} IN ${one.type} ${one.rdata ?? ''}`).sort();
  return {
    rcode: Object.entries(rcodes).find(([, code]) => code === rcode)?.[0],
    aa: isAuthoritative,
    ra: recursionAvailable,
    via: answered.via,
    answers: lines(answers),
    authorities: lines(authorities),
  };
}

describe('an authority of the sandbox', () => {
  it('answers what its zones hold, with AA', async () => {
    const clock = manualClock();
    const authority = await opened(
      startAuthority({ data: zones(clock), clock, address: '127.0.0.1', port: 0 }),
    );
    for (const [name, type, answers] of [
      [
        'shop.example',
        'MX',
        ['shop.example. 60 IN MX 10 mx1.example.net.', 'shop.example. 60 IN MX 20 mx2.example.net.'],
      ],
      [
        'shop.example',
        'NS',
        ['shop.example. 3600 IN NS ns1.example.net.', 'shop.example. 3600 IN NS ns2.example.net.'],
      ],
      ['shop.example', 'TXT', ['shop.example. 300 IN TXT "v=spf1 -all"']],
      ['web.shop.example', 'AAAA', ['web.shop.example. 300 IN AAAA ::1']],
      ['_25._tcp.mx.shop.example', 'TLSA', ['_25._tcp.mx.shop.example. 300 IN TLSA 3 1 1 0123456789abcdef']],
      [
        'www.shop.example',
        'A',
        ['web.shop.example. 300 IN A 127.0.0.80', 'www.shop.example. 300 IN CNAME web.shop.example.'],
      ],
      ['mx1.example.net', 'A', ['mx1.example.net. 300 IN A 127.0.1.1']],
    ] as const) {
      const reply = await dig(authority, name, type);
      expect(reply, `${name} ${type}`).toMatchObject({
        rcode: 'NOERROR',
        aa: true,
        answers,
        authorities: [],
      });
    }
  });

  it.each([
    ['a type that the name does not have', 'shop.example', 'AAAA', 'NOERROR'],
    ['a name between others', '_tcp.mx.shop.example', 'A', 'NOERROR'],
    ['a name that is not there', 'nobody.shop.example', 'MX', 'NXDOMAIN'],
  ] as const)('denies %s with the SOA of the zone', async (_what, name, type, rcode) => {
    const clock = manualClock();
    const authority = await opened(
      startAuthority({ data: zones(clock), clock, address: '127.0.0.1', port: 0 }),
    );
    expect(await dig(authority, name, type)).toMatchObject({
      rcode,
      aa: true,
      answers: [],
      authorities: ['shop.example. 2 IN SOA ns1.example.net. hostmaster.ns1.example.net. 1 60 10 3600 2'],
    });
  });

  it('refuses a zone it does not serve', async () => {
    const clock = manualClock();
    const authority = await opened(
      startAuthority({ data: zones(clock), clock, address: '127.0.0.1', port: 0 }),
    );
    expect(await dig(authority, 'elsewhere.example', 'MX')).toMatchObject({ rcode: 'REFUSED', aa: false });
  });

  it('truncates over UDP and gives the whole answer over TCP on the same port', async () => {
    const clock = manualClock();
    const authority = await opened(
      startAuthority({ data: zones(clock), clock, address: '127.0.0.1', port: 0 }),
    );
    const reply = await dig(authority, 'many.example.net', 'TXT');
    expect(reply).toMatchObject({ via: 'tcp', rcode: 'NOERROR' });
    expect(reply.answers).toHaveLength(manyTexts.length);
  });

  it('can lag, be held and fall silent while its twin follows', async () => {
    const clock = manualClock();
    const data = zones(clock);
    const [primary, secondary] = [
      await opened(startAuthority({ data, clock, address: '127.0.0.1', port: 0 })),
      await opened(startAuthority({ data, clock, address: '127.0.0.1', port: 0 })),
    ];
    const before = {
      answers: ['shop.example. 60 IN MX 10 mx1.example.net.', 'shop.example. 60 IN MX 20 mx2.example.net.'],
    };
    const after = { answers: ['shop.example. 5 IN MX 10 mx.shop.example.'] };
    secondary.hold();
    clock.advance(1000);
    data.put(parseZoneLine(shop, '@ 5 IN MX 10 mx'));
    expect(await dig(primary, 'shop.example', 'MX')).toMatchObject(after);
    expect(await dig(secondary, 'shop.example', 'MX')).toMatchObject(before);
    secondary.release();
    expect(await dig(secondary, 'shop.example', 'MX')).toMatchObject(after);
    secondary.lagMs = 3000;
    expect(await dig(secondary, 'shop.example', 'MX')).toMatchObject(before);
    clock.advance(3000);
    expect(await dig(secondary, 'shop.example', 'MX')).toMatchObject(after);
    secondary.isSilent = true;
    expect(await dig(secondary, 'shop.example', 'MX')).toEqual({ fault: 'timeout' });
  });

  it('moves the serial with every change and not without one', () => {
    const data = zones();
    const serial = () => Number(data.rrset(shop, 'SOA')?.rdata[0]?.split(' ')[2]);
    data.put(parseZoneLine(shop, '@ 5 IN MX 10 mx'));
    data.put(parseZoneLine(shop, '@ 5 IN MX 10 mx'));
    expect(serial()).toBe(2);
    data.remove(shop, 'TXT');
    expect(serial()).toBe(3);
    expect(data.changes.map((one) => (one.after ?? one.before)?.type)).toEqual(['MX', 'TXT']);
  });
});

describe('the caching resolver', () => {
  async function world() {
    const clock = manualClock();
    const data = zones(clock);
    const primary = await opened(startAuthority({ data, clock, address: '127.0.0.1', port: 0 }));
    const secondary = await opened(startAuthority({ data, clock, address: '127.0.0.1', port: 0 }));
    const first = { random: [0, 1] };
    const random = () => first.random.shift() ?? 0.5;
    const authorities = [primary, secondary];
    const resolver = await opened(
      startResolver({ clock, authorities, random, address: '127.0.0.1', port: 0 }),
    );
    return { clock, data, primary, secondary, resolver, first };
  }

  it('keeps an old MX to the last millisecond of its TTL and not a millisecond longer', async () => {
    const { clock, data, resolver, primary } = await world();
    const old = (ttl: number) => ({
      rcode: 'NOERROR',
      aa: false,
      ra: true,
      answers: [
        `shop.example. ${ttl} IN MX 10 mx1.example.net.`,
        `shop.example. ${ttl} IN MX 20 mx2.example.net.`,
      ],
    });
    expect(await dig(resolver, 'shop.example', 'MX')).toMatchObject(old(60));
    data.put(parseZoneLine(shop, '@ 5 IN MX 10 mx'));
    clock.advance(20_000);
    expect(await dig(resolver, 'shop.example', 'MX')).toMatchObject(old(40));
    clock.advance(39_999);
    expect(await dig(resolver, 'shop.example', 'MX')).toMatchObject(old(1));
    expect(primary.questionCount).toBe(1);
    clock.advance(1);
    expect(await dig(resolver, 'shop.example', 'MX')).toMatchObject({
      answers: ['shop.example. 5 IN MX 10 mx.shop.example.'],
    });
    expect(resolver.cached(shop, 'MX')?.expiresAt).toBe(clock.now() + 5000);
  });

  it('keeps a denial for as long as the SOA says', async () => {
    const { clock, data, resolver } = await world();
    expect(await dig(resolver, 'new.shop.example', 'A')).toMatchObject({ rcode: 'NXDOMAIN' });
    data.put(parseZoneLine(shop, 'new 60 IN A 127.0.0.5'));
    clock.advance(1999);
    expect(await dig(resolver, 'new.shop.example', 'A')).toMatchObject({ rcode: 'NXDOMAIN' });
    clock.advance(1);
    expect(await dig(resolver, 'new.shop.example', 'A')).toMatchObject({
      answers: ['new.shop.example. 60 IN A 127.0.0.5'],
    });
  });

  it('may ask a stale secondary, and then believes it for a whole TTL', async () => {
    const { clock, data, secondary, resolver, first } = await world();
    secondary.hold();
    data.put(parseZoneLine(shop, '@ 5 IN MX 10 mx'));
    first.random = [1, 0];
    expect(await dig(resolver, 'shop.example', 'MX')).toMatchObject({
      answers: ['shop.example. 60 IN MX 10 mx1.example.net.', 'shop.example. 60 IN MX 20 mx2.example.net.'],
    });
    clock.advance(59_999);
    expect(resolver.entries()).toHaveLength(1);
    clock.advance(1);
    expect(resolver.entries()).toHaveLength(0);
  });

  it('answers SERVFAIL for a zone nobody serves, and asks again after a second', async () => {
    const { clock, resolver, primary } = await world();
    expect(await dig(resolver, 'elsewhere.example', 'MX')).toMatchObject({ rcode: 'SERVFAIL' });
    const asked = primary.questionCount;
    clock.advance(999);
    await dig(resolver, 'elsewhere.example', 'MX');
    expect(primary.questionCount).toBe(asked);
    clock.advance(1);
    await dig(resolver, 'elsewhere.example', 'MX');
    expect(primary.questionCount).toBe(asked + 1);
  });
});
