// The truth of the model: hops, networks, zones and databases as they are at any moment, whoever looks. Made from a
// scenario before anything runs; only zones and the moments of kills change by what controllers do.

import { desiredRrset, matchLive, placesOf, rrsetKey, type LiveMatch } from '../../src/change/published.ts';
import { domainNameOf, type DomainName } from '../../src/model/domain-name.ts';
import type { MailPath } from '../../src/model/mail-path.ts';
import { pathOf, type MaintenanceWindow, type Route } from '../../src/model/route.ts';
import { hasSameRdata, type Rrset, rrsetOf } from '../../src/model/rrset.ts';
import {
  type DatabaseMode,
  endMinute,
  healMinute,
  type HopState,
  machines,
  type Mishap,
  type NetState,
  type ProviderMode,
  type Scenario,
} from './model-scenario.ts';
import { Timeline } from './model-time.ts';
import { ModelZones } from './model-zone.ts';
import { minute, routeOf } from './worlds.ts';

/** 2026-11-22 03:12 UTC, a Sunday. */
export const startAt = Date.UTC(2026, 10, 22, 3, 12);
export const healAt = startAt + healMinute * minute;
export const endAt = startAt + endMinute * minute;

export const roundMs = 4 * minute;
const lines = (scenario: Scenario) => `
  owners example.com${scenario.owners === 2 && !scenario.isSplit ? ' in.example.com' : ''}
  ttl 600/60
  proxy: 10 mx1.filter.example, 20 mx2.filter.example
  direct: 10 mx.example.com
  ${scenario.hasThirdPath ? 'third: 10 mx.third.example' : ''}`;

export const providers = ['bind', 'cloud'] as const;

export class ModelWorld {
  readonly scenario: Scenario;
  readonly route: Route;
  readonly zones = new ModelZones();
  /** The same with nobody standing watch. */
  readonly stillZones = new ModelZones();
  readonly hops = new Map<DomainName, Timeline<HopState>>();
  readonly nets = machines.map(() => new Timeline<NetState>('ok'));
  readonly lies = new Timeline<'none' | 'preferred-down' | 'down' | 'up'>('none');
  readonly providerModes = providers.map(() => new Timeline<ProviderMode>('ok'));
  readonly databases = machines.map(() => new Timeline<DatabaseMode>('ok'));
  readonly skewMs: number[];
  readonly startedAt = startAt;

  constructor(scenario: Scenario) {
    this.scenario = scenario;
    this.route = routeFor(scenario);
    this.skewMs = scenario.skews.map((one) => one * minute);
    for (const path of this.route.paths)
      for (const one of exchanges(path)) this.hops.set(one, new Timeline('ok'));
    const preferred = pathOf(this.route, this.route.prefer)!;
    for (const place of placesOf(this.route)) {
      const usual = desiredRrset(this.route, preferred, place, this.route.ttl)!;
      this.zones.start(startAt, usual);
      this.stillZones.start(startAt, usual);
    }
    this.stillZones.serverStates = this.zones.serverStates;
    for (const one of scenario.mishaps) this.#foresee(one);
  }

