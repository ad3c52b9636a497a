// What resolvers say: the configured ones in turn until one has an answer. Asks, never caches: whoever watches a
// change wants to see what is there now. RFC 1034 §5.3.3; RFC 2308; RFC 9520 (a failure is no answer).

import dns from 'node:dns';
import type { DomainName } from '../model/domain-name.ts';
import type { ServerAddress } from '../model/route.ts';
import type { RrType } from '../model/rrset.ts';
import { sanitise } from '../model/text.ts';
import { formatRcode, maxAliases, type Reading, readAnswer } from './answer.ts';
import { type Answered, createDnsClient, type DnsClient } from './client.ts';
import { formatServer, pause } from './exchange.ts';
import { type Message, rcodes } from './message.ts';
import type { Lookup, Resolver } from './reader.ts';
import { SharedWork } from './shared-work.ts';

export interface ResolverOptions {
  /** Asked in this order; none = those of the system. */
  readonly servers: readonly ServerAddress[];
  /** Per server and round; ms. */
  readonly timeoutMs: number;
  /** Rounds over all servers, at least 1. */
  readonly attempts: number;
  readonly clock: { now(): number };
  /** Shared with others and then closed by them; without one the resolver makes and closes its own. */
  readonly client?: DnsClient;
  /** Pause before the second round; grows with each further one; ms. */
  readonly retryDelayMs?: number;
  /** False where no two callers ask the same at the same time, and sharing would only cost. */
  readonly isShared?: boolean;
}

/** A second round at once would meet the same hiccup; longer would be felt at the prompt; ms. */
const defaultRetryDelayMs = 200;
/** A server that did not answer is asked last for this long, so that a dead first one is not waited for 1,000 times; ms. */
const demotedForMs = 30_000;

/** Answers that the same server will give again, so that a second round is wasted on it. */
const finalRcodes = new Set<number>([rcodes.REFUSED, rcodes.NOTIMP, rcodes.FORMERR]);

type Step =
  | {
      readonly ok: true;
      readonly reading: Exclude<Reading, { kind: 'astray' | 'error' | 'referral' }>;
      readonly isAuthenticated: boolean;
      readonly server: ServerAddress;
    }
  | {
      readonly ok: false;
      readonly reason: string;
      readonly isFinal: boolean;
      readonly server: ServerAddress;
    };

export function createResolver(options: ResolverOptions): Resolver {
  return new TurnResolver(options);
}

class TurnResolver implements Resolver {
  readonly #options: ResolverOptions;
  readonly #servers: readonly ServerAddress[];
  readonly #client: DnsClient;
  readonly #shared = new SharedWork<Lookup>();
  readonly #demotedUntil = new Map<ServerAddress, number>();

  constructor(options: ResolverOptions) {
    this.#options = options;
    this.#servers = options.servers.length > 0 ? options.servers : systemServers();
    this.#client = options.client ?? createDnsClient();
  }

