// The fakes stand for the real APIs, so they are tested too: what the real one refuses they refuse, and all of it.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { domainNameOf } from '../../../src/model/domain-name.ts';
import { type ApiFault, FakeZone as CloudflareZone } from '../../support/fakes/cloudflare-zone.ts';
import { CloudflareFake, goodToken } from '../../support/fakes/cloudflare.ts';
import { FakePowerdns } from '../../support/fakes/powerdns.ts';
import { type FakeChange, FakeZone as Route53Zone } from '../../support/fakes/route53-zone.ts';
import { describePowerdnsRefusals } from '../../support/powerdns-refusals.ts';

describe('the fake of Route 53 refuses', () => {
  /** `DELETE example.com. 3600 MX 10 a.example.|20 b.example.` */
  const parse = (line: string): FakeChange => {
    const [, action = '', name = '', ttl = '', type = '', values = ''] =
      /^(\w+) (\S+) (\S+) (\w+) ?(.*)$/.exec(line) ?? [];
    return { action, set: { name, type, ttl: Number(ttl), values: values === '' ? [] : values.split('|') } };
  };
  const zoneWith = (...lines: string[]) => {
    const zone = new Route53Zone('Z1', 'example.com', ['ns-1.awsdns-0.org']);
    for (const line of lines) zone.put(parse(line).set);
    return zone;
  };
  const mx = 'PUT example.com. 3600 MX 10 a.example.|20 b.example.';

  it.each([
    ['DELETE example.com. 60 MX 10 a.example.|20 b.example.', /the values provided do not match/],
    ['DELETE example.com. 3600 MX 10 a.example.', /the values provided do not match/],
    ['DELETE example.com. 3600 MX 10 A.example.|20 b.example.', /the values provided do not match/],
    ['DELETE www.example.com. 3600 MX 10 a.example.', /Tried to delete .*'www.*but it was not found/],
    ['CREATE example.com. 60 MX 10 c.example.', /Tried to create .* but it already exists/],
    ['CREATE EXAMPLE.com. 60 MX 10 c.example.', /already exists/],
    ['CREATE example.net. 60 MX 10 c.example.', /is not permitted in zone example\.com\./],
    ['CREATE example.com. 60 CNAME c.example.', /not permitted at apex/],
    ['CREATE alias.example.com. 60 MX 10 c.example.', /conflicting RRSet of type CNAME/],
    ['CREATE x.example.com. -1 MX 10 c.example.', /Invalid TTL/],
    ['CREATE x.example.com. 2147483648 MX 10 c.example.', /Invalid TTL/],
    ['CREATE x.example.com. 1.5 MX 10 c.example.', /Invalid TTL/],
    ['CREATE x.example.com. 60 MX', /found none/],
    ['CREATE x.example.com. 60 MX c.example.', /Value is not valid/],
    ['CREATE x.example.com. 60 MX 65536 c.example.', /Value is not valid/],
    ['CREATE x.example.com. 60 MX 10 c.example.|10 c.example.', /Duplicate Resource Record/],
    ['CREATE x.example.com. 60 A 192.0.2.256', /Value is not valid/],
    ['CREATE x.example.com. 60 TYPE99 x', /Invalid type/],
    [`CREATE ${'x'.repeat(64)}.example.com. 60 A 192.0.2.1`, /DomainLabelEmptyOrTooLong/],
  ])('%s, and with it the whole batch', (line, reason) => {
    const zone = zoneWith(mx, 'PUT alias.example.com. 60 CNAME c.example.');
    const before = zone.sets;
    const faults = zone.apply([parse('CREATE first.example.com. 60 MX 10 c.example.'), parse(line)]);
    expect(faults.join('; ')).toMatch(reason);
    expect(zone.sets).toEqual(before);
  });

  it('the same change twice, and the last NS or SOA of a zone', () => {
    const zone = zoneWith(mx);
    const twice = parse('DELETE example.com. 3600 MX 10 a.example.|20 b.example.');
    expect(zone.apply([twice, twice]).join()).toMatch(/invalid set of changes/);
    for (const type of ['NS', 'SOA']) {
      const set = zone.find('example.com', type)!;
      expect(zone.apply([{ action: 'DELETE', set }]).join()).toContain(`${type} record`);
    }
  });

  it('more than 1,000 values or 32,000 characters, an UPSERT counted twice', () => {
    const change = (action: string, count: number, value: (n: number) => string): FakeChange[] => [
      {
        action,
        set: {
          name: 'x.example.com.',
          type: 'TXT',
          ttl: 60,
          values: Array.from({ length: count }, (_, n) => value(n)),
        },
      },
    ];
    const short = (n: number) => `"${n}"`;
    const long = (n: number) => `"${String(n).padStart(3, '0')}${'x'.repeat(315 - 3)}"`;
    const apply = (changes: FakeChange[]) => zoneWith().apply(changes).join();
    expect(apply(change('CREATE', 1000, short))).toBe('');
    expect(apply(change('CREATE', 1001, short))).toMatch(/records limit of 1000/);
    expect(apply(change('UPSERT', 501, short))).toMatch(/records limit of 1000/);
    expect(apply(change('CREATE', 101, long))).toMatch(/characters limit of 32000/);
  });

  it('nothing of a DELETE that echoes what is listed in another order, with a CREATE after it', () => {
    const zone = zoneWith(mx);
    const lines = [
      'DELETE example.com. 3600 MX 20 b.example.|10 a.example.',
      'CREATE example.com. 60 MX 10 c.example.',
    ];
    expect(zone.apply(lines.map(parse))).toEqual([]);
    expect(zone.find('example.com', 'MX')).toMatchObject({ ttl: 60, values: ['10 c.example.'] });
    // And not the other way round: changes are done in order.
    expect(zoneWith(mx).apply(lines.reverse().map(parse)).join()).toMatch(/already exists/);
  });
});

describe('the fake of Cloudflare refuses', () => {
  const mx = (content: string, priority: unknown = 10, ttl: unknown = 60) => ({
    name: 'example.com',
    type: 'MX',
    content,
    priority,
    ttl,
  });
  const zoneWith = (plan: 'free' | 'enterprise' = 'free') => {
    const zone = new CloudflareZone({ name: 'example.com', plan });
    const one = zone.add({ name: 'example.com', type: 'MX', content: 'a.example', priority: 10, ttl: 60 });
    const two = zone.add({ name: 'www.example.com', type: 'CNAME', content: 'c.example', ttl: 60 });
    return { zone, one, two };
  };
  const codeOf = (run: () => unknown) => {
    try {
      run();
    } catch (error) {
      return (error as ApiFault).code;
    }
    return 0;
  };

  it.each<[number, string, object]>([
    [81_058, 'a record like one that is there', mx('a.example')],
    [81_058, 'the same with a last dot and capitals', mx('A.Example.')],
    [81_054, 'a record beside a CNAME', { ...mx('b.example'), name: 'www.example.com' }],
    [
      81_053,
      'a CNAME beside a record',
      { name: 'example.com', type: 'CNAME', content: 'c.example', ttl: 60 },
    ],
    [9021, 'TTL 59', mx('b.example', 10, 59)],
    [9021, 'TTL 30 without Enterprise', mx('b.example', 10, 30)],
    [9021, 'TTL 86401', mx('b.example', 10, 86_401)],
    [9021, 'a TTL that is no whole number', mx('b.example', 10, 60.5)],
    [9021, 'no TTL', { ...mx('b.example'), ttl: undefined }],
    [9100, 'an MX without priority', { name: 'example.com', type: 'MX', content: 'b.example', ttl: 60 }],
    [9100, 'a priority above 65535', mx('b.example', 65_536)],
    [9009, 'an address as exchange', mx('192.0.2.1')],
    [9005, 'an A that is no address', { name: 'x.example.com', type: 'A', content: '192.0.2.256', ttl: 60 }],
    [9004, 'an MX that is proxied', { ...mx('b.example'), proxied: true }],
    [1004, 'a field that is not documented', { ...mx('b.example'), weight: 1 }],
  ])('%i: %s, and with it the whole batch', (code, _, post) => {
    const { zone } = zoneWith();
    const before = [...zone.records];
    expect(codeOf(() => zone.batch({ posts: [mx('first.example'), post] }))).toBe(code);
    expect([...zone.records]).toEqual(before);
  });

  it('a record that is not there, a change of type, an empty batch and one that is too long', () => {
    const { zone, one } = zoneWith();
    expect(codeOf(() => zone.batch({ deletes: [{ id: one.id }, { id: one.id }] }))).toBe(81_044);
    expect(codeOf(() => zone.batch({ patches: [{ id: one.id, type: 'TXT' }] }))).toBe(1004);
    expect(codeOf(() => zone.batch({}))).toBe(1004);
    const posts = Array.from({ length: 201 }, (_, n) => mx(`n${n}.example`));
    expect(codeOf(() => zone.batch({ posts }))).toBe(1004);
    expect(codeOf(() => zone.batch({ posts: posts.slice(1) }))).toBe(0);
    expect(codeOf(() => zoneWith('enterprise').zone.batch({ posts: [mx('b.example', 10, 30)] }))).toBe(0);
  });

  it('nothing where deletes make room: they come first, then patches, puts and posts, however they are sent', () => {
    const { zone, one } = zoneWith();
    zone.batch({ posts: [mx('a.example')], deletes: [{ id: one.id }] });
    const [record] = [...zone.records.values()].filter((each) => each.type === 'MX');
    expect(record).toMatchObject({ content: 'a.example' });
    expect(record!.id).not.toBe(one.id);
    // A post of what a patch takes away, in the same batch.
    zone.batch({
      posts: [mx('a.example')],
      patches: [{ id: record!.id, content: 'b.example', priority: 5 }],
    });
    expect([...zone.records.values()].map((each) => each.content).sort()).toEqual([
      'a.example',
      'b.example',
      'c.example',
    ]);
    // A put comes after patches: it may not make what a patch made.
    const puts = [{ id: record!.id, ...mx('d.example') }];
    const other = [...zone.records.values()].find((each) => each.content === 'a.example')!;
    expect(codeOf(() => zone.batch({ puts, patches: [{ id: other.id, content: 'd.example' }] }))).toBe(
      81_058,
    );
  });

  it('comments and tags are kept by a patch and lost by a put', () => {
    const { zone, one } = zoneWith();
    zone.records.set(one.id, { ...one, comment: 'OPS-1', tags: ['a:b'] });
    zone.batch({ patches: [{ id: one.id, content: 'b.example' }] });
    expect(zone.records.get(one.id)).toMatchObject({ comment: 'OPS-1', tags: ['a:b'] });
    zone.batch({ puts: [{ id: one.id, ...mx('c.example') }] });
    expect(zone.records.get(one.id)).toMatchObject({ comment: null, tags: [] });
  });

  describe('over HTTP', () => {
    const fake = new CloudflareFake();
    let url: string;
    beforeAll(async () => {
      fake.addZone({ name: 'example.com' });
      url = await fake.listen();
    });
    afterAll(() => {
      fake.close();
    });

    it.each<[number, string, Readonly<Record<string, string>>]>([
      [400, '/zones', {}],
      [400, '/zones', { authorization: 'Bearer short' }],
      [403, '/zones', { authorization: `Bearer ${'x'.repeat(40)}` }],
      [400, '/zones', { authorization: `Bearer ${goodToken}`, 'x-auth-email': 'a@b.example' }],
      [400, '/zones?per_page=51', { authorization: `Bearer ${goodToken}` }],
      [400, '/zones?name.contains=x', { authorization: `Bearer ${goodToken}` }],
      [404, '/zones/0', { authorization: `Bearer ${goodToken}` }],
      [404, '/user', { authorization: `Bearer ${goodToken}` }],
      [200, '/zones', { authorization: `Bearer ${goodToken}` }],
    ])('%i %s %j', async (status, path, headers) => {
      const response = await fetch(`${url}${path}`, { headers });
      expect(response.status).toBe(status);
      expect(await response.json()).toMatchObject({ success: status === 200 });
    });
  });
});

describe('the fake of PowerDNS answers as the real one', () => {
  const zone = domainNameOf('example.com');
  const open = async () => {
    const fake = await FakePowerdns.start([zone]);
    return { url: fake.url, apiKey: FakePowerdns.apiKey, close: () => fake.close() };
  };
  describePowerdnsRefusals(open);

  it('and turns away the second of two writers, as it does on SQLite', async () => {
    const fake = await FakePowerdns.start([zone, domainNameOf('shop.example')]);
    const statuses = await Promise.all(
      ['example.com.', 'shop.example.'].map(async (name) => {
        const response = await fetch(`${fake.url}/api/v1/servers/localhost/zones/${name}`, {
          method: 'PATCH',
          headers: { 'x-api-key': FakePowerdns.apiKey },
          body: JSON.stringify({ rrsets: [] }),
        });
        return response.status;
      }),
    );
    expect(statuses.sort()).toEqual([204, 500]);
    await fake.close();
  });
});
