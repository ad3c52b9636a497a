import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { displayName, domainNameOf } from '../../../src/model/domain-name.ts';
import { type Rrset, rrsetOf, type RrType } from '../../../src/model/rrset.ts';
import type { ZoneChange } from '../../../src/providers/provider.ts';
import { RateBudget, RateBudgets } from '../../../src/providers/rate-budget.ts';
import { cloudflareAt, type CloudflareParts, SleepingClock } from '../../support/cloudflare-world.ts';
import type { FakeRecord, FakeZone } from '../../support/fakes/cloudflare-zone.ts';
import { CloudflareFake, goodToken, type Right } from '../../support/fakes/cloudflare.ts';
import { describeProviderContract } from '../../support/provider-contract.ts';
import { failureOf, type ProviderWorld } from '../../support/provider-world.ts';

const never = new AbortController().signal;

/** Two requests, then one every two seconds. */
class TightBudgets extends RateBudgets {
  readonly #budget: RateBudget;

  constructor(clock: SleepingClock) {
    super(clock);
    this.#budget = new RateBudget({ burst: 2, perSecond: 0.5 }, clock);
  }

  override of(): RateBudget {
    return this.#budget;
  }
}

const cannot = { careForClock: 'a bearer token carries no time' };

describeProviderContract('cloudflare keeps the contract of a provider', makeWorld, cannot);

async function makeWorld(): Promise<ProviderWorld> {
  const fake = new CloudflareFake();
  fake.addZone({ name: 'example.com' });
  fake.addZone({ name: 'shop.example' });
  const url = await fake.listen();
  return {
    provider: cloudflareAt(url),
    zone: domainNameOf('example.com'),
    otherZone: domainNameOf('shop.example'),
    unknownZone: domainNameOf('unknown.example'),
    read: (owner, type) => Promise.resolve(fake.read(owner, type)),
    write: (owner, type, rrset) => {
      fake.write(owner, type, rrset);
      return Promise.resolve();
    },
    withWrongCredentials: () => cloudflareAt(url, { token: 'other-token-0123456789abcdefghijklmnopqr' }),
    withClockOff: null,
    // Port 1 of a loopback address that nothing binds.
    withNobodyThere: () => cloudflareAt('http://127.255.255.254:1/client/v4'),
    faults: {
      throttle: () =>
        void fake.writeFaults.push({ status: 429, code: 10_000, message: 'Rate limited', retryAfter: 2 }),
      loseReplyAfterApply: () => void fake.writeFaults.push('close-after'),
      loseReplyBeforeApply: () => void fake.writeFaults.push('close-before'),
      loseReplyAndFallSilent: () => void fake.writeFaults.push('then-gone'),
      beforeWrite: (run) => {
        fake.beforeBatch = () => {
          fake.beforeBatch = null;
          void run();
        };
      },
    },
    close: () => {
      fake.close();
      return Promise.resolve();
    },
  };
}

