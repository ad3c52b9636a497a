// What a process of the model's world sees and can do: probes, servers, provider, store, each through its own machine's
// network and clock. The code above it is the real one.

import { createHash } from 'node:crypto';

import type { Deps } from '../../src/app/deps.ts';
import type { Config } from '../../src/config/config.ts';
import type { PublishedView } from '../../src/dns/reader.ts';
import { domainNameOf } from '../../src/model/domain-name.ts';
import type { Hop } from '../../src/model/hop.ts';
import type { Observation } from '../../src/model/observation.ts';
import type { ProbePolicy, Route } from '../../src/model/route.ts';
import type { ExchangeAddresses, ProbeTarget } from '../../src/probes/probe.ts';
import { silentLogger } from '../../src/runtime/logger.ts';
import type { Store } from '../../src/store/store.ts';
import type { ModelProcess } from './model-process.ts';
import { ModelProvider, type ProviderWatch } from './model-provider.ts';
import { type HopState, machines } from './model-scenario.ts';
import { storeFor, type StoreWatch } from './model-store.ts';
import { exchangesNamed, type ModelWorld, providers } from './model-world.ts';
import { servers } from './model-zone.ts';
import { observe } from './worlds.ts';

const reference = domainNameOf('mx.reference.example');
const slowMs = 12_000;
const quickMs = 150;

export interface Seam {
  readonly world: ModelWorld;
  readonly store: Store;
  readonly watch: ProviderWatch & { readonly onStore: StoreWatch };
  readonly newId: () => string;
  readonly isDeadHolder: (holder: string, machine: number) => boolean;
  /** What a mutation puts between the code and the world. */
  readonly lay: (deps: Deps, process: ModelProcess) => Deps;
}

export function depsFor(process: ModelProcess, seam: Seam): Deps {
  const { world } = seam;
  const { machine } = process;
  const opened = new Map(
    providers.map((name, at) => [name as string, new ModelProvider(name, at, process, world, seam.watch)]),
  );
  const deps: Deps = {
    config: configFor(process, world),
    store: storeFor(process, world, seam.store, seam.watch.onStore),
    probe: {
      resolve: (target: ProbeTarget) => Promise.resolve(addressesOf(target)),
      probe: (hop, policy, signal) => process.abortable(probeHop(hop, policy, process, world), signal),
      withoutAddress: (target) => observe('-', process.now(), { exchange: target.exchange, address: null }),
    },
    resolver: {
      lookup: () => Promise.reject(new Error('nobody resolves names in the model')),
      lookupAt: () => Promise.reject(new Error('nobody resolves names in the model')),
      close: () => {},
    },
    reader: {
      readPublished: (question, signal) =>
        process.abortable(
          process.call(() => Promise.resolve(viewOf(question, process, world)), quickMs),
          signal,
        ),
    },
    provider: (name) => Promise.resolve(opened.get(name)!),
    canary: () => Promise.reject(new Error('no canaries in the model')),
    readSts: (domain) =>
      Promise.resolve({
        domain: domain.slice(0, -1),
        mode: ['sts', 'tls'].includes(world.scenario.trap) ? 'enforce' : 'absent',
        patterns:
          world.scenario.trap === 'sts'
            ? ['*.filter.example', '*.third.example']
            : ['*.example', '*.filter.example', '*.third.example', '*.example.com'],
        reason: null,
        fault: null,
      }),
    readDane: (exchange, port) =>
      Promise.resolve({
        exchange,
        port,
        outcome: world.scenario.trap === 'dane' && exchange === 'mx.example.com.' ? 'failed' : 'insecure',
        records: [],
        reason: null,
      }),
    clock: process,
    logger: silentLogger,
    digest: (text) => createHash('sha256').update(text).digest('hex'),
    newId: seam.newId,
    version: '1.0.0',
    holder: process.holder,
    isDeadHolder: (holder) => seam.isDeadHolder(holder, machine.index),
    random: () => process.dice.next(),
  };
  return seam.lay(deps, process);
}

function configFor({ machine }: ModelProcess, world: ModelWorld): Config {
  const isObserver = machine.index === machines.length - 1;
  const route: Route = isObserver
    ? { ...world.route, failover: { ...world.route.failover, mode: 'observe' } }
    : world.route;
  return {
    configFile: '/model/mxctl.yaml',
    stateUrl: null,
    vantage: machine.name,
    resolvers: [],
    references: world.scenario.hasReferences ? [{ exchange: reference, port: 25 }] : [],
    providers: new Map(),
    routes: new Map([[route.name, route]]),
    audits: [],
    historyMs: 90 * 86_400_000,
    warnings: [],
  } as unknown as Config;
}

