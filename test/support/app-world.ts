// A small real world for tests of the use cases: primaries that take signed UPDATEs, two authoritative servers for
// each that answer from it, a resolver, a SQLite file, and a clock that nothing waits for. Only what a hop answers may
// be a history (`'++-'`); DNS, the provider and the store are the ones of production.

import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { onTestFinished } from 'vitest';

import { type CycleResult, runCycle } from '../../src/app/cycle.ts';
import type { Deps } from '../../src/app/deps.ts';
import { executePlan } from '../../src/app/execute.ts';
import { proposeMove } from '../../src/app/propose.ts';
import { findRollback, proposeRollback } from '../../src/app/rollback.ts';
import type { ActResult } from '../../src/app/act.ts';
import { desiredRrset, placesOf } from '../../src/change/published.ts';
import type { Config } from '../../src/config/config.ts';
import { createAuthorityReader } from '../../src/dns/authoritative.ts';
import { createDnsClient } from '../../src/dns/client.ts';
import { encodeMessage, makeResponse } from '../../src/dns/encode.ts';
import { type Message, rcodes } from '../../src/dns/message.ts';
import { answerAsPrimary, type PrimaryZone } from '../../src/dns/primary.ts';
import { createResolver } from '../../src/dns/resolver.ts';
import type { Action, GuardName } from '../../src/model/change.ts';
import type { DaneFacts } from '../../src/model/dane.ts';
import { type DomainName, domainNameOf } from '../../src/model/domain-name.ts';
import type { Hop } from '../../src/model/hop.ts';
import type { Observation } from '../../src/model/observation.ts';
import { pathOf, type ProbePolicy, type Route, type ServerAddress } from '../../src/model/route.ts';
import { type Rrset, rrsetOf, type RrType } from '../../src/model/rrset.ts';
import { Secret } from '../../src/model/secret.ts';
import type { StsFacts } from '../../src/model/sts.ts';
import type { ExchangeAddresses, Probe, ProbeTarget } from '../../src/probes/probe.ts';
import { createSmtpProbe } from '../../src/probes/smtp/index.ts';
import type { Provider } from '../../src/providers/provider.ts';
import { createRfc2136Provider } from '../../src/providers/rfc2136/index.ts';
import { type Clock, systemClock } from '../../src/runtime/clock.ts';
import { silentLogger } from '../../src/runtime/logger.ts';
import { openSqlStore } from '../../src/store/sql/open.ts';
import type { Store } from '../../src/store/store.ts';
import { type DnsServer, startDnsServer } from './dns-server.ts';
import { UpdateServer } from './update-server.ts';
import { observe, routeOf, type RouteOver, textLines } from './worlds.ts';

/** 2026-11-22 03:12 UTC, a Sunday. */
export const nightAt = Date.UTC(2026, 10, 22, 3, 12);
/** Pauses up to this are over at once, and the clock has moved by them: those of a burst, of a read-back. Longer ones
 *  (the renewal of a lease) wait until the clock passes them. */
const shortestParkedMs = 10_000;
/** Nobody is silent here, so nobody is waited for but by a machine under load; ms. */
const patienceMs = 5000;
const never = new AbortController().signal;

/** Time that passes when it is waited for, and when a test says so. */
class WorldClock implements Clock {
  #now = nightAt;
  #sleepers: { readonly dueAt: number; readonly isShort: boolean; readonly wake: () => void }[] = [];
  #isDue = false;

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const sleeper = { dueAt: this.#now + ms, isShort: ms < shortestParkedMs, wake: () => resolve(undefined) };
    this.#sleepers.push(sleeper);
    const onAbort = () => {
      this.#sleepers = this.#sleepers.filter((one) => one !== sleeper);
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    this.#wakeSoon();
    return promise.finally(() => {
      signal.removeEventListener('abort', onAbort);
    });
  }

  advance(ms: number): void {
    this.#advanceTo(this.#now + ms);
  }

  #advanceTo(at: number): void {
    this.#now = Math.max(this.#now, at);
    const due = this.#sleepers.filter((one) => one.dueAt <= this.#now).sort((a, b) => a.dueAt - b.dueAt);
    this.#sleepers = this.#sleepers.filter((one) => one.dueAt > this.#now);
    for (const one of due) one.wake();
  }

