import { afterAll, describe, expect, it } from 'vitest';
import { tourNames, type TourName } from '../../../src/sandbox/tours/names.ts';
import { tourPlans } from '../../../src/sandbox/tours/plans.ts';
import { playTour } from '../../../src/sandbox/tours/play.ts';
import { formatRanges, wrapLine } from '../../../src/sandbox/tours/summary.ts';
import type { Controller, TourResult } from '../../../src/sandbox/tours/tour.ts';
import { startWorld, type World } from '../../../src/sandbox/world.ts';
import { canaryController, type CanaryScript } from './canary-controller.ts';
import { hastyController, idleController, scriptedController } from './scripted-controller.ts';

const ttls = { ttl: 2, failoverTtl: 1 };
/** Late on a busy machine too: a canary through the proxy needs a quarter of a second. */
const canaryScript: CanaryScript = { ...ttls, delayedAfterMs: 1000, fall: 2, rise: 3, waitsForReplay: true };
const controllerFor = (name: TourName, world: World): Controller =>
  tourPlans[name].canaries === false
    ? scriptedController(world, ttls)
    : canaryController(world, canaryScript);
const worlds: World[] = [];

afterAll(async () => {
  for (const world of worlds) await world.close();
});

interface Stage {
  readonly world: World;
  readonly printed: string[];
  readonly play: (name: TourName, controller: Controller, signal?: AbortSignal) => Promise<TourResult>;
}

/** A world of its own for each test, so that they can be told at the same time; a fifth of a real tour's times. */
async function stage(): Promise<Stage> {
  const printed: string[] = [];
  const world = await startWorld({
    ...ttls,
    sendIntervalMs: 100,
    retry: { delaysMs: [200, 300, 400], giveUpAfterMs: 600_000 },
    smtpTimeoutMs: 1500,
  });
  worlds.push(world);
  return {
    world,
    printed,
    play: (name, controller, signal = new AbortController().signal) =>
      playTour(
        tourPlans[name],
        { world, controller, print: (line) => printed.push(line), intervalMs: 200 },
        signal,
      ),
  };
}

describe.concurrent('a tour with a controller that does its work', () => {
  // Of processes that are killed test/cli/flows/two-controllers.test.ts tells.
  it.each(tourNames.filter((name) => !tourPlans[name].kills))(
    '%s ends as expected, with every letter accounted for',
    async (name) => {
      const { world, printed, play } = await stage();
      const result = await play(name, controllerFor(name, world));
      expect(result.reason).not.toMatch(/lost|queued, of/);
      expect(result).toMatchObject({ tour: name, isAsExpected: true, lost: 0, queued: 0, returned: true });
      expect(result.sent).toBe(result.delivered + result.bounced + result.swallowed);
      expect(result).toMatchObject({ held: 0 });
      expect(result.swallowed > 0).toBe(name === 'swallowed');
      expect(result.canaries.sent > 0).toBe(tourPlans[name].canaries !== false);
      expect(result.sent).toBeGreaterThan(10);
      const moves = result.flips.map((one) => `${one.from} -> ${one.to}`);
      expect(moves).toEqual(
        tourPlans[name].outcome === 'flips' ? ['proxy -> direct', 'direct -> proxy'] : [],
      );
      expect(result.bounced > 0).toBe(name === 'proxy-rejects');
      expect(result.reason).toMatch(/letters arrived/);
      expect(printed.filter((line) => line.length > 80)).toEqual([]);
      expect(printed.join('\n')).toContain(`sent ${result.sent}  delivered ${result.delivered}`);
      expect(world.sender.queued).toBe(0);
    },
  );

  it('shows the whole story of proxy-down in order', async () => {
    const { world, play } = await stage();
    const result = await play('proxy-down', scriptedController(world, ttls));
    const texts = result.timeline.map((one) => one.text).join('\n');
    expect(texts).toMatch(
      /letters to orders@shop\.example set out; MX mx1[^]*!! mx1\.filter down, mx2\.filter down, spool down[^]*>> shop moved: proxy -> direct, \d\.\d s after the fault; MX mx\.shop, spool \(TTL 1 s\)[^]*queue drained[^]*healed[^]*>> shop moved: direct -> proxy/,
    );
    // Between fault and flip is one interval of the scripted controller, not the wait for caches.
    expect(result.flippedAfterMs).toBeLessThan(1500);
    expect(world.data.changes.at(-1)?.after?.ttl).toBe(ttls.ttl);
  });
});

