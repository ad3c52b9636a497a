// Values for the store's tests: small, complete, and each field with something to lose.

import type { Canary, LatencyHour, MailboxLook } from '../../src/model/canary.ts';
import type { Action, Plan } from '../../src/model/change.ts';
import { domainNameOf } from '../../src/model/domain-name.ts';
import type { HopHealth } from '../../src/model/hop-health.ts';
import type { Observation } from '../../src/model/observation.ts';
import type { RouteState } from '../../src/model/route-state.ts';
import { rrsetOf } from '../../src/model/rrset.ts';
import type { Look } from '../../src/store/store.ts';

export const example = domainNameOf('example.com');

/** 2026-11-22 03:12:09 UTC. */
export const nightAt = Date.UTC(2026, 10, 22, 3, 12, 9);

/** 26 characters, as a ULID. */
export function idOf(number: number): string {
  return `01KAJ${String(number).padStart(21, '0')}`;
}

export function anObservation(patch: Partial<Observation> = {}): Observation {
  const reply = { code: 421, enhanced: '4.3.2', text: 'try later' };
  return {
    exchange: domainNameOf('mx1.filter.example.net'),
    address: '192.0.2.1',
    port: 25,
    vantage: 'fra-ops',
    at: nightAt,
    elapsedMs: 12.5,
    verdict: 'fail',
    fate: 'deferred',
    stage: 'banner',
    stages: [
      { stage: 'connect', ok: true, elapsedMs: 1.25, reply: null, fault: null },
      { stage: 'banner', ok: false, elapsedMs: 11.25, reply, fault: null },
    ],
    reply,
    summary: '421 4.3.2 try later at banner',
    isSlow: false,
    tls: {
      protocol: 'TLSv1.3',
      isNameGood: false,
      isChainTrusted: true,
      fault: 'ERR_TLS_CERT_ALTNAME_INVALID',
      expiresAt: nightAt + 86_400_000,
      names: ['mx1.filter.example.net', '*.example.net'],
      presented: null,
    },
    offersStarttls: true,
    takesCanary: null,
    ...patch,
  };
}

export function aHealth(patch: Partial<HopHealth> = {}): HopHealth {
  return {
    status: 'down',
    since: nightAt - 60_000,
    failures: 3,
    rejections: 1,
    successes: 0,
    lastAt: nightAt,
    fate: 'deferred',
    summary: '421 4.3.2 try later at banner',
    isSlow: true,
    greetsWith5xx: false,
    failingSince: nightAt - 180_000,
    ...patch,
  };
}

export function aRouteState(patch: Partial<RouteState> = {}): RouteState {
  return {
    phase: 'failed-over',
    phaseSince: nightAt,
    activePath: 'direct',
    activeSince: nightAt,
    runs: 41,
    lastRunAt: nightAt,
    lastDecision: 'stay',
    lastReasons: ['proxy is down', 'caches not clear'],
    downPaths: ['proxy'],
    notices: ['canary-policy:direct'],
    ...patch,
  };
}

export function aLook(patch: Partial<Look> = {}): Look {
  return {
    owner: example,
    type: 'MX',
    server: '192.0.2.53#53',
    ttl: 3600,
    rdata: ['10 mx1.filter.example.net.'],
    at: nightAt,
    ...patch,
  };
}

export function aPlan(patch: Partial<Plan> = {}): Plan {
  return {
    id: 'a3f9c1',
    digest: 'a3f9c1'.padEnd(64, '0'),
    route: 'support',
    kind: 'failover',
    from: 'proxy',
    to: 'direct',
    changes: [
      {
        provider: 'bind',
        zone: example,
        owner: example,
        type: 'MX',
        expected: rrsetOf(example, 'MX', 3600, ['10 mx1.filter.example.net.', '20 mx2.filter.example.net.']),
        desired: rrsetOf(example, 'MX', 60, ['10 mx.example.com.']),
      },
    ],
    madeAt: nightAt - 22_000,
    ...patch,
  };
}

export function anAction(patch: Partial<Action> = {}): Action {
  return {
    id: idOf(1),
    plan: aPlan(),
    by: 'person:kim@fra-ops',
    reason: 'mx1 and mx2 answer 421',
    overrides: ['hold-down'],
    leaseToken: 1,
    state: 'intended',
    changeStates: ['pending'],
    intendedAt: nightAt,
    appliedAt: null,
    confirmedAt: null,
    clearAt: null,
    rollbackOf: null,
    note: null,
    ...patch,
  };
}

export function aCanary(patch: Partial<Canary> = {}): Canary {
  const id = patch.id ?? idOf(1);
  return {
    id,
    token: `mxc-${id.toLowerCase()}-abcdefghijklmnopqrstuvwxyz`,
    route: 'support',
    path: 'proxy',
    vantage: 'fra-ops',
    hop: { exchange: domainNameOf('mx1.filter.example.net'), address: '192.0.2.1', port: 25 },
    sentAt: nightAt - 300_000,
    attempts: 2,
    nextAttemptAt: null,
    state: 'arrived',
    handedAt: nightAt - 299_000,
    reply: { code: 250, enhanced: '2.0.0', text: 'Ok: queued as 4Xk2' },
    queueId: '4Xk2',
    summary: '250 2.0.0 Ok: queued as 4Xk2',
    arrivedAt: nightAt,
    isSpam: true,
    copies: 2,
    isBySubject: true,
    trace: [
      { from: 'fra-ops', by: 'mx1.filter.example.net', protocol: 'ESMTPS', at: nightAt - 299_000 },
      { from: null, by: null, protocol: null, at: null },
    ],
    bounce: 'failed; 5.1.1',
    replayedAt: nightAt + 1,
    ...patch,
  };
}

/** Accepted, and on its way since. */
export function aHandedCanary(patch: Partial<Canary> = {}): Canary {
  return aCanary({
    state: 'handed',
    arrivedAt: null,
    isSpam: false,
    copies: 0,
    isBySubject: false,
    trace: [],
    bounce: null,
    replayedAt: null,
    ...patch,
  });
}

export function aMailboxLook(patch: Partial<MailboxLook> = {}): MailboxLook {
  return {
    readAt: nightAt - 60_000,
    triedAt: nightAt,
    fault: 'wrong password',
    skewMs: -250,
    forged: 3,
    ...patch,
  };
}

export function aLatencyHour(patch: Partial<LatencyHour> = {}): LatencyHour {
  return {
    route: 'support',
    path: 'proxy',
    hourAt: Date.UTC(2026, 10, 22, 3),
    handed: 12,
    arrived: 11,
    p50Ms: 2100,
    p95Ms: 4200,
    maxMs: 5000,
    ...patch,
  };
}
