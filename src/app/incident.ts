// What a person says about an incident. For now one thing: that the mail a path swallowed was replayed, so that the
// path may be trusted again.

import { RefusedError, UsageError } from '../errors.ts';
import { isTroubled } from '../health/canary.ts';
import type { Canary } from '../model/canary.ts';
import { rememberedCanaries } from './canary-judge.ts';
import type { Deps } from './deps.ts';
import { readRemembered } from './remembered.ts';
import { pathNamed, routeNamed } from './routes.ts';

export interface Replay {
  readonly route: string;
  readonly path: string;
  /** Those that were missing: nothing waits for them any more. */
  readonly canaries: readonly Canary[];
}

/** `path`: null = the one path that owes canaries. Throws UsageError for a name, RefusedError where nothing is owed. */
export async function noteReplayed(
  request: {
    readonly route: string;
    readonly path: string | null;
    readonly by: string;
    readonly reason: string;
  },
  deps: Deps,
): Promise<Replay> {
  const route = routeNamed(request.route, deps);
  const { health } = await readRemembered(route, deps);
  const report = await rememberedCanaries(route, health, deps);
  if (report === null) {
    throw new UsageError('usage', `route ${route.name} has no canaries, so none is missing`, {
      hint: 'declare canary: in the configuration',
    });
  }
  const owing = [...report.verdicts.values()].filter((one) => one.owed.length > 0);
  const name =
    request.path === null ? onlyOne(owing.map((one) => one.path)) : pathNamed(request.path, route).name;
  const verdict = report.verdicts.get(name ?? '');
  if (name === null || verdict === undefined || verdict.owed.length === 0) {
    const what = name === null ? 'no path' : `path ${name} of`;
    throw new RefusedError(
      'nothing-owed',
      `${what} ${name === null ? `of ${route.name}` : route.name} owes a canary`,
      {
        hint: 'mxctl status shows what is on its way and what is missing',
      },
    );
  }
  const at = deps.clock.now();
  await deps.store.markReplayed(route.name, name, at);
  await deps.store.appendEvent({
    id: deps.newId(),
    at,
    route: route.name,
    kind: 'incident',
    text: `${request.by} says that what ${name} swallowed was replayed (${verdict.owed.length} canaries): ${request.reason}`,
    data: {
      path: name,
      tokens: verdict.owed.map((one) => one.token),
      wasInTrouble: isTroubled(verdict.status),
    },
  });
  return { route: route.name, path: name, canaries: verdict.owed };
}

/** Throws UsageError where there are more. */
function onlyOne(paths: readonly string[]): string | null {
  if (paths.length > 1) {
    throw new UsageError('usage', `several paths owe canaries: ${paths.join(', ')}`, {
      hint: `name one: --path ${paths[0] ?? ''}`,
    });
  }
  return paths[0] ?? null;
}
