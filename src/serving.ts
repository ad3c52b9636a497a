// A program whose configuration can be read again while it runs. What is open stays open where the new configuration
// means the same by it; nothing of the old is closed before all of the new is known to be good. Reload between rounds:
// whoever still uses the old program would find its store closed.

import { Liveness } from './app/liveness.ts';
import type { Config } from './config/config.ts';
import { readSecret } from './config/secrets.ts';
import {
  assemble,
  openShared,
  openStoreAt,
  type OpenOptions,
  type Program,
  readConfig,
  secretPlaces,
  stateUrl,
} from './program.ts';
import { type Pace, systemPace } from './runtime/clock.ts';
import { type HealthServer, type ListenAddress, startHealthServer } from './runtime/health-server.ts';
import { Heartbeat } from './runtime/heartbeat.ts';
import type { Runtime } from './runtime/run.ts';
import { createServiceManager, type ServiceManager, withdrawVariables } from './runtime/service-manager.ts';
import { listenForReload, type ReloadRequests } from './runtime/signals.ts';

export interface Serving {
  /** As of the last configuration that was good. */
  readonly program: Program;
  /** Null where the configuration names none. */
  readonly heartbeat: Heartbeat | null;
  /** Reads the configuration again and opens what changed; gives back the one of before. Throws ConfigError or StoreError
   *  where the new one cannot be used; everything is as it was then. */
  reload(): Promise<Config>;
}

/** `onConfig` runs when the configuration is known and nothing is open yet. */
export async function openServing(
  runtime: Runtime,
  options: OpenOptions,
  onConfig: (heartbeat: Heartbeat | null) => void,
): Promise<Serving> {
  let config = await readConfig(options);
  let heartbeat = heartbeatOf(config, runtime);
  onConfig(heartbeat);
  let url = await stateUrl(config);
  let store = await openStoreAt(url);
  runtime.onClose(() => store.close());
  const shared = openShared(runtime);
  const build = () => assemble(config, { ...shared, store, storeFault: null }, runtime);
  let program = build();
  return {
    get program() {
      return program;
    },
    get heartbeat() {
      return heartbeat;
    },
    reload: async () => {
      const next = await readConfig(options);
      const nextUrl = await stateUrl(next);
      const stale = await shared.providers.stale(next.providers);
      const nextStore = nextUrl === url ? store : await openStoreAt(nextUrl);
      const [before, oldStore] = [config, store];
      [config, url, store] = [next, nextUrl, nextStore];
      heartbeat = heartbeatOf(config, runtime);
      program = build();
      await closeQuietly(() => shared.providers.drop(stale), runtime);
      if (oldStore !== store) await closeQuietly(() => oldStore.close(), runtime);
      return before;
    },
  };
}

/** The new configuration holds by then: what cannot be closed in order is said, no more. */
async function closeQuietly(close: () => Promise<void>, { logger }: Runtime): Promise<void> {
  try {
    await close();
  } catch (error) {
    logger.warn(
      `closing what the old configuration had opened: ${error instanceof Error ? error.message : ''}`,
    );
  }
}

function heartbeatOf({ heartbeat }: Config, { logger }: Runtime): Heartbeat | null {
  if (heartbeat === null) return null;
  const readUrl = () => readSecret(heartbeat.url, secretPlaces());
  return new Heartbeat({ readUrl, timeoutMs: heartbeat.timeoutMs, logger });
}

export interface Supervision {
  readonly pace: Pace;
  readonly liveness: Liveness;
  readonly reloads: ReloadRequests;
  /** Null where nobody started us who wants to be told. */
  readonly manager: ServiceManager | null;
  /** Null where nobody may ask. */
  readonly health: HealthServer | null;
}

export interface SupervisionOptions {
  readonly maxRuntimeMs: number;
  readonly listen: ListenAddress | null;
}

/** What only a service has: SIGHUP, systemd, the health endpoint. Throws AppError `usage` for an address that is taken. */
export async function openSupervision(runtime: Runtime, options: SupervisionOptions): Promise<Supervision> {
  const pace = systemPace;
  const liveness = new Liveness(options.maxRuntimeMs, pace.elapsedMs());
  const reloads = listenForReload();
  runtime.onClose(() => reloads.dispose());
  const { listen } = options;
  const health =
    listen === null
      ? null
      : await startHealthServer(listen, {
          '/livez': () => liveness.stuck(pace.elapsedMs()),
          '/healthz': () => liveness.unhealthy(pace.elapsedMs()),
          '/readyz': () => liveness.unready(pace.elapsedMs()),
        });
  if (health !== null) runtime.onClose(() => health.close());
  const manager = createServiceManager({
    env: { ...process.env },
    pid: process.pid,
    logger: runtime.logger,
    stuck: () => liveness.stuck(pace.elapsedMs()),
  });
  withdrawVariables(process.env);
  if (manager !== null) runtime.onClose(() => manager.settle());
  runtime.signal.addEventListener('abort', () => {
    liveness.stopping();
    manager?.stopping();
  });
  return { pace, liveness, reloads, manager, health };
}
