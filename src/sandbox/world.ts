// The standard world, running: two authorities, an update port, a resolver, hops, a mailbox and a sender, all on
// loopback in this process. Load it by dynamic import: it brings dns2, smtp-server and a PKI library.

import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { TsigKey } from '../dns/tsig.ts';
import { displayName } from '../model/domain-name.ts';
import { type Clock, systemClock } from '../runtime/clock.ts';
import { type Accounting, accountFor } from './accounting.ts';
import { type Authority, startAuthority } from './authority.ts';
import { createCertificateAuthority } from './certificates.ts';
import { type HopState, openControl } from './control.ts';
import type { HopFault } from './hop-fault.ts';
import type { SandboxHop } from './hop.ts';
import { Mailbox } from './mailbox.ts';
import {
  controllerAddress,
  hopPlans,
  mailDomain,
  nameServers,
  recipient,
  senderAddress,
  tsigKeyName,
  zonePlans,
} from './map.ts';
import type { Relay } from './relay.ts';
import { type CachingResolver, startResolver } from './resolver.ts';
import type { RetrySchedule } from './retry-queue.ts';
import { Sender } from './sender.ts';
import { startUpdatePort, type UpdatePort } from './update-port.ts';
import { caFileIn, controlFileIn, makeDirectory, tsigSecretFileIn, writeKeys } from './world-files.ts';
import { startHops } from './world-hops.ts';
import { formatWorldConfig, type WorldConfigOptions } from './world-config.ts';
import { createZoneData, type ZoneData } from './zone.ts';

export type WorldPorts = Partial<Record<'hops' | 'primary' | 'secondary' | 'resolver' | 'update', number>>;

export interface WorldOptions {
  /** Where files are put; made where missing, and kept on close. Omit: a new temporary one, removed on close. */
  readonly directory?: string;
  readonly clock?: Clock;
  /** 0..1; order among equals and among authorities. */
  readonly random?: () => number;
  /** 0 or omitted = free ones. */
  readonly ports?: WorldPorts;
  /** Seconds of the MX RRset in normal times, and what configYaml says while failed over. */
  readonly ttl?: number;
  readonly failoverTtl?: number;
  readonly sendIntervalMs?: number;
  readonly retry?: RetrySchedule;
  /** Bound of every SMTP stage of the sender and the relaying hops; ms. */
  readonly smtpTimeoutMs?: number;
  readonly tarpitMs?: number;
}

const defaults = {
  clock: systemClock,
  random: Math.random,
  ports: {} as WorldPorts,
  // Longer than a controller's cycle, short enough that a tour sees caches run out twice within a minute.
  ttl: 6,
  failoverTtl: 2,
  // Four letters a second would fill the picture without telling more.
  sendIntervalMs: 500,
  // Postfix's 5, 10, 20 minutes (RFC 5321 §4.5.4.1) at about 1:300, so that an outage of seconds behaves like one
  // of hours. Nothing is given up within a tour.
  retry: { delaysMs: [1000, 1500, 2000, 3000], giveUpAfterMs: 600_000 },
  // RFC 5321 §4.5.3.2 wants five minutes, at the same scale.
  smtpTimeoutMs: 1500,
  // Above slow_after of the world's config, below its timeout.
  tarpitMs: 1200,
} satisfies Required<Omit<WorldOptions, 'directory'>>;

/** Everything that lives in the world; `close` ends it without leftovers. */
export class World {
  readonly directory: string;
  readonly data: ZoneData;
  readonly key: TsigKey;
  readonly primary: Authority;
  readonly secondary: Authority;
  readonly updatePort: UpdatePort;
  readonly resolver: CachingResolver;
  readonly hops: readonly SandboxHop[];
  readonly relays: ReadonlyMap<string, Relay>;
  readonly mailbox: Mailbox;
  readonly sender: Sender;
  readonly clock: Clock;
  /** PEM file of the throwaway CA. */
  readonly caFile: string;
  /** Base64, mode 0600. */
  readonly tsigSecretFile: string;
  /** For another terminal; control.ts. */
  readonly controlFile: string;
  readonly #parts: WorldParts;

  constructor(parts: WorldParts) {
    this.#parts = parts;
    this.directory = parts.directory;
    this.data = parts.data;
    this.key = parts.key;
    this.primary = parts.primary;
    this.secondary = parts.secondary;
    this.updatePort = parts.updatePort;
    this.resolver = parts.resolver;
    this.hops = parts.hops;
    this.relays = parts.relays;
    this.mailbox = parts.mailbox;
    this.sender = parts.sender;
    this.clock = parts.clock;
    this.caFile = caFileIn(parts.directory);
    this.tsigSecretFile = tsigSecretFileIn(parts.directory);
    this.controlFile = controlFileIn(parts.directory);
  }

  /** Of the MX RRset in normal times; seconds. */
  get ttl(): number {
    return this.#parts.ttl;
  }

  get hopPort(): number {
    return this.hops[0]?.port ?? 0;
  }

  /** By short name, by exchange, or all hops of a path; empty where there is none. */
  hopsNamed(name: string): SandboxHop[] {
    const path = new Set(hopPlans.filter((one) => one.path === name).map((one) => one.name));
    return this.hops.filter(
      (hop) =>
        hop.name === name || displayName(hop.exchange) === name.replace(/\.$/, '') || path.has(hop.name),
    );
  }

  /** False where there is no such hop. */
  async setFault(name: string, fault: HopFault): Promise<boolean> {
    const hops = this.hopsNamed(name);
    for (const hop of hops) await hop.setFault(fault);
    return hops.length > 0;
  }

  /** Every hop, references too, resets what comes from the controller's address; the sender goes on undisturbed. */
  cutOffController(): void {
    this.#parts.cutOff.add(controllerAddress);
    for (const hop of this.hops) hop.cutSessionsFrom(controllerAddress);
  }

