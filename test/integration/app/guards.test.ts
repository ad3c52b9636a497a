// For each guard a scene in which it alone stands between the route and a move that would do harm. The refusal names
// exactly that guard; take it away and the move is made.

import { describe, expect, it } from 'vitest';

import type { CycleResult } from '../../../src/app/cycle.ts';
import { executePlan } from '../../../src/app/execute.ts';
import { pause, resume } from '../../../src/app/pause.ts';
import { proposeMove } from '../../../src/app/propose.ts';
import { forbidding } from '../../../src/change/guards/index.ts';
import type { GuardName } from '../../../src/model/change.ts';
import type { Observation, TlsFacts } from '../../../src/model/observation.ts';
import { playSmtp, type ScriptedHop } from '../../support/smtp-script.ts';
import { AppWorld, nightAt } from '../../support/app-world.ts';
import { failoverPolicy, hour, minute, type RouteOver, thresholds } from '../../support/worlds.ts';

const canary = { from: 'probe@ops.example', to: 'canary@example.com' };
const never = new AbortController().signal;

const open = (over: RouteOver = {}) => AppWorld.open({ routes: [{ over }] });

const proxyIs = (world: AppWorld, history: string) => {
  world.hops.set('mx1.filter.example.net', history);
  world.hops.set('mx2.filter.example.net', history);
};

/** Names of the guards that refused, at the decision or at the last look before the write. */
function refusals(result: CycleResult): GuardName[] {
  const { decided, moved } = result.routes[0]!;
  const { decision } = decided!;
  const early = decision.kind === 'hold' ? decision.refusals.flatMap((one) => one.guards) : [];
  return [...early, ...(moved?.refusedBy ?? [])].map((one) => one.name);
}

/** The next run refuses because of this guard alone, with exit 3, and writes nothing. */
async function isRefusedBy(world: AppWorld, name: GuardName): Promise<void> {
  const before = world.bind.updates.length;
  const result = await world.run();
  expect(refusals(result)).toEqual([name]);
  expect(world.bind.updates).toHaveLength(before);
}

/** Guards that a person's move to `to` would have to override. */
async function inTheWay(world: AppWorld, to: string): Promise<GuardName[]> {
  const { prepared } = await proposeMove(world.route(), to, world.deps(), never);
  return forbidding(prepared.guards).map((one) => one.name);
}

describe('target-rcpt', () => {
  it('keeps mail from a new address of the target that refuses strangers', async () => {
    const world = await open({ probe: { rcpt: canary } });
    await world.runs(3);
    proxyIs(world, '-');
    world.hops.addresses.set('mx.example.com', ['192.0.2.1', '192.0.2.7']);
    world.hops.set('mx.example.com[192.0.2.7]', 'x');
    await isRefusedBy(world, 'target-rcpt');
  });

  it('keeps a person from a direct path that only expects the proxy, on real sockets', async () => {
    // Everybody but the proxy is a stranger here.
    const strangers = `
      S: 220 mx.example.com ESMTP
      C: EHLO *
      S: 250 mx.example.com
      C: MAIL FROM:*
      S: 250 2.1.0 ok
      C: RCPT TO:<canary@example.com>
      S: 554 5.7.1 we take mail from our filter only
      C: QUIT
      S: 221 bye
      (close)`;
    const open = strangers.replace('554 5.7.1 we take mail from our filter only', '250 2.1.5 ok');
    const hops: ScriptedHop[] = [];
    for (const script of [strangers, open, open, open]) hops.push(await playSmtp(script));
    const [mx, mx1, mx2, spool] = hops.map((one) => one.port);
    const world = await AppWorld.open({
      routes: [{ over: { probe: { rcpt: canary } } }],
      smtpPorts: {
        'mx.example.com': mx!,
        'mx1.filter.example.net': mx1!,
        'mx2.filter.example.net': mx2!,
        'spool.example.org': spool!,
      },
    });
    expect(await inTheWay(world, 'direct')).toContain('target-rcpt');
    // Not even by overriding what its health says.
    const forced = world.failover('direct', { overrides: ['target-unhealthy', 'last-path'] });
    await expect(forced).rejects.toThrow(
      /refused by target-rcpt: mx\.example\.com refuses canary@example\.com: 554 5\.7\.1/,
    );
    expect(world.bind.updates).toEqual([]);
    expect(hops[0]!.said).not.toContain('DATA');
    for (const one of hops) await one[Symbol.asyncDispose]();
  });
});

