// Mail of the model: senders with caches and retries, delivered over what was published, and once more over what would
// have been had nobody stood watch. Hops and other people's edits are the same in both worlds.

import { rrsetKey } from '../../src/change/published.ts';
import type { DomainName } from '../../src/model/domain-name.ts';
import { parseMx } from '../../src/model/mx.ts';
import { ownersOf } from '../../src/model/route.ts';
import { hasSameRdata, type Rrset } from '../../src/model/rrset.ts';
import { Dice } from './model-time.ts';
import { endAt, healAt, type ModelWorld, startAt } from './model-world.ts';
import { type ModelZones, servers } from './model-zone.ts';
import { minute } from './worlds.ts';

const letters = 40;
const resolvers = 3;
/** As Postfix waits: the age of the message, within bounds (minimal_backoff_time, maximal_backoff_time). */
const backoff = { least: 5 * minute, most: 67 * minute };

export interface Delivery {
  readonly outcome: 'accepted' | 'bounced' | 'waiting' | 'elsewhere';
  readonly at: number;
  /** What the resolver said, and the exchange that ended it. */
  readonly rrset: Rrset | null;
  readonly exchange: DomainName | null;
  readonly owner: DomainName;
}

/** In the order of the letters, which are the same for the same world. */
export function deliver(world: ModelWorld, zones: ModelZones): Delivery[] {
  const dice = new Dice(world.scenario.seed ^ 0x5eed);
  const owners = ownersOf(world.route);
  const all = Array.from({ length: letters }, () => ({
    bornAt: dice.between(startAt + 2 * minute, healAt),
    owner: owners[dice.between(0, owners.length - 1)]!,
    resolver: dice.between(0, resolvers - 1),
    server: dice.between(0, servers.length - 1),
  }));
  const caches = new Map<string, { readonly rrset: Rrset; readonly until: number }>();
  const queue = all.map((letter, index) => ({ ...letter, index, at: letter.bornAt }));
  const ends: Delivery[] = [];
  while (queue.length > 0) {
    queue.sort((a, b) => a.at - b.at);
    const next = queue.shift()!;
    const key = `${next.resolver} ${next.owner}`;
    const cached = caches.get(key);
    const answer = cached !== undefined && next.at < cached.until ? cached.rrset : ask(zones, next);
    if (answer !== null && answer !== cached?.rrset)
      caches.set(key, { rrset: answer, until: next.at + answer.ttl * 1000 });
    const met =
      answer === null ? { outcome: 'waiting' as const, exchange: null } : walk(answer, next.at, world);
    const end = { ...met, at: next.at, rrset: answer, owner: next.owner };
    const again = next.at + Math.min(Math.max(next.at - next.bornAt, backoff.least), backoff.most);
    if (met.outcome === 'waiting' && again < endAt) queue.push({ ...next, at: again });
    else ends[next.index] = end;
  }
  return ends;
}

/** The first server that answers, from the one the resolver likes best. */
function ask(
  zones: ModelZones,
  { owner, server, at }: { owner: DomainName; server: number; at: number },
): Rrset | null {
  for (let step = 0; step < servers.length; step++) {
    const answer = zones.answer((server + step) % servers.length, owner, 'MX', at);
    if (answer !== undefined) return answer;
  }
  return null;
}

function walk(rrset: Rrset, at: number, world: ModelWorld): Pick<Delivery, 'outcome' | 'exchange'> {
  const hosts = rrset.rdata.map((one) => parseMx(one)!).sort((a, b) => a.preference - b.preference);
  for (const { exchange } of hosts) {
    const hop = world.hops.get(exchange);
    if (hop === undefined) return { outcome: 'elsewhere', exchange };
    const state = hop.at(at);
    if (state === 'ok' || state === 'slow') return { outcome: 'accepted', exchange };
    if (state === 'bounce') return { outcome: 'bounced', exchange };
  }
  return { outcome: 'waiting', exchange: null };
}

/** The action that made senders go there: the first version of those in a row that hold these records. */
export function actionBehind(zones: ModelZones, { rrset, owner, at }: Delivery): string | null {
  const versions = zones.versions.get(rrsetKey(owner, 'MX')) ?? [];
  let place = versions.findLastIndex((one) => one.publishedAt <= at && hasSameRdata(one.rrset, rrset));
  while (place > 0 && hasSameRdata(versions[place - 1]!.rrset, rrset)) place -= 1;
  return versions[place]?.action ?? null;
}
