// A controller for the tours' own tests that knows nothing but its canaries: it hands one a cycle to each path, looks
// whether they arrive, and moves DNS by that alone, as the real one does with its probes green.

import { deliver } from '../../../src/sandbox/delivery.ts';
import { canary } from '../../../src/sandbox/map.ts';
import type { Controller, CycleReport } from '../../../src/sandbox/tours/tour.ts';
import type { World } from '../../../src/sandbox/world.ts';
import { move, type PathName, rrsetFor } from './scripted-controller.ts';

/** To the first hop of a path; the queue id of its reply. */
export async function handOver(world: World, hopName: string, token: string): Promise<string> {
  const [hop] = world.hopsNamed(hopName);
  const text = `Message-ID: <${token}@ops.example.com>\r\nX-Mxctl-Canary: ${token}\r\n\r\nA canary.\r\n`;
  const result = await deliver(
    { from: canary.from, to: [canary.to], text },
    {
      address: hop?.address ?? '',
      port: hop?.port ?? 0,
      localAddress: '127.0.0.1',
      ehloName: 'probe.ops.example.com',
      timeoutMs: 2000,
    },
    new AbortController().signal,
  );
  if (result.stage !== 'end-of-data' || result.code !== 250) throw new Error(result.text);
  return result.text.split(' ').at(-1) ?? '';
}

interface Sent {
  readonly token: string;
  readonly path: PathName;
  readonly at: number;
}

export interface CanaryScript {
  readonly ttl: number;
  readonly failoverTtl: number;
  readonly delayedAfterMs: number;
  readonly fall: number;
  readonly rise: number;
  /** False: it comes back although canaries are missing. */
  readonly waitsForReplay: boolean;
}

export function canaryController(world: World, script: CanaryScript): Controller {
  const sent: Sent[] = [];
  let active: PathName = 'proxy';
  let replayedUntil = 0;
  const arrivedAt = (token: string) => world.mailbox.arrivals.find((one) => one.token === token)?.at ?? null;
  const isLate = ({ token, at }: Sent) =>
    (arrivedAt(token) ?? world.clock.now()) - at > script.delayedAfterMs;
  const send = async (path: PathName) => {
    const token = `mxc-${sent.length}-${path}`;
    sent.push({ token, path, at: world.clock.now() });
    await handOver(world, path === 'proxy' ? 'mx1.filter' : 'mx.shop', token);
  };
  const missing = () => sent.filter((one) => isLate(one) && arrivedAt(one.token) === null);
  const judge = () => {
    const ofProxy = sent.filter((one) => one.path === 'proxy');
    const known = ofProxy.filter((one) => isLate(one) || arrivedAt(one.token) !== null);
    const inTime = known.length - 1 - known.findLastIndex(isLate);
    const isDown = known.length - 1 - known.findLastIndex((one) => !isLate(one)) >= script.fall;
    const isBlocked = script.waitsForReplay && missing().some((one) => one.at > replayedUntil);
    return { isDown, isUp: inTime >= script.rise && !isBlocked };
  };
  return {
    runOnce: async (signal): Promise<CycleReport> => {
      await Promise.all((['proxy', 'direct'] as const).map(send));
      const { isDown, isUp } = judge();
      const from = active;
      if (active === 'proxy' && isDown) active = 'direct';
      else if (active === 'direct' && isUp) active = 'proxy';
      if (from !== active) await move(world, rrsetFor(active, script.failoverTtl), signal);
      else if (active === 'proxy') await raiseTtl(world, script.ttl, signal);
      const flips = from === active ? [] : [{ route: 'shop', from, to: active, at: world.clock.now() }];
      return { decisions: [{ route: 'shop', text: isDown ? 'proxy late' : 'well' }], flips };
    },
    replayed: () => {
      const listed = missing().map((one) => one.token);
      replayedUntil = world.clock.now();
      return Promise.resolve(listed);
    },
  };
}

async function raiseTtl(world: World, ttl: number, signal: AbortSignal): Promise<void> {
  const normal = rrsetFor('proxy', ttl);
  if (world.data.rrset(normal.owner, 'MX')?.ttl !== ttl) await move(world, normal, signal);
}
