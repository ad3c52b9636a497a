// Reads the records of many RRsets of one zone in few calls: each name by itself, or all records of the type where these
// take fewer pages than there are names.

import { exitCodes, ProviderError } from '../../errors.ts';
import { type DomainName, displayName } from '../../model/domain-name.ts';
import type { RrType } from '../../model/rrset.ts';
import type { RrsetQuestion } from '../provider.ts';
import type { CloudflareApi, RecordType, ZoneAt } from './api.ts';
import { isProxied, type Live, liveIn } from './convert.ts';
import { proxiedError, strangeAnswer } from './refusals.ts';
import type { CloudflareRecord } from './shapes.ts';

/** Up to so many names are asked one by one, without a look at how many records there are. */
const fewNames = 2;

const recordTypes: readonly RrType[] = ['A', 'AAAA', 'CNAME', 'MX', 'NS', 'TLSA', 'TXT'];

function recordTypeOf(type: RrType): RecordType {
  if (recordTypes.includes(type)) return type as RecordType;
  throw new ProviderError('provider-refused', `Cloudflare has no ${type} records to read`, {
    hint: 'It makes them itself.',
    exitCode: exitCodes.refused,
  });
}

/** In the order asked. Throws ProviderError where an RRset is not answered as its records say. */
export async function readLive(
  api: CloudflareApi,
  zone: ZoneAt,
  questions: readonly RrsetQuestion[],
  signal: AbortSignal,
): Promise<Live[]> {
  const found = new Map<RrType, ReadonlyMap<string, readonly CloudflareRecord[]>>();
  for (const [type, own] of Map.groupBy(questions, (one) => one.type)) {
    const owners = new Set(own.map((one) => one.owner));
    const records = await readType(api, zone, recordTypeOf(type), owners, signal);
    found.set(
      type,
      Map.groupBy(records, (one) => one.name.toLowerCase()),
    );
  }
  return questions.map(({ owner, type }) => {
    const records = found.get(type)?.get(displayName(owner)) ?? [];
    const live = liveIn(records, owner, type);
    if (live === null) throw strangeAnswer(api.host, `a value of ${displayName(owner)} ${type} is none`);
    if (isProxied(live.records)) throw proxiedError(owner, type);
    return live;
  });
}

async function readType(
  api: CloudflareApi,
  zone: ZoneAt,
  type: RecordType,
  owners: ReadonlySet<DomainName>,
  signal: AbortSignal,
): Promise<CloudflareRecord[]> {
  const all = owners.size > fewNames ? await api.listRecords(zone, { type }, signal, owners.size) : null;
  if (all !== null) return all;
  const records: CloudflareRecord[] = [];
  for (const owner of owners) records.push(...((await api.listRecords(zone, { type, owner }, signal)) ?? []));
  return records;
}
