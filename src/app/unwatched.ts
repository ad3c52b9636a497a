// Routes that left the configuration while mail went another way than they prefer: nobody watches them now, and nobody
// brings them back. Said loudly; nothing is written to DNS.

import type { Config } from '../config/config.ts';
import type { RouteState } from '../model/route-state.ts';
import type { Event } from '../store/store.ts';
import type { Deps } from './deps.ts';

type UnwatchedDeps = Pick<Deps, 'config' | 'store' | 'clock' | 'newId'>;

/** Events of a route that are looked through for what was said of it. */
const recentEvents = 50;

/** Sentences about routes that are gone and failed over. `isNewsOnly`: those that no run has told yet, for runs that come
 *  every minute; a service tells them when it starts and when its configuration changes. */
export async function tellUnwatched(deps: UnwatchedDeps, isNewsOnly: boolean): Promise<string[]> {
  const states = await deps.store.readRouteStates();
  const gone = states.filter(({ route, state }) => !deps.config.routes.has(route) && isElsewhere(state));
  const lines: string[] = [];
  for (const { route, state } of gone) {
    const text = describe(route, state, deps.config);
    const isTold = await wasTold(route, state, deps);
    if (!isTold) await deps.store.appendEvent(eventOf(route, text, state, deps));
    if (!isTold || !isNewsOnly) lines.push(text);
  }
  return lines;
}

/** As of the last run that saw it. */
function isElsewhere({ phase }: RouteState): boolean {
  return phase === 'failed-over' || phase === 'probation';
}

function describe(route: string, { phase, activePath }: RouteState, config: Config): string {
  const where =
    phase === 'probation'
      ? `back on ${activePath ?? '?'} with the TTL of a failover`
      : `failed over to ${activePath ?? '?'}`;
  return (
    `route ${route} is not in the configuration any more and is not watched, though it is ${where}; ` +
    `nothing was changed. To put it back: write it into ${config.configFile} again, ` +
    `then mxctl failover ${route}, or mxctl rollback for the exact records of before`
  );
}

async function wasTold(route: string, state: RouteState, { store }: UnwatchedDeps): Promise<boolean> {
  const events = await store.listEvents({ route, limit: recentEvents });
  return events.some(
    ({ kind, at, data }) =>
      kind === 'config' &&
      data['unwatched'] === (state.activePath ?? '') &&
      // It may have been watched again since, and been moved, and be gone again.
      at >= state.lastRunAt,
  );
}

function eventOf(route: string, text: string, state: RouteState, deps: UnwatchedDeps): Event {
  const data = { unwatched: state.activePath ?? '' };
  return { id: deps.newId(), at: deps.clock.now(), route, kind: 'config', text, data };
}
