//   mxctl's cloudflare adapter ==HTTPS==> api.cloudflare.com, two throwaway zones of yours
//   a client of our own, fetch ==HTTPS==> the same: what was there before, what is there after
//
// Runs where the environment names two zones that hold nothing of worth (every MX, A, AAAA and TXT record in them is
// deleted!) and a token with Zone > Zone > Read and Zone > DNS > Edit on both:
//
//   MXCTL_E2E_HOSTS=api.cloudflare.com MXCTL_E2E_CLOUDFLARE_TOKEN=... \
//   MXCTL_E2E_CLOUDFLARE_ZONES=throwaway-a.example,throwaway-b.example \
//     npm run test:e2e -- test/e2e/cloudflare-real.test.ts

import { describe, it } from 'vitest';

import { type DomainName, displayName, domainNameOf } from '../../src/model/domain-name.ts';
import { type Rrset, rrsetOf, type RrType } from '../../src/model/rrset.ts';
import { Secret } from '../../src/model/secret.ts';
import { createCloudflareProvider } from '../../src/providers/cloudflare/index.ts';
import { RateBudgets } from '../../src/providers/rate-budget.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { describeProviderContract } from '../support/provider-contract.ts';
import type { ProviderWorld } from '../support/provider-world.ts';

const token = process.env['MXCTL_E2E_CLOUDFLARE_TOKEN'];
const zones = process.env['MXCTL_E2E_CLOUDFLARE_ZONES']?.split(',').map(domainNameOf) ?? [];
const [zone, otherZone] = zones;

if (token === undefined || zone === undefined || otherZone === undefined)
  describe('cloudflare itself', () => {
    it.skip('MXCTL_E2E_CLOUDFLARE_TOKEN and MXCTL_E2E_CLOUDFLARE_ZONES do not name a throwaway account', () => {});
  });
else describeReal(token, zone, otherZone);

function describeReal(secret: string, first: DomainName, second: DomainName): void {
  const budgets = new RateBudgets(systemClock);
  const providerWith = (given: string, endpoint: string | null = null) =>
    createCloudflareProvider(
      {
        name: 'cf',
        token: new Secret(given),
        accountId: null,
        zoneIds: {},
        maxOperations: 200,
        ttlBounds: { least: 60, most: 86_400 },
        endpoint,
        timeoutMs: 15_000,
      },
      { clock: systemClock, budgets },
    );

  const makeWorld = async (): Promise<ProviderWorld> => {
    for (const one of [first, second]) await empty(secret, one);
    return {
      provider: providerWith(secret),
      zone: first,
      otherZone: second,
      unknownZone: domainNameOf('unknown.example'),
      read: (owner, type) => readRrset(secret, [first, second], owner, type),
      write: (owner, type, rrset) => writeRrset(secret, [first, second], owner, type, rrset),
      withWrongCredentials: () => providerWith('a-token-that-cloudflare-never-made-up000'),
      withClockOff: null,
      withNobodyThere: () => providerWith(secret, 'http://127.255.255.254:1/client/v4'),
      faults: null,
      close: async () => {
        for (const one of [first, second]) await empty(secret, one);
      },
    };
  };
  describeProviderContract('cloudflare itself keeps the contract of a provider', makeWorld, {
    fail: 'the real API, with nothing before it that could lose a reply',
    careForClock: 'a bearer token carries no time',
  });
}

interface RealRecord {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly content: string;
  readonly priority?: number;
  readonly ttl: number;
}

/** Nothing of the adapter: the witness must not share its mistakes. */
async function call<T>(secret: string, path: string, init: RequestInit = {}): Promise<T> {
  const response = await fetch(`https://api.cloudflare.com/client/v4${path}`, {
    ...init,
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
  });
  const body = (await response.json()) as { success: boolean; result: T; errors: unknown };
  if (!body.success) throw new Error(`${path}: ${JSON.stringify(body.errors)}`);
  return body.result;
}

async function zoneId(secret: string, zone: DomainName): Promise<string> {
  const [found] = await call<{ id: string }[]>(secret, `/zones?name=${displayName(zone)}&status=active`);
  if (found === undefined) throw new Error(`no active zone ${zone}`);
  return found.id;
}

async function recordsAt(
  secret: string,
  zone: DomainName,
  owner: DomainName | null,
): Promise<{ id: string; records: RealRecord[] }> {
  const id = await zoneId(secret, zone);
  const name = owner === null ? '' : `&name.exact=${displayName(owner)}`;
  return { id, records: await call(secret, `/zones/${id}/dns_records?per_page=1000${name}`) };
}

async function empty(secret: string, zone: DomainName): Promise<void> {
  const { id, records } = await recordsAt(secret, zone, null);
  const deletes = records
    .filter((one) => ['MX', 'A', 'AAAA', 'TXT'].includes(one.type))
    .map((one) => ({ id: one.id }));
  if (deletes.length > 0)
    await call(secret, `/zones/${id}/dns_records/batch`, {
      method: 'POST',
      body: JSON.stringify({ deletes }),
    });
}

const holderOf = (zones: readonly DomainName[], owner: DomainName) => {
  const zone = zones.find((one) => owner === one || owner.endsWith(`.${one}`));
  if (zone === undefined) throw new Error(`no zone of ours holds ${owner}`);
  return zone;
};

async function readRrset(
  secret: string,
  zones: readonly DomainName[],
  owner: DomainName,
  type: RrType,
): Promise<Rrset | null> {
  const { records } = await recordsAt(secret, holderOf(zones, owner), owner);
  const own = records.filter((one) => one.type === type);
  if (own.length === 0) return null;
  const values = own.map(({ content, priority }) =>
    type === 'MX' ? `${priority ?? 0} ${content === '.' ? '.' : `${content}.`}` : content,
  );
  return rrsetOf(owner, type, Math.min(...own.map((one) => (one.ttl === 1 ? 300 : one.ttl))), values);
}

async function writeRrset(
  secret: string,
  zones: readonly DomainName[],
  owner: DomainName,
  type: RrType,
  rrset: Rrset | null,
): Promise<void> {
  const { id, records } = await recordsAt(secret, holderOf(zones, owner), owner);
  const deletes = records.filter((one) => one.type === type).map((one) => ({ id: one.id }));
  const posts = (rrset?.rdata ?? []).map((rdata) => {
    const [, priority, exchange] = /^(\d+) (\S+)$/.exec(rdata) ?? [];
    const value =
      type === 'MX' && exchange !== undefined
        ? { priority: Number(priority), content: exchange === '.' ? '.' : exchange.slice(0, -1) }
        : { content: rdata };
    return { name: displayName(owner), type, ttl: rrset?.ttl ?? 60, ...value };
  });
  if (deletes.length + posts.length > 0)
    await call(secret, `/zones/${id}/dns_records/batch`, {
      method: 'POST',
      body: JSON.stringify({ deletes, posts }),
    });
}