const addressesOf = (target: ProbeTarget): ExchangeAddresses => ({
  outcome: 'found',
  addresses: target.addresses ?? ['192.0.2.1'],
});

/** What the machine that lies says of the hop; null where it tells the truth. */
function lieOf(lie: string, hop: Hop, world: ModelWorld): HopState | null {
  if (lie === 'up') return 'ok';
  const isTold =
    lie === 'down' ||
    (lie === 'preferred-down' && exchangesNamed(world.route, world.route.prefer).includes(hop.exchange));
  return isTold ? 'defer' : null;
}

async function probeHop(
  hop: Hop,
  policy: ProbePolicy,
  process: ModelProcess,
  world: ModelWorld,
): Promise<Observation> {
  const { machine } = process;
  const at = process.now();
  process.probedAt = machine.scheduler.now;
  const instant = machine.scheduler.now;
  const net = world.nets[machine.index]!.at(instant);
  const told = (mark: string, over: Partial<Observation> = {}) =>
    observe(mark, at, {
      exchange: hop.exchange,
      address: hop.address,
      port: hop.port,
      vantage: machine.name,
      ...over,
    });
  if (net === 'offline') return process.call(() => Promise.resolve(told('?')), quickMs);
  if (net === 'blocked') return process.call(() => process.away(policy.timeoutMs).then(() => told('-')));
  const lie = machine.index === machines.length - 1 ? world.lies.at(instant) : 'none';
  const truth = world.hops.get(hop.exchange)?.at(instant) ?? 'ok';
  const state = lieOf(lie, hop, world) ?? truth;
  const reply = (code: number) => ({ code, enhanced: null, text: 'as told' });
  const asksRcpt = policy.stages.includes('rcpt');
  const passed = { takesCanary: asksRcpt ? true : null, tls: tlsOf(hop, world) };
  switch (state) {
    case 'silent':
      return process.call(() => process.away(policy.timeoutMs).then(() => told('-')));
    case 'refuse':
      return process.call(() => Promise.resolve(told('-')), quickMs);
    case 'defer':
      return process.call(() => Promise.resolve(told('-', { reply: reply(421) })), quickMs);
    case 'bounce':
      return process.call(
        () =>
          Promise.resolve(
            asksRcpt ? told('x', { reply: reply(550), takesCanary: false }) : told('+', passed),
          ),
        quickMs,
      );
    case 'slow':
      return process.call(() => process.away(slowMs).then(() => told('+', { ...passed, isSlow: true })));
    case 'ok':
      return process.call(() => Promise.resolve(told('+', passed)), quickMs);
  }
}

/** Where senders insist on names, the failover path's host shows somebody else's. */
function tlsOf(hop: Hop, world: ModelWorld): Observation['tls'] {
  const isGood = world.scenario.trap !== 'tls' || hop.exchange !== 'mx.example.com.';
  return {
    protocol: 'TLSv1.3',
    isNameGood: isGood,
    isChainTrusted: true,
    fault: isGood ? null : 'certificate names another host',
    expiresAt: Date.UTC(2027, 6, 1),
    names: [],
    presented: null,
  };
}

function viewOf(
  question: Pick<PublishedView, 'zone' | 'owner' | 'type'>,
  process: ModelProcess,
  world: ModelWorld,
): PublishedView {
  const { scheduler, index } = process.machine;
  const isOffline = world.nets[index]!.at(scheduler.now) === 'offline';
  const answers = servers.map((address, which): PublishedView['answers'][number] => {
    const rrset = isOffline
      ? undefined
      : world.zones.answer(which, question.owner, question.type, scheduler.now);
    const server = { address, port: 53, name: null };
    const at = process.now();
    if (rrset === undefined)
      return { server, outcome: 'failed', rrset: null, negativeTtl: null, reason: 'no answer', at };
    const outcome = rrset === null ? 'absent' : 'answer';
    return { server, outcome, rrset, negativeTtl: rrset === null ? 300 : null, reason: null, at };
  });
  const { zone, owner, type } = question;
  return { zone, owner, type, answers, fault: null };
}
