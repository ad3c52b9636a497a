// Ways to break what keeps `auto` from doing harm, one at a time, and worlds in which each would show. A model that
// does not notice one of these is no proof.

import { guards } from '../../src/change/guards/index.ts';
import type { GuardName } from '../../src/model/change.ts';
import { calm, leaveAndReturn, type ModelMutation, sabotages } from './model-sabotage.ts';
import { type Mishap, pathDown, type Scenario } from './model-scenario.ts';

const guardOff = (
  name: GuardName,
  caughtBy: readonly string[],
  over: Partial<Scenario>,
  mishaps: readonly Mishap[],
): ModelMutation => ({
  name: `guard ${name}`,
  caughtBy,
  over: { ...calm, ...over },
  mishaps,
  silenced: [name],
});

const guardMutations: readonly ModelMutation[] = [
  guardOff('target-unhealthy', ['target'], { hasThirdPath: false, asksRcpt: false, trap: 'none' }, [
    pathDown(0, 14, 40),
    pathDown(1, 20, 40),
  ]),
  guardOff('mta-sts', ['sts'], { trap: 'sts' }, leaveAndReturn),
  guardOff('tls-name', ['tls'], { trap: 'tls' }, leaveAndReturn),
  guardOff('dane', ['dane'], { trap: 'dane' }, leaveAndReturn),
  guardOff('quorum', ['quorum'], { quorum: 2, trap: 'none', hasThirdPath: false }, [
    { kind: 'kill', at: 10, machine: 1, strike: null, awaySeconds: 3000 },
    { kind: 'lie', at: 6, says: 'down', minutes: 80 },
    pathDown(0, 30, 40),
  ]),
  guardOff('hold-down', ['hold-down'], { trap: 'none', failback: 'auto' }, [pathDown(0, 12, 5)]),
  guardOff('flip-limit', ['flip-limit'], { trap: 'none', mostFlips: 1, failback: 'auto' }, leaveAndReturn),
  guardOff('blast-radius', ['blast-radius'], { owners: 2, mostDomains: 1, trap: 'none' }, leaveAndReturn),
  guardOff('paused', ['paused'], { trap: 'none' }, [
    { kind: 'person', at: 10, machine: 0, what: 'pause', thinkSeconds: 2, minutes: 60 },
    ...leaveAndReturn,
  ]),
  guardOff('live-drift', ['live-drift'], { trap: 'none', hasThirdPath: false, failback: 'auto' }, [
    pathDown(0, 12, 60),
    { kind: 'edit', machine: 0, strike: null, at: 30, what: 'preferred', isAll: true, isUndone: false },
  ]),
  guardOff('caches-not-clear', ['caches'], { trap: 'none', failback: 'auto' }, [
    { kind: 'server', at: 11, which: 1, state: 'held', minutes: 25 },
    pathDown(0, 12, 5),
  ]),
  // The window of the limit is over before the history is; the brake is not.
  guardOff('brake', ['brake'], { trap: 'none', mostFlips: 1, failback: 'auto', quorum: 1 }, leaveAndReturn),
];

/** Guards that cannot be missed alone, and why: something before them says no to all that they say no to. */
export const redundant: Readonly<Partial<Record<GuardName, string>>> = {
  'vantage-fault':
    'decide() asks the same first: a machine that is cut off is undecided, whatever guards would say',
  'stale-observations':
    'a process that stands still for as long has lost its lease first; nothing else in the model takes so long',
  'target-rcpt':
    'a refusal of the canary is a failed probe, so target-unhealthy forbids; alone this one minds a target with several hops of which one refuses, and those of the model have one',
  'last-path': 'target-unhealthy forbids every move to a path that is not seen to take mail, from wherever',
};

export const mutations: readonly ModelMutation[] = [...guardMutations, ...sabotages];

/** Guards that a test took away stay away until they are put back. */
export function silence(names: readonly GuardName[]): () => void {
  const record = guards as Record<GuardName, (typeof guards)[GuardName]>;
  const before = names.map((name) => [name, record[name]] as const);
  for (const name of names) record[name] = () => ({ name, verdict: 'ok', reason: 'silenced' });
  return () => {
    for (const [name, guard] of before) record[name] = guard;
  };
}
