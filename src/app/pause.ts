// Pausing and resuming: by name, with a reason, and always with an end. Resuming lets go what braked `auto` too.

import { UsageError } from '../errors.ts';
import type { Brake } from '../model/brake.ts';
import type { Pause } from '../store/store.ts';
import { recentActions } from './assess.ts';
import type { Deps } from './deps.ts';

/** A pause that outlives the incident it was made for is how a standby rots unseen; ms. */
const longestPauseMs = 30 * 86_400_000;

export async function pause(
  request: {
    readonly route: string | null;
    readonly forMs: number;
    readonly by: string;
    readonly reason: string;
  },
  deps: Pick<Deps, 'store' | 'clock' | 'newId'>,
): Promise<Pause> {
  if (request.forMs <= 0 || request.forMs > longestPauseMs) {
    throw new UsageError('usage', 'a pause lasts more than 0 and at most 30d', {
      hint: 'for example: --for 2h',
    });
  }
  const at = deps.clock.now();
  const { route, by, reason, forMs } = request;
  const made: Pause = { route, by, reason, at, until: at + forMs };
  await deps.store.setPause(made);
  const until = new Date(made.until).toISOString();
  await deps.store.appendEvent({
    id: deps.newId(),
    at,
    route: made.route,
    kind: 'pause',
    text: `paused until ${until} by ${made.by}: ${made.reason}`,
    data: { until: made.until },
  });
  return made;
}

export interface Resumed {
  readonly wasPaused: boolean;
  /** Brakes that this let go. */
  readonly brakes: readonly Brake[];
}

/** Ends a pause, and lets go the brakes of the same scope: a person has looked. */
export async function resume(
  request: { readonly route: string | null; readonly by: string },
  deps: Pick<Deps, 'store' | 'clock' | 'newId'>,
): Promise<Resumed> {
  const { route, by } = request;
  const wasPaused = await deps.store.clearPause(route);
  const now = deps.clock.now();
  const brakes = await deps.store.releaseBrakes(route, by, Math.max(now, await lastFlipAt(route, deps)));
  if (wasPaused || brakes.length > 0) {
    const freed = brakes.length === 0 ? '' : `; let go: ${brakes.map((one) => one.kind).join(', ')}`;
    await deps.store.appendEvent({
      id: deps.newId(),
      at: now,
      route,
      kind: 'resume',
      text: `resumed by ${by}${freed}`,
      data: { brakes: brakes.map((one) => one.kind) },
    });
  }
  return { wasPaused, brakes };
}

/** When the route's last flip was, which a clock that was set back since may put after now: it is answered for too. */
async function lastFlipAt(route: string | null, { store }: Pick<Deps, 'store'>): Promise<number> {
  if (route === null) return 0;
  const actions = await store.listActions({ route, limit: recentActions });
  return Math.max(0, ...actions.map((one) => one.appliedAt ?? one.intendedAt));
}
