// Which adapter serves which provider block. Each is imported when a route first needs it.

import { ConfigError } from '../errors.ts';
import type { Secret, SecretSource } from '../model/secret.ts';
import type { Provider } from './provider.ts';
import type { PowerdnsConfig } from './powerdns/config.ts';
import type { Rfc2136Config } from './rfc2136/config.ts';

/** A provider block of the config; only its type matters until its adapter opens it. */
export type ProviderBlock = Rfc2136Config | PowerdnsConfig | { readonly type: 'route53' | 'cloudflare' };

export interface ProviderDeps {
  readonly clock: { now(): number; sleep(ms: number, signal: AbortSignal): Promise<void> };
  readonly readSecret: (source: SecretSource) => Promise<Secret>;
}

/** Throws ConfigError `not-built-yet` or `secret-unreadable`. */
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
    case 'powerdns': {
      const { createPowerdnsProvider } = await import('./powerdns/index.ts');
      return createPowerdnsProvider({ ...block, name, apiKey: await deps.readSecret(block.apiKey) }, deps);
    }
    default:
      throw new ConfigError('not-built-yet', `provider ${name}: the ${block.type} adapter is not built yet`, {
        hint: 'this version writes through rfc2136 and powerdns',
      });
  }
}