  lookup(name: DomainName, type: RrType, signal: AbortSignal): Promise<Lookup> {
    const follow = (joined: AbortSignal) =>
      this.#follow(name, type, (current) => this.#askInTurn(this.#inOrder(), current, type, joined));
    if (this.#options.isShared === false) return follow(signal);
    return this.#shared.join(`${name} ${type}`, follow, signal);
  }

  /** Not shared: who samples one resolver N times wants N answers. */
  lookupAt(server: ServerAddress, name: DomainName, type: RrType, signal: AbortSignal): Promise<Lookup> {
    return this.#follow(name, type, (current) => this.#askInTurn([server], current, type, signal));
  }

  close(): void {
    if (this.#options.client === undefined) this.#client.close();
  }

  /** Follows a chain of aliases over as many questions as the servers make of it. */
  async #follow(
    name: DomainName,
    type: RrType,
    ask: (current: DomainName) => Promise<Step>,
  ): Promise<Lookup> {
    const startedAt = performance.now();
    const aliases: DomainName[] = [];
    let isAuthenticated = true;
    let current = name;
    for (;;) {
      const step = await ask(current);
      const common = { aliases, server: step.server, elapsedMs: performance.now() - startedAt };
      if (!step.ok) return { ...common, ...failed, reason: step.reason };
      const { reading } = step;
      aliases.push(...reading.aliases);
      if (reading.kind === 'loop' || isLoop(name, aliases) || aliases.length > maxAliases) {
        return {
          ...common,
          ...failed,
          aliases: aliases.slice(0, maxAliases),
          reason: chainFault(aliases, step),
        };
      }
      isAuthenticated &&= step.isAuthenticated;
      if (reading.kind === 'continues') {
        current = reading.next;
        continue;
      }
      if (reading.kind === 'found') {
        const { rrset } = reading;
        return { ...common, outcome: 'found', rrset, negativeTtl: null, isAuthenticated, reason: null };
      }
      const { kind: outcome, negativeTtl } = reading;
      return { ...common, outcome, rrset: null, negativeTtl, isAuthenticated, reason: null };
    }
  }

  /** The first server with an answer; otherwise every server's reason. */
  async #askInTurn(
    servers: readonly ServerAddress[],
    name: DomainName,
    type: RrType,
    signal: AbortSignal,
  ): Promise<Step> {
    const options = { recursionDesired: true, timeoutMs: this.#options.timeoutMs, attempts: 1 };
    const failures = new Map<ServerAddress, Step & { ok: false }>();
    let last: Step | null = null;
    for (let round = 1; round <= Math.max(1, this.#options.attempts); round++) {
      const asked = servers.filter((server) => failures.get(server)?.isFinal !== true);
      if (asked.length === 0) break;
      if (round > 1) await pause((this.#options.retryDelayMs ?? defaultRetryDelayMs) * (round - 1), signal);
      for (const server of asked) {
        const answered = await this.#client.ask(server, { name, type }, options, signal);
        const step = this.#stepOf(server, answered, name, type);
        if (step.ok) return step;
        failures.set(server, step);
        last = step;
      }
    }
    if (last === null) throw new RangeError('a resolver needs at least one server');
    const reason = sanitise([...failures.values()].map((failure) => failure.reason).join('; '));
    return { ...last, ok: false, isFinal: true, reason };
  }

  #stepOf(server: ServerAddress, answered: Answered, name: DomainName, type: RrType): Step {
    const { clock } = this.#options;
    if (!answered.ok) {
      if (this.#servers.includes(server)) this.#demotedUntil.set(server, clock.now() + demotedForMs);
      return { ok: false, reason: answered.reason, isFinal: answered.fault === 'no-route', server };
    }
    this.#demotedUntil.delete(server);
    return toStep(answered.message, name, type, server);
  }

  #inOrder(): readonly ServerAddress[] {
    if (this.#demotedUntil.size === 0) return this.#servers;
    const now = this.#options.clock.now();
    const isDemoted = (server: ServerAddress) => (this.#demotedUntil.get(server) ?? 0) > now;
    return [
      ...this.#servers.filter((server) => !isDemoted(server)),
      ...this.#servers.filter((server) => isDemoted(server)),
    ];
  }
}

const isLoop = (name: DomainName, aliases: readonly DomainName[]) =>
  aliases.length > 0 && new Set([name, ...aliases]).size <= aliases.length;

const failed = { outcome: 'failed', rrset: null, negativeTtl: null, isAuthenticated: false } as const;

function toStep(message: Message, name: DomainName, type: RrType, server: ServerAddress): Step {
  const reading = readAnswer(message, name, type);
  const from = formatServer(server);
  if (reading.kind === 'error') {
    const reason = `${formatRcode(message)} from ${from}`;
    return { ok: false, reason, isFinal: finalRcodes.has(reading.rcode), server };
  }
  if (reading.kind === 'astray') {
    return {
      ok: false,
      reason: `${from} tells of other names than it was asked for`,
      isFinal: false,
      server,
    };
  }
  if (reading.kind === 'referral') {
    return {
      ok: false,
      reason: `${from} does not recurse: it refers to ${reading.zone}`,
      isFinal: true,
      server,
    };
  }
  return { ok: true, reading, isAuthenticated: message.authenticData, server };
}

function chainFault(aliases: readonly DomainName[], step: Step): string {
  const last = aliases.at(-1) ?? '';
  const what = aliases.length > maxAliases ? `more than ${maxAliases} CNAMEs` : 'CNAME loop';
  return sanitise(`${what}, at ${last}, from ${formatServer(step.server)}`);
}

/** Of resolv.conf or its like; ports where the system has them. Loopback where it names none (resolv.conf(5)). */
/** Those of the system; at least one. */
export function systemServers(): ServerAddress[] {
  // Through the default export: a named import would stay bound to the servers before dns.setServers().
  const servers = dns.getServers().map((text) => {
    const [, bracketed, port] = /^\[([^\]]+)\](?::(\d+))?$/.exec(text) ?? [];
    if (bracketed !== undefined) return { address: bracketed, port: Number(port ?? 53) };
    const [, address, v4Port] = /^([\d.]+):(\d+)$/.exec(text) ?? [];
    return { address: address ?? text, port: Number(v4Port ?? 53) };
  });
  return servers.length > 0 ? servers : [{ address: '127.0.0.1', port: 53 }];
}
