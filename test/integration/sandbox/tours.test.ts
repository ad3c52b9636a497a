import { afterAll, describe, expect, it } from 'vitest';
import { tourNames, type TourName } from '../../../src/sandbox/tours/names.ts';
import { tourPlans } from '../../../src/sandbox/tours/plans.ts';
import { playTour } from '../../../src/sandbox/tours/play.ts';
import { formatRanges, wrapLine } from '../../../src/sandbox/tours/summary.ts';
import type { Controller, TourResult } from '../../../src/sandbox/tours/tour.ts';
import { startWorld, type World } from '../../../src/sandbox/world.ts';
import { hastyController, idleController, scriptedController } from './scripted-controller.ts';

const ttls = { ttl: 2, failoverTtl: 1 };
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
  it.each(tourNames)('%s ends as expected, with every letter accounted for', async (name) => {
    const { world, printed, play } = await stage();
    const result = await play(name, scriptedController(world, ttls));
    expect(result.reason).not.toMatch(/lost|queued, of/);
    expect(result).toMatchObject({ tour: name, isAsExpected: true, lost: 0, queued: 0, returned: true });
    expect(result.sent).toBe(result.delivered + result.bounced);
    expect(result.sent).toBeGreaterThan(10);
    const moves = result.flips.map((one) => `${one.from} -> ${one.to}`);
    expect(moves).toEqual(tourPlans[name].outcome === 'flips' ? ['proxy -> direct', 'direct -> proxy'] : []);
    expect(result.bounced > 0).toBe(name === 'proxy-rejects');
    expect(result.reason).toMatch(/letters arrived/);
    expect(printed.filter((line) => line.length > 80)).toEqual([]);
    expect(printed.join('\n')).toContain(`sent ${result.sent}  delivered ${result.delivered}`);
    expect(world.sender.queued).toBe(0);
  });

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
