// Checks of `doctor` on what the program remembers: the state store, when `auto` last ran here and elsewhere, and what
// is held or left open in it.

import { isUnsettled } from '../model/change.ts';
import type { Vantage } from '../model/vantage.ts';
import { formatDuration } from '../render/duration.ts';
import { fail, failureOf, type Finding, ok, type Opened, unknown, warn } from './doctor-finding.ts';
import { worstExitCode } from './outcome.ts';

/** SQLite's journal beside it grows by some MB in a run: below the first it is a matter of days, below the second of
 *  hours. Octets. */
const littleSpace = 512 * 1024 * 1024;
const noSpace = 32 * 1024 * 1024;

const sqliteScheme = 'sqlite:';

export async function checkStore(deps: Opened): Promise<Finding[]> {
  const { program, storeFault, isStoreNew, machine } = deps;
  if (storeFault !== null) return [failureOf('store', null, storeFault)];
  if (isStoreNew)
    return [
      warn('store', null, 'there is none yet', 'the first run makes it: mxctl auto --once, as its user'),
    ];
  const { location, schemaVersion, sizeBytes } = await program.store.info();
  // A row that says that we were here is what proves that rows can be written.
  await program.store.recordRun({
    id: program.newId(),
    command: 'doctor',
    startedAt: deps.startedAt,
    finishedAt: deps.clock.now(),
    exitCode: worstExitCode([]),
  });
  const size = sizeBytes === null ? '' : `, ${megabytes(sizeBytes)}`;
  const found = [ok('store', null, `${location}: schema ${schemaVersion}${size}, can be written`)];
  if (!location.startsWith(sqliteScheme)) return found;
  const file = location.slice(sqliteScheme.length);
  return [...found, ...spaceOf(file, await machine.freeBytes(file))];
}

function spaceOf(file: string, free: number | null): Finding[] {
  if (free === null || free >= littleSpace) return [];
  const text = `${megabytes(free)} free where the state store is`;
  const next = 'make room: without its journal mxctl moves nothing';
  return [free < noSpace ? fail('store', file, text, next) : warn('store', file, text, next)];
}

function megabytes(bytes: number): string {
  return `${Math.max(1, Math.round(bytes / (1024 * 1024)))} MB`;
}

/** A run may be missed, and one may be under way. */
const missedRuns = 3;

export async function checkAuto({
  program,
  config,
  clock,
  storeFault,
  isStoreNew,
}: Opened): Promise<Finding[]> {
  if (storeFault !== null) return [unknown('auto', null, 'not known without the state store')];
  const routes = [...config.routes.values()].filter((one) => one.failover.mode !== 'manual');
  const last = isStoreNew ? null : await program.store.lastRun('auto');
  const schedule = 'run it by a timer or as a service: mxctl auto --once, or mxctl auto --interval 30s';
  if (last === null) {
    if (routes.length === 0) return [ok('auto', null, 'never ran, and every route is moved by hand')];
    return [
      fail(
        'auto',
        null,
        `never ran, and ${count(routes.length, 'route')} ${routes.length === 1 ? 'waits' : 'wait'} for it`,
        schedule,
      ),
    ];
  }
  const ageMs = clock.now() - last.finishedAt;
  const text = `last run ${formatDuration(ageMs)} ago, exit code ${last.exitCode}`;
  const intervalMs = Math.max(...[...config.routes.values()].map((one) => one.probe.intervalMs));
  if (ageMs <= missedRuns * intervalMs) return [ok('auto', null, text)];
  if (routes.length === 0)
    return [warn('auto', null, `${text}: what status shows of health is old`, schedule)];
  return [fail('auto', null, `${text}, but probe.interval is ${formatDuration(intervalMs)}`, schedule)];
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}

/** Longer than any action takes: by then a run has settled it, or none came by. ms. */
const longUnsettledMs = 3_600_000;
/** Leases last a minute and are renewed; with room for clocks that differ. ms. */
const longestLeaseMs = 300_000;

export async function checkLeases({ program, clock, storeFault, isStoreNew }: Opened): Promise<Finding[]> {
  if (storeFault !== null || isStoreNew) return [];
  const now = clock.now();
  const actions = await program.store.listActions({ isUnsettled: true });
  const stuck = (await program.store.readLeases()).filter((one) => one.expiresAt > now + longestLeaseMs);
  const old = actions.filter((one) => isUnsettled(one.state) && now - one.intendedAt > longUnsettledMs);
  if (old.length + stuck.length === 0) return [ok('lease', null, 'nothing is held too long or left open')];
  const held = stuck.map(({ route, holder, expiresAt }) =>
    warn(
      'lease',
      route,
      `held by ${holder} for ${formatDuration(expiresAt - now)} more: a clock there or here runs wild`,
      `if that run is no more: mxctl state unlock ${route}`,
    ),
  );
  const open = old.map(({ plan, intendedAt }) =>
    warn(
      'lease',
      plan.route,
      `change ${plan.id} was begun ${formatDuration(now - intendedAt)} ago, and nobody knows its end`,
      `mxctl watch ${plan.id} looks and settles it`,
    ),
  );
  return [...held, ...open];
}

/** Machines that measure, and were seen so lately that they should still be at it. */
const forgottenAfterMs = 7 * 86_400_000;

export async function checkVantages(deps: Opened): Promise<Finding[]> {
  const { program, config, clock, storeFault, isStoreNew } = deps;
  if (storeFault !== null || isStoreNew) return [];
  const now = clock.now();
  const intervalMs = Math.max(0, ...[...config.routes.values()].map((one) => one.probe.intervalMs));
  const vantages = (await program.store.readVantages()).filter((one) => now - one.seenAt < forgottenAfterMs);
  const findings = vantages.flatMap((one) => vantageFault(one, now, missedRuns * intervalMs) ?? []);
  if (findings.length > 0 || vantages.length === 0) return findings;
  return [
    ok(
      'vantage',
      null,
      `${count(vantages.length, 'vantage')} at work: ${vantages.map((one) => one.name).join(', ')}`,
    ),
  ];
}

function vantageFault(vantage: Vantage, now: number, lateAfterMs: number): Finding | null {
  const { name, machine, rival, faultSince, seenAt } = vantage;
  if (rival !== null)
    return fail(
      'vantage',
      name,
      `${machine} and ${rival} both use this name`,
      'give each machine its own vantage',
    );
  if (faultSince !== null) {
    const text = `none of its references answers since ${formatDuration(now - faultSince)}: it is left out`;
    return warn('vantage', name, text, `run doctor there: ${machine}`);
  }
  if (now - seenAt <= lateAfterMs) return null;
  return warn('vantage', name, `last heard of ${formatDuration(now - seenAt)} ago`, `look after ${machine}`);
}