describe('mta-sts', () => {
  it('keeps mail from a target that an enforced policy does not list', async () => {
    const world = await open();
    await world.runs(3);
    world.sts.set('in.example.com', {
      mode: 'enforce',
      patterns: ['*.filter.example.net', 'spool.example.org'],
    });
    proxyIs(world, '-');
    await isRefusedBy(world, 'mta-sts');
    world.sts.set('in.example.com', { mode: 'testing', patterns: ['*.filter.example.net'] });
    await world.run();
    expect(await world.journal()).toEqual(['failover proxy->direct confirmed']);
  });
});

describe('tls-name', () => {
  const tls = (patch: Partial<TlsFacts>): Partial<Observation> => ({
    offersStarttls: true,
    tls: {
      protocol: 'TLSv1.3',
      isNameGood: true,
      isChainTrusted: true,
      fault: null,
      expiresAt: nightAt + 64 * 24 * hour,
      names: ['mx.example.com'],
      presented: null,
      ...patch,
    },
  });
  const enforce = { mode: 'enforce', patterns: ['mx.example.com', 'spool.example.org'] } as const;

  it.each([
    ['a name that is not its own', tls({ isNameGood: false, fault: 'ERR_TLS_CERT_ALTNAME_INVALID' })],
    ['a chain that nobody trusts', tls({ isChainTrusted: false, fault: 'DEPTH_ZERO_SELF_SIGNED_CERT' })],
    ['no STARTTLS', { offersStarttls: false, tls: null }],
  ])('keeps mail that must be authenticated from a target with %s', async (_, seen) => {
    const world = await open();
    await world.runs(3);
    world.hops.over.set('mx.example.com', seen);
    proxyIs(world, '-');
    world.sts.set('example.com', enforce);
    await isRefusedBy(world, 'tls-name');
    // Without a policy senders ignore names: it warns.
    world.sts.clear();
    await world.run();
    expect(await world.journal()).toEqual(['failover proxy->direct confirmed']);
  });
});

describe('dane', () => {
  it('keeps mail from a target whose TLSA look-up fails', async () => {
    const world = await open();
    await world.runs(3);
    world.tlsa.set('mx.example.com', { outcome: 'failed', reason: 'SERVFAIL' });
    proxyIs(world, '-');
    await isRefusedBy(world, 'dane');
  });
});

describe('vantage-fault', () => {
  it('keeps a person from judging by a machine that is cut off', async () => {
    const world = await AppWorld.open({ references: ['mx.reference.example'] });
    const all = ['mx1.filter.example.net', 'mx2.filter.example.net', 'mx.example.com', 'spool.example.org'];
    for (const hop of [...all, 'mx.reference.example']) world.hops.set(hop, '0');
    expect(await inTheWay(world, 'direct')).toContain('vantage-fault');
    const forced = world.failover('direct', { overrides: ['target-unhealthy'] });
    await expect(forced).rejects.toThrow(/^refused by vantage-fault: nothing answers from here/);
    expect(world.bind.updates).toEqual([]);
  });
});

describe('quorum', () => {
  it('keeps a route from a target that too few see up', async () => {
    const world = await open({ failover: { ...failoverPolicy, quorum: 2 } });
    await world.runs(3);
    proxyIs(world, '-');
    const rows = await world.store.readHealth('support');
    const proxyRows = rows.filter((one) => one.hop.includes('filter'));
    await world.store.writeHealth(
      proxyRows.map((row) => ({
        ...row,
        vantage: 'there',
        health: { ...row.health, status: 'down', failures: 3, fate: 'deferred', lastAt: world.clock.now() },
      })),
    );
    await isRefusedBy(world, 'quorum');
  });
});

