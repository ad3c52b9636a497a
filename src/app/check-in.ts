// A machine says that it measures, and under which name; and what its references say of it, for everybody's poll.

import { standingOf, type Standing } from '../health/vantage.ts';
import { machineOf, type Vantage } from '../model/vantage.ts';
import type { Deps } from './deps.ts';
import { staleAfterMsOf } from './panel.ts';

type CheckInDeps = Pick<Deps, 'store' | 'clock' | 'config' | 'holder' | 'newId' | 'version'>;

/** Where this machine stands in this run. */
export interface Presence extends Standing {
  readonly name: string;
  readonly machine: string;
  /** Since when its references fail, as of the run before; ms; null while they do not. */
  readonly faultSince: number | null;
}

export async function checkIn(deps: CheckInDeps): Promise<Presence> {
  const { store, config, holder, version = 'unknown' } = deps;
  const name = config.vantage;
  const machine = machineOf(holder);
  const at = deps.clock.now();
  const { turn, before } = await store.checkIn({ name, machine, holder, version, at });
  const standing = standingOf(before, { machine, turn, at }, staleAfterMsOf(config));
  const own = before.find((one) => one.machine === machine);
  const presence = { ...standing, name, machine, faultSince: own?.faultSince ?? null };
  if (isChanged(own, presence)) await writePresence(presence, deps);
  if (standing.isNewRival) await tell(presence, describeRival(presence), deps);
  return presence;
}

function isChanged(own: Vantage | undefined, now: Presence): boolean {
  if (own === undefined) return false;
  return own.sinceTurn !== now.sinceTurn || own.rival !== now.rival || own.rivalAt !== now.rivalAt;
}

/** For this machine's output and for the history. */
export function describeRival({ name, machine, rival, isLeftOut }: Presence): string {
  const both = `two machines run as vantage ${name}: ${machine} and ${rival ?? '?'}`;
  return isLeftOut
    ? `${both}, which had the name first; this one measures and moves nothing until it has a name of its own`
    : `${both}; the other one is left out, and what it counted is counted anew. Give it a name of its own`;
}

/** Tells everybody whether our references fail. */
export async function reportReferences(
  presence: Presence,
  isCutOff: boolean,
  deps: CheckInDeps,
): Promise<void> {
  if (isCutOff === (presence.faultSince !== null)) return;
  const faultSince = isCutOff ? deps.clock.now() : null;
  await writePresence({ ...presence, faultSince }, deps);
  const text = isCutOff
    ? `vantage ${presence.name} is left out everywhere: its references fail`
    : `vantage ${presence.name} counts again: its references answer`;
  await tell(presence, text, deps);
}

async function writePresence(presence: Presence, { store }: Pick<Deps, 'store'>): Promise<void> {
  const { name, machine, sinceTurn, faultSince, rival, rivalAt } = presence;
  await store.updateVantage(name, machine, { sinceTurn, faultSince, rival, rivalAt });
}

async function tell({ name }: Presence, text: string, deps: CheckInDeps): Promise<void> {
  const event = { id: deps.newId(), at: deps.clock.now(), route: null, kind: 'vantage' as const, text };
  await deps.store.appendEvent({ ...event, data: { vantage: name } });
}
