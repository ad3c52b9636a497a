import { describe, expect, it } from 'vitest';

import { domainNameOf } from '../../../src/model/domain-name.ts';
import { rrsetOf } from '../../../src/model/rrset.ts';
import { Secret } from '../../../src/model/secret.ts';
import { createPowerdnsProvider } from '../../../src/providers/powerdns/index.ts';
import { FakePowerdns } from '../../support/fakes/powerdns.ts';
import { describeProviderContract } from '../../support/provider-contract.ts';
import { failureOf, type ProviderWorld } from '../../support/provider-world.ts';

const zone = domainNameOf('example.com');
const otherZone = domainNameOf('shop.example');
const never = new AbortController().signal;

const providerAt = (url: string, apiKey = FakePowerdns.apiKey) =>
  createPowerdnsProvider(
    { name: 'pdns', url, apiKey: new Secret(apiKey), serverId: 'localhost', timeoutMs: 2000 },
    { clock: { now: () => 0, sleep: () => Promise.resolve() } },
  );

const cannot = {
  throttle: 'the API has no rate limit',
  careForClock: 'an API key carries no time',
  seeRaces: 'the API takes no precondition (compareAndSet: none)',
};

describeProviderContract('powerdns keeps the contract of a provider', makeWorld, cannot);

async function makeWorld(): Promise<ProviderWorld> {
  const fake = await FakePowerdns.start([zone, otherZone]);
  return {
    provider: providerAt(fake.url),
    zone,
    otherZone,
    unknownZone: domainNameOf('unknown.example.'),
    read: (owner, type) => Promise.resolve(fake.zoneOf(owner).get(`${owner} ${type}`) ?? null),
    write: (owner, type, rrset) => {
      if (rrset === null) fake.zoneOf(owner).delete(`${owner} ${type}`);
      else fake.zoneOf(owner).set(`${owner} ${type}`, rrset);
      return Promise.resolve();
    },
    withWrongCredentials: () => providerAt(fake.url, 'else'),
    withClockOff: null,
    withNobodyThere: () => providerAt('http://127.255.255.254:1'),
    faults: {
      loseReplyAfterApply: () => void fake.faults.push('lose-after'),
      loseReplyBeforeApply: () => void fake.faults.push('lose-before'),
      loseReplyAndFallSilent: () => void fake.faults.push('silent-after'),
      beforeWrite: (run) => {
        fake.beforeWrite = run;
      },
    },
    close: () => fake.close(),
  };
}

describe('powerdns', () => {
  const direct = rrsetOf(zone, 'MX', 60, ['10 mx.example.org.']);
  const create = { owner: zone, type: 'MX', expected: null, desired: direct } as const;

  const answering = async (traits: Record<string, unknown>) => {
    const fake = await FakePowerdns.start([zone]);
    fake.traits = traits;
    return fake;
  };

  it.each([
    [{ kind: 'Native', soa_edit_api: '' }, 0],
    [{ kind: 'Master', soa_edit_api: 'DEFAULT' }, 0],
    [{ kind: 'Master', soa_edit_api: '' }, 1],
    [{ kind: 'Primary' }, 1],
  ])('%j: %i note about a serial that will not rise', async (traits, count) => {
    const fake = await answering(traits);
    expect(await providerAt(fake.url).readNotes?.(zone, never)).toHaveLength(count);
    await fake.close();
  });

  it.each([
    ['another shape', { status: 200, body: '{"name":"example.com.","kind":7,"rrsets":[]}' }],
    [
      'records without content',
      { status: 200, body: '{"name":"a.","kind":"Native","rrsets":[{"name":"a."}]}' },
    ],
    ['a login page', { status: 200, body: '<html>Sign in</html>' }],
    ['another server’s status', { status: 405, body: 'Method Not Allowed' }],
    ['a server that failed', { status: 500, body: 'Internal Server Error' }],
  ])('says so where the answer is not that of a PowerDNS: %s', async (_, fault) => {
    const fake = await answering({ kind: 'Native' });
    fake.readFaults.push(fault);
    const error = await failureOf(providerAt(fake.url).readRrset(zone, zone, 'MX', never));
    expect(error).toMatchObject({ code: 'provider-protocol', exitCode: 8 });
    expect(error.message).toContain(new URL(fake.url).host);
    await fake.close();
  });

  it('is not led to another host', async () => {
    const fake = await answering({ kind: 'Native' });
    fake.readFaults.push({ status: 302, body: '', location: 'http://127.0.0.1:1/' });
    const error = await failureOf(providerAt(fake.url).readRrset(zone, zone, 'MX', never));
    expect(error).toMatchObject({ code: 'provider-unreachable' });
    expect(error.hint).toContain('url');
    await fake.close();
  });

  it.each([
    [401, '{"error":"Unauthorized"}', 'provider-credentials', 4, /does not take the API key/, /api_key/],
    [404, '{"error":"Not Found"}', 'zone-unknown', 78, /has no zone example\.com/, /server_id/],
    [
      422,
      '{"error":"Record \\u001b[31m bad"}',
      'provider-refused',
      4,
      /refused the records: Record \\u001b/,
      /nothing/,
    ],
  ])(
    'tells a refusal of the write as what it is: %i',
    async (status, body, code, exitCode, message, hint) => {
      const fake = await answering({ kind: 'Native' });
      fake.faults.push({ status, body });
      const error = await failureOf(providerAt(fake.url).replaceRrsets(zone, [create], never));
      expect(error).toMatchObject({ code, exitCode });
      expect(error.message).toMatch(message);
      expect(error.hint).toMatch(hint);
      expect(fake.zoneOf(zone).size).toBe(0);
      await fake.close();
    },
  );

  it('calls what the API took and does not hold unknown', async () => {
    const fake = await answering({ kind: 'Native' });
    fake.faults.push({ status: 204, body: '' });
    const [outcome] = await providerAt(fake.url).replaceRrsets(zone, [create], never);
    expect(outcome).toMatchObject({ state: 'unknown' });
    expect(outcome).toHaveProperty('reason', expect.stringContaining('it holds: no such RRset'));
    await fake.close();
  });

  it('writes two zones of one server one after the other', async () => {
    const fake = await FakePowerdns.start([zone, otherZone]);
    const theirs = { ...create, owner: otherZone, desired: { ...direct, owner: otherZone } };
    const provider = providerAt(fake.url);
    const both = await Promise.all([
      provider.replaceRrsets(zone, [create], never),
      provider.replaceRrsets(otherZone, [theirs], never),
    ]);
    expect(both.flat()).toEqual([{ state: 'applied' }, { state: 'applied' }]);
    await fake.close();
  });

  it('gives the key to nobody else and shows it nowhere', async () => {
    const fake = await answering({ kind: 'Native' });
    const provider = providerAt(fake.url, 'a-wrong-secret');
    const failure: unknown = await provider
      .replaceRrsets(zone, [create], never)
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'provider-credentials', exitCode: 4 });
    expect(`${JSON.stringify(failure)} ${String(failure)} ${JSON.stringify(provider)}`).not.toContain(
      'a-wrong',
    );
    await fake.close();
  });
});
