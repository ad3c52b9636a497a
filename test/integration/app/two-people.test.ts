// Two people, one incident, the same thought: the move is made once, and told once.

import { expect, it } from 'vitest';

import { executePlan } from '../../../src/app/execute.ts';
import { proposeMove } from '../../../src/app/propose.ts';
import { AppWorld } from '../../support/app-world.ts';

const never = new AbortController().signal;

it('refuses a plan that somebody else has carried out since, and keeps the history true', async () => {
  const world = await AppWorld.open();
  const propose = () => proposeMove(world.route(), 'direct', world.deps(), never);
  const [kims, lees] = [await propose(), await propose()];
  world.clock.advance(60_000);
  const consent = { reason: 'filter is down', overrides: [], rollbackOf: null };
  const carryOut = (by: string, { prepared }: typeof kims) =>
    executePlan(world.route(), prepared, { ...consent, by }, world.deps(), never);

  await carryOut('person:kim@here', kims);
  world.clock.advance(60_000);
  await expect(carryOut('person:lee@there', lees)).rejects.toMatchObject({
    code: 'plan-stale',
    message: 'changed meanwhile by person:kim@here: manual proxy -> direct',
  });
  expect(await world.journal()).toEqual(['manual proxy->direct confirmed']);
});
