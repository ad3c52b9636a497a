// Controllers for the tours' own tests: they look into the world instead of probing it, and move DNS by a signed UPDATE
// through the update port, as the real one does.

import { decodeMessage } from '../../../src/dns/decode.ts';
import { askOverTcp } from '../../../src/dns/tcp.ts';
import { signMessage } from '../../../src/dns/tsig.ts';
import { makeUpdate } from '../../../src/dns/update.ts';
import { type Rrset, rrsetOf } from '../../../src/model/rrset.ts';
import { hopPlans, mailDomain } from '../../../src/sandbox/map.ts';
import type { Controller, CycleReport } from '../../../src/sandbox/tours/tour.ts';
import type { World } from '../../../src/sandbox/world.ts';

export type PathName = 'proxy' | 'direct';

export function rrsetFor(path: PathName, ttl: number): Rrset {
  const mx = hopPlans.filter((one) => one.path === path || one.path === 'spool');
  return rrsetOf(
    mailDomain,
    'MX',
    ttl,
    mx.map((one) => `${one.preference} ${one.exchange}`),
  );
}

export async function move(world: World, desired: Rrset, signal: AbortSignal): Promise<void> {
  const expected = world.data.rrset(mailDomain, 'MX');
  const changes = [{ owner: mailDomain, type: 'MX' as const, expected, desired }];
  const signed = signMessage(
    makeUpdate({ id: 1, zone: mailDomain, changes }),
    world.key,
    Math.floor(world.clock.now() / 1000),
  );
  const answered = await askOverTcp(
    { address: '127.0.0.1', port: world.updatePort.port },
    {
      octets: signed.octets,
      judge: (octets) => {
        const decoded = decodeMessage(octets);
        return decoded.ok ? { ok: true, answer: decoded.message.rcode } : { ok: false, why: decoded.fault };
      },
      timeoutMs: 1000,
      signal,
    },
  );
  if (!answered.ok || answered.answer !== 0) throw new Error(`update refused: ${JSON.stringify(answered)}`);
}

/** Leaves a faulty proxy in the next cycle, comes back in the second healthy one, raises the TTL in the one after. */
export function scriptedController(world: World, options: { ttl: number; failoverTtl: number }): Controller {
  let active: PathName = 'proxy';
  let healthyCycles = 0;
  return {
    runOnce: async (signal): Promise<CycleReport> => {
      const faulty = world.hopStates().filter((one) => one.fault !== 'ok');
      const isProxyHealthy = faulty.every((one) => !one.name.endsWith('.filter'));
      healthyCycles = isProxyHealthy ? healthyCycles + 1 : 0;
      const from = active;
      if (active === 'proxy' && !isProxyHealthy) active = 'direct';
      else if (active === 'direct' && healthyCycles >= 2) active = 'proxy';
      if (from !== active) await move(world, rrsetFor(active, options.failoverTtl), signal);
      else if (active === 'proxy' && world.data.rrset(mailDomain, 'MX')?.ttl !== options.ttl) {
        await move(world, rrsetFor('proxy', options.ttl), signal);
      }
      const flips = from === active ? [] : [{ route: 'shop', from, to: active, at: world.clock.now() }];
      const text =
        faulty.length === 0 ? 'stay: all is well' : `not well: ${faulty.map((one) => one.name).join(', ')}`;
      return { decisions: [{ route: 'shop', text }], flips };
    },
  };
}

/** Says nothing and does nothing. */
export const idleController: Controller = {
  runOnce: () => Promise.resolve({ decisions: [], flips: [] }),
};

/** Moves to direct the moment it cannot reach the proxy itself, wherever the fault may be. */
export function hastyController(world: World, isCutOff: () => boolean): Controller {
  let hasMoved = false;
  return {
    runOnce: async (signal) => {
      if (hasMoved || !isCutOff()) return { decisions: [], flips: [] };
      hasMoved = true;
      await move(world, rrsetFor('direct', 1), signal);
      return {
        decisions: [],
        flips: [{ route: 'shop', from: 'proxy', to: 'direct', at: world.clock.now() }],
      };
    },
  };
}
