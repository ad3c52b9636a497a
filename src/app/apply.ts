// Applies a plan that was made and saved before: it is made again from what is live now, and must come out the same.
// So a saved file can carry no record that the config would not write, and a stale one is refused.

import { RefusedError, UsageError } from '../errors.ts';
import { changesTo, ttlFor } from '../change/plan.ts';
import type { ActionKind } from '../model/change.ts';
import type { MailPath } from '../model/mail-path.ts';
import { pathOf, type Route } from '../model/route.ts';
import { sanitise } from '../model/text.ts';
import type { Deps } from './deps.ts';
import { finishPlan } from './prepare.ts';
import { gatherWithHeld, settleLeftovers, type Proposal } from './propose.ts';
import { pathNamed, routeNamed } from './routes.ts';
import { matchLive } from '../change/published.ts';

/** What a plan file says. */
export interface SavedPlan {
  readonly route: string;
  readonly to: string;
  readonly kind: ActionKind;
  readonly digest: string;
  /** As the file shows them, whatever they are: never written, only compared. */
  readonly changes: unknown;
}

const savedSchema = 'mxctl/plan-file/v1';

/** The text of a plan file. */
export function formatPlanFile(proposal: Proposal): string {
  const { plan } = proposal.prepared;
  return `${JSON.stringify({ schema: savedSchema, ...plan, madeAt: new Date(plan.madeAt).toISOString() }, null, 2)}\n`;
}

/** Throws UsageError `plan-invalid` for anything that is not a plan file of ours. */
export function parsePlanFile(text: string, file: string): SavedPlan {
  const invalid = (why: string) =>
    new UsageError('plan-invalid', `${sanitise(file)} is not a plan file: ${why}`, {
      hint: 'make one with: mxctl plan ROUTE --out FILE',
    });
  let saved: unknown;
  try {
    saved = JSON.parse(text);
  } catch {
    throw invalid('not JSON');
  }
  const { schema, route, to, kind, digest, changes } = (saved ?? {}) as Record<string, unknown>;
  if (schema !== savedSchema) throw invalid(`its schema is not ${savedSchema}`);
  if (typeof route !== 'string' || typeof to !== 'string' || typeof digest !== 'string') {
    throw invalid('route, to and digest must be there');
  }
  if (kind !== 'manual' && kind !== 'raise-ttl') throw invalid('its kind is neither manual nor raise-ttl');
  return { route, to, kind, digest, changes };
}

export async function proposeSaved(saved: SavedPlan, deps: Deps, signal: AbortSignal): Promise<Proposal> {
  const [route, path] = namedBy(saved, deps);
  const recovered = await settleLeftovers(route, deps, signal);
  const [facts, held] = await gatherWithHeld(route, deps, signal);
  const current = { ...facts, live: held, match: matchLive(route, held) };
  const changes = changesTo(route, pathOf(route, path.name) ?? path, held, ttlFor(route, saved.kind));
  const prepared = await finishPlan(current, { to: path.name, kind: saved.kind, changes }, deps, signal);
  if (prepared.plan.digest !== saved.digest) {
    throw new RefusedError(
      'plan-stale',
      `the plan is stale: what is live, or the config, changed since it was made`,
      {
        hint: `nothing was changed; plan again: mxctl plan ${route.name} --to ${path.name}`,
      },
    );
  }
  if (!isSameJson(saved.changes, prepared.plan.changes)) {
    throw new RefusedError(
      'plan-invalid',
      'the changes in the plan file are not those that its digest is of',
      {
        hint: `nothing was changed; somebody edited the file. Plan again: mxctl plan ${route.name} --to ${path.name}`,
      },
    );
  }
  return { route, facts: current, prepared, recovered };
}

/** Whoever types `apply FILE` named neither: what is not there any more left the config since. */
function namedBy(saved: SavedPlan, deps: Deps): [route: Route, path: MailPath] {
  try {
    const route = routeNamed(saved.route, deps);
    return [route, pathNamed(saved.to, route)];
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const isRouteThere = deps.config.routes.has(saved.route);
    throw new RefusedError('plan-stale', `the plan is stale: ${error.message}`, {
      hint: `nothing was changed; plan again: mxctl plan ${isRouteThere ? saved.route : 'ROUTE'} --out FILE`,
      cause: error,
    });
  }
}

/** The order of keys apart: a file may have been through a formatter. */
function isSameJson(one: unknown, other: unknown): boolean {
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null)
    return one === other;
  const [ours, theirs] = [Object.entries(one), new Map(Object.entries(other))];
  return (
    Array.isArray(one) === Array.isArray(other) &&
    ours.length === theirs.size &&
    ours.every(([key, value]) => theirs.has(key) && isSameJson(value, theirs.get(key)))
  );
}