  reconnectController(): void {
    this.#parts.cutOff.delete(controllerAddress);
  }

  account(): Accounting {
    return accountFor(this.sender.letters, this.mailbox.arrivals, [...this.relays.values()]);
  }

  /** Every queue tries everything now. */
  flush(): void {
    this.sender.flush();
    for (const relay of this.relays.values()) relay.flush();
  }

  /** Resolves when neither the sender nor a relaying hop has anything queued. */
  async drained(): Promise<void> {
    await this.sender.drained();
    for (const relay of this.relays.values()) await relay.drained();
  }

  hopStates(): HopState[] {
    return this.hops.map((hop) => ({
      name: hop.name,
      exchange: displayName(hop.exchange),
      address: hop.address,
      port: hop.port,
      fault: hop.fault,
    }));
  }

  /** A complete mxctl.yaml for this world. */
  configYaml(options: Partial<WorldConfigOptions> & { stateFile: string }): string {
    const { ttl, failoverTtl } = this.#parts;
    const addresses = {
      hopPort: this.hopPort,
      updatePort: this.updatePort.port,
      resolverPort: this.resolver.port,
      authorityPorts: [this.primary.port, this.secondary.port],
      tsigSecretFile: this.tsigSecretFile,
      caFile: this.caFile,
    };
    // A return needs hold_down, rise and the old TTL over: these keep it within a tour.
    const knobs = { mode: 'auto', holdDownSeconds: 5, probationSeconds: 4, rise: 3 } as const;
    return formatWorldConfig(addresses, { ttl, failoverTtl, ...knobs, ...options });
  }

  async close(): Promise<void> {
    await closeAll(this.#parts.closers);
  }
}

/** Last opened, first closed; each is tried, whatever the others did. */
async function closeAll(closers: readonly (() => Promise<void>)[]): Promise<void> {
  const faults: unknown[] = [];
  for (const close of closers.toReversed()) await close().catch((fault: unknown) => faults.push(fault));
  if (faults.length > 0) throw new AggregateError(faults, 'the sandbox did not close cleanly');
}

interface WorldParts {
  readonly directory: string;
  readonly closers: (() => Promise<void>)[];
  readonly data: ZoneData;
  readonly key: TsigKey;
  readonly primary: Authority;
  readonly secondary: Authority;
  readonly updatePort: UpdatePort;
  readonly resolver: CachingResolver;
  readonly hops: readonly SandboxHop[];
  readonly relays: ReadonlyMap<string, Relay>;
  readonly mailbox: Mailbox;
  readonly sender: Sender;
  readonly clock: Clock;
  readonly cutOff: Set<string>;
  readonly ttl: number;
  readonly failoverTtl: number;
}

/** Rejects where loopback lacks the addresses (Linux has all of 127/8) or a given port is taken. */
export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const closers: (() => Promise<void>)[] = [];
  try {
    const world = new World(await openParts(options, closers));
    const control = await openControl(
      { hops: () => world.hopStates(), setFault: (hop, fault) => world.setFault(hop, fault) },
      world.controlFile,
    );
    closers.push(() => control.close());
    return world;
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
}

/** 256 bits, as long as the digest (RFC 8945 §8). */
const secretOctets = 32;

/** Every part that opens something pushes what closes it, so that a world that fails half-way leaves nothing. */
async function openParts(options: WorldOptions, closers: (() => Promise<void>)[]): Promise<WorldParts> {
  const settings = { ...defaults, ...options };
  const { clock, random, ports, retry, smtpTimeoutMs, tarpitMs } = settings;
  const opened = async <Part extends { close(): Promise<void> }>(opening: Promise<Part>): Promise<Part> => {
    const part = await opening;
    closers.push(() => part.close());
    return part;
  };
  const directory = await makeDirectory(options.directory);
  if (options.directory === undefined) closers.push(() => rm(directory, { recursive: true, force: true }));
  const key: TsigKey = { name: tsigKeyName, algorithm: 'hmac-sha256', secret: randomBytes(secretOctets) };
  const certificates = await createCertificateAuthority(clock.now());
  await writeKeys(directory, key, certificates.caPem);
  const data = createZoneData(clock, nameServers, zonePlans(settings.ttl));
  const address = controllerAddress;
  const primary = await opened(startAuthority({ data, clock, address, port: ports.primary ?? 0 }));
  const secondary = await opened(startAuthority({ data, clock, address, port: ports.secondary ?? 0 }));
  const updatePort = await opened(startUpdatePort({ data, key, clock, address, port: ports.update ?? 0 }));
  const authorities = [primary, secondary];
  const resolver = await opened(
    startResolver({ clock, random, authorities, address, port: ports.resolver ?? 0 }),
  );
  const mailbox = new Mailbox(clock);
  const cutOff = new Set<string>();
  const context = { clock, certificates, cutOff, mailbox, retry, smtpTimeoutMs, tarpitMs };
  const { hops, relays } = await startHops({ ...context, port: ports.hops ?? 0 });
  for (const part of [...hops, ...relays.values()]) closers.push(() => part.close());
  const sender = new Sender({
    clock,
    random,
    resolver,
    retry,
    localAddress: senderAddress,
    port: hops[0]?.port ?? 0,
    to: recipient,
    domain: mailDomain,
    intervalMs: settings.sendIntervalMs,
    timeoutMs: smtpTimeoutMs,
  });
  closers.push(() => sender.close());
  const services = { primary, secondary, updatePort, resolver, hops, relays, mailbox, sender };
  return {
    ...services,
    directory,
    closers,
    data,
    key,
    clock,
    cutOff,
    ttl: settings.ttl,
    failoverTtl: settings.failoverTtl,
  };
}
