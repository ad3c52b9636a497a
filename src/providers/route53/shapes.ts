// What Route 53 sends and takes: the SDK's answers checked against the documented shape, in our words. Pure.

import { z } from 'zod';

/** A simple record set, each string as Route 53 has it. */
export interface RawSet {
  readonly name: string;
  readonly type: string;
  readonly ttl: number;
  readonly values: readonly string[];
}

/** One record set as listed. */
export interface RecordSet {
  readonly name: string;
  readonly type: string;
  /** Null for an alias. */
  readonly ttl: number | null;
  readonly values: readonly string[];
  readonly isAlias: boolean;
  readonly setIdentifier: string | null;
  readonly healthCheckId: string | null;
  readonly trafficPolicyInstanceId: string | null;
}

/** Where a listing begins: the first record set at or after this. */
export interface ListStart {
  readonly name: string;
  readonly type: string | null;
  readonly identifier: string | null;
}

export interface RecordPage {
  readonly sets: readonly RecordSet[];
  /** Null where this page was the last. */
  readonly next: ListStart | null;
}

export interface ListedZone {
  /** Without `/hostedzone/`. */
  readonly id: string;
  readonly name: string;
  readonly isPrivate: boolean;
}

export interface ZonePage {
  readonly zones: readonly ListedZone[];
  readonly next: { readonly name: string; readonly id: string } | null;
}

export interface ZoneDetails extends ListedZone {
  /** Name servers of its delegation set, without trailing dots; none for a private zone. */
  readonly nameServers: readonly string[];
}

export interface RecordChange {
  readonly action: 'CREATE' | 'DELETE';
  readonly set: RawSet;
}

export interface Submitted {
  readonly changeId: string;
  readonly isInSync: boolean;
}

// Lengths: a name has at most 255 octets, each at most four characters as an escape; a value at most 4,000 characters.
const name = z.string().min(1).max(1100);
const recordSet = z
  .object({
    Name: name,
    Type: z.string().min(1).max(32),
    TTL: z.int().min(0).max(2_147_483_647).optional(),
    ResourceRecords: z.array(z.object({ Value: z.string().max(4000) })).optional(),
    AliasTarget: z.object({}).optional(),
    SetIdentifier: z.string().optional(),
    HealthCheckId: z.string().optional(),
    TrafficPolicyInstanceId: z.string().optional(),
  })
  .transform((given): RecordSet => ({
    name: given.Name,
    type: given.Type,
    ttl: given.TTL ?? null,
    values: given.ResourceRecords?.map((one) => one.Value) ?? [],
    isAlias: given.AliasTarget !== undefined,
    setIdentifier: given.SetIdentifier ?? null,
    healthCheckId: given.HealthCheckId ?? null,
    trafficPolicyInstanceId: given.TrafficPolicyInstanceId ?? null,
  }));
export const recordPage = z
  .object({
    ResourceRecordSets: z.array(recordSet),
    IsTruncated: z.boolean(),
    NextRecordName: name.optional(),
    NextRecordType: z.string().optional(),
    NextRecordIdentifier: z.string().optional(),
  })
  .refine((given) => !given.IsTruncated || given.NextRecordName !== undefined)
  .transform((given): RecordPage => ({
    sets: given.ResourceRecordSets,
    next: given.IsTruncated
      ? {
          name: given.NextRecordName ?? '',
          type: given.NextRecordType ?? null,
          identifier: given.NextRecordIdentifier ?? null,
        }
      : null,
  }));
const zone = z
  .object({
    Id: z.string().regex(/^(\/hostedzone\/)?[A-Z0-9]{1,32}$/),
    Name: name,
    Config: z.object({ PrivateZone: z.boolean().optional() }).optional(),
  })
  .transform((given): ListedZone => ({
    id: given.Id.replace('/hostedzone/', ''),
    name: given.Name,
    isPrivate: given.Config?.PrivateZone ?? false,
  }));
export const zonePage = z
  .object({
    HostedZones: z.array(zone),
    IsTruncated: z.boolean(),
    NextDNSName: name.optional(),
    NextHostedZoneId: z.string().optional(),
  })
  .transform((given): ZonePage => ({
    zones: given.HostedZones,
    next:
      given.IsTruncated && given.NextDNSName !== undefined
        ? { name: given.NextDNSName, id: given.NextHostedZoneId ?? '' }
        : null,
  }));
export const zoneDetails = z
  .object({
    HostedZone: zone,
    DelegationSet: z.object({ NameServers: z.array(z.string().max(255)).max(64) }).optional(),
  })
  .transform((given): ZoneDetails => ({
    ...given.HostedZone,
    nameServers: given.DelegationSet?.NameServers ?? [],
  }));
export const changeInfo = z
  .object({
    ChangeInfo: z.object({
      Id: z.string().regex(/^(\/change\/)?\w{1,64}$/),
      Status: z.enum(['PENDING', 'INSYNC']),
    }),
  })
  .transform(({ ChangeInfo }): Submitted => ({
    changeId: ChangeInfo.Id.replace('/change/', ''),
    isInSync: ChangeInfo.Status === 'INSYNC',
  }));
