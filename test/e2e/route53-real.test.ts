//   mxctl's route53 adapter =======HTTPS=======> route53.amazonaws.com, two throwaway hosted zones of yours
//   the SDK by itself, all sets by UPSERT =====> the same: what was there before, what is there after
//
// Runs where the environment names two public hosted zones that hold nothing of worth (every MX, A, AAAA and TXT record
// set in them is deleted!) and has credentials as the AWS tools take them, with the rights of `mxctl provider policy`
// and UPSERT. Public zones need not be delegated. About 400 calls; a hosted zone deleted within 12 hours costs nothing.
//
//   MXCTL_E2E_HOSTS=route53.amazonaws.com,sts.us-east-1.amazonaws.com AWS_PROFILE=throwaway \
//   MXCTL_E2E_ROUTE53_ZONES=throwaway-a.example=Z0AB12,throwaway-b.example=Z0CD34 \
//     npm run test:e2e -- test/e2e/route53-real.test.ts

import {
  ChangeResourceRecordSetsCommand,
  ListResourceRecordSetsCommand,
  type ResourceRecordSet,
  Route53Client,
} from '@aws-sdk/client-route-53';
import { describe, it } from 'vitest';

import { type DomainName, domainNameOf, isWithin } from '../../src/model/domain-name.ts';
import { type Rrset, rrsetOf, type RrType } from '../../src/model/rrset.ts';
import { RateBudgets } from '../../src/providers/rate-budget.ts';
import { createRoute53Provider } from '../../src/providers/route53/index.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { describeProviderContract } from '../support/provider-contract.ts';
import type { ProviderWorld } from '../support/provider-world.ts';

interface RealZone {
  readonly name: DomainName;
  readonly id: string;
}

const zones = (process.env['MXCTL_E2E_ROUTE53_ZONES'] ?? '')
  .split(',')
  .filter((text) => text !== '')
  .map((text): RealZone => {
    const [name = '', id = ''] = text.split('=');
    return { name: domainNameOf(name), id };
  });
const [first, second] = zones;

if (first === undefined || second === undefined)
  describe('route53 itself', () => {
    it.skip('MXCTL_E2E_ROUTE53_ZONES does not name two throwaway hosted zones', () => {});
  });
else describeReal(first, second);

function describeReal(one: RealZone, other: RealZone): void {
  const client = new Route53Client({ region: 'us-east-1', maxAttempts: 10 });
  const budgets = new RateBudgets(systemClock);
  const providerWith = (options: { profile?: string; endpoint?: string } = {}) =>
    createRoute53Provider(
      {
        name: 'r53',
        roleArn: null,
        externalId: null,
        profile: options.profile ?? null,
        region: null,
        hostedZones: { [one.name]: one.id, [other.name]: other.id },
        endpoint: options.endpoint ?? null,
        timeoutMs: 20_000,
      },
      { clock: systemClock, budgets, random: Math.random, lookupNs: () => Promise.resolve(null) },
    );

  const makeWorld = async (): Promise<ProviderWorld> => {
    for (const zone of zones) await empty(client, zone);
    return {
      provider: providerWith(),
      zone: one.name,
      otherZone: other.name,
      unknownZone: domainNameOf('unknown.example.'),
      read: (owner, type) => readRrset(client, owner, type),
      write: (owner, type, rrset) => writeRrset(client, owner, type, rrset),
      // A profile that nobody has: the SDK finds no credentials.
      withWrongCredentials: () => providerWith({ profile: 'mxctl-no-such-profile' }),
      withClockOff: null,
      withNobodyThere: () => providerWith({ endpoint: 'http://127.255.255.254:1' }),
      faults: null,
      close: async () => {
        for (const zone of zones) await empty(client, zone);
      },
    };
  };
  describeProviderContract('route53 itself keeps the contract of a provider', makeWorld, {
    fail: 'the real API, with nothing before it that could lose a reply',
    careForClock: 'AWS tells the time with every refusal, and the SDK signs by it',
  });
}

/** Nothing of the adapter: the witness must not share its mistakes. */
async function change(
  client: Route53Client,
  zone: RealZone,
  action: 'UPSERT' | 'DELETE',
  sets: readonly ResourceRecordSet[],
): Promise<void> {
  if (sets.length === 0) return;
  await client.send(
    new ChangeResourceRecordSetsCommand({
      HostedZoneId: zone.id,
      ChangeBatch: { Changes: sets.map((set) => ({ Action: action, ResourceRecordSet: set })) },
    }),
  );
}

async function setsOf(client: Route53Client, zone: RealZone): Promise<ResourceRecordSet[]> {
  const { ResourceRecordSets } = await client.send(
    new ListResourceRecordSetsCommand({ HostedZoneId: zone.id }),
  );
  return ResourceRecordSets ?? [];
}

async function empty(client: Route53Client, zone: RealZone): Promise<void> {
  const sets = await setsOf(client, zone);
  const ours = sets.filter((set) => ['MX', 'A', 'AAAA', 'TXT'].includes(set.Type ?? ''));
  await change(client, zone, 'DELETE', ours);
}

function holderOf(owner: DomainName): RealZone {
  const zone = zones.find(({ name }) => isWithin(owner, name));
  if (zone === undefined) throw new Error(`no zone of ours holds ${owner}`);
  return zone;
}

async function setAt(
  client: Route53Client,
  owner: DomainName,
  type: RrType,
): Promise<ResourceRecordSet | undefined> {
  return (await setsOf(client, holderOf(owner))).find((set) => set.Name === owner && set.Type === type);
}

async function readRrset(client: Route53Client, owner: DomainName, type: RrType): Promise<Rrset | null> {
  const set = await setAt(client, owner, type);
  if (set === undefined) return null;
  return rrsetOf(owner, type, set.TTL ?? 0, set.ResourceRecords?.map((one) => one.Value ?? '') ?? []);
}

async function writeRrset(
  client: Route53Client,
  owner: DomainName,
  type: RrType,
  rrset: Rrset | null,
): Promise<void> {
  const zone = holderOf(owner);
  if (rrset === null) {
    const set = await setAt(client, owner, type);
    await change(client, zone, 'DELETE', set === undefined ? [] : [set]);
    return;
  }
  const records = rrset.rdata.map((Value) => ({ Value }));
  await change(client, zone, 'UPSERT', [
    { Name: owner, Type: type as 'MX', TTL: rrset.ttl, ResourceRecords: records },
  ]);
}
