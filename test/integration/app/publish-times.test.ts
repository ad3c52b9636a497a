// What every write teaches the next plan: how long it takes until all authorities answer.

import { describe, expect, it } from 'vitest';
import { proposeMove } from '../../../src/app/propose.ts';
import { domainNameOf } from '../../../src/model/domain-name.ts';
import { renderPlan } from '../../../src/render/plan.ts';
import { plainStyle } from '../../../src/render/terminal.ts';
import { AppWorld } from '../../support/app-world.ts';

const never = new AbortController().signal;
const zone = domainNameOf('example.com');
const minute = 60_000;

async function planText(world: AppWorld): Promise<string> {
  const { prepared } = await proposeMove(world.route(), null, world.deps(), never);
  return renderPlan(prepared, world.clock.now(), plainStyle).join(' ').replace(/\s+/g, ' ');
}

describe('a write', () => {
  it('is timed zone by zone, until the slowest authority answers', async () => {
    const world = await AppWorld.open();
    world.bind.holdSecondary();
    const own = world.deps().reader;
    let looks = 0;
    const reader = {
      readPublished: (...args: Parameters<typeof own.readPublished>) => {
        // Two RRsets are read at each look; the secondary follows after the third.
        if (++looks > 10) world.bind.releaseSecondary();
        return own.readPublished(...args);
      },
    };
    const { action } = await world.failover('direct', { over: { reader } });
    expect(action.state).toBe('confirmed');
    const [time] = await world.store.readPublishTimes('bind', zone, 9);
    expect(time).toMatchObject({ provider: 'bind', zone, source: 'action', firstMs: 0 });
    expect(time?.allMs).toBeGreaterThanOrEqual(200);
  });

  it('that no authority is seen to answer is one without an end', async () => {
    const world = await AppWorld.open();
    world.bind.holdSecondary();
    expect((await world.failover('direct')).action.state).toBe('applied');
    expect(await world.store.readPublishTimes('bind', zone, 9)).toMatchObject([{ firstMs: 0, allMs: null }]);
  });

  it('is promised as measured once there are five', async () => {
    const world = await AppWorld.open();
    expect(await planText(world)).toMatch(/\(write ~10s \+ old TTL 3600s\)/);
    for (let number = 1; number <= 5; number++) {
      await world.failover(null);
      world.clock.advance(minute);
    }
    expect(await planText(world)).toMatch(/\(write ~1s measured \+ old TTL 60s\)/);
  });
});