describe.concurrent('a tour that only canaries see', () => {
  it('shows the whole story of silent-delay in order', async () => {
    const { world, printed, play } = await stage();
    const result = await play('silent-delay', controllerFor('silent-delay', world));
    expect(result.timeline.map((one) => one.text).join('\n')).toMatch(
      /set out[^]*!! mx1\.filter hold, mx2\.filter hold\nproxy still says 250 [^]*>> shop moved: proxy -> direct[^]*the senders saw nothing: \d+ letters were answered 250 and are held[^]*every cache is clear[^]*healed: the \d+ letters that were held go on in one burst[^]*>> shop moved: direct -> proxy/,
    );
    expect(result.reason).toMatch(/all \d+ letters arrived, the \d+ that were held up to \d+\.\d s late$/);
    const text = printed.join('\n');
    expect(text).toMatch(/delivered by mx1\.filter \(held\) > mx\.shop +\d/);
    expect(text).toMatch(/canaries: (\d+) sent, \1 arrived, 0 missing/);
    expect(result.toReplay).toEqual([]);
    // Late is not lost: nothing is worse off than by the time from the fault to the healing.
    expect(result.maxDelayMs).toBeGreaterThan(result.flippedAfterMs ?? Infinity);
  });

  it('swallowed lists what to replay, and does not come back before a person says that it is done', async () => {
    const { world, printed, play } = await stage();
    const result = await play('swallowed', controllerFor('swallowed', world));
    expect(result.timeline.map((one) => one.text).join('\n')).toMatch(
      /!! mx1\.filter discard[^]*>> shop moved: proxy -> direct[^]*healed: the \d+ letters stay gone\n[^]*a person took the list to the archive of proxy and says that replay is done\n>> shop moved: direct -> proxy/,
    );
    const taken = world.hops.flatMap((hop) => hop.taken).filter((one) => one.fate === 'discarded');
    expect(result.toReplay.map((one) => one.queueId)).toEqual(taken.map((one) => one.queueId));
    expect(result.windows).toMatchObject([
      { path: 'proxy', hop: 'mx1.filter', letters: result.swallowed, fromAt: taken[0]?.at },
    ]);
    expect(printed.join('\n')).toContain(`to replay: ${result.swallowed} letters and `);
    expect(printed.join(' ')).toContain(taken.at(-1)?.queueId);
  });

  it('swallowed says so where DNS goes back while mail is missing', async () => {
    const { world, play } = await stage();
    const controller = canaryController(world, { ...canaryScript, waitsForReplay: false });
    expect(await play('swallowed', controller)).toMatchObject({
      isAsExpected: false,
      reason: 'it came back before anybody said that replay is done',
    });
  });

  it('swallowed says so where the controller’s list is not what was swallowed', async () => {
    const { world, play } = await stage();
    const honest = controllerFor('swallowed', world);
    const controller: Controller = {
      runOnce: (signal) => honest.runOnce(signal),
      replayed: async (...said) => [...((await honest.replayed?.(...said)) ?? []).slice(1), 'mxc-forged'],
    };
    const result = await play('swallowed', controller);
    expect(result.isAsExpected).toBe(false);
    expect(result.reason).toMatch(/^the controller's list of swallowed canaries lacks 1 of \d+ and has 1 /);
  });

  it('silent-delay says so where only probes are asked', async () => {
    const { play } = await stage();
    expect(await play('silent-delay', idleController)).toMatchObject({
      isAsExpected: false,
      reason: 'expected proxy -> direct -> proxy, saw no flip',
      lost: 0,
      held: 0,
    });
  });
});

describe.concurrent('a tour with a controller that fails', () => {
  it('says so where nobody moves DNS away from a dead proxy', { timeout: 60_000 }, async () => {
    const { printed, play } = await stage();
    const result = await play('proxy-down', idleController);
    expect(result).toMatchObject({ isAsExpected: false, flips: [], flippedAfterMs: null });
    expect(result.reason).toBe('expected proxy -> direct -> proxy, saw no flip');
    expect(printed.at(-1)).toBe(`NOT as expected: ${result.reason}`);
  });

  it('says so where a controller that is cut off moves DNS', async () => {
    const { world, play } = await stage();
    let isCutOff = false;
    const cut = world.cutOffController.bind(world);
    world.cutOffController = () => {
      isCutOff = true;
      cut();
    };
    const result = await play(
      'vantage-cut-off',
      hastyController(world, () => isCutOff),
    );
    expect(result).toMatchObject({ isAsExpected: false, reason: 'DNS was moved 1 times', returned: false });
  });

  it('says so where nobody reports a dead spool', async () => {
    const { play } = await stage();
    expect(await play('backup-down', idleController)).toMatchObject({
      isAsExpected: false,
      reason: 'nobody reported that the spool is down',
    });
  });
});

it('what only counts on is told once', async () => {
  const { play } = await stage();
  let cycle = 0;
  const controller: Controller = {
    runOnce: () => {
      const text = `spool of mx${++cycle > 5 ? 2 : 1} is down for ${cycle}s, ${cycle} probes`;
      return Promise.resolve({ decisions: [{ route: 'shop', text }], flips: [] });
    },
  };
  const result = await play('backup-down', controller);
  expect(result.timeline.map((one) => one.text).filter((text) => text.startsWith('shop: '))).toEqual([
    'shop: spool of mx1 is down for 1s, 1 probes',
    'shop: spool of mx2 is down for 6s, 6 probes',
  ]);
});

it('an interrupted tour rejects with the reason, and its sender stops', async () => {
  const { world, play } = await stage();
  const abort = new AbortController();
  const controller: Controller = {
    runOnce: () => {
      abort.abort(new Error('Ctrl-C'));
      return Promise.resolve({ decisions: [], flips: [] });
    },
  };
  await expect(play('proxy-down', controller, abort.signal)).rejects.toThrow('Ctrl-C');
  const sent = world.sender.letters.length;
  await world.drained();
  expect(world.sender.letters).toHaveLength(sent);
});

it('long lines break at spaces, and what cannot be broken stays whole', () => {
  const word = 'x'.repeat(90);
  expect(wrapLine(`  +1.0s  ${'ab '.repeat(30)}${word} end`, '    ')).toEqual([
    `  +1.0s  ${'ab '.repeat(23)}ab`,
    `    ${'ab '.repeat(5)}ab`,
    `    ${word}`,
    '    end',
  ]);
});

it('ranges of letter numbers are told shortly', () => {
  expect(formatRanges([1, 2, 3, 5, 8, 9])).toBe('1-3, 5, 8-9');
});