  /** Once everything that can run now has run, to the next short pause's end. */
  #wakeSoon(): void {
    if (this.#isDue || !this.#sleepers.some((one) => one.isShort)) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      const ends = this.#sleepers.filter((one) => one.isShort).map((one) => one.dueAt);
      if (ends.length > 0) this.#advanceTo(Math.min(...ends));
      this.#wakeSoon();
    });
  }
}

const soaFields = 'ns1.example.net. admin.example.net. 1 3600 600 86400 300';

/** A primary and the two servers that the world asks. */
export class Dns {
  readonly primary: UpdateServer;
  /** Messages to its UPDATE port, `UPDATE example.com.` among them. */
  get updates(): string[] {
    return this.primary.log.filter((one) => one.startsWith('UPDATE'));
  }
  readonly zones: readonly DomainName[];
  authorities: readonly ServerAddress[] = [];
  address: ServerAddress = { address: '', port: 0 };
  /** What each of the two does: answers as the primary, as it was, or not at all. */
  readonly #states: ('live' | 'failing' | readonly PrimaryZone[])[] = ['live', 'live'];
  readonly #servers: DnsServer[] = [];

  constructor(zones: readonly DomainName[], clock: Clock) {
    this.zones = zones;
    const lines = (zone: DomainName) => `${zone} 3600 SOA ${soaFields}\n${zone} 3600 NS ns1.example.net.`;
    this.primary = new UpdateServer(
      { name: domainNameOf('mxctl.'), algorithm: 'hmac-sha256', secret: Buffer.from('sesame') },
      Object.fromEntries(zones.map((zone) => [zone, lines(zone)])),
      () => clock.now(),
    );
  }

  async start(): Promise<void> {
    this.address = await this.primary.listen();
    for (const at of [0, 1]) {
      const server = await startDnsServer({
        behave: ({ query, sendOctets }) => sendOctets(this.#answer(query, at)),
      });
      this.#servers.push(server);
    }
    this.authorities = this.#servers.map(({ address, port }) => ({ address, port }));
  }

  /** The second server goes on answering what it does now. */
  holdSecondary(): void {
    this.#states[1] = this.#zonesNow();
  }

  failSecondary(): void {
    this.#states[1] = 'failing';
  }

  failBoth(): void {
    this.#states.fill('failing');
  }

  releaseSecondary(): void {
    this.#states[1] = 'live';
  }

  /** After `then-gone`: takes UPDATEs again, on another port. */
  async comeBack(): Promise<void> {
    this.address = await this.primary.listen();
  }

  async close(): Promise<void> {
    this.primary.close();
    await Promise.all(this.#servers.map((one) => one.close()));
  }

  #zonesNow(): PrimaryZone[] {
    return this.zones.map((name) => ({ name, records: this.primary.records(name) }));
  }

  #answer(query: Message, at: number): Uint8Array {
    const state = this.#states[at] ?? 'live';
    if (state === 'failing') return encodeMessage(makeResponse(query, { rcode: rcodes.SERVFAIL }));
    const zones = state === 'live' ? this.#zonesNow() : state;
    return (
      answerAsPrimary(encodeMessage(query), { zones, keys: [], nowSeconds: 0 }).octets ?? new Uint8Array()
    );
  }
}

/** Hops as histories by exchange or by `exchange[address]`: a mark a probe, the last one for ever.
 *  `+` passes, `-` 421 at banner, `x` 550 at RCPT, `0` refused, `?` inconclusive. */
class HistoryProbe implements Probe {
  /** Addresses of exchanges that have more than one. */
  readonly addresses = new Map<string, readonly string[]>();
  /** Laid over what the mark says, by exchange. */
  readonly over = new Map<string, Partial<Observation>>();
  /** Runs before every probe. */
  onProbe: ((hop: Hop) => void | Promise<void>) | null = null;
  probed = 0;
  readonly #histories = new Map<string, string>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `set('mx1.filter.example.net', '++-')`; what was never set passes. */
  set(hop: string, history: string): void {
    this.#histories.set(hop, history);
  }

  resolve(target: ProbeTarget): Promise<ExchangeAddresses> {
    const known = this.addresses.get(target.exchange.slice(0, -1));
    return Promise.resolve({ outcome: 'found', addresses: target.addresses ?? known ?? ['192.0.2.1'] });
  }

