// Cloudflare's API on a bad day: throttled, failing, silent, in the hands of a gateway; and a budget that keeps us from
// being the cause.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { domainNameOf } from '../../../src/model/domain-name.ts';
import { rrsetOf } from '../../../src/model/rrset.ts';
import { RateBudgets } from '../../../src/providers/rate-budget.ts';
import { cloudflareAt, type CloudflareParts, SleepingClock } from '../../support/cloudflare-world.ts';
import type { FakeZone } from '../../support/fakes/cloudflare-zone.ts';
import { type CloudflareFault, CloudflareFake } from '../../support/fakes/cloudflare.ts';
import { failureOf } from '../../support/provider-world.ts';

const never = new AbortController().signal;
const apex = domainNameOf('example.com');
const direct = rrsetOf(apex, 'MX', 60, ['10 mx.example.org.']);
const proxy = rrsetOf(apex, 'MX', 3600, ['10 mx1.filter.example.net.']);
const flip = { owner: apex, type: 'MX', expected: proxy, desired: direct } as const;

let fake: CloudflareFake;
let zone: FakeZone;
let url: string;
let clock: SleepingClock;

beforeEach(async () => {
  fake = new CloudflareFake();
  zone = fake.addZone({ name: 'example.com' });
  fake.write(apex, 'MX', proxy);
  url = await fake.listen();
  clock = new SleepingClock();
});
afterEach(() => {
  fake.close();
});

const open = (parts: CloudflareParts = {}) => cloudflareAt(url, { clock, ...parts });
const read = (provider = open()) => provider.readRrset(apex, apex, 'MX', never);
const replace = (provider = open()) => provider.replaceRrsets(apex, [flip], never);
const writes = () => fake.log.filter((line) => line.startsWith('POST'));
const throttled = (retryAfter?: number): CloudflareFault => ({
  status: 429,
  code: 971,
  message: 'Please wait and consider throttling your request speed',
  ...(retryAfter === undefined ? {} : { retryAfter }),
});

describe('a read', () => {
  it.each<[string, CloudflareFault]>([
    ['a failing gateway', { status: 502, code: 0 }],
    ['a closed connection', 'close-before'],
    ['silence', 'silent-after'],
  ])('is repeated after %s, with growing pauses', async (_, fault) => {
    fake.readFaults.push(fault, fault);
    expect(await read()).toEqual(proxy);
    expect(clock.sleeps).toEqual([250, 1000]);
  });

  it('is given up after four tries, as something that may be tried again', async () => {
    fake.readFaults.push(...Array.from({ length: 9 }, () => ({ status: 503, code: 0 })));
    const error = await failureOf(read());
    expect(error).toMatchObject({ code: 'provider-unreachable', retryable: true, exitCode: 8 });
    expect(fake.log).toHaveLength(4);
  });

  it('waits as long as a 429 asks for', async () => {
    fake.readFaults.push(throttled(7));
    expect(await read()).toEqual(proxy);
    expect(clock.sleeps).toEqual([7000]);
  });

  it.each<[string, CloudflareFault, string]>([
    ['asks for too long', throttled(287), 'for 287 s'],
    ['does not say how long', throttled(), 'for 300 s'],
  ])('ends where a 429 %s, and so does every other until then', async (_, fault, seconds) => {
    const budgets = new RateBudgets(clock);
    fake.readFaults.push(fault);
    const error = await failureOf(read(open({ budgets })));
    expect(error).toMatchObject({ code: 'provider-unreachable', retryable: true });
    expect(error.message).toContain(seconds);
    const other = open({ budgets, name: 'cf2' });
    expect((await failureOf(read(other))).message).toContain(seconds);
    expect(fake.log).toHaveLength(1);
    clock.at += 300_000;
    expect(await read(other)).toEqual(proxy);
  });

  it.each<[string, CloudflareFault, RegExp]>([
    ['a challenge page', 'garbage', /not the documented shape at its top/],
    ['another shape', 'other-shape', /not the documented shape at result/],
    ['a page that is none', { status: 404, code: 0 }, /no zone example\.com/],
  ])('does not believe %s', async (_, fault, message) => {
    fake.readFaults.push(fault);
    expect((await failureOf(read())).message).toMatch(message);
    expect(fake.log).toHaveLength(1);
  });

  it('does not believe a record that is none of its type', async () => {
    zone.add({ name: 'example.com', type: 'MX', ttl: 60, content: 'two words', priority: 10 });
    expect(await failureOf(read())).toMatchObject({ code: 'provider-protocol' });
  });

  it('is not led to another host', async () => {
    fake.readFaults.push(
      ...Array.from({ length: 4 }, () => ({ status: 302, code: 0, location: 'http://127.0.0.1:1/' })),
    );
    expect(await failureOf(read())).toMatchObject({ code: 'provider-unreachable' });
  });
});

