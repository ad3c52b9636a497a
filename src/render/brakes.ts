// Brakes that hold `auto`: loud, in every run and on top of the status screen.

import type { Brake } from '../model/brake.ts';
import { formatInstant, iso } from './duration.ts';

/** What a brake holds. */
export function describeScope({ route, vantage }: Brake): string {
  if (route !== null) return route;
  return vantage === null ? 'every route' : `every route, from ${vantage}`;
}

/** Since when, why, and the way out. */
export function describeBrake(brake: Brake): string {
  const resume = brake.route === null ? 'mxctl resume' : `mxctl resume ${brake.route}`;
  const since = formatInstant(brake.at);
  return `auto is BRAKED (${describeScope(brake)}) since ${since} by ${brake.kind}: ${brake.reason}; when you have looked: ${resume}`;
}

export function brakeDocument(brake: Brake): Record<string, unknown> {
  const { kind, route, vantage, by, reason } = brake;
  return { kind, route, vantage, at: iso(brake.at), by, reason };
}
