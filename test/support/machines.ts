// Machines that share one state store and see the same hops, each in its own way: vantages of an AppWorld.

import { type CycleResult, runCycle } from '../../src/app/cycle.ts';
import type { Deps } from '../../src/app/deps.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import type { AppWorld } from './app-world.ts';
import { observe } from './worlds.ts';

const never = new AbortController().signal;
const reply = (code: number) => ({ code, enhanced: null, text: 'as told' });

/** What a machine sees of an exchange: `+` passes, `-` 421 at banner, `0` silence. */
type Marks = Readonly<Record<string, '+' | '-' | '0'>>;

export interface Machine {
  readonly deps: Deps;
  /** One round, without time passing. */
  round(): Promise<CycleResult>;
  /** From now on; what is not named passes. */
  sees(marks: Marks): void;
  /** Its clock from now on, beside the world's; ms. */
  isOffBy(ms: number): void;
}

/** `machine` alone makes the identity; `vantage` is the name in its configuration. */
export function machineIn(
  world: AppWorld,
  { vantage, machine = vantage }: { readonly vantage: string; readonly machine?: string },
): Machine {
  let marks: Marks = {};
  let offMs = 0;
  let runs = 0;
  const clock: Clock = {
    now: () => world.clock.now() + offMs,
    sleep: (ms, signal) => world.clock.sleep(ms, signal),
  };
  const deps = world.deps({
    clock,
    config: { ...world.config(), vantage },
    holder: `${machine}:1:run`,
    probe: {
      resolve: (target) =>
        Promise.resolve({ outcome: 'found', addresses: target.addresses ?? ['192.0.2.1'] }),
      withoutAddress: (target) => observe('-', clock.now(), { exchange: target.exchange, address: null }),
      probe: (hop) => {
        const mark = marks[hop.exchange.slice(0, -1)] ?? '+';
        return Promise.resolve(
          observe(mark === '0' ? '-' : mark, clock.now(), {
            exchange: hop.exchange,
            address: hop.address,
            port: hop.port,
            vantage,
            reply: mark === '-' ? reply(421) : null,
          }),
        );
      },
    },
  });
  return {
    deps,
    round: () => runCycle({ ...deps, holder: `${machine}:${++runs}:run` }, never),
    sees: (told) => (marks = told),
    isOffBy: (ms) => (offMs = ms),
  };
}

/** Every exchange of the usual world, silent. */
export const nothing: Marks = {
  'mx1.filter.example.net': '0',
  'mx2.filter.example.net': '0',
  'mx.example.com': '0',
  'spool.example.org': '0',
  'mx.reference.example': '0',
};
export const proxyDown: Marks = { 'mx1.filter.example.net': '-', 'mx2.filter.example.net': '-' };
export const everythingDown: Marks = { ...proxyDown, 'mx.example.com': '-', 'spool.example.org': '-' };
