// What a round of `auto` says. Nothing where nothing changed: cron mails any output.

import type { CycleResult, RouteOutcome } from '../app/cycle.ts';
import { isFlip } from '../model/change.ts';
import { sanitise } from '../model/text.ts';
import { actionDocument, describeOutcome } from './action.ts';
import { brakeDocument, describeBrake } from './brakes.ts';
import { formatInstant, iso } from './duration.ts';
import { planDocumentOf } from './plan.ts';
import { healthDocument } from './status-document.ts';
import { hang, wrap, type Style } from './terminal.ts';

const indent = '    ';
/** A reason with a reply of some server in it; past this it is noise. */
const longestLine = 600;

/** Lines about routes whose decision changed, that moved, or that failed; and, each time, what holds `auto` back. */
export function renderRound(result: CycleResult, style: Style): string[] {
  const head = formatInstant(result.finishedAt);
  return [
    ...[...result.troubles, ...result.brakes.map(describeBrake)].flatMap((text) =>
      wrap(`${head}  !! ${sanitise(text, longestLine)}`, style.width, indent),
    ),
    ...result.routes.flatMap((one) =>
      one.isNews && !isFirstCalm(one) ? routeLines(one, result, style) : [],
    ),
  ];
}

/** A first run that finds everything well, or only begins to watch, is no news to a person; a canary mailbox that
 *  cannot be read is: the next runs find it as the first did and say nothing more. */
function isFirstCalm({ decided, moved, recovered, error }: RouteOutcome): boolean {
  const isCalm = decided?.decision.kind === 'stay' || decided?.decision.kind === 'watch';
  if (!isCalm || decided.state.notices.length > 0) return false;
  return decided.state.runs <= 1 && moved === null && recovered.length === 0 && error === null;
}

function routeLines(outcome: RouteOutcome, { finishedAt }: CycleResult, style: Style): string[] {
  const { decided, moved, recovered } = outcome;
  const { error } = outcome;
  const lines = [
    ...recovered.map((one) => one.text),
    ...(decided?.reasons ?? []),
    ...(moved?.action == null
      ? [`decision: ${decided?.state.lastDecision ?? 'none'}`]
      : [describeOutcome(moved.action, finishedAt)]),
    ...(error === null ? [] : [`${error.message}${error.hint === null ? '' : `; ${error.hint}`}`]),
  ];
  const head = `${formatInstant(finishedAt)}  ${outcome.route}  `;
  return lines.flatMap((line, at) => {
    const text = sanitise(line, longestLine);
    return at === 0 ? wrap(head + text, style.width, indent) : hang(indent, text, style.width);
  });
}

export function roundDocument(result: CycleResult): Record<string, unknown> {
  return {
    started_at: iso(result.startedAt),
    finished_at: iso(result.finishedAt),
    probes: result.probes,
    brakes: result.brakes.map(brakeDocument),
    troubles: result.troubles,
    flips: result.routes.flatMap(({ moved }) =>
      moved?.action == null || moved.action.appliedAt === null || !isFlip(moved.action)
        ? []
        : [
            {
              route: moved.plan.route,
              from: moved.plan.from,
              to: moved.plan.to,
              at: iso(moved.action.appliedAt),
            },
          ],
    ),
    routes: result.routes.map(routeDocument),
  };
}

function routeDocument(outcome: RouteOutcome): Record<string, unknown> {
  const { decided, measurement, moved, recovered } = outcome;
  const { error } = outcome;
  return {
    route: outcome.route,
    exit_code: outcome.exitCode,
    phase: decided?.phase ?? 'unknown',
    condition: decided?.condition ?? 'unseen',
    decision: decided?.decision ?? null,
    reasons: decided?.reasons ?? [],
    active: decided?.state.activePath ?? null,
    paths: [...(measurement?.health ?? [])].map(([path, health]) => ({ path, ...healthDocument(health) })),
    recovered: recovered.map((one) => one.text),
    plan: moved === null ? null : planDocumentOf(moved.plan),
    refused_by: moved?.refusedBy ?? [],
    action: moved?.action == null ? null : actionDocument(moved.action),
    error: error === null ? null : { code: error.code, message: error.message, hint: error.hint },
  };
}
