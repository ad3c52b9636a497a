// What only the last look asks refuses the first candidate: the next best path takes the mail.

import { expect, it } from 'vitest';

import { AppWorld } from '../../support/app-world.ts';

const lines = `
  owners example.com
  ttl 3600/60
  proxy: 10 mx.filter.example.net
  direct: 10 mx.example.com
  third: 10 mx.third.example.net`;

it('moves to the next path where the policy of the domain does not list the first', async () => {
  const world = await AppWorld.open({ routes: [{ lines }] });
  await world.runs(3);
  world.sts.set('example.com', {
    mode: 'enforce',
    patterns: ['*.filter.example.net', '*.third.example.net'],
  });
  world.hops.set('mx.filter.example.net', '-');
  const result = await world.run();
  expect(await world.journal()).toEqual(['failover proxy->third confirmed']);
  expect(world.published()).toBe('10 mx.third.example.net. ttl 60');
  expect(result.routes[0]!.decided!.reasons.join('; ')).toContain('proxy is down');
  const events = await world.store.listEvents({ route: 'support', limit: 5 });
  expect(events.some((one) => one.text.startsWith('move to third'))).toBe(true);
  expect((await world.run()).routes[0]!.isNews).toBe(false);
});

it('moves nowhere where the last look refuses every path, and names the first', async () => {
  const world = await AppWorld.open({ routes: [{ lines }] });
  await world.runs(3);
  world.sts.set('example.com', { mode: 'enforce', patterns: ['*.filter.example.net'] });
  world.hops.set('mx.filter.example.net', '-');
  const result = await world.run();
  expect(await world.journal()).toEqual([]);
  expect(result.routes[0]!.moved!.refusedBy.map((one) => one.name)).toEqual(['mta-sts']);
});