  async probe(hop: Hop, policy: ProbePolicy, signal: AbortSignal): Promise<Observation> {
    signal.throwIfAborted();
    this.probed += 1;
    await this.onProbe?.(hop);
    const exchange = hop.exchange.slice(0, -1);
    const mark = this.#next(`${exchange}[${hop.address ?? ''}]`) ?? this.#next(exchange) ?? '+';
    const asksRcpt = policy.stages.includes('rcpt');
    return observe(mark === '0' ? '-' : mark, this.#clock.now(), {
      exchange: hop.exchange,
      address: hop.address,
      port: hop.port,
      takesCanary: asksRcpt && (mark === '+' || mark === 'x') ? mark === '+' : null,
      reply: { '-': reply(421), x: reply(550) }[mark] ?? null,
      ...this.over.get(exchange),
    });
  }

  withoutAddress(target: ProbeTarget): Observation {
    return observe('-', this.#clock.now(), { exchange: target.exchange, address: null });
  }

  #next(key: string): string | null {
    const history = this.#histories.get(key);
    if (history === undefined) return null;
    if (history.length > 1) this.#histories.set(key, history.slice(1));
    return history.charAt(0);
  }
}

const reply = (code: number) => ({ code, enhanced: null, text: 'as told' });

export interface WorldRoute {
  readonly name?: string;
  /** As `routeOf` takes them. */
  readonly lines?: string;
  readonly over?: RouteOver;
  /** `PROVIDER ZONE OWNER...` a line; the owners of `lines` at bind in example.com without it. */
  readonly records?: string;
}

export interface WorldOptions {
  readonly routes?: readonly WorldRoute[];
  readonly references?: readonly string[];
  readonly vantage?: string;
  /** Ports of real hops on 127.0.0.1 by exchange: then the real SMTP probe is used. */
  readonly smtpPorts?: Readonly<Record<string, number>>;
}

const usualLines = `
  owners example.com in.example.com
  ttl 3600/60
  proxy: 10 mx1.filter.example.net, 20 mx2.filter.example.net
  direct: 10 mx.example.com
  keep spool: 90 spool.example.org`;

export class AppWorld {
  readonly clock = new WorldClock();
  readonly hops = new HistoryProbe(this.clock);
  readonly sts = new Map<string, Partial<StsFacts>>();
  readonly tlsa = new Map<string, Partial<DaneFacts>>();
  readonly dns = new Map<string, Dns>();
  readonly routes = new Map<string, Route>();
  /** Holders whose process is no more. */
  readonly dead = new Set<string>();
  /** Laid over every Deps made from now on. */
  over: Partial<Deps> = {};
  readonly #options: WorldOptions;
  readonly #directory = mkdtempSync(path.join(tmpdir(), 'mxctl-app-'));
  readonly #client = createDnsClient();
  readonly #stores: Store[] = [];
  #resolver: DnsServer | null = null;
  #ids = 0;
  #processes = 0;

