// The standard world, running: two authorities, an update port, a resolver, hops, a mailbox and a sender, all on
// loopback in this process. Load it by dynamic import: it brings dns2, smtp-server and a PKI library.

import type { TsigKey } from '../dns/tsig.ts';
import { displayName } from '../model/domain-name.ts';
import type { Clock } from '../runtime/clock.ts';
import { type Accounting, accountFor } from './accounting.ts';
import type { Authority } from './authority.ts';
import { type HopState, openControl } from './control.ts';
import type { HopFault } from './hop-fault.ts';
import type { SandboxHop } from './hop.ts';
import type { Mailbox } from './mailbox.ts';
import { controllerAddress, hopPlans } from './map.ts';
import type { Relay } from './relay.ts';
import type { CachingResolver } from './resolver.ts';
import type { Sender } from './sender.ts';
import type { UpdatePort } from './update-port.ts';
import { caFileIn, canaryKeyFileIn, controlFileIn, maildirIn, tsigSecretFileIn } from './world-files.ts';
import { formatWorldConfig, type WorldConfigOptions } from './world-config.ts';
import { openParts, type WorldOptions, type WorldParts } from './world-parts.ts';
import type { ZoneData } from './zone.ts';

export type { WorldOptions } from './world-parts.ts';

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
    return accountFor({
      letters: this.sender.letters,
      arrivals: this.mailbox.arrivals,
      relays: [...this.relays.values()],
      hops: this.hops.map((hop) => ({ hop: hop.name, path: pathOf(hop), taken: hop.taken })),
    });
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
      held: hop.heldCount,
      discarded: hop.taken.filter((one) => one.fate === 'discarded').length,
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
      canaryKeyFile: canaryKeyFileIn(this.directory),
      maildir: maildirIn(this.directory),
    };
    // A return needs hold_down, rise and the old TTL over: these keep it within a tour.
    const knobs = {
      mode: 'auto',
      holdDownSeconds: 5,
      probationSeconds: 4,
      rise: 3,
      canaries: false,
      vantage: 'sandbox',
      quorum: 1,
      intervalSeconds: 1,
    } as const;
    return formatWorldConfig(addresses, { ttl, failoverTtl, ...knobs, ...options });
  }

  async close(): Promise<void> {
    await closeAll(this.#parts.closers);
  }
}

const pathOf = (hop: SandboxHop): string | null =>
  hopPlans.find((one) => one.name === hop.name)?.path ?? null;

/** Last opened, first closed; each is tried, whatever the others did. */
async function closeAll(closers: readonly (() => Promise<void>)[]): Promise<void> {
  const faults: unknown[] = [];
  for (const close of closers.toReversed()) await close().catch((fault: unknown) => faults.push(fault));
  if (faults.length > 0) throw new AggregateError(faults, 'the sandbox did not close cleanly');
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
