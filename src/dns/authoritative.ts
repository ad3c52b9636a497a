// What every authoritative server of a zone serves, each asked directly: one stale secondary makes a flip worthless
// for the resolvers that ask it. Believes only answers with the AA bit (RFC 1035 §4.1.1), never an answer out of
// somebody's cache, and keeps none: every read goes out, only identical ones at the same time go out once.

import { displayName, type DomainName, isWithin } from '../model/domain-name.ts';
import type { RrType } from '../model/rrset.ts';
import { sanitise } from '../model/text.ts';
import { formatRcode, readAnswer, readReferral } from './answer.ts';
import type { DnsClient } from './client.ts';
import { Delegations, type NamedServer } from './delegation.ts';
import { formatServer } from './exchange.ts';
import { type Message, rcodes } from './message.ts';
import type { AuthorityAnswer, AuthorityReader, PublishedView, Resolver } from './reader.ts';
import { inParallel, SharedWork } from './shared-work.ts';

export interface AuthorityReaderOptions {
  /** Finds name servers and their addresses. */
  readonly resolver: Resolver;
  readonly client: DnsClient;
  readonly clock: { now(): number };
  /** Per try; ms. */
  readonly timeoutMs: number;
  /** Tries per server. */
  readonly attempts: number;
  /** Of name servers found through NS; only tests have another than 53. */
  readonly port?: number;
}

/** Servers asked at once for one question: all of a usual zone, so that the answers are of one moment. */
const parallelServers = 16;

/** Stands for the address of a name server that has none we could find. */
const unresolvedAddress = 'unresolved';

type Question = Parameters<AuthorityReader['readPublished']>[0];

export function createAuthorityReader(options: AuthorityReaderOptions): AuthorityReader {
  const { resolver, clock, port = 53 } = options;
  const delegations = new Delegations({ resolver, clock, port });
  const shared = new SharedWork<PublishedView>();
  return {
    readPublished: (question, signal) =>
      shared.join(keyOf(question), (joined) => readPublished(options, delegations, question, joined), signal),
  };
}

function keyOf({ zone, owner, type, authorities }: Question): string {
  const servers = authorities === null ? 'of the zone' : authorities.map(formatServer).join(' ');
  return `${zone} ${owner} ${type} ${servers}`;
}

async function readPublished(
  options: AuthorityReaderOptions,
  delegations: Delegations,
  question: Question,
  signal: AbortSignal,
): Promise<PublishedView> {
  const { zone, owner, type, authorities } = question;
  const view = { zone, owner, type };
  if (!isWithin(owner, zone)) {
    return { ...view, answers: [], fault: `${displayName(owner)} is not in zone ${displayName(zone)}` };
  }
  if (authorities !== null) {
    const servers = authorities.map((server) => ({ ...server, name: null }));
    return { ...view, answers: await askAll(options, servers, owner, type, signal), fault: null };
  }
  const delegation = await delegations.find(zone, signal);
  if (!delegation.ok) return { ...view, answers: [], fault: delegation.fault };
  const answers = await askAll(options, delegation.servers, owner, type, signal);
  const at = options.clock.now();
  const unknown = delegation.unresolved.map(({ name, reason }) =>
    unanswered({ name, address: unresolvedAddress, port: options.port ?? 53 }, 'failed', reason, at),
  );
  return { ...view, answers: [...answers, ...unknown], fault: null };
}

function askAll(
  options: AuthorityReaderOptions,
  servers: readonly NamedServer[],
  owner: DomainName,
  type: RrType,
  signal: AbortSignal,
): Promise<AuthorityAnswer[]> {
  const { client, clock, timeoutMs, attempts } = options;
  return inParallel(servers, parallelServers, async (server) => {
    const asked = { recursionDesired: false, timeoutMs, attempts };
    const answered = await client.ask(server, { name: owner, type }, asked, signal);
    const at = clock.now();
    if (!answered.ok) return unanswered(server, 'failed', answered.reason, at);
    return judge(server, answered.message, owner, type, at);
  });
}

/** Rcodes by which a server says that the zone is not its own; SERVFAIL is a zone it has but cannot serve now. */
const lameRcodes = new Set<number>([rcodes.REFUSED, rcodes.NOTAUTH]);

function judge(
  server: NamedServer,
  message: Message,
  owner: DomainName,
  type: RrType,
  at: number,
): AuthorityAnswer {
  const reading = readAnswer(message, owner, type);
  const from = formatServer(server);
  if (reading.kind === 'error') {
    const outcome = lameRcodes.has(reading.rcode) ? 'lame' : 'failed';
    return unanswered(server, outcome, `${formatRcode(message)} from ${from}`, at);
  }
  if (reading.kind === 'astray') {
    return unanswered(server, 'failed', `${from} tells of other names than it was asked for`, at);
  }
  if (!message.isAuthoritative) {
    const refers = reading.kind === 'referral' ? `it refers to ${reading.zone}` : 'no AA bit';
    const lame = unanswered(server, 'lame', `${from} does not answer for the zone: ${refers}`, at);
    const referral = reading.kind === 'referral' ? readReferral(message, owner) : null;
    return referral === null ? lame : { ...lame, referral };
  }
  if (reading.kind === 'found' && reading.aliases.length === 0) {
    const { rrset, highestTtl } = reading;
    const mixed = highestTtl === rrset.ttl ? {} : { highestTtl };
    return { server, outcome: 'answer', rrset, ...mixed, negativeTtl: null, reason: null, at };
  }
  if ((reading.kind === 'absent' || reading.kind === 'nxdomain') && reading.aliases.length === 0) {
    return { server, outcome: 'absent', rrset: null, negativeTtl: reading.negativeTtl, reason: null, at };
  }
  // An RRset behind an alias is not the owner's, yet "absent" would invite a write that servers drop in silence
  // (RFC 2136 §3.4.2.2).
  const [target] = reading.kind === 'referral' ? [] : reading.aliases;
  const what =
    target === undefined ? 'refers elsewhere' : `says it is an alias (CNAME) of ${displayName(target)}`;
  return unanswered(server, 'failed', `${displayName(owner)}: ${from} ${what}`, at);
}

function unanswered(
  server: NamedServer,
  outcome: 'lame' | 'failed',
  reason: string,
  at: number,
): AuthorityAnswer {
  return { server, outcome, rrset: null, negativeTtl: null, reason: sanitise(reason), at };
}