describe('hold-down', () => {
  it('keeps a route from coming back too soon after it left', async () => {
    // A TTL of a minute: caches are clear long before.
    const world = await AppWorld.open({
      routes: [{ lines: 'ttl 60/60\nproxy: 10 mx1.filter.example.net\ndirect: 10 mx.example.com' }],
    });
    await world.runs(3);
    proxyIs(world, '-');
    await world.run();
    proxyIs(world, '+');
    await world.runs(10);
    await isRefusedBy(world, 'hold-down');
  });
});

describe('caches-not-clear', () => {
  it('keeps a route from coming back while caches hold what the flip replaced', async () => {
    const world = await open({ failover: { ...failoverPolicy, holdDownMs: 5 * minute } });
    await world.runs(3);
    proxyIs(world, '-');
    await world.run();
    proxyIs(world, '+');
    await world.runs(10);
    await isRefusedBy(world, 'caches-not-clear');
  });
});

describe('flip-limit', () => {
  it('keeps a route from moving for ever', async () => {
    const world = await open({
      failover: { ...failoverPolicy, maxFlips: { count: 1, withinMs: 24 * hour } },
    });
    await world.runs(3);
    await world.failover('direct');
    world.hops.set('mx.example.com', '-');
    await isRefusedBy(world, 'flip-limit');
    // A tripped brake stays, however long ago the flips were.
    world.clock.advance(48 * hour);
    await world.runs(3);
    expect(refusals(await world.run())).toEqual(['brake']);
    await resume({ route: 'support', by: 'person:kim' }, world.deps());
    await world.run();
    expect(await world.journal()).toEqual([
      'manual proxy->direct cleared',
      'failover direct->proxy confirmed',
    ]);
  });
});

describe('blast-radius', () => {
  it('keeps a run from moving more domains than it may', async () => {
    const world = await open({ failover: { ...failoverPolicy, maxDomains: 1 } });
    await world.runs(3);
    proxyIs(world, '-');
    await isRefusedBy(world, 'blast-radius');
  });

  const behindOneFilter = () =>
    Array.from({ length: 10 }, (_, at) => ({
      name: `r${at}`,
      lines: `owners r${at}.example\nproxy: 10 mx.filter.example\ndirect: 10 mx${at}.example`,
      records: `bind r${at}.example r${at}.example`,
    }));

  it('keeps a run still where nothing at all answers on most routes, though on some the target does', async () => {
    const world = await AppWorld.open({ routes: behindOneFilter() });
    await world.runs(3);
    world.hops.set('mx.filter.example', '0');
    for (let at = 0; at < 6; at++) world.hops.set(`mx${at}.example`, '0');
    const { routes } = await world.run();
    expect(routes[9]!.decided!.decision).toMatchObject({
      kind: 'hold',
      refusals: [{ path: 'direct', guards: [{ name: 'blast-radius' }] }],
    });
    expect(world.bind.updates).toHaveLength(0);
  });

  it('lets every route leave one dead filter whose other paths answer: that is the main job', async () => {
    const world = await AppWorld.open({ routes: behindOneFilter() });
    await world.runs(3);
    world.hops.set('mx.filter.example', '0');
    await world.run();
    expect(world.bind.updates).toHaveLength(10);
  });

  it('lets a route with one big proxy be moved: its hops are many, its routes are not', async () => {
    const proxies = [1, 2, 3, 4, 5].map((at) => `mx${at}.filter.example.net`);
    const mx = proxies.map((name) => `10 ${name}`).join(', ');
    const world = await AppWorld.open({ routes: [{ lines: `proxy: ${mx}\ndirect: 10 mx.example.com` }] });
    for (const name of proxies) world.hops.addresses.set(name, ['192.0.2.1', '2001:db8::1']);
    await world.runs(3);
    for (const name of proxies) world.hops.set(name, '0');
    await world.run();
    expect(await world.journal()).toEqual(['failover proxy->direct confirmed']);
  });
});

