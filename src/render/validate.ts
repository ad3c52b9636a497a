// The recovery budget of every route, slowest last. Routes that share a budget share a line, so that a thousand of one
// policy are as readable as one.

import type { RouteBudget, Validation } from '../app/validate.ts';
import { formatDuration } from './duration.ts';
import { renderTable } from './table.ts';
import { truncate, wrap, type Style } from './terminal.ts';

/** With what stands around them still a screen of 24. */
const mostLines = 12;
/** What the other columns leave of 80. */
const nameWidth = 26;

export function renderValidation(validation: Validation, style: Style): string[] {
  const groups = groupAlike(validation.routes);
  const shown = groups.slice(-mostLines);
  const hidden = groups.slice(0, groups.length - shown.length).flat().length;
  return [
    validation.configFile,
    ...(hidden === 0 ? [] : [`${count(hidden, 'faster route')} not shown; all: mxctl validate --json`]),
    ...renderTable(
      [
        { header: 'ROUTE' },
        { header: 'MODE' },
        ...['DETECT', 'WRITE', 'OLD TTL', 'IN ALL'].map((header) => ({ header, align: 'right' as const })),
        { header: 'KNOB' },
      ],
      shown.map(rowOf),
      style,
    ),
    ...wrap(
      'IN ALL is the longest from fault to mail on another path: noticing it, writing, and the old TTL in caches. ' +
        "KNOB moves it most. Senders' own retries come on top" +
        (validation.routes.some((one) => one.mode !== 'auto')
          ? ', and where MODE is not auto the time until a person decides.'
          : '.'),
      style.width,
    ),
    ...silence(validation.routes).flatMap((text) => wrap(text, style.width)),
    ...wrap(summary(validation.routes, groups), style.width, '    '),
  ];
}

/** Routes of one mode and one budget together; the slowest group last. */
function groupAlike(routes: readonly RouteBudget[]): RouteBudget[][] {
  const groups = Map.groupBy(routes, ({ mode, budget }) => JSON.stringify([mode, budget]));
  return [...groups.values()].sort((a, b) => total(a) - total(b));
}

function total(group: readonly RouteBudget[]): number {
  return group[0]?.budget.totalSeconds ?? 0;
}

function rowOf(group: readonly RouteBudget[]): string[] {
  const [first] = group;
  if (first === undefined) return [];
  const { budget, mode, route } = first;
  const more = group.length === 1 ? '' : ` +${group.length - 1}`;
  return [
    truncate(route, nameWidth - more.length) + more,
    mode,
    seconds(budget.detectSeconds),
    seconds(budget.writeSeconds),
    seconds(budget.ttlSeconds),
    seconds(budget.totalSeconds),
    budget.knob,
  ];
}

/** What a hop that answers 250 and holds or loses the mail costs: no other part of the budget knows of it. */
function silence(routes: readonly RouteBudget[]): string[] {
  const told = routes.flatMap(({ route, budget }) =>
    budget.silent === null ? [] : [{ route, ...budget.silent }],
  );
  const [slowest] = told.toSorted((a, b) => b.totalSeconds - a.totalSeconds);
  const without = routes.length - told.length;
  if (routes.length === 0) return [];
  if (slowest === undefined)
    return ['Mail that a hop accepts and then holds or loses goes unnoticed: no route has a canary.'];
  const which = told.length === 1 ? '' : `; slowest: ${slowest.route}`;
  return [
    `Mail that a hop accepts and then holds or loses is noticed within ${seconds(slowest.detectSeconds)} by canaries ` +
      `(every + delayed_after + a run; knob ${slowest.knob}), in all ${seconds(slowest.totalSeconds)}${which}.` +
      (without === 0 ? '' : ` Never where there are none: ${count(without, 'route')}.`),
  ];
}

function summary(routes: readonly RouteBudget[], groups: readonly RouteBudget[][]): string {
  const slowest = groups.at(-1)?.[0];
  if (slowest === undefined) return 'ok: no routes';
  const within = seconds(slowest.budget.totalSeconds);
  return routes.length === 1
    ? `ok: 1 route, recovers within ${within}`
    : `ok: ${routes.length} routes recover within ${within}; slowest: ${slowest.route}`;
}

/** Rounded up to the units that are shown: a bound is never told shorter than it is. */
function seconds(value: number): string {
  const unit = value >= 86_400 ? 3600 : value >= 3600 ? 60 : 1;
  return formatDuration(Math.ceil(value / unit) * unit * 1000);
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}

export function validationDocument({ configFile, routes, providers }: Validation): Record<string, unknown> {
  return {
    config: configFile,
    providers: providers.map(({ name, type, isBuilt }) => ({ name, type, built: isBuilt })),
    routes: routes.map(({ route, mode, domains, budget }) => ({
      route,
      mode,
      domains,
      recovery: {
        detect_seconds: budget.detectSeconds,
        write_seconds: budget.writeSeconds,
        ttl_seconds: budget.ttlSeconds,
        total_seconds: budget.totalSeconds,
        biggest: budget.biggest,
        knob: budget.knob,
        silent:
          budget.silent === null
            ? null
            : {
                detect_seconds: budget.silent.detectSeconds,
                total_seconds: budget.silent.totalSeconds,
                knob: budget.silent.knob,
              },
      },
    })),
  };
}