describe('a write', () => {
  it.each<CloudflareFault>(['silent-after', 'garbage', 'other-shape', 'close-after'])(
    'is read back, and never repeated, after %s',
    async (fault) => {
      fake.writeFaults.push(fault);
      expect(await replace()).toEqual([{ state: 'applied' }]);
      expect(writes()).toHaveLength(1);
    },
  );

  it('is read back more than once after a failing gateway, and then surely not applied', async () => {
    fake.writeFaults.push({ status: 504, code: 0 });
    const error = await failureOf(replace());
    expect(error).toMatchObject({ code: 'provider-unreachable', retryable: true });
    expect(error.message).toContain('HTTP 504; the batch was not applied');
    expect(clock.sleeps).toEqual([1000, 3000]);
    expect(writes()).toHaveLength(1);
  });

  it('is sent again after a short 429, but only as what was read then', async () => {
    const theirs = rrsetOf(apex, 'MX', 3600, ['10 else.example.org.']);
    fake.writeFaults.push(throttled(5));
    expect(await replace()).toEqual([{ state: 'applied' }]);
    fake.write(apex, 'MX', proxy);
    fake.writeFaults.push(throttled(5));
    clock.onSleep = () => fake.write(apex, 'MX', theirs);
    expect(await replace()).toEqual([{ state: 'conflict', live: theirs }]);
  });

  it('is given up, with nothing written, after a long 429', async () => {
    fake.writeFaults.push(throttled(120));
    expect((await failureOf(replace())).message).toContain('for 120 s');
    expect(fake.read(apex, 'MX')).toEqual(proxy);
  });
});

describe('the budget', () => {
  it('stays below 1,200 requests in any five minutes, for all providers of one token', async () => {
    const budgets = new RateBudgets(clock);
    const providers = [open({ budgets }), open({ budgets, name: 'cf2' })];
    const madeAt: number[] = [];
    for (let n = 0; n < 1000; n++) {
      const before = fake.log.length;
      await read(providers[n % 2]);
      for (let one = before; one < fake.log.length; one++) madeAt.push(clock.at);
    }
    expect(madeAt).toHaveLength(1002);
    const busiest = Math.max(
      ...madeAt.map((from) => madeAt.filter((at) => at >= from && at < from + 300_000).length),
    );
    expect(busiest).toBeGreaterThan(1000);
    expect(busiest).toBeLessThan(1200);
    expect(clock.at - madeAt[0]!).toBeGreaterThan(200_000);
  }, 60_000);

  it('is another for another token', async () => {
    fake.tokens.set('another-token-0123456789', {
      rights: ['zone read', 'dns edit', 'dns read'],
      zones: null,
    });
    const budgets = new RateBudgets(clock);
    fake.readFaults.push(throttled(120));
    await failureOf(read(open({ budgets })));
    expect(await read(open({ budgets, token: 'another-token-0123456789' }))).toEqual(proxy);
  });
});

describe('a target', () => {
  const describeTarget = (name: string) => open().describeTarget!(domainNameOf(name), never);

  it('that is proxied takes no mail, and the record tells', async () => {
    zone.add({ name: 'mx.example.com', type: 'A', ttl: 1, content: '192.0.2.1', proxied: true });
    zone.add({ name: 'direct.example.com', type: 'A', ttl: 1, content: '192.0.2.1' });
    const inner = fake.addZone({ name: 'in.example.com' });
    inner.add({ name: 'mx.in.example.com', type: 'CNAME', ttl: 1, content: 'web.example', proxied: true });
    expect(await describeTarget('mx.example.com')).toMatch(/proxied by Cloudflare.*DNS only/);
    expect(await describeTarget('mx.in.example.com')).toMatch(/proxied/);
    expect(await describeTarget('direct.example.com')).toBeNull();
    expect(await describeTarget('nowhere.example.com')).toBeNull();
  });

  it('of zones that the token does not see is looked up no further than it has labels', async () => {
    expect(await describeTarget('mx1.filter.example.net')).toBeNull();
    expect(fake.log).toEqual(
      ['mx1.filter.example.net', 'filter.example.net', 'example.net'].map(
        (name) => `GET /zones?name=${name}&page=1&per_page=50`,
      ),
    );
  });
});
