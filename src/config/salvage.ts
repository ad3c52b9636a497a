// The parts of a file with a wrong shape that can still be judged, so that one typing error does not hide the rest.

import type { z } from 'zod';
import { type RouteShape, routeShape } from './route-schema.ts';
import { type AuditShape, auditShape, type DefaultsShape, defaultsShape } from './schema.ts';

/** What the checks after the shape need. */
export interface Understood {
  readonly routes: Readonly<Record<string, RouteShape>>;
  readonly audits: Readonly<Record<string, AuditShape>>;
  readonly defaults: DefaultsShape;
  /** False where `defaults` has a wrong shape and stands here empty: then nothing is missing for certain. */
  readonly areDefaultsKnown: boolean;
  /** Of all providers, also those whose block is wrong: a name is not dangling because of that. */
  readonly providerNames: readonly string[];
}

/** Never fails: what has no sensible shape is left out. */
export function salvage(value: unknown): Understood {
  const top = asMap(value);
  const each = <T>(map: unknown, schema: z.ZodType<T>): Record<string, T> =>
    Object.fromEntries(
      Object.entries(asMap(map)).flatMap(([name, one]) => {
        const parsed = schema.safeParse(one);
        return parsed.success ? [[name, parsed.data]] : [];
      }),
    );
  const defaults = defaultsShape.safeParse(top['defaults'] ?? {});
  return {
    routes: each<RouteShape>(top['routes'], routeShape),
    audits: each<AuditShape>(top['audits'], auditShape),
    defaults: defaults.success ? defaults.data : {},
    areDefaultsKnown: defaults.success,
    providerNames: Object.keys(asMap(top['providers'])),
  };
}

function asMap(value: unknown): Record<string, unknown> {
  return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : {};
}
