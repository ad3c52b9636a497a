// What a configuration promises, without asking the network: how long each route takes from fault to mail on another
// path, and which knob moves that most.

import { recoveryBudget, type RecoveryBudget } from '../change/recovery-budget.ts';
import type { Config, ConfigWarning } from '../config/config.ts';
import { normalTtlsOf, ownersOf, type FailoverMode, type Route } from '../model/route.ts';
import { confirmPauseMs } from './measure.ts';

/** What is known of a kind of provider without opening one. */
export interface ProviderPromise {
  readonly publishSeconds: number;
  readonly isBuilt: boolean;
}

export interface RouteBudget {
  readonly route: string;
  readonly mode: FailoverMode;
  readonly domains: number;
  readonly budget: RecoveryBudget;
}

export interface Validation {
  readonly configFile: string;
  /** In config order. */
  readonly routes: readonly RouteBudget[];
  readonly providers: readonly { readonly name: string; readonly type: string; readonly isBuilt: boolean }[];
  readonly warnings: readonly (
    ConfigWarning | { readonly code: 'not-built-yet'; readonly message: string; readonly subject: string }
  )[];
}

type ProviderType =
  Config['providers'] extends ReadonlyMap<string, infer Block extends { type: string }>
    ? Block['type']
    : never;

export function validate(config: Config, promiseOf: (type: ProviderType) => ProviderPromise): Validation {
  const providers = [...config.providers].map(([name, { type }]) => ({
    name,
    type,
    isBuilt: promiseOf(type).isBuilt,
  }));
  const unbuilt = providers
    .filter((one) => !one.isBuilt)
    .map(({ name, type }) => ({
      code: 'not-built-yet' as const,
      message: `the ${type} adapter is not built yet: routes that need it can be watched, not moved`,
      subject: `provider ${name}`,
    }));
  return {
    configFile: config.configFile,
    routes: [...config.routes.values()].map((route) => budgetOf(route, config, promiseOf)),
    providers,
    warnings: [...config.warnings, ...unbuilt],
  };
}

function budgetOf(
  route: Route,
  config: Config,
  promiseOf: (type: ProviderType) => ProviderPromise,
): RouteBudget {
  const seconds = route.records.map(({ provider }) => {
    const block = config.providers.get(provider);
    return block === undefined ? 0 : promiseOf(block.type).publishSeconds;
  });
  return {
    route: route.name,
    mode: route.failover.mode,
    domains: ownersOf(route).length,
    budget: recoveryBudget(
      { probe: route.probe, canary: route.canary, ttl: normalTtlsOf(route).most },
      {
        publishSeconds: Math.max(0, ...seconds),
        burstPauseSeconds: confirmPauseMs.most / 1000,
      },
    ),
  };
}
