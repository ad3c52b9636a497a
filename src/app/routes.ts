// Finding what a person typed: routes and paths by name, with the nearest one suggested.

import { UsageError } from '../errors.ts';
import { nearest } from '../model/nearest.ts';
import { pathOf, type Route } from '../model/route.ts';
import type { MailPath } from '../model/mail-path.ts';
import { sanitise } from '../model/text.ts';
import type { Deps } from './deps.ts';

/** Throws UsageError `route-unknown` with what was probably meant. */
export function routeNamed(name: string, deps: Pick<Deps, 'config'>): Route {
  const route = deps.config.routes.get(name);
  if (route !== undefined) return route;
  const names = [...deps.config.routes.keys()];
  throw new UsageError('route-unknown', `there is no route ${JSON.stringify(sanitise(name, 80))}`, {
    hint: suggestion(name, names, 'routes'),
  });
}

/** Throws UsageError `path-unknown`. */
export function pathNamed(name: string, route: Route): MailPath {
  const path = pathOf(route, name);
  if (path !== undefined && !route.keep.includes(name)) return path;
  const names = route.paths.map((one) => one.name).filter((one) => !route.keep.includes(one));
  const what = path === undefined ? 'there is no path' : 'a kept backup cannot be the active path:';
  throw new UsageError(
    'path-unknown',
    `${what} ${JSON.stringify(sanitise(name, 80))} in route ${route.name}`,
    {
      hint: suggestion(name, names, 'paths'),
    },
  );
}

function suggestion(name: string, names: readonly string[], what: string): string {
  const meant = nearest(name, names);
  return meant === null ? `${what}: ${names.slice(0, 20).join(', ')}` : `did you mean ${meant}?`;
}
