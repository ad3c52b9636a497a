import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/parse.ts';
import { canary } from '../../../src/sandbox/map.ts';
import type { HopFault } from '../../../src/sandbox/hop-fault.ts';
import { postFault } from '../../../src/sandbox/control.ts';
import { tourNames } from '../../../src/sandbox/tours/names.ts';
import { tourPlans } from '../../../src/sandbox/tours/plans.ts';
import { canaryTiming } from '../../../src/sandbox/tours/timing.ts';
import { startWorld, type World } from '../../../src/sandbox/world.ts';
import { canaryKeyFileIn, maildirIn } from '../../../src/sandbox/world-files.ts';
import { handOver } from './canary-controller.ts';

let world: World;

beforeEach(async () => {
  world = await startWorld({ ttl: 60, retry: { delaysMs: [50], giveUpAfterMs: 600_000 } });
});

afterEach(async () => {
  await world.close();
});

const files = (folder: string) => readdir(join(maildirIn(world.directory), folder));
const read = async (folder: string) => {
  const names = await files(folder);
  return Promise.all(names.map((name) => readFile(join(maildirIn(world.directory), folder, name), 'utf8')));
};

async function arrived(count: number): Promise<void> {
  await expect.poll(() => world.mailbox.arrivals.length, { timeout: 5000 }).toBe(count);
}

/** Two letters of the sender that mx1.filter takes, under that fault. */
async function sendUnder(fault: HopFault): Promise<void> {
  await world.setFault('proxy', fault);
  for (const number of [world.sender.send(), world.sender.send()]) {
    await expect.poll(() => world.sender.letters[number - 1]?.fate).toBe('accepted');
  }
}

