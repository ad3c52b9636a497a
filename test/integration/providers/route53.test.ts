import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { domainNameOf, type DomainName } from '../../../src/model/domain-name.ts';
import { rrsetOf } from '../../../src/model/rrset.ts';
import type { ZoneChange } from '../../../src/providers/provider.ts';
import { FakeRoute53 } from '../../support/fakes/route53.ts';
import { describeProviderContract } from '../../support/provider-contract.ts';
import { failureOf, never, type ProviderWorld, statesOf } from '../../support/provider-world.ts';
import { providerAt, steppedClock, useRoute53, writeProfiles } from '../../support/route53-world.ts';

const zone = domainNameOf('example.com.');

// For the contract, whose world is made without a bench.
let removeProfiles: () => void;
beforeAll(() => {
  removeProfiles = writeProfiles();
});
afterAll(() => {
  removeProfiles();
});

const cannot = { careForClock: 'AWS tells the time with every refusal, and the SDK signs by it' };

describeProviderContract('route53 keeps the contract of a provider', makeWorld, cannot);

async function makeWorld(): Promise<ProviderWorld> {
  const fake = new FakeRoute53();
  const zones = new Map([zone, domainNameOf('shop.example.')].map((name) => [name, fake.addZone(name)]));
  const zoneOf = (owner: DomainName) => [...zones].find(([name]) => owner.endsWith(name))![1];
  const endpoint = await fake.listen();
  return {
    provider: providerAt(endpoint),
    zone,
    otherZone: domainNameOf('shop.example.'),
    unknownZone: domainNameOf('unknown.example.'),
    read: (owner, type) => {
      const set = zoneOf(owner).find(owner, type);
      return Promise.resolve(set === undefined ? null : rrsetOf(owner, type, set.ttl!, set.values!));
    },
    write: (owner, type, rrset) => {
      zoneOf(owner).put({ name: owner, type, ttl: rrset?.ttl ?? 0, values: rrset?.rdata ?? [] });
      return Promise.resolve();
    },
    withWrongCredentials: () => providerAt(endpoint, { profile: 'wrong' }),
    withClockOff: null,
    withNobodyThere: () => providerAt('http://127.255.255.254:1'),
    faults: {
      throttle: () => void fake.faults.push('throttle', 'prior'),
      loseReplyAfterApply: () => void fake.faults.push('lose-after'),
      loseReplyBeforeApply: () => void fake.faults.push('lose-before'),
      loseReplyAndFallSilent: () => void fake.faults.push('then-gone'),
      beforeWrite: (run) => {
        fake.beforeChange = () => {
          fake.beforeChange = null;
          void run();
        };
      },
    },
    close: () => fake.close(),
  };
}

