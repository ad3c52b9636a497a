// Pausing and resuming: by name, with a reason, and always with an end.

import { UsageError } from '../errors.ts';
import type { Pause } from '../store/store.ts';
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

/** True where there was a pause to end. */
export async function resume(
  request: { readonly route: string | null; readonly by: string },
  deps: Pick<Deps, 'store' | 'clock' | 'newId'>,
): Promise<boolean> {
  const wasPaused = await deps.store.clearPause(request.route);
  if (wasPaused) {
    await deps.store.appendEvent({
      id: deps.newId(),
      at: deps.clock.now(),
      route: request.route,
      kind: 'resume',
      text: `resumed by ${request.by}`,
      data: {},
    });
  }
  return wasPaused;
}
