// What a world is made of, opened in the order in which each part needs the ones before it. Only world.ts uses it.

import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { TsigKey } from '../dns/tsig.ts';
import { type Clock, systemClock } from '../runtime/clock.ts';
import { type Authority, startAuthority } from './authority.ts';
import { createCertificateAuthority } from './certificates.ts';
import type { SandboxHop } from './hop.ts';
import { Mailbox } from './mailbox.ts';
import { Maildir } from './maildir.ts';
import {
  canary,
  controllerAddress,
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
import { maildirIn, makeDirectory, writeKeys } from './world-files.ts';
import { startHops } from './world-hops.ts';
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

export interface WorldParts {
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

/** 256 bits, as long as the digest (RFC 8945 §8). */
const secretOctets = 32;

/** Every part that opens something pushes what closes it, so that a world that fails half-way leaves nothing. */
export async function openParts(
  options: WorldOptions,
  closers: (() => Promise<void>)[],
): Promise<WorldParts> {
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
  const mailbox = new Mailbox(clock, {
    maildir: new Maildir(maildirIn(directory), clock),
    addresses: [canary.to, canary.from],
  });
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