describe('route53', () => {
  const bench = useRoute53();
  const { proxy, direct, flip, hold, replace, calls } = bench;
  let { fake, endpoint, home } = bench;
  beforeEach(() => {
    ({ fake, endpoint, home } = bench);
  });

  describe('a change', () => {
    it('is one DELETE and one CREATE in one batch, waited for until it is in sync', async () => {
      hold();
      fake.pendingLooks = 2;
      const clock = steppedClock();
      expect(await replace(providerAt(endpoint, {}, { clock }))).toEqual([{ state: 'applied' }]);
      expect(fake.log).toEqual([
        'ListHostedZonesByName example.com.',
        'ListResourceRecordSets example.com. example.com. MX',
        'ChangeResourceRecordSets example.com. 2',
        'GetChange C000000000001',
        'GetChange C000000000001',
        'GetChange C000000000001',
      ]);
      expect(clock.slept).toEqual([2000, 3000, 5000]);
      expect(fake.comments).toEqual(['mxctl 01JD']);
    });

    it('needs no second reading where what it expects was just read', async () => {
      hold();
      const provider = providerAt(endpoint);
      await provider.readRrset(zone, zone, 'MX', never);
      expect(await replace(provider)).toEqual([{ state: 'applied' }]);
      expect(calls('ListResourceRecordSets')).toHaveLength(1);
      expect(await provider.readRrset(zone, zone, 'MX', never)).toEqual(direct);
    });

    it('of what changed since it was read is a conflict, and nothing is written', async () => {
      hold();
      const provider = providerAt(endpoint);
      await provider.readRrset(zone, zone, 'MX', never);
      hold(['10 else.example.org.'], 300);
      const theirs = rrsetOf(zone, 'MX', 300, ['10 else.example.org.']);
      expect(await replace(provider)).toEqual([{ state: 'conflict', live: theirs }]);
      expect(home.find('example.com', 'MX')?.values).toEqual(['10 else.example.org.']);
    });

    it('is made though what was read before stood in its way', async () => {
      hold(['10 else.example.org.']);
      const provider = providerAt(endpoint);
      await provider.readRrset(zone, zone, 'MX', never);
      hold();
      expect(await replace(provider)).toEqual([{ state: 'applied' }]);
    });

    it('that somebody else made since it was read is no change', async () => {
      hold();
      const provider = providerAt(endpoint);
      await provider.readRrset(zone, zone, 'MX', never);
      hold(direct.rdata, 60);
      expect(await replace(provider)).toEqual([{ state: 'unchanged' }]);
    });

    it('stops waiting at its deadline: the authorities are asked anyway', async () => {
      hold();
      fake.pendingLooks = Infinity;
      const clock = steppedClock();
      expect(await replace(providerAt(endpoint, {}, { clock }))).toEqual([{ state: 'applied' }]);
      const waited = clock.slept.reduce((sum, one) => sum + one, 0);
      expect(waited).toBeGreaterThan(50_000);
      expect(waited).toBeLessThanOrEqual(60_000);
    });

    it('is told though nobody may ask whether it has spread', async () => {
      hold();
      fake.denied.add('route53:GetChange');
      expect(await replace()).toEqual([{ state: 'applied' }]);
    });

    it('is told to who gave up waiting', async () => {
      hold();
      const abort = new AbortController();
      const clock = steppedClock();
      const sleep = (ms: number, signal: AbortSignal) => {
        abort.abort(new Error('Ctrl-C'));
        return clock.sleep(ms, signal);
      };
      const provider = providerAt(endpoint, {}, { clock: { ...clock, sleep } });
      expect(await replace(provider, [flip], abort.signal)).toEqual([{ state: 'applied' }]);
    });

    it('echoes values as listed, however they are written', async () => {
      const odd = ['20 MX2.Filter.example.NET', '10 mx1.filter.example.net.'];
      hold(odd);
      const provider = providerAt(endpoint);
      expect(await provider.readRrset(zone, zone, 'MX', never)).toEqual(proxy);
      expect(await replace(provider)).toEqual([{ state: 'applied' }]);
    });

    it('goes on where the same values were only written anew', async () => {
      hold();
      fake.beforeChange = () => {
        fake.beforeChange = null;
        hold(['10 MX1.filter.example.net', '20 mx2.filter.example.net']);
      };
      expect(await replace()).toEqual([{ state: 'applied' }]);
      expect(calls('ChangeResourceRecordSets')).toHaveLength(2);
    });

    it('of A and AAAA of a name reads the name once', async () => {
      const owner = domainNameOf('mx1.example.com.');
      home.put({ name: owner, type: 'A', ttl: 60, values: ['192.0.2.10'] });
      home.put({ name: owner, type: 'AAAA', ttl: 60, values: ['2001:DB8:F:0::10'] });
      const live = await providerAt(endpoint).readRrsets(
        zone,
        [
          { owner, type: 'AAAA' },
          { owner, type: 'A' },
        ],
        never,
      );
      expect(live.map((one) => one?.rdata)).toEqual([['2001:db8:f::10'], ['192.0.2.10']]);
      expect(calls('ListResourceRecordSets')).toHaveLength(1);
      fake.pageSize = 1;
      const again = await providerAt(endpoint).readRrsets(
        zone,
        [
          { owner: zone, type: 'SOA' },
          { owner, type: 'A' },
          { owner, type: 'AAAA' },
        ],
        never,
      );
      expect(again.map((one) => one?.type)).toEqual(['SOA', 'A', 'AAAA']);
    });

    it('of a wildcard and of odd octets finds the name behind the octal escapes', async () => {
      const changes = [
        '*.example.com.',
        'a\\032b.example.com.',
        'x_y.example.com.',
        'q\\/r.example.com.',
      ].map((text): ZoneChange => {
        const owner = domainNameOf(text);
        return { owner, type: 'MX', expected: null, desired: { ...direct, owner } };
      });
      const provider = providerAt(endpoint);
      expect(statesOf(await replace(provider, changes))).toEqual(changes.map(() => 'applied'));
      expect(home.sets.map((one) => one.name)).toContain('\\052.example.com.');
      expect(home.sets.map((one) => one.name)).toContain('a\\040b.example.com.');
      const live = await provider.readRrsets(zone, changes, never);
      expect(live).toEqual(changes.map((one) => one.desired));
      expect(statesOf(await replace(provider, changes))).toEqual(changes.map(() => 'unchanged'));
    });
  });

  describe('a record set that is more than its values is not managed', () => {
    const mx = { name: 'example.com', type: 'MX' };
    it.each([
      [
        'a routing policy',
        { ...mx, ttl: 60, values: ['10 a.example.'], setIdentifier: 'eu' },
        /SetIdentifier eu/,
      ],
      ['an alias', { ...mx, aliasTo: 'other.example.com.' }, /alias record/],
      [
        'a health check',
        { ...mx, ttl: 60, values: ['10 a.example.'], healthCheckId: 'abcd' },
        /health check abcd/,
      ],
      [
        'a traffic policy',
        { ...mx, ttl: 60, values: ['10 a.example.'], trafficPolicyInstanceId: 'ef01' },
        /traffic policy instance ef01/,
      ],
    ])('%s', async (_, set, message) => {
      home.put(set);
      const before = home.sets;
      const provider = providerAt(endpoint);
      for (const work of [provider.readRrset(zone, zone, 'MX', never), replace(provider)]) {
        const error = await failureOf(work);
        expect(error).toMatchObject({ code: 'provider-refused', exitCode: 4 });
        expect(error.message).toMatch(message);
        expect(error.message).toContain('example.com MX is not managed');
      }
      expect(home.sets).toEqual(before);
    });
  });

  describe('a busy API', () => {
    it.each(['throttle', 'prior'] as const)('is asked again with growing pauses: %s', async (fault) => {
      hold();
      fake.faults.push(fault, fault, fault);
      const clock = steppedClock();
      expect(await replace(providerAt(endpoint, {}, { clock }))).toEqual([{ state: 'applied' }]);
      // Three quarters of 250, 500 and 1000: chance says the middle.
      expect(clock.slept.slice(0, 3)).toEqual([188, 375, 750]);
      expect(calls('ChangeResourceRecordSets')).toHaveLength(4);
    });

    it('is given up after a minute, with nothing written', async () => {
      hold();
      fake.faults.push(...Array<'throttle'>(100).fill('throttle'));
      const clock = steppedClock();
      const error = await failureOf(replace(providerAt(endpoint, {}, { clock })));
      expect(error).toMatchObject({ code: 'provider-unreachable', retryable: true, exitCode: 8 });
      expect(error.message).toContain('went on throttling route53:ChangeResourceRecordSets');
      expect(clock.slept.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(60_000);
      expect(home.find('example.com', 'MX')?.ttl).toBe(3600);
    });

    it('is read again after throttling, an error of its own and silence', async () => {
      hold();
      for (const fault of ['throttle', 'http-500', 'lose', 'garbage', 'undocumented'] as const) {
        fake.readFaults.push(fault);
        expect(await providerAt(endpoint).readRrset(zone, zone, 'MX', never)).toEqual(proxy);
      }
    });

    it('that never answers as documented is an error, not an empty zone', async () => {
      fake.readFaults.push(...Array<'undocumented'>(20).fill('undocumented'));
      const error = await failureOf(providerAt(endpoint).readRrset(zone, zone, 'MX', never));
      expect(error).toMatchObject({ code: 'provider-protocol', exitCode: 8 });
      expect(error.message).toContain('not as documented');
    });

    it('is not asked faster than its documented rate', async () => {
      const clock = steppedClock();
      const provider = providerAt(endpoint, {}, { clock });
      for (let n = 0; n < 70; n++) await provider.readRrset(zone, zone, 'MX', never);
      const waited = clock.slept.reduce((sum, one) => sum + one, 0);
      // 71 calls: 50 at once, then ten a second.
      expect(waited).toBeGreaterThanOrEqual(2000);
      expect(waited).toBeLessThan(2300);
    });
  });

  describe('an answer that does not tell', () => {
    it.each([
      'applied-http-500',
      'applied-odd-400',
      'applied-garbage',
      'applied-empty',
      'undocumented',
    ] as const)('to a change that was applied is settled by reading: %s', async (fault) => {
      hold();
      fake.faults.push(fault);
      expect(await replace()).toEqual([{ state: 'applied' }]);
      expect(calls('ChangeResourceRecordSets')).toHaveLength(1);
    });

    it('to a change that was not applied is an error that says so', async () => {
      hold();
      fake.faults.push('http-500');
      const error = await failureOf(replace());
      expect(error).toMatchObject({ code: 'provider-unreachable', retryable: true });
      expect(error.message).toContain('the change was not applied');
      fake.faults.push('odd-400');
      expect((await failureOf(replace())).message).toContain('SomethingNew: This was never documented');
      expect(calls('ChangeResourceRecordSets')).toHaveLength(2);
    });

    it('and somebody else wrote meanwhile is a conflict', async () => {
      hold();
      fake.faults.push('lose-before');
      fake.beforeChange = () => {
        hold(['1 else.example.'], 5);
      };
      expect(await replace()).toEqual([
        { state: 'conflict', live: rrsetOf(zone, 'MX', 5, ['1 else.example.']) },
      ]);
    });
  });

  describe('a batch refused', () => {
    it.each([false, true])('is a conflict, in either shape of the answer (bare: %s)', async (isBare) => {
      hold();
      fake.isBareBatchError = isBare;
      const theirs = rrsetOf(zone, 'MX', 3600, ['10 else.example.org.']);
      fake.beforeChange = () => {
        hold(theirs.rdata);
      };
      expect(await replace()).toEqual([{ state: 'conflict', live: theirs }]);
    });

    it.each([false, true])('for a reason that stays is told with it (bare: %s)', async (isBare) => {
      fake.isBareBatchError = isBare;
      const owner = domainNameOf('www.example.com.');
      home.put({ name: owner, type: 'CNAME', ttl: 60, values: ['example.com.'] });
      const change = { owner, type: 'MX', expected: null, desired: { ...direct, owner } } as const;
      const error = await failureOf(replace(providerAt(endpoint), [change]));
      expect(error).toMatchObject({ code: 'provider-refused', exitCode: 4 });
      expect(error.message).toContain('conflicting RRSet of type CNAME');
      expect(calls('ChangeResourceRecordSets')).toHaveLength(1);
    });

    it('for a protected record set says who must lift that', async () => {
      hold();
      home.protections.set('example.com. MX', 'OPS-1182: do not touch');
      const error = await failureOf(replace());
      expect(error.message).toContain('OPS-1182: do not touch');
      expect(error.hint).toContain('DeleteResourceRecordSetProtections');
    });
  });

  describe('credentials', () => {
    it.each(['ListHostedZonesByName', 'ListResourceRecordSets', 'ChangeResourceRecordSets'])(
      'without the right to %s: says which, and asks once',
      async (action) => {
        hold();
        fake.denied.add(`route53:${action}`);
        const error = await failureOf(replace());
        expect(error).toMatchObject({ code: 'provider-credentials', exitCode: 4, retryable: false });
        expect(error.message).toContain(`AWS does not allow route53:${action}`);
        expect(error.hint).toContain('mxctl provider policy r53');
        expect(calls(action)).toHaveLength(1);
      },
    );

    it('that are wrong, of a profile that is not there or expired: says so, and repeats no secret', async () => {
      const wrong = await failureOf(replace(providerAt(endpoint, { profile: 'wrong' })));
      expect(wrong).toMatchObject({ code: 'provider-credentials', exitCode: 4 });
      expect(wrong.message).toBe('AWS does not take these credentials: SignatureDoesNotMatch');
      expect(JSON.stringify(wrong)).not.toContain('Canonical');
      const none = await failureOf(replace(providerAt(endpoint, { profile: 'nobody' })));
      expect(none).toMatchObject({ code: 'provider-credentials', exitCode: 4 });
      expect(none.hint).toContain('AWS_ACCESS_KEY_ID');
    });

    it('are those of the role where one is given, and its account is in the label', async () => {
      process.env['AWS_ENDPOINT_URL_STS'] = endpoint;
      try {
        hold();
        const roleArn = 'arn:aws:iam::999988887777:role/mxctl';
        const provider = providerAt(endpoint, { roleArn, externalId: 'ext-1' });
        expect(await replace(provider)).toEqual([{ state: 'applied' }]);
        expect(calls('sts:')).toEqual(['sts:AssumeRole']);
        expect([...fake.keys.values()].at(-1)).toMatchObject({
          token: 'session ext-1',
          arn: 'arn:aws:sts::999988887777:assumed-role/mxctl/mxctl',
        });
        await provider.readRrset(zone, zone, 'MX', never);
        expect(provider.label).toBe('route53 (account 999988887777)');
        fake.denied.add('sts:AssumeRole');
        const error = await failureOf(replace(providerAt(endpoint, { roleArn })));
        expect(error).toMatchObject({ code: 'provider-credentials', exitCode: 4 });
        expect(error.message).toContain('sts:AssumeRole');
      } finally {
        delete process.env['AWS_ENDPOINT_URL_STS'];
      }
    });

    it('tell their account for the label, and nothing fails where they do not', async () => {
      process.env['AWS_ENDPOINT_URL_STS'] = endpoint;
      process.env['AWS_ENDPOINT_URL_ROUTE_53'] = endpoint;
      try {
        const open = () => providerAt(endpoint, { endpoint: null });
        const provider = open();
        expect(provider.label).toBe('route53');
        await provider.readRrset(zone, zone, 'MX', never);
        expect(provider.label).toBe('route53 (account 123456789012)');
        const elsewhere = providerAt(endpoint);
        await elsewhere.readRrset(zone, zone, 'MX', never);
        expect(elsewhere.label).toBe('route53');
        expect(calls('sts:')).toEqual(['sts:GetCallerIdentity']);
        fake.denied.add('sts:GetCallerIdentity');
        const silent = open();
        expect(await silent.readRrset(zone, zone, 'MX', never)).toBeNull();
        expect(silent.label).toBe('route53');
      } finally {
        delete process.env['AWS_ENDPOINT_URL_STS'];
        delete process.env['AWS_ENDPOINT_URL_ROUTE_53'];
      }
    });

    it.each([-3600, 3600])(
      'work on a machine whose clock is off by %i s: AWS tells the time',
      async (seconds) => {
        fake.clockOffsetMs = seconds * 1000;
        hold();
        expect(await replace()).toEqual([{ state: 'applied' }]);
      },
    );
  });

  it.each([
    ['an endpoint that is a web page', '<html><body>login</body></html>', 'text/html'],
    ['an endpoint that speaks JSON', '{"ok":true}', 'application/json'],
  ])('takes %s for what it is', async (_, body, type) => {
    const server = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': type });
      response.end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const provider = providerAt(`http://127.0.0.1:${port}`);
    for (const work of [provider.readRrset(zone, zone, 'MX', never), replace(provider)]) {
      const error = await failureOf(work);
      expect(error.exitCode).toBe(8);
      expect(error.hint).toContain('endpoint');
    }
    await provider.close();
    server.close();
  });

  it('signs as Route 53 wants it, whatever region is given', async () => {
    hold();
    for (const region of ['eu-central-1', 'us-east-1', null])
      expect(await providerAt(endpoint, { region }).readRrset(zone, zone, 'MX', never)).toEqual(proxy);
    const nowhere = await failureOf(
      providerAt(endpoint, { endpoint: 'http://127.255.255.254:1' }).readRrset(zone, zone, 'MX', never),
    );
    expect(nowhere).toMatchObject({ code: 'provider-unreachable', exitCode: 8 });
    expect(nowhere.hint).toMatch(/endpoint.*region/);
  });

  it('reads TXT with octal escapes as everyone else writes it', async () => {
    home.put({ name: 'example.com', type: 'TXT', ttl: 60, values: ['"caf\\303\\251 \\"x\\"" "two"'] });
    const live = await providerAt(endpoint).readRrset(zone, zone, 'TXT', never);
    expect(live?.rdata).toEqual(['"caf\\195\\169 \\"x\\"" "two"']);
  });

  it('refuses a type without a name, and values that are none', async () => {
    const provider = providerAt(endpoint);
    expect(await failureOf(provider.readRrset(zone, zone, 'TYPE99', never))).toMatchObject({
      code: 'provider-refused',
    });
    hold(['mx.example.org']);
    const error = await failureOf(provider.readRrset(zone, zone, 'MX', never));
    expect(error).toMatchObject({ code: 'provider-protocol' });
    expect(error.message).toContain('"mx.example.org" is not the value of MX');
  });
});
