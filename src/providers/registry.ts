// Which adapter serves which provider block. Each is imported when a route first needs it.

import type { DomainName } from '../model/domain-name.ts';
import type { Secret, SecretSource } from '../model/secret.ts';
import type { CloudflareConfig } from './cloudflare/config.ts';
import type { Provider } from './provider.ts';
import type { PowerdnsConfig } from './powerdns/config.ts';
import type { RateBudgets } from './rate-budget.ts';
import type { Rfc2136Config } from './rfc2136/config.ts';
import type { Route53Config } from './route53/config.ts';

/** A provider block of the config; only its type matters until its adapter opens it. */
export type ProviderBlock = Rfc2136Config | Route53Config | CloudflareConfig | PowerdnsConfig;

export interface ProviderDeps {
  readonly clock: { now(): number; sleep(ms: number, signal: AbortSignal): Promise<void> };
  /** Shared by all providers of the program. */
  readonly budgets: RateBudgets;
  readonly readSecret: (source: SecretSource) => Promise<Secret>;
  /** 0 <= x < 1. */
  readonly random: () => number;
  /** The name servers that a zone is delegated to; null where DNS does not say. */
  readonly lookupNs: (zone: DomainName, signal: AbortSignal) => Promise<readonly DomainName[] | null>;
}

/** Throws ConfigError `secret-unreadable`. */
export async function openProvider(
  name: string,
  block: ProviderBlock,
  deps: ProviderDeps,
): Promise<Provider> {
  switch (block.type) {
    case 'rfc2136': {
      const { createRfc2136Provider } = await import('./rfc2136/index.ts');
      const { server, tsig, timeoutMs } = block;
      const key = { ...tsig, secret: await deps.readSecret(tsig.secret) };
      return createRfc2136Provider({ name, server, tsig: key, timeoutMs }, deps);
    }
    case 'cloudflare': {
      const { createCloudflareProvider } = await import('./cloudflare/index.ts');
      return createCloudflareProvider({ ...block, name, token: await deps.readSecret(block.token) }, deps);
    }
    case 'powerdns': {
      const { createPowerdnsProvider } = await import('./powerdns/index.ts');
      return createPowerdnsProvider({ ...block, name, apiKey: await deps.readSecret(block.apiKey) }, deps);
    }
    case 'route53': {
      const { createRoute53Provider } = await import('./route53/index.ts');
      return createRoute53Provider({ ...block, name }, deps);
    }
  }
}