describe('paused', () => {
  it('keeps hands off while somebody asked for it', async () => {
    const world = await open();
    await world.runs(3);
    await pause({ route: 'support', forMs: hour, by: 'kim', reason: 'OPS-12' }, world.deps());
    proxyIs(world, '-');
    await isRefusedBy(world, 'paused');
    expect(await inTheWay(world, 'direct')).toEqual(['paused']);
  });
});

describe('live-drift', () => {
  it('keeps a person from writing over what no path would publish', async () => {
    const world = await open();
    world.edit('in.example.com', 'MX', 3600, '10 mx.other.example.');
    expect(await inTheWay(world, 'direct')).toEqual(['live-drift']);
    // Named, it is their decision; and the way back is exact.
    await world.failover('direct', { overrides: ['live-drift'] });
    expect(world.published('in.example.com')).toBe('10 mx.example.com. 90 spool.example.org. ttl 60');
    await world.rollback();
    expect(world.published('in.example.com')).toBe('10 mx.other.example. ttl 3600');
  });
});

describe('target-unhealthy', () => {
  it('keeps a route from a target that is down itself', async () => {
    const world = await open();
    await world.runs(3);
    proxyIs(world, '-');
    world.hops.set('mx.example.com', '-');
    await isRefusedBy(world, 'target-unhealthy');
  });
});

describe('last-path', () => {
  it('keeps a person from leaving the one path that works for one that is not seen to', async () => {
    const world = await open();
    await world.runs(3);
    world.hops.set('mx.example.com', '-');
    const forced = world.failover('direct', { overrides: ['target-unhealthy'] });
    await expect(forced).rejects.toThrow(/^refused by last-path: the active path takes mail/);
    expect(world.bind.updates).toEqual([]);
  });
});

describe('stale-observations', () => {
  it('keeps a move that waited its turn too long from being made on old results', async () => {
    const world = await open();
    await world.runs(3);
    proxyIs(world, '-');
    const { readSts } = world.deps();
    const slow: typeof readSts = (...asked) => {
      world.clock.advance(thresholds.staleAfterMs / 2);
      return readSts(...asked);
    };
    const result = await world.run({ readSts: slow });
    expect(refusals(result)).toEqual(['stale-observations']);
    expect(world.bind.updates).toEqual([]);
    expect(result.routes[0]!.exitCode).toBe(3);
  });
});

describe('a question that is answered late', () => {
  const propose = async (world: AppWorld) => {
    const deps = world.deps();
    const proposal = await proposeMove(world.route('support'), 'direct', deps, never);
    const consent = { by: 'person:kim@here', reason: 'asked', overrides: [], rollbackOf: null };
    return () =>
      executePlan(proposal.route, proposal.prepared, consent, deps, never).then(
        ({ action }) => action.state,
        (error: unknown) => (error as Error).message,
      );
  };

  it('finds the pause that somebody made meanwhile', async () => {
    const world = await open({});
    await world.runs(3);
    const answer = await propose(world);
    await pause({ route: 'support', forMs: hour, by: 'lee', reason: 'OPS-7' }, world.deps());
    expect(await answer()).toBe('paused meanwhile by lee: OPS-7');
    expect(world.bind.updates).toHaveLength(0);
  });

  it.each([
    [600_000, 1, 'confirmed'],
    [600_001, 0, 'the plan is more than ten minutes old: its guards must be asked again'],
  ])('after %i ms', async (ms, updates, ending) => {
    const world = await open({});
    await world.runs(3);
    const answer = await propose(world);
    world.clock.advance(ms);
    expect(await answer()).toBe(ending);
    expect(world.bind.updates).toHaveLength(updates);
  });
});
