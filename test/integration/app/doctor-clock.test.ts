// `doctor` compares our clock with that of a PostgreSQL server; ours is one that the test sets.

import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { diagnose } from '../../../src/app/doctor.ts';
import type { DoctorDeps } from '../../../src/app/doctor-finding.ts';
import { providerKinds } from '../../../src/providers/kinds.ts';
import { type Clock, systemClock } from '../../../src/runtime/clock.ts';
import { openSqlStore } from '../../../src/store/sql/open.ts';
import { AppWorld } from '../../support/app-world.ts';
import { soundMachine } from '../../support/sound-machine.ts';
import { postgresMissing, type RealPostgres, startPostgres } from '../../support/real-postgres.ts';

const never = new AbortController().signal;

describe.skipIf(postgresMissing !== null)(`PostgreSQL ${postgresMissing ?? ''}`.trim(), () => {
  let server: RealPostgres;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(async () => {
    await server.dispose();
  });

  async function clockOff(offsetMs: number, isGone = false): Promise<string[]> {
    const world = await AppWorld.open();
    const store = await openSqlStore({ url: server.url(await server.createDatabase()) });
    onTestFinished(() => store.close());
    const clock: Clock = { ...systemClock, now: () => Date.now() + offsetMs };
    const config = world.config();
    const deps: DoctorDeps = {
      machine: soundMachine,
      clock,
      startedAt: clock.now(),
      config,
      configFault: null,
      program: { ...world.deps(), store, clock },
      storeFault: null,
      isStoreNew: false,
      resolvers: config.resolvers,
      promiseOf: (type) => providerKinds[type],
    };
    if (isGone) await server.stop();
    const { findings } = await diagnose(deps, never);
    if (isGone) await server.start();
    return findings
      .filter((one) => one.check === 'clock')
      .map(({ status, subject, text, next }) => `${status} ${subject ?? ''}: ${text} -> ${next ?? ''}`);
  }

  it('agrees to some milliseconds where machines keep time', async () => {
    expect(await clockOff(0)).toEqual([
      expect.stringMatching(/^ok state store: agrees with it, give or take \d{1,3}ms -> $/),
    ]);
  });

  it.each([
    [
      -3_600_000,
      /^fail state store: (1h|59m59s) behind it, give or take \d{1,3}ms -> one of the two is wrong/,
    ],
    [3_600_000, /^fail state store: (1h|59m59s) ahead of it, /],
    [-20_000, /^warn state store: (20|19)s behind it, /],
    [4000, /^ok state store: agrees with it, /],
  ])('%i ms off', async (offsetMs, expected) => {
    expect(await clockOff(offsetMs)).toEqual([expect.stringMatching(expected)]);
  });

  it('is not known where the server is away, and the store says why', async () => {
    expect(await clockOff(0, true)).toEqual([
      expect.stringMatching(/^unknown state store: did not tell the time: .* cannot be reached/),
    ]);
  });
});
