// What the use cases stand on: contracts and values, never an adapter. Built by compose.ts, and by tests from parts.

import type { Config } from '../config/config.ts';
import type { AuthorityReader, Resolver } from '../dns/reader.ts';
import type { DaneFacts } from '../model/dane.ts';
import type { DomainName } from '../model/domain-name.ts';
import type { Route } from '../model/route.ts';
import type { StsFacts } from '../model/sts.ts';
import type { CanaryProbe } from '../probes/canary.ts';
import type { Probe } from '../probes/probe.ts';
import type { Provider } from '../providers/provider.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Store } from '../store/store.ts';

export interface Deps {
  readonly config: Config;
  readonly store: Store;
  readonly probe: Probe;
  readonly resolver: Resolver;
  readonly reader: AuthorityReader;
  /** Opened on first use; throws ConfigError where its secret or adapter is missing. */
  readonly provider: (name: string) => Promise<Provider>;
  /** Of a route with canaries, opened on first use; throws ConfigError where a secret is missing. */
  readonly canary: (route: Route) => Promise<CanaryProbe>;
  /** RFC 8461 policy as a sender would see it now. */
  readonly readSts: (domain: DomainName, signal: AbortSignal) => Promise<StsFacts>;
  /** TLSA records of an exchange as a sender would see them now; `port` is that of its hops. */
  readonly readDane: (exchange: DomainName, port: number, signal: AbortSignal) => Promise<DaneFacts>;
  readonly clock: Clock;
  /** Puts `clock` right where the store has a time of its own; before each round. Throws StoreError. */
  readonly syncClock?: () => Promise<void>;
  readonly logger: Logger;
  /** SHA-256, hex. */
  readonly digest: (text: string) => string;
  /** ULID. */
  readonly newId: () => string;
  /** Of this program, for other machines to see; without it `unknown`. */
  readonly version?: string;
  /** Host, process and run: the holder of leases. */
  readonly holder: string;
  /** True where that holder was a process of this machine that is no more. */
  readonly isDeadHolder: (holder: string) => boolean;
  /** 0 <= x < 1. */
  readonly random: () => number;
}