  static async open(options: WorldOptions = {}): Promise<AppWorld> {
    const world = new AppWorld(options);
    onTestFinished(() => world.#close());
    await world.#start();
    return world;
  }

  private constructor(options: WorldOptions) {
    this.#options = options;
  }

  async #start(): Promise<void> {
    const drafts = (this.#options.routes ?? [{}]).map((one) => this.#draft(one));
    const records = drafts.flatMap((route) => route.records);
    for (const [name, own] of Map.groupBy(records, (one) => one.provider)) {
      const dns = new Dns([...new Set(own.map((one) => one.zone))], this.clock);
      await dns.start();
      this.dns.set(name, dns);
    }
    const ports = this.#options.smtpPorts ?? {};
    const addresses = Object.keys(ports).map((exchange) => `${exchange}. 300 A 127.0.0.1`);
    this.#resolver = await startDnsServer({
      zone: addresses.join('\n'),
      flags: { recursionAvailable: true, isAuthoritative: false },
    });
    for (const route of drafts) this.#settle(route);
    await this.restart();
  }

  #draft({ name = 'support', lines = usualLines, over = {}, records }: WorldRoute): Route {
    const route = routeOf(lines, { name, ...over });
    if (records === undefined) return route;
    return {
      ...route,
      records: textLines(records).map((line) => {
        const [provider = '', zone = '', ...owners] = line.split(/\s+/);
        return {
          provider,
          zone: domainNameOf(zone),
          owners: owners.map(domainNameOf),
          authorities: null,
        };
      }),
    };
  }

  /** Fills in what only a running world knows, and publishes the preferred path. */
  #settle(draft: Route): void {
    const ports = this.#options.smtpPorts ?? {};
    const route: Route = {
      ...draft,
      records: draft.records.map((one) => ({ ...one, authorities: this.dns.get(one.provider)!.authorities })),
      paths: draft.paths.map((one) =>
        one.kind === 'mx'
          ? { ...one, mx: one.mx.map((mx) => ({ ...mx, port: ports[mx.exchange.slice(0, -1)] ?? 25 })) }
          : one,
      ),
    };
    this.routes.set(route.name, route);
    const preferred = pathOf(route, route.prefer)!;
    for (const place of placesOf(route)) {
      const { primary } = this.dns.get(place.records.provider)!;
      primary.write(place.owner, place.type, desiredRrset(route, preferred, place, route.ttl));
    }
  }

  async #close(): Promise<void> {
    for (const store of this.#stores) await store.close();
    this.#client.close();
    await this.#resolver?.close();
    for (const one of this.dns.values()) await one.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  get stateFile(): string {
    return path.join(this.#directory, 'state.sqlite');
  }

  get store(): Store {
    return this.#stores.at(-1)!;
  }

  get bind(): Dns {
    return this.dns.get('bind')!;
  }

  /** A new process on the same state file. */
  async restart(): Promise<void> {
    this.#processes += 1;
    this.#stores.push(await openSqlStore({ url: `sqlite:${this.stateFile}` }));
  }

  /** What is in the journal this instant, read past every cache of the program: `state changeStates`. */
  journalNow(): string[] {
    const db = new DatabaseSync(this.stateFile, { readOnly: true });
    const rows = db.prepare('select state, change_states from action order by intended_at, id').all();
    db.close();
    return rows.map(
      (row) => `${String(row['state'])} ${(JSON.parse(String(row['change_states'])) as string[]).join(' ')}`,
    );
  }

  /** The resolver's zone: what it has in its cache, `OWNER TTL TYPE RDATA` a line. */
  cached(zone: string): void {
    this.#resolver!.serve(zone);
  }

  config(): Config {
    const { references = [], vantage = 'here' } = this.#options;
    const { address, port } = this.#resolver!;
    return {
      configFile: path.join(this.#directory, 'mxctl.yaml'),
      stateUrl: null,
      vantage,
      resolvers: [{ address, port }],
      references: references.map((name) => ({ exchange: domainNameOf(name), port: 25 })),
      providers: new Map(),
      routes: this.routes,
      audits: [],
      historyMs: 90 * 86_400_000,
      heartbeat: null,
      warnings: [],
    };
  }

  deps(over: Partial<Deps> = {}): Deps {
    const config = this.config();
    const dns = { client: this.#client, clock: this.clock, attempts: 1, timeoutMs: patienceMs };
    const resolver = createResolver({ ...dns, servers: config.resolvers });
    return {
      config,
      store: this.store,
      probe: this.#options.smtpPorts === undefined ? this.hops : this.#smtpProbe(resolver),
      resolver,
      reader: createAuthorityReader({ ...dns, resolver }),
      provider: (name) => Promise.resolve(this.provider(name)),
      canary: () => Promise.reject(new Error('no canaries in this world')),
      readSts: (domain) => {
        const known = this.sts.get(domain.slice(0, -1));
        return Promise.resolve({
          domain: domain.slice(0, -1),
          mode: 'absent',
          patterns: [],
          reason: null,
          fault: null,
          ...known,
        });
      },
      readDane: (exchange, port) => {
        const known = this.tlsa.get(exchange.slice(0, -1));
        return Promise.resolve({ exchange, port, outcome: 'insecure', records: [], reason: null, ...known });
      },
      clock: this.clock,
      logger: silentLogger,
      digest: (text) => createHash('sha256').update(text).digest('hex'),
      newId: () => `01KAJ${String(++this.#ids).padStart(21, '0')}`,
      holder: `here:${4711 + this.#processes}:run`,
      isDeadHolder: (holder) => this.dead.has(holder),
      random: () => 0.5,
      ...this.over,
      ...over,
    };
  }

  /** The real probe: instants are the world's, waiting for sockets is not. */
  #smtpProbe(resolver: Deps['resolver']): Probe {
    return createSmtpProbe({
      resolver,
      clock: { now: () => this.clock.now(), sleep: (ms, signal) => systemClock.sleep(ms, signal) },
      vantage: this.#options.vantage ?? 'here',
      ehloName: 'probe.example',
      maxSessions: 20,
      jitter: () => 0,
    });
  }

  /** The real adapter; `secret` in base64. */
  provider(name: string, secret = 'c2VzYW1l'): Provider {
    const tsig = {
      name: domainNameOf('mxctl.'),
      algorithm: 'hmac-sha256',
      secret: new Secret(secret),
    } as const;
    const { address } = this.dns.get(name)!;
    return createRfc2136Provider(
      { name, server: address, tsig, timeoutMs: patienceMs },
      { clock: this.clock },
    );
  }

  route(name = 'support'): Route {
    return this.routes.get(name)!;
  }

  /** One unattended run; the next one comes a minute later. */
  async run(over: Partial<Deps> = {}, signal = never): Promise<CycleResult> {
    const result = await runCycle(this.deps(over), signal);
    this.clock.advance(60_000);
    return result;
  }

  /** `count` runs; the last one's result. */
  async runs(count: number): Promise<CycleResult> {
    let result = await this.run();
    for (let left = count - 1; left > 0; left--) result = await this.run();
    return result;
  }

  /** A person's move: proposed, confirmed, carried out. */
  async failover(
    to: string | null,
    { route = 'support', overrides = [], over = {}, signal = never }: PersonOptions = {},
  ): Promise<ActResult> {
    const deps = this.deps(over);
    const { prepared, ...proposal } = await proposeMove(this.route(route), to, deps, signal);
    const consent = { by: 'person:kim@here', reason: 'asked', overrides, rollbackOf: null };
    return executePlan(proposal.route, prepared, consent, deps, signal);
  }

  async rollback(
    named: string | null = null,
    { overrides = [], over = {}, signal = never }: PersonOptions = {},
  ): Promise<ActResult> {
    const deps = this.deps(over);
    const action = await findRollback(named, deps);
    const { prepared, route } = await proposeRollback(action, deps, signal);
    const consent = { by: 'person:kim@here', reason: 'asked', overrides, rollbackOf: action.id };
    return executePlan(route, prepared, consent, deps, signal);
  }

  /** Actions of the journal as `kind from->to state`, oldest first. */
  async journal(route = 'support'): Promise<string[]> {
    const actions = await this.actions(route);
    return actions.map(({ plan, state }) => `${plan.kind} ${plan.from ?? '?'}->${plan.to ?? '?'} ${state}`);
  }

  async actions(route = 'support'): Promise<Action[]> {
    return (await this.store.listActions({ route })).toReversed();
  }

  held(owner: string, type: RrType = 'MX', provider = 'bind'): Rrset | null {
    return this.dns.get(provider)!.primary.read(domainNameOf(owner), type);
  }

  /** What the primary holds: `10 mx.example.com. 90 spool.example.org. ttl 60`. */
  published(owner = 'example.com', type: RrType = 'MX', provider = 'bind'): string {
    const rrset = this.held(owner, type, provider);
    return rrset === null ? 'nothing' : `${rrset.rdata.join(' ')} ttl ${rrset.ttl}`;
  }

  /** Somebody else's edit: `edit('example.com', 'MX', 3600, '10 mx.other.example.')`. */
  edit(owner: string, type: RrType, ttl: number, ...rdata: string[]): void {
    const name = domainNameOf(owner);
    for (const { primary, zones } of this.dns.values()) {
      if (zones.some((zone) => name === zone || name.endsWith(`.${zone}`))) {
        primary.write(name, type, rdata.length === 0 ? null : rrsetOf(name, type, ttl, rdata));
      }
    }
  }
}

interface PersonOptions {
  readonly route?: string;
  readonly overrides?: readonly GuardName[];
  readonly over?: Partial<Deps>;
  readonly signal?: AbortSignal;
}

/** The real thing with some of its methods replaced, which may call it: to act between two of its steps. */
export function laidOver<T extends object>(real: T, over: Partial<T>): T {
  return new Proxy(real, {
    get: (target, key) => {
      const value: unknown = Reflect.get(key in over ? over : target, key);
      return typeof value === 'function' && !(key in over) ? (value.bind(target) as unknown) : value;
    },
  });
}
