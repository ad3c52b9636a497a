// Builds the program from the configuration: store, DNS, probe, providers. Imported by compose.ts when a command needs
// it, so that `--version` and `--help` load none of it.

import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { hostname, tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { ulid } from 'ulid';
import type { Deps } from './app/deps.ts';
import { SharedClock } from './app/shared-clock.ts';
import type { Clock } from './runtime/clock.ts';
import type { Runtime } from './runtime/run.ts';
import type { Config } from './config/config.ts';
import { loadConfig } from './config/load.ts';
import { readSecret } from './config/secrets.ts';
import { absoluteStateUrl } from './config/state-url.ts';
import { createAuthorityReader } from './dns/authoritative.ts';
import { createDnsClient, type DnsClient } from './dns/client.ts';
import type { Resolver } from './dns/reader.ts';
import { createResolver } from './dns/resolver.ts';
import { ConfigError, StoreError, type AppError } from './errors.ts';
import { personNamed } from './model/change.ts';
import { parseDomainName } from './model/domain-name.ts';
import { sanitise } from './model/text.ts';
import { createDaneReader } from './probes/dane/index.ts';
import { createStsReader } from './probes/mta-sts/index.ts';
import { createSmtpProbe } from './probes/smtp/index.ts';
import { SessionLimiter } from './probes/smtp/limiter.ts';
import { ProviderShelf } from './provider-shelf.ts';
import type { ProviderDeps } from './providers/registry.ts';
import { holderIdentity, isDeadHolder } from './runtime/process-identity.ts';
import { readVersion } from './runtime/version.ts';
import type { Store, StoreAdmin } from './store/store.ts';
import { openSqlStore } from './store/sql/open.ts';

export interface Program extends Deps {
  /** Why the state store could not be used, where the command may do without it; else null. */
  readonly storeFault: AppError | null;
  /** Whoever runs the command, for the journal. */
  readonly person: string;
}

/** Public resolvers answer in well under a second; two rounds of this still fit a person's patience; ms. */
const resolverTimeoutMs = 3000;
/** An authoritative server far away with one lost packet; ms. */
const authorityTimeoutMs = 3000;
const dnsAttempts = 2;
/** Sessions at once over all addresses: each is a socket, and 1,000 routes share this. */
const maxSessions = 256;
/** Canaries handed to one address at once: beside the probes that may be open there. */
const canariesPerAddress = 2;
/** Probes of one run are spread over this much a route, so that they do not arrive in one instant, and over no more than
 *  this in all: whoever moves one route waits for its probes; ms. */
const probeSpreadMs = { perRoute: 10, most: 250 };

export interface OpenOptions {
  /** Value of --config. */
  readonly configFile: string | undefined;
  /** Act without the state store: no history, no lease, a journal that ends with the run. */
  readonly isOffline?: boolean;
  /** The command only looks: where the store cannot be used it goes on without, and `storeFault` says why. */
  readonly mayLackStore?: boolean;
}

export async function readConfig(options: OpenOptions): Promise<Config> {
  return loadConfig({ explicitFile: options.configFile ?? null, env: process.env, cwd: process.cwd() });
}

export async function openProgram(runtime: Runtime, options: OpenOptions): Promise<Program> {
  const config = await readConfig(options);
  const opened = { ...(await openStore(config, runtime, options)), ...openShared(runtime) };
  await opened.clock.follow(opened.store);
  return assemble(config, opened, runtime);
}

/** What outlives a configuration. */
export interface Opened extends Pick<Program, 'store' | 'storeFault'> {
  readonly client: DnsClient;
  readonly providers: ProviderShelf;
  readonly clock: SharedClock;
}

export function openShared(runtime: Runtime): Pick<Opened, 'client' | 'providers' | 'clock'> {
  const client = createDnsClient();
  runtime.onClose(() => client.close());
  const providers = new ProviderShelf({
    clock: runtime.clock,
    readSecret: (source) => readSecret(source, secretPlaces()),
  });
  runtime.onClose(() => providers.close());
  return { client, providers, clock: new SharedClock(runtime.clock) };
}

/** The program of this configuration. Opens nothing. */
export function assemble(config: Config, opened: Opened, runtime: Runtime): Program {
  const { clock } = opened;
  const dns = { client: opened.client, clock, attempts: dnsAttempts };
  const resolver = createResolver({ ...dns, servers: config.resolvers, timeoutMs: resolverTimeoutMs });
  const reader = createAuthorityReader({ ...dns, resolver, timeoutMs: authorityTimeoutMs });
  const probe = createSmtpProbe({
    resolver,
    clock,
    vantage: config.vantage,
    ehloName: hostname(),
    maxSessions,
    jitter: () => Math.random() * Math.min(probeSpreadMs.most, config.routes.size * probeSpreadMs.perRoute),
  });
  opened.providers.use(config.providers, nsLookup(resolver));
  return {
    config,
    store: opened.store,
    storeFault: opened.storeFault,
    probe,
    resolver,
    reader,
    provider: (name) => opened.providers.open(name),
    canary: canaryOpener(config, clock),
    readSts: createStsReader({ resolver, caCertificates: [] }),
    readDane: createDaneReader({ resolver }),
    clock,
    syncClock: () => clock.follow(opened.store),
    logger: runtime.logger,
    digest: (text) => createHash('sha256').update(text).digest('hex'),
    newId: () => ulid(clock.now()),
    version: readVersion(),
    holder: holderIdentity(runtime.runId),
    isDeadHolder: (holder) => isDeadHolder(holder),
    random: Math.random,
    person: personNamed(`${userName()}@${hostname()}`),
  };
}

function userName(): string {
  try {
    return sanitise(process.env['SUDO_USER'] ?? userInfo().username, 64);
  } catch {
    // A container may run under a uid without a name.
    return `uid${process.getuid?.() ?? ''}`;
  }
}

async function openStore(
  config: Config,
  runtime: Runtime,
  { isOffline = false, mayLackStore = false }: OpenOptions,
): Promise<Pick<Program, 'store' | 'storeFault'>> {
  if (isOffline) return { store: await openPassingStore(runtime), storeFault: null };
  try {
    const store = keepOpen(await openStoreAt(await stateUrl(config)), runtime);
    return { store, storeFault: null };
  } catch (error) {
    if (!mayLackStore || !(error instanceof StoreError)) throw error;
    return { store: await openPassingStore(runtime), storeFault: error };
  }
}

/** Throws StoreError, and ConfigError for the url. */
export function openStoreAt(url: string): Promise<Store> {
  return openSqlStore({ url });
}

/** The store that the configuration names, from outside. `create`: make what is not there. */
export async function openStateAdmin(
  runtime: Runtime,
  options: OpenOptions,
  create: boolean,
): Promise<StoreAdmin> {
  const { openStoreAdmin } = await import('./store/sql/admin.ts');
  const admin = await openStoreAdmin({ url: await stateUrl(await readConfig(options)), create });
  runtime.onClose(() => admin.close());
  return admin;
}

/** A store that ends with the run. */
async function openPassingStore(runtime: Runtime): Promise<Store> {
  const directory = await mkdtemp(join(tmpdir(), 'mxctl-offline-'));
  runtime.onClose(() => rm(directory, { recursive: true, force: true }));
  return keepOpen(await openSqlStore({ url: `sqlite:${join(directory, 'state.sqlite')}` }), runtime);
}

function keepOpen(store: Store, runtime: Runtime): Store {
  runtime.onClose(() => store.close());
  return store;
}

export async function stateUrl(config: Config): Promise<string> {
  if (config.stateUrl === null) return `sqlite:${join(stateHome(), 'mxctl', 'state.sqlite')}`;
  if (typeof config.stateUrl === 'string') return config.stateUrl;
  const url = (await readSecret(config.stateUrl, secretPlaces())).reveal().trim();
  return absoluteStateUrl(url, dirname(config.configFile));
}

function stateHome(): string {
  const { XDG_STATE_HOME: state, HOME: home } = process.env;
  if (state !== undefined && state.startsWith('/')) return state;
  if (home !== undefined && home.startsWith('/')) return join(home, '.local', 'state');
  throw new ConfigError(
    'config-invalid',
    'there is no place for the state store: neither state.url nor HOME is set',
    {
      hint: 'set state: {url: "sqlite:/var/lib/mxctl/state.sqlite"} in the configuration',
    },
  );
}

export function secretPlaces(): Parameters<typeof readSecret>[1] {
  return { env: process.env, credentialsDirectory: process.env['CREDENTIALS_DIRECTORY'] ?? null };
}

/** Opens the canary probe of each route once, on first use: its code is loaded by routes that have canaries. */
function canaryOpener(config: Config, clock: Clock): Deps['canary'] {
  const opened = new Map<string, ReturnType<Deps['canary']>>();
  const sessions = new SessionLimiter(maxSessions, canariesPerAddress);
  return (route) => {
    const known = opened.get(route.name);
    if (known !== undefined) return known;
    const { canary: policy, probe: session } = route;
    if (policy === null) throw new RangeError(`route ${route.name} has no canaries`);
    const opening = import('./probes/canary/index.ts').then(({ createCanaryProbe }) =>
      createCanaryProbe(policy, {
        clock,
        readSecret: (source) => readSecret(source, secretPlaces()),
        session,
        ehloName: hostname(),
        sessions,
      }),
    );
    opened.set(route.name, opening);
    // A key that could not be read may be there in the next round.
    opening.catch(() => opened.delete(route.name));
    return opening;
  };
}

/** A zone's own NS records, which come from those it is delegated to. */
function nsLookup(resolver: Resolver): ProviderDeps['lookupNs'] {
  return async (zone, signal) => {
    const { rrset } = await resolver.lookup(zone, 'NS', signal);
    if (rrset?.owner !== zone) return null;
    return rrset.rdata.flatMap((text) => {
      const parsed = parseDomainName(text);
      return parsed.ok ? [parsed.name] : [];
    });
  };
}