describe('the Maildir of the canaries', () => {
  it('gets a canary whole, as a file of its own, under the name Maildir gives it', async () => {
    const queueId = await handOver(world, 'mx1.filter', 'mxc-1');
    await arrived(1);
    const [name] = await files('new');
    expect(name).toMatch(/^\d{10}\.M\d+P\d+Q1\.sandbox$/);
    expect(await files('tmp')).toEqual([]);
    const [text] = await read('new');
    expect(text?.split('\r\n')).toEqual([
      `Return-Path: <${canary.from}>`,
      expect.stringMatching(
        /^Received: from mx1\.filter\.example\.net .* by mx\.shop\.example with ESMTP id /,
      ),
      expect.stringMatching(
        new RegExp(
          `^Received: from probe\\.ops\\.example\\.com .* by mx1\\.filter\\.example\\.net .* id ${queueId}; `,
        ),
      ),
      'Message-ID: <mxc-1@ops.example.com>',
      'X-Mxctl-Canary: mxc-1',
      '',
      'A canary.',
      '',
    ]);
    const [path = ''] = (await files('new')).map((one) => join(maildirIn(world.directory), 'new', one));
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('gets what a hop marks in its spam folder', async () => {
    await world.setFault('mx1.filter', 'spam');
    await handOver(world, 'mx1.filter', 'mxc-1');
    await arrived(1);
    expect([await files('new'), (await files('.Junk/new')).length]).toEqual([[], 1]);
    expect(world.mailbox.arrivals).toMatchObject([{ token: 'mxc-1', isSpam: true }]);
  });

  it('gets the notification of a canary that a hop returned, which arrived nowhere', async () => {
    await world.setFault('mx1.filter', 'bounce');
    await handOver(world, 'mx1.filter', 'mxc-1');
    await arrived(1);
    expect((await read('new'))[0]).toMatch(/Auto-Submitted: auto-replied[^]*X-Mxctl-Canary: mxc-1/);
    expect(world.account().canaries).toEqual({ sent: 1, arrived: 0, missing: 1 });
  });

  it('gets no letter of the sender, and begins empty', async () => {
    await sendUnder('ok');
    await arrived(2);
    expect(await files('new')).toEqual([]);
    await handOver(world, 'mx.shop', 'mxc-1');
    expect(await files('new')).toHaveLength(1);
    const { directory } = world;
    const again = await startWorld({ directory });
    expect(await files('new')).toEqual([]);
    await again.close();
  });
});

describe('the account of letters that were answered 250', () => {
  it('tells held from lost, and the way of what was held when it arrives late', async () => {
    await sendUnder('hold');
    expect(world.account()).toMatchObject({ sent: 2, delivered: 0, held: 2, lost: 0, queued: 0 });
    await world.setFault('proxy', 'ok');
    await world.drained();
    const account = world.account();
    expect(account).toMatchObject({ delivered: 2, held: 0, swallowed: 0, lost: 0 });
    const queueIds = world.hopsNamed('mx1.filter')[0]?.taken.map((one) => one.queueId);
    expect(account.letters.map((one) => one.stay)).toMatchObject(
      (queueIds ?? []).map((queueId) => ({ hop: 'mx1.filter', path: 'proxy', queueId })),
    );
  });

  it('says of what is gone which hop swallowed it, and that hop’s queue id', async () => {
    await sendUnder('discard');
    const queueId = await handOver(world, 'mx1.filter', 'mxc-1');
    await handOver(world, 'mx.shop', 'mxc-2');
    const account = world.account();
    expect(account).toMatchObject({ sent: 2, delivered: 0, swallowed: 2, held: 0, lost: 0 });
    expect(account.canaries).toEqual({ sent: 2, arrived: 1, missing: 1 });
    const told = world.sender.letters.map((one) => one.attempts[0]?.text.split(' ').at(-1));
    expect(account.toReplay.map(({ kind, id, hop, queueId }) => [kind, id, hop, queueId])).toEqual([
      ...world.sender.letters.map((one, at) => ['letter', one.messageId, 'mx1.filter', told[at]]),
      ['canary', 'mxc-1', 'mx1.filter', queueId],
    ]);
  });

  it('blames the hop that lost it, not the one that held it before', async () => {
    await sendUnder('hold');
    await world.setFault('mx.shop', 'discard');
    await world.setFault('proxy', 'ok');
    await world.drained();
    expect(world.account().letters.map((one) => [one.whereabouts, one.stay?.hop])).toEqual([
      ['swallowed', 'mx.shop'],
      ['swallowed', 'mx.shop'],
    ]);
  });

  it('counts what a hop returned as bounced', async () => {
    await sendUnder('bounce');
    expect(world.account()).toMatchObject({ bounced: 2, lost: 0, swallowed: 0 });
  });
});

it('the switchboard tells how many letters a hop holds and how many are gone', async () => {
  await sendUnder('hold');
  await sendUnder('discard');
  const [hop] = await postFault(world.controlFile, 'mx2.filter', 'hold');
  expect(hop).toMatchObject({ name: 'mx1.filter', fault: 'discard', held: 2, discarded: 2 });
});

it('the key of the tokens is new in each world and its owner’s alone', async () => {
  const file = canaryKeyFileIn(world.directory);
  const before = await readFile(file, 'utf8');
  expect(Buffer.from(before, 'base64')).toHaveLength(32);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const again = await startWorld({ directory: world.directory });
  expect(await readFile(file, 'utf8')).not.toBe(before);
  await again.close();
});

describe('the config of a world', () => {
  const canariesOf = (options: { canaries?: (typeof tourPlans)['swallowed']['canaries'] | true }) => {
    const yaml = world.configYaml({ stateFile: '/tmp/state.db', ...options });
    const input = { configFile: '/tmp/mxctl.yaml', shownFile: 'mxctl.yaml', now: 0, hostname: 'here' };
    return parseConfig(yaml, input).routes.get('shop')?.canary ?? null;
  };

  it('has no canaries unless they are asked for', () => {
    expect(canariesOf({})).toBeNull();
  });

  it('sends them to the Maildir of the world, by its key', () => {
    expect(canariesOf({ canaries: true })).toMatchObject({
      ...canary,
      everyMs: 1000,
      delayedAfterMs: canaryTiming.delayedAfterSeconds * 1000,
      key: { file: canaryKeyFileIn(world.directory) },
      paths: ['proxy', 'direct'],
      arrival: { kind: 'maildir', directory: maildirIn(world.directory), spam: ['.Junk'] },
    });
  });

  it.each(tourNames.filter((name) => tourPlans[name].canaries !== false))(
    'for %s decides on as many late canaries as it says',
    (name) => {
      const policy = canariesOf({ canaries: tourPlans[name].canaries });
      expect(policy?.fall).toBeGreaterThan(1);
      expect((policy?.fall ?? 0) * (policy?.everyMs ?? 0)).toBeLessThanOrEqual(policy?.delayedAfterMs ?? 0);
    },
  );
});
