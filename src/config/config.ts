// The frozen configuration as the program uses it: model types, durations in ms, names absolute. Made only by load.ts.

import type { Expectation } from '../model/audit.ts';
import type { DomainName } from '../model/domain-name.ts';
import type { AuditIgnore } from '../model/ignore.ts';
import type { Route, ServerAddress } from '../model/route.ts';
import type { SecretSource } from '../model/secret.ts';
import type { ProviderConfig } from './providers.ts';

export interface Reference {
  readonly exchange: DomainName;
  readonly port: number;
}

/** An audit as declared. */
export interface AuditConfig {
  readonly name: string;
  /** Inventory as CSV or NDJSON, absolute; not opened at load. */
  readonly domains: { readonly file: string; readonly column: string };
  readonly expect: Expectation;
  readonly ignore: readonly AuditIgnore[];
  /** Longest TTL that the MX of these domains may have; seconds; null = what the routes say. */
  readonly maxTtl: number | null;
  /** `include:` that the SPF record of these domains should have; null = not asked. */
  readonly spfInclude: string | null;
}

/** Legal, but hardly meant; same shape as a warning of the JSON envelope. */
export interface ConfigWarning {
  readonly code:
    | 'ttl-zero'
    | 'rcpt-unused'
    | 'no-candidate'
    | 'too-many-names'
    | 'quorum-alone'
    | 'ignore-expired'
    | 'canary-alone'
    | 'canary-own-domain';
  readonly message: string;
  /** Where, as `file:line:column: path`. */
  readonly subject: string;
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
  /** Who is told that a run of `auto` began and how it ended; null = nobody. */
  readonly heartbeat: { readonly url: SecretSource; readonly timeoutMs: number } | null;
  readonly warnings: readonly ConfigWarning[];
}
