// The tour with real processes: two controllers and a third that only looks, on one state store.
//
//   alpha --once-a-second--> hops, DNS --+
//   beta  ---------------------------- > state.sqlite     whoever moves first is killed when DNS has the change;
//   gamma (looks only) ------------------+                the other one finds it in the journal and finishes

import { readdirSync, readFileSync } from 'node:fs';
import { expect, it, vi } from 'vitest';
import type { Envelope } from '../../../src/render/envelope.ts';
import { runCli, startCli } from '../../support/cli.ts';

/** Command lines of the controllers that a process started, by their process ids. */
function controllersOf(parent: number): number[] {
  return readdirSync('/proc').flatMap((entry) => {
    try {
      const ppid = Number(/^PPid:\s(\d+)$/m.exec(readFileSync(`/proc/${entry}/status`, 'utf8'))?.[1]);
      return ppid === parent ? [Number(entry)] : [];
    } catch {
      // Not a process, or one that has just ended.
      return [];
    }
  });
}

function isAlive(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/status`, 'utf8').includes('State:\tZ');
  } catch {
    return false;
  }
}

it('the survivor finishes the move of a killed controller, and no letter is lost', async () => {
  const run = await runCli(['sandbox', '--tour', 'two-controllers', '--json']);
  const { data } = JSON.parse(run.stdout) as Envelope & { data: Record<string, unknown> };
  expect(data, run.stderr).toMatchObject({
    as_expected: true,
    lost: 0,
    bounced: 0,
    queued: 0,
    duplicated: 0,
    returned: true,
  });
  const flips = data['flips'] as { from: string; to: string }[];
  expect(flips.map(({ from, to }) => `${from} -> ${to}`)).toEqual(['proxy -> direct', 'direct -> proxy']);
  const told = (data['timeline'] as { text: string }[]).map((one) => one.text).join('\n');
  const killed = /!! (alpha|beta) is killed/.exec(told)?.[1];
  const survivor = killed === 'alpha' ? 'beta' : 'alpha';
  expect(told).toMatch(
    new RegExp(`by ${survivor}[^:]*: failover proxy -> direct \\(\\w+\\) had been applied`),
  );
  expect(told).not.toContain('reverted');
  expect(run.exitCode).toBe(0);
}, 90_000);

it('its controllers end with it, though it is killed', async () => {
  const tour = startCli(['sandbox', '--tour', 'two-controllers']);
  const controllers = await vi.waitFor(
    () => {
      const found = controllersOf(tour.pid ?? 0);
      expect(found).toHaveLength(3);
      return found;
    },
    { timeout: 30_000 },
  );
  tour.kill('SIGKILL');
  await vi.waitFor(() => expect(controllers.filter(isAlive)).toEqual([]), { timeout: 30_000 });
}, 90_000);
