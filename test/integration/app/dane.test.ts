// TLSA records on the way to a move: who is asked for them, when, and what keeps the move back.

import { describe, expect, it } from 'vitest';

import { RefusedError } from '../../../src/errors.ts';
import type { ChainLink, DaneFacts } from '../../../src/model/dane.ts';
import type { TlsFacts } from '../../../src/model/observation.ts';
import { proposeMove } from '../../../src/app/propose.ts';
import { AppWorld } from '../../support/app-world.ts';

const digests = (of: string) => ({ sha256: of, sha512: '' });
const leaf: ChainLink = { cert: digests('cert'), spki: digests('key'), startsAt: 0, expiresAt: 0 };
const tls: TlsFacts = {
  protocol: 'TLSv1.3',
  isNameGood: true,
  isChainTrusted: true,
  fault: null,
  expiresAt: null,
  names: [],
  presented: { isNamed: true, links: [leaf] },
};
const published = (digest: string): Partial<DaneFacts> => ({
  outcome: 'usable',
  records: [{ usage: 'dane-ee', selector: 'spki', hash: 'sha256', digest }],
});
const proxy = '10 mx1.filter.example.net. 20 mx2.filter.example.net. 90 spool.example.org. ttl 3600';

/** The proxy defers, and direct presents `key`. */
async function worldWhere(direct: Partial<DaneFacts>): Promise<AppWorld> {
  const world = await AppWorld.open();
  await world.runs(3);
  for (const host of ['mx1.filter.example.net', 'mx2.filter.example.net']) world.hops.set(host, '-');
  world.hops.over.set('mx.example.com', { tls, offersStarttls: true });
  world.tlsa.set('mx.example.com', direct);
  return world;
}

/** Deps that write down who is asked. */
function asking(world: AppWorld): {
  readonly asked: string[];
  readonly over: Parameters<AppWorld['run']>[0];
} {
  const asked: string[] = [];
  const { readDane } = world.deps();
  return {
    asked,
    over: {
      readDane: (exchange, port, signal) => {
        asked.push(`${exchange}:${port}`);
        return readDane(exchange, port, signal);
      },
    },
  };
}

/** Results of `dane` for a person's move to `direct`. */
async function judged(world: AppWorld) {
  const { prepared } = await proposeMove(world.route(), 'direct', world.deps(), AbortSignal.timeout(20_000));
  return prepared.guards.find((one) => one.name === 'dane');
}

describe('auto', () => {
  it('moves where the target presents what its records promise', async () => {
    const world = await worldWhere(published('key'));
    await world.runs(4);
    expect(await world.journal()).toMatchObject([/^failover proxy->direct/]);
  });

  it('stays where it does not, writes nothing, and says which guard it was', async () => {
    const world = await worldWhere(published('the key of last year'));
    const { routes } = await world.runs(4);
    expect(routes[0]?.moved?.refusedBy).toEqual([
      {
        name: 'dane',
        verdict: 'forbid',
        reason: 'mx.example.com [192.0.2.1] presents no certificate that its TLSA records name',
      },
    ]);
    expect(world.published()).toBe(proxy);
    expect(world.bind.updates).toEqual([]);
    expect(await world.journal()).toEqual([]);
  });

  it('asks only when it is about to move, and only for the two paths of the move', async () => {
    const world = await worldWhere({});
    world.hops.set('mx1.filter.example.net', '+');
    const { asked, over } = asking(world);
    await world.run(over);
    expect(asked).toEqual([]);
    world.hops.set('mx1.filter.example.net', '-');
    for (let run = 0; run < 4 && asked.length === 0; run++) await world.run(over);
    expect(asked.toSorted()).toEqual([
      'mx.example.com.:25',
      'mx1.filter.example.net.:25',
      'mx2.filter.example.net.:25',
    ]);
  });
});

describe('a person', () => {
  it('is refused too, and may override it by name', async () => {
    const world = await worldWhere({ outcome: 'failed', reason: 'SERVFAIL from 192.0.2.53#53' });
    await expect(world.failover('direct')).rejects.toBeInstanceOf(RefusedError);
    expect(world.published()).toBe(proxy);
    const { action } = await world.failover('direct', { overrides: ['dane'] });
    expect(action).toMatchObject({ state: 'confirmed', overrides: ['dane'] });
  });

  it('is told of a move from hosts with DANE to hosts without, and moves', async () => {
    const world = await worldWhere({ outcome: 'none' });
    for (const host of ['mx1.filter.example.net', 'mx2.filter.example.net']) {
      world.tlsa.set(host, published('key'));
    }
    expect(await judged(world)).toEqual({
      name: 'dane',
      verdict: 'warn',
      reason: 'the active path has DANE, direct has it at no host',
    });
    expect((await world.failover('direct')).action.state).toBe('confirmed');
  });

  it('without a path named gets the first whose records fit', async () => {
    const world = await AppWorld.open({
      routes: [
        {
          lines: `
            owners example.com
            ttl 3600/60
            proxy: 10 mx1.filter.example.net
            direct: 10 mx.example.com
            ams: 10 mx.ams.example.com`,
        },
      ],
    });
    for (const host of ['mx.example.com', 'mx.ams.example.com']) {
      world.hops.over.set(host, { tls, offersStarttls: true });
    }
    world.tlsa.set('mx.example.com', published('the key of last year'));
    world.tlsa.set('mx.ams.example.com', published('key'));
    const { prepared } = await proposeMove(world.route(), null, world.deps(), AbortSignal.timeout(20_000));
    expect(prepared.plan.to).toBe('ams');
    expect(prepared.guards.find((one) => one.name === 'dane')?.reason).toBe('TLSA matches at 1 host');
  });
});