  /** Mishaps that last and that nobody's doing changes. */
  #foresee(one: Mishap): void {
    const from = startAt + one.at * minute;
    const until = (ms: number) => Math.min(from + ms, healAt);
    switch (one.kind) {
      case 'path': {
        const path = this.route.paths[one.path];
        const hit = path === undefined ? [] : exchanges(path);
        for (const exchange of one.hop === null ? hit : hit.slice(one.hop, one.hop + 1))
          this.hops.get(exchange)!.set(from, until(one.minutes * minute), one.state);
        return;
      }
      case 'net':
        this.nets[one.machine]!.set(from, until(one.minutes * minute), one.state);
        return;
      case 'lie':
        this.lies.set(from, until(one.minutes * minute), one.says);
        return;
      case 'server':
        this.zones.serverStates[one.which]!.set(from, until(one.minutes * minute), one.state);
        return;
      case 'provider':
        this.providerModes[one.which]!.set(from, until(one.minutes * minute), one.mode);
        return;
      case 'database':
        if (one.strike === null) this.failDatabase(one.machine, from, until(one.seconds * 1000), one.mode);
        return;
      default:
    }
  }

  failDatabase(machine: number | null, from: number, to: number, mode: DatabaseMode): void {
    for (const [at, timeline] of this.databases.entries())
      if (machine === null || machine === at) timeline.set(from, Math.min(to, healAt), mode);
  }

  /** What the providers hold for the route. */
  match(): LiveMatch {
    const places = placesOf(this.route);
    return matchLive(
      this.route,
      new Map(places.map((one) => [rrsetKey(one.owner, one.type), this.zones.held(one.owner, one.type)])),
    );
  }

  /** What a standard sender meets there: hops that defer are passed over, one that bounces ends it. */
  pathState(name: string, at: number): 'up' | 'down' | 'bounce' {
    const path = pathOf(this.route, name)!;
    for (const exchange of exchanges(path)) {
      const state = this.hops.get(exchange)!.at(at);
      if (state === 'ok' || state === 'slow') return 'up';
      if (state === 'bounce') return 'bounce';
    }
    return 'down';
  }

  /** True where every hop of the path takes mail all the time. */
  isWhole(name: string, from: number, to: number): boolean {
    return exchanges(pathOf(this.route, name)!).every((one) =>
      this.hops.get(one)!.holds(from, to, (state) => state === 'ok'),
    );
  }

  /** True where no hop of the path takes mail at any time. */
  isDead(name: string, from: number, to: number): boolean {
    const isBad = (state: HopState) =>
      state === 'refuse' ||
      state === 'defer' ||
      state === 'silent' ||
      (state === 'bounce' && this.scenario.asksRcpt);
    return exchanges(pathOf(this.route, name)!).every((one) => this.hops.get(one)!.holds(from, to, isBad));
  }

  /** The failover path that the trap is about; senders with a policy cannot deliver there. */
  get trapped(): string | null {
    return this.scenario.trap === 'none' ? null : 'direct';
  }
}

function exchanges(path: MailPath): DomainName[] {
  return path.kind === 'mx' ? path.mx.map((one) => one.exchange) : [...path.addresses.keys()];
}

function routeFor(scenario: Scenario): Route {
  const base = routeOf(lines(scenario), {
    probationMs: 10 * minute,
    maintenance: scenario.window === null ? [] : [windowOf(scenario.window)],
    failover: {
      holdDownMs: 15 * minute,
      maxFlips: { count: scenario.mostFlips, withinMs: 90 * minute },
      maxDomains: scenario.mostDomains,
      quorum: scenario.quorum,
      failback: scenario.failback,
    },
    probe: {
      fall: 2,
      fallRejecting: 2,
      forgive: 2,
      rise: 2,
      staleAfterMs: 3 * roundMs,
      intervalMs: roundMs,
      timeoutMs: 20_000,
      slowAfterMs: 10_000,
      rcpt: scenario.asksRcpt ? { from: 'probe@probe.example', to: 'canary@example.com' } : null,
    },
  });
  if (scenario.owners === 1 || !scenario.isSplit) return base;
  const second = domainNameOf('example.org');
  return {
    ...base,
    records: [...base.records, { provider: 'cloud', zone: second, owners: [second], authorities: null }],
  };
}

/** Central European winter time is an hour ahead of UTC. */
function windowOf({ from, minutes }: { readonly from: number; readonly minutes: number }): MaintenanceWindow {
  const opens = new Date(startAt + (from + 60) * minute).toISOString().slice(11, 16);
  const every = ['saturday', 'sunday', 'monday'];
  return { every, start: opens, durationMs: minutes * minute, timezone: 'Europe/Berlin', path: 'proxy' };
}

export function exchangesNamed(route: Route, path: string): DomainName[] {
  return exchanges(pathOf(route, path)!);
}

/** True where some path would publish it, with the normal TTL or that of a failover. */
export function isDeclared(route: Route, rrset: Rrset): boolean {
  return (
    [route.ttl, route.failoverTtl].includes(rrset.ttl) &&
    route.paths.some((path) => hasSameRdata(desiredRrset(route, path, rrset, rrset.ttl), rrset))
  );
}

export function foreignRrset(owner: DomainName) {
  return rrsetOf(owner, 'MX', 300, ['10 mx.other.example.']);
}
