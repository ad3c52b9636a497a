// A world of customers' domains with planted faults: which domain has which is known, so that an audit of it can be
// measured. The same seed makes the same world.

import { makeResponse } from '../../src/dns/encode.ts';
import { type Message, rcodes, type ResourceRecord } from '../../src/dns/message.ts';
import { domainNameOf, type DomainName } from '../../src/model/domain-name.ts';
import type { Call } from './dns-server.ts';
import { zoneLines } from './zone-lines.ts';

/** What DNS says of the domain, `@` standing for it, and every rule that must speak up, no other. */
interface Fault {
  readonly zone: string;
  readonly rules: readonly string[];
}

const healthy = '@ 3600 MX 10 mx1.host.example.\n@ 3600 MX 90 spool.host.example.';

export const plantable = {
  'moved away': { zone: '@ 3600 MX 10 mx.old.test.', rules: ['expectation'] },
  'one left behind': { zone: `${healthy}\n@ 3600 MX 50 mx.old.test.`, rules: ['foreign-exchange'] },
  'backup forgotten': { zone: '@ 3600 MX 10 mx1.host.example.', rules: ['expectation'] },
  'backup preferred': {
    zone: '@ 3600 MX 10 spool.host.example.\n@ 3600 MX 20 mx1.host.example.',
    rules: ['preference-order'],
  },
  'gone altogether': { zone: '', rules: ['nxdomain'] },
  'no MX': { zone: '@ 3600 A 192.0.2.80', rules: ['no-mx'] },
  'takes no mail': { zone: '@ 3600 MX 0 .', rules: ['null-mx'] },
  'null MX beside others': { zone: `${healthy}\n@ 3600 MX 0 .`, rules: ['null-mx-mixed'] },
  'an address for a name': {
    zone: `${healthy}\n@ 3600 MX 50 192.0.2.1.`,
    rules: ['exchange-literal', 'foreign-exchange'],
  },
  'an alias': {
    zone: `${healthy}\n@ 3600 MX 50 alias.old.test.`,
    rules: ['exchange-cname', 'foreign-exchange'],
  },
  'a private address': {
    zone: `${healthy}\n@ 3600 MX 50 private.old.test.`,
    rules: ['exchange-private', 'foreign-exchange'],
  },
  'no address': {
    zone: `${healthy}\n@ 3600 MX 50 bare.old.test.`,
    rules: ['exchange-no-address', 'foreign-exchange'],
  },
  'an exchange anybody may register': {
    zone: `${healthy}\n@ 3600 MX 50 mx.lapsed.test.`,
    rules: ['exchange-dangling', 'foreign-exchange'],
  },
  'twice the same': { zone: `${healthy}\n@ 3600 MX 20 mx1.host.example.`, rules: ['duplicate-exchange'] },
  'cached for a week': { zone: healthy.replaceAll('3600', '604800'), rules: ['ttl-too-long'] },
} as const satisfies Readonly<Record<string, Fault>>;

const common = `
  example. 60 SOA ns.example. root.example. 1 3600 600 86400 60
  test. 60 SOA ns.test. root.test. 1 3600 600 86400 60
  mx1.host.example. 300 A 192.0.2.10
  spool.host.example. 300 A 198.51.100.10
  old.test. 300 A 203.0.113.1
  mx.old.test. 300 A 203.0.113.10
  alias.old.test. 300 CNAME mx.old.test.
  private.old.test. 300 A 10.1.2.3
  bare.old.test. 300 TXT "nobody"`;

export interface AuditWorld {
  /** What all customers share; theirs is answered by `behave`. */
  readonly zone: string;
  readonly behave: (call: Call) => void;
  /** In the order of the list. */
  readonly domains: readonly DomainName[];
  /** `DOMAIN RULE` of everything that must be found. */
  readonly planted: ReadonlySet<string>;
  /** For whom the resolver has no answer, whatever is wrong with them. */
  readonly unanswered: ReadonlySet<DomainName>;
}

/** Some 70 in 100 are well, 4 unanswered, the rest has one fault of those above. */
export function createAuditWorld(size: number, seed: number): AuditWorld {
  const chance = chanceFrom(seed);
  const kinds = Object.values<Fault>(plantable);
  const records = new Map<DomainName, readonly ResourceRecord[]>();
  const domains: DomainName[] = [];
  const planted = new Set<string>();
  const unanswered = new Set<DomainName>();
  for (let n = 0; n < size; n += 1) {
    const domain = domainNameOf(`customer-${n}.example`);
    domains.push(domain);
    const dice = chance();
    const fault = dice < 0.3 ? kinds[Math.floor(chance() * kinds.length)] : undefined;
    records.set(domain, zoneLines((fault?.zone ?? healthy).replaceAll('@', domain)));
    if (chance() < 0.04) unanswered.add(domain);
    else for (const rule of fault?.rules ?? []) planted.add(`${domain} ${rule}`);
  }
  const behave = ({ query, reply, send }: Call) => {
    const name = query.questions[0]?.name as DomainName;
    const own = records.get(name);
    if (unanswered.has(name)) send(makeResponse(query, { rcode: rcodes.SERVFAIL }));
    else send(own === undefined ? reply : answerFrom(own, query, reply));
  };
  return { zone: common, behave, domains, planted, unanswered };
}

/** By a map: a server that looks through all records for each question would be the slowest part. */
function answerFrom(own: readonly ResourceRecord[], query: Message, { authorities }: Message): Message {
  const answers = own.filter((one) => one.type === query.questions[0]?.type);
  return makeResponse(query, {
    isAuthoritative: true,
    rcode: own.length > 0 ? rcodes.NOERROR : rcodes.NXDOMAIN,
    answers,
    authorities: answers.length > 0 ? [] : authorities,
  });
}

/** Numbers from 0 to 1 (mulberry32). */
function chanceFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