describe('cloudflare', () => {
  let fake: CloudflareFake;
  let zone: FakeZone;
  let url: string;
  let clock: SleepingClock;

  beforeEach(async () => {
    fake = new CloudflareFake();
    zone = fake.addZone({ name: 'example.com' });
    url = await fake.listen();
    clock = new SleepingClock();
  });
  afterEach(() => {
    fake.close();
  });

  const apex = domainNameOf('example.com');
  const mx = (ttl: number, ...rdata: string[]) => rrsetOf(apex, 'MX', ttl, rdata);
  const proxy = mx(3600, '10 mx1.filter.example.net.', '20 mx2.filter.example.net.');
  const direct = mx(60, '10 mx.example.org.', '90 spool.example.org.');
  const open = (parts: CloudflareParts = {}) => cloudflareAt(url, { clock, ...parts });
  const changeOf = (expected: Rrset | null, desired: Rrset): ZoneChange => ({
    owner: desired.owner,
    type: desired.type,
    expected,
    desired,
  });
  const replace = (expected: Rrset | null, desired: Rrset, provider = open()) =>
    provider.replaceRrsets(apex, [changeOf(expected, desired)], never);
  const read = (provider = open(), owner = apex, type: RrType = 'MX') =>
    provider.readRrset(apex, owner, type, never);
  const record = (content: string, priority: number, over: Partial<FakeRecord> = {}) =>
    zone.add({ name: 'example.com', type: 'MX', ttl: 3600, content, priority, ...over });
  const failure = async (work: Promise<unknown>) => {
    const error = await failureOf(work);
    expect(`${error.message} ${error.hint ?? ''}`).not.toContain(goodToken);
    return error;
  };
  const reads = () => fake.log.filter((line) => line.startsWith('GET'));
  const writes = () => fake.log.filter((line) => line.startsWith('POST'));

  describe('operations on records', () => {
    it('give ids, comments and tags to the values that replace them', async () => {
      const one = record('mx1.filter.example.net', 10, { comment: 'OPS-1182', tags: ['mail:in'] });
      const two = record('mx2.filter.example.net', 20, { comment: 'second' });
      expect(await replace(proxy, direct)).toEqual([{ state: 'applied' }]);
      expect(fake.batches).toHaveLength(1);
      expect(fake.batches[0]).toMatchObject({ deletes: [], posts: [] });
      expect(fake.recordsAt(apex, 'MX')).toMatchObject([
        {
          id: one.id,
          content: 'mx.example.org',
          priority: 10,
          ttl: 60,
          comment: 'OPS-1182',
          tags: ['mail:in'],
        },
        { id: two.id, content: 'spool.example.org', priority: 90, ttl: 60, comment: 'second' },
      ]);
    });

    it('touch no record that is as wanted, and change a preference where the exchange stays', async () => {
      record('mx1.filter.example.net', 10);
      const two = record('mx2.filter.example.net', 20);
      await replace(proxy, mx(3600, '10 mx1.filter.example.net.', '5 mx2.filter.example.net.'));
      expect(fake.batches).toEqual([
        {
          deletes: [],
          patches: [
            {
              id: two.id,
              name: 'example.com',
              type: 'MX',
              ttl: 3600,
              content: 'mx2.filter.example.net',
              priority: 5,
            },
          ],
          posts: [],
        },
      ]);
    });

    it('post what is more and delete what is too much, in the same batch', async () => {
      record('mx1.filter.example.net', 10);
      record('mx2.filter.example.net', 20);
      const three = mx(60, '1 a.example.', '2 b.example.', '3 c.example.');
      const counts = () =>
        fake.batches.map((one) => ['deletes', 'patches', 'posts'].map((key) => one[key]!.length));
      await replace(proxy, three);
      await replace(three, mx(60, '1 a.example.'));
      expect(counts()).toEqual([
        [0, 2, 1],
        [2, 0, 0],
      ]);
      expect(fake.read(apex, 'MX')).toEqual(mx(60, '1 a.example.'));
    });

    it('are none where automatic TTL serves the 300 that is wanted', async () => {
      record('mx.example.org', 10, { ttl: 1 });
      const live = mx(300, '10 mx.example.org.');
      expect(await read()).toEqual(live);
      expect(await replace(live, live)).toEqual([{ state: 'unchanged' }]);
      expect(writes()).toEqual([]);
    });

    it('bring siblings of different TTLs to one; until then the lowest counts, and the plan says so', async () => {
      record('mx1.filter.example.net', 10, { ttl: 3600 });
      record('mx2.filter.example.net', 20, { ttl: 1 });
      const provider = open();
      expect(await read(provider)).toEqual({ ...proxy, ttl: 300 });
      expect(await provider.readNotes?.(apex, never)).toEqual([
        'example.com MX has records with TTLs 300, 3600 (RFC 2181 §5.2 wants one): taken as 300',
      ]);
      expect(await replace({ ...proxy, ttl: 300 }, proxy, provider)).toEqual([{ state: 'applied' }]);
      expect(fake.recordsAt(apex, 'MX').map((one) => one.ttl)).toEqual([3600, 3600]);
      expect(await provider.readNotes?.(apex, never)).toEqual([]);
    });

    it('write null MX as a dot, IDN as A-labels, and no trailing dots', async () => {
      await replace(null, mx(60, '0 .'));
      expect(fake.recordsAt(apex, 'MX')).toMatchObject([{ content: '.', priority: 0 }]);
      const idn = domainNameOf('bücher.example');
      await replace(mx(60, '0 .'), mx(60, `10 ${idn}`));
      expect(fake.recordsAt(apex, 'MX')).toMatchObject([{ content: 'xn--bcher-kva.example' }]);
      expect(await read()).toEqual(mx(60, '10 xn--bcher-kva.example.'));
    });

    it('are split where a batch takes fewer, and never within an RRset', async () => {
      const owners = Array.from({ length: 5 }, (_, n) => domainNameOf(`in${n}.example.com`));
      const wanted = owners.map((owner) => rrsetOf(owner, 'MX', 60, ['1 a.example.', '2 b.example.']));
      const provider = open({ maxOperations: 5 });
      const outcomes = await provider.replaceRrsets(
        apex,
        wanted.map((one) => changeOf(null, one)),
        never,
      );
      expect(outcomes.map((one) => one.state)).toEqual(Array.from(owners, () => 'applied'));
      expect(fake.batches.map((one) => one['posts']!.length)).toEqual([4, 4, 2]);
      const four = mx(
        60,
        '1 a.example.',
        '2 b.example.',
        '3 c.example.',
        '4 d.example.',
        '5 e.example.',
        '6 f.example.',
      );
      expect(await failure(replace(null, four, provider))).toMatchObject({
        code: 'provider-refused',
        exitCode: 3,
      });
      expect(fake.batches).toHaveLength(3);
    });

    it('that fail in a later batch tell what was written and what was not', async () => {
      const owners = Array.from({ length: 3 }, (_, n) => domainNameOf(`in${n}.example.com`));
      const wanted = owners.map((owner) => rrsetOf(owner, 'MX', 60, ['1 a.example.']));
      fake.beforeBatch = () => {
        fake.beforeBatch = () => void fake.writeFaults.push({ status: 400, code: 1004, message: 'no more' });
      };
      const provider = open({ maxOperations: 1 });
      const outcomes = await provider.replaceRrsets(
        apex,
        wanted.map((one) => changeOf(null, one)),
        never,
      );
      expect(outcomes).toEqual([
        { state: 'applied' },
        { state: 'skipped', reason: expect.stringContaining('1004 no more') as string },
        { state: 'skipped', reason: 'an earlier batch of the zone was not applied' },
      ]);
      expect(owners.map((owner) => fake.read(owner, 'MX') !== null)).toEqual([true, false, false]);
    });
  });

  describe('reading', () => {
    const many = (count: number) =>
      Array.from({ length: count }, (_, n) => {
        const owner = domainNameOf(`d${n}.example.com`);
        zone.add({ name: `d${n}.example.com`, type: 'MX', ttl: 60, content: 'mx.example.org', priority: 10 });
        return { owner, type: 'MX' } as const;
      });

    it('goes through all pages, and asks by type where that takes fewer calls than names', async () => {
      const questions = many(2300);
      const rrsets = await open().readRrsets(apex, questions, never);
      expect(rrsets.map((one) => one?.owner)).toEqual(questions.map((one) => one.owner));
      expect(reads()).toHaveLength(1 + 3);
      expect(reads()[3]).toContain('type=MX&order=name&direction=asc&page=3&per_page=1000');
    });

    it('asks by name where the type has more pages than there are names', async () => {
      const questions = many(4200).slice(0, 3);
      const rrsets = await open().readRrsets(apex, questions, never);
      expect(rrsets.map((one) => one?.ttl)).toEqual([60, 60, 60]);
      expect(
        reads()
          .slice(2)
          .map((line) => /name.exact=([^&]*)/.exec(line)?.[1]),
      ).toEqual(questions.map((one) => displayName(one.owner)));
    });

    it('refuses an owner that is proxied, for what is answered is not what its records say', async () => {
      zone.add({ name: 'mx.example.com', type: 'A', ttl: 1, content: '192.0.2.1', proxied: true });
      const error = await failure(read(open(), domainNameOf('mx.example.com'), 'A'));
      expect(error).toMatchObject({ code: 'provider-refused', exitCode: 3 });
      expect(error.message).toContain('mx.example.com A is proxied by Cloudflare');
    });

    it('refuses types that this API has no records of', async () => {
      expect(await failure(read(open(), apex, 'SOA'))).toMatchObject({ code: 'provider-refused' });
    });
  });

  describe('the zone', () => {
    it('names its account in a plan once it is known', async () => {
      const provider = open();
      expect(provider.label).toBe('cloudflare');
      await read(provider);
      expect(provider.label).toBe(`cloudflare (account ${'a'.repeat(32)} Ada's Account)`);
    });

    it('is looked up once', async () => {
      const provider = open();
      await read(provider);
      await read(provider);
      expect(reads().filter((line) => line.startsWith('GET /zones?'))).toEqual([
        'GET /zones?name=example.com&page=1&per_page=50',
      ]);
    });

    it('of two active ones of a name is neither; account_id or zone_ids decide', async () => {
      const account = { id: 'b'.repeat(32), name: 'Other' };
      const other = fake.addZone({ name: 'example.com', account });
      other.add({ name: 'example.com', type: 'MX', ttl: 60, content: 'other.example', priority: 1 });
      const error = await failure(read());
      expect(error).toMatchObject({ code: 'zone-unknown', exitCode: 78 });
      expect(error.message).toContain(zone.id);
      expect(error.message).toContain(`${other.id} in account ${account.id}`);
      expect(error.hint).toMatch(/account_id.*zone_ids/);
      expect(await read(open({ accountId: account.id }))).toEqual(mx(60, '1 other.example.'));
      expect(await read(open({ zoneIds: { [apex]: other.id } }))).toEqual(mx(60, '1 other.example.'));
    });

    it('that is not in service is passed over, and told if there is no other', async () => {
      fake.addZone({ name: 'example.com', status: 'moved' });
      fake.addZone({ name: 'example.com', type: 'secondary' });
      expect(await read()).toBeNull();
      fake.addZone({ name: 'late.example', status: 'pending' });
      const late = domainNameOf('late.example');
      const error = await failure(open().readRrset(late, late, 'MX', never));
      expect(error.message).toMatch(/zone late\.example .* is pending, not in service/);
    });

    it('is not looked for where the endpoint is not that of the API', async () => {
      for (const endpoint of [url.replace('/client/v4', ''), `${url}/zones`]) {
        const error = await failure(read(open({ endpoint })));
        expect(error).toMatchObject({ code: 'zone-unknown', exitCode: 78 });
        expect(error.message).toContain('example.com');
      }
      expect(writes()).toEqual([]);
    });

    it('is not taken by an id of another name: its records would get this one appended', async () => {
      const other = fake.addZone({ name: 'shop.example' });
      const provider = open({ zoneIds: { [apex]: other.id } });
      expect(await failure(replace(null, direct, provider))).toMatchObject({ code: 'zone-unknown' });
      const nowhere = open({ zoneIds: { [apex]: 'f'.repeat(32) } });
      const error = await failure(read(nowhere));
      expect(error).toMatchObject({ code: 'zone-unknown' });
      expect(error.hint).toContain('zone_ids');
    });
  });

  describe('rights', () => {
    const limited = (name: string, rights: readonly Right[]) => {
      const token = `limited-${name}-0123456789abcdef`;
      fake.tokens.set(token, { rights, zones: null });
      return open({ token });
    };

    it.each<[string, readonly Right[], RegExp, RegExp]>([
      ['zones', [], /may not read zone example\.com .*9109/, /Zone > Zone > Read/],
      [
        'records',
        ['zone read'],
        /may not read the records of zone example\.com .*10000/,
        /Zone > DNS > Edit/,
      ],
      ['writing', ['zone read', 'dns read'], /may not write the records .*10000/, /Zone > DNS > Edit/],
    ])('that are missing are named: %s', async (name, rights, message, hint) => {
      const error = await failure(replace(null, direct, limited(name, rights)));
      expect(error).toMatchObject({ code: 'provider-credentials', exitCode: 4 });
      expect(error.message).toMatch(message);
      expect(error.hint).toMatch(hint);
      expect(fake.read(apex, 'MX')).toBeNull();
    });

    it('on other zones only make a zone that is not there', async () => {
      fake.tokens.set('elsewhere-0123456789abcdefgh', { rights: ['zone read', 'dns edit'], zones: [] });
      const error = await failure(read(open({ token: 'elsewhere-0123456789abcdefgh' })));
      expect(error).toMatchObject({ code: 'zone-unknown' });
      expect(error.hint).toContain('Zone > Zone > Read');
    });

    it('are those of the token alone, whatever the environment holds', async () => {
      vi.stubEnv('CLOUDFLARE_EMAIL', 'someone@example.org');
      vi.stubEnv('CLOUDFLARE_API_KEY', 'key-from-elsewhere');
      vi.stubEnv('CLOUDFLARE_BASE_URL', 'http://127.255.255.254:1');
      try {
        expect(await read()).toBeNull();
      } finally {
        vi.unstubAllEnvs();
      }
    });

    it.each([
      [403, 9109, 'Invalid access token'],
      [401, 1000, 'Invalid API Token'],
      [400, 6003, 'Invalid request headers'],
      [403, 9103, 'Unknown X-Auth-Key or X-Auth-Email'],
    ])('are none for a token that is expired or revoked: %i %i %s', async (status, code, message) => {
      fake.readFaults.push({ status, code, message });
      const error = await failure(read());
      expect(error).toMatchObject({ code: 'provider-credentials', exitCode: 4, retryable: false });
      expect(error.message).toContain(`${code} ${message}`);
      expect(error.hint).toMatch(/expired/);
      expect(fake.log).toHaveLength(1);
    });

    it.each(['short', 'with space 0123456789abcdefgh'])('are none for a token like %j', async (token) => {
      expect(await failure(read(open({ token })))).toMatchObject({
        code: 'provider-credentials',
        exitCode: 4,
      });
    });
  });

  describe('refusals', () => {
    it('of MX records that Email Routing locks are told as that, before and after asking', async () => {
      record('route1.mx.cloudflare.net', 10, { meta: { email_routing: true, read_only: true } });
      const live = mx(3600, '10 route1.mx.cloudflare.net.');
      const provider = open();
      const error = await failure(replace(live, direct, provider));
      expect(error).toMatchObject({ code: 'provider-refused', exitCode: 3 });
      expect(error.message).toBe('the MX records of zone example.com are locked by Cloudflare Email Routing');
      expect(error.hint).toContain('disable Email Routing');
      expect(writes()).toEqual([]);
      expect(await provider.readNotes?.(apex, never)).toEqual([
        'example.com MX is locked by Cloudflare Email Routing',
      ]);
      fake.write(apex, 'MX', null);
      zone.isEmailRouted = true;
      expect((await failure(replace(null, direct))).message).toBe(error.message);
      expect(writes()).toHaveLength(1);
    });

    it('of a name that is an alias', async () => {
      const owner = domainNameOf('www.example.com');
      zone.add({ name: 'www.example.com', type: 'CNAME', ttl: 60, content: 'example.com' });
      const change = changeOf(null, rrsetOf(owner, 'MX', 60, ['10 mx.example.org.']));
      const error = await failure(open().replaceRrsets(apex, [change], never));
      expect(error).toMatchObject({ code: 'provider-refused', exitCode: 3 });
      expect(error.message).toMatch(/alias \(CNAME\).*81054/);
    });

    it.each([30, 59, 86_401, 604_800])('of TTL %d come before anything is sent', async (ttl) => {
      const error = await failure(replace(null, { ...direct, ttl }));
      expect(error.message).toContain(`Cloudflare takes TTLs from 60 to 86400 on this plan, not ${ttl}`);
      expect(fake.log).toEqual([]);
    });

    it('take TTL 30 where the zone is of an Enterprise plan', async () => {
      zone = fake.addZone({ name: 'big.example', plan: 'enterprise' });
      const owner = domainNameOf('big.example');
      const change = changeOf(null, rrsetOf(owner, 'MX', 30, ['10 mx.example.org.']));
      const provider = open({ ttlBounds: { least: 30, most: 86_400 } });
      expect(provider.capabilities).toMatchObject({ minTtl: 30, maxTtl: 86_400, compareAndSet: 'weak' });
      expect(await provider.replaceRrsets(owner, [change], never)).toEqual([{ state: 'applied' }]);
    });

    it('that nobody knows are told in Cloudflare’s words, made harmless', async () => {
      fake.writeFaults.push({ status: 400, code: 81_045, message: 'quota\u001b[31m exceeded' });
      const error = await failure(replace(null, direct));
      expect(error).toMatchObject({ code: 'provider-refused', exitCode: 3 });
      expect(error.message).toContain('81045 quota\\u001b[31m exceeded');
    });
  });

  describe('somebody else’s hand between reading and writing', () => {
    const meanwhile = (run: () => void) => {
      fake.beforeBatch = () => {
        fake.beforeBatch = null;
        run();
      };
    };

    it.each([
      [81_044, 'Record does not exist.'],
      [81_057, 'The record already exists.'],
      [81_058, 'An identical record already exists.'],
    ])('that the API tells of by %i makes us look again before we write again', async (code, message) => {
      fake.write(apex, 'MX', proxy);
      fake.writeFaults.push({ status: 400, code, message });
      expect(await replace(proxy, direct)).toEqual([{ state: 'applied' }]);
      expect(writes()).toHaveLength(2);
      // The zone once; records before each batch, and after.
      expect(reads()).toHaveLength(1 + 2 + 1);
    });

    it('that made the same records anew does not stop us, nor overwrite them unseen', async () => {
      fake.write(apex, 'MX', proxy);
      meanwhile(() => fake.write(apex, 'MX', proxy));
      expect(await replace(proxy, direct)).toEqual([{ state: 'applied' }]);
      expect(writes()).toHaveLength(2);
    });

    it('that wrote what we want leaves nothing to do', async () => {
      meanwhile(() => fake.write(apex, 'MX', direct));
      expect(await replace(null, direct)).toEqual([{ state: 'unchanged' }]);
      expect(fake.read(apex, 'MX')).toEqual(direct);
    });

    it('that added a value is found by reading back, and is nobody’s success', async () => {
      fake.write(apex, 'MX', proxy);
      meanwhile(() => record('else.example.org', 5, { ttl: 60 }));
      const [outcome] = await replace(proxy, direct);
      expect(outcome).toMatchObject({ state: 'unknown' });
      expect(outcome).toHaveProperty('reason', expect.stringContaining('5 else.example.org.'));
    });

    it('that edits in place goes unseen, which is why compare-and-set is called weak', async () => {
      const one = record('mx1.filter.example.net', 10);
      meanwhile(() => zone.records.set(one.id, { ...one, content: 'edited.example.org' }));
      const live = mx(3600, '10 mx1.filter.example.net.');
      expect(await replace(live, mx(60, '10 mx.example.org.'))).toEqual([{ state: 'applied' }]);
    });

    it('is looked for once more where the budget made us wait after reading', async () => {
      fake.write(apex, 'MX', proxy);
      const theirs = mx(3600, '10 else.example.org.');
      const provider = open({ budgets: new TightBudgets(clock) });
      clock.onSleep = () => fake.write(apex, 'MX', theirs);
      expect(await replace(proxy, direct, provider)).toEqual([{ state: 'conflict', live: theirs }]);
      expect(writes()).toEqual([]);
    });

    it('that never rests ends in giving up, with nothing written', async () => {
      fake.write(apex, 'MX', proxy);
      fake.beforeBatch = () => fake.write(apex, 'MX', proxy);
      expect(await failure(replace(proxy, direct))).toMatchObject({
        code: 'provider-protocol',
        retryable: true,
      });
      expect(fake.read(apex, 'MX')).toEqual(proxy);
    });
  });
});
