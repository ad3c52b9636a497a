// The frozen configuration as the program uses it: model types, durations in ms, names absolute. Made only by load.ts.

import type { DomainName } from '../model/domain-name.ts';
import type { Route, ServerAddress } from '../model/route.ts';
import type { SecretSource } from '../model/secret.ts';
import type { ProviderConfig } from './providers.ts';

export interface Reference {
  readonly exchange: DomainName;
  readonly port: number;
}

/** An audit as declared; `mxctl audit` is not built yet, the block is only checked. */
export interface AuditConfig {
  readonly name: string;
}

export interface Config {
  /** Absolute file name the config came from. */
  readonly configFile: string;
  /** `sqlite:FILE`, `postgres://…`, or where to read that; null = embedded SQLite in the default place. */
  readonly stateUrl: string | SecretSource | null;
  readonly vantage: string;
  readonly resolvers: readonly ServerAddress[];
  readonly references: readonly Reference[];
  readonly providers: ReadonlyMap<string, ProviderConfig>;
  readonly routes: ReadonlyMap<string, Route>;
  readonly audits: readonly AuditConfig[];
  /** How long history is kept; ms. */
  readonly historyMs: number;
}
