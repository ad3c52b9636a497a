// Is this machine fit to watch and to move mail? Every check looks at one thing, bounded, and says what to type next.
// Changes no DNS and takes no lease; the state store gets one row, which proves that it can be written. With a broken
// configuration it says so and looks at what needs none.

import { AppError, exitCodes, type ExitCode } from '../errors.ts';
import { sanitise } from '../model/text.ts';
import {
  type CheckName,
  type DoctorDeps,
  failureOf,
  type Finding,
  type Opened,
  unknown,
} from './doctor-finding.ts';
import { checkConfig, checkFiles, checkNode } from './doctor-machine.ts';
import { checkEhlo, checkFamilies, checkPort25 } from './doctor-mail.ts';
import { checkAuto, checkLeases, checkStore, checkVantages } from './doctor-memory.ts';
import { checkClock, checkResolvers } from './doctor-network.ts';
import { checkProviders, checkRecovery, checkRivals } from './doctor-routes.ts';
import { worstExitCode } from './outcome.ts';

export interface Diagnosis {
  readonly vantage: string;
  readonly at: number;
  /** In the order of the checks. */
  readonly findings: readonly Finding[];
  readonly exitCode: ExitCode;
}

/** Longer than any of its questions with their second tries; a check that is not through by then says so. ms. */
const longestCheckMs = 20_000;

type Check = readonly [name: CheckName, run: (deps: Opened, signal: AbortSignal) => Promise<Finding[]>];

const checks: readonly Check[] = [
  ['files', checkFiles],
  ['store', checkStore],
  ['auto', checkAuto],
  ['vantage', checkVantages],
  ['lease', checkLeases],
  ['clock', checkClock],
  ['resolver', checkResolvers],
  ['port-25', checkPort25],
  ['families', checkFamilies],
  ['ehlo', checkEhlo],
  ['provider', checkProviders],
  ['rivals', checkRivals],
  ['recovery', checkRecovery],
];

export async function diagnose(
  deps: DoctorDeps,
  signal: AbortSignal,
  limitMs = longestCheckMs,
): Promise<Diagnosis> {
  const { config, program } = deps;
  const rest =
    config === null || program === null
      ? [notOpened(deps)]
      : await Promise.all(
          checks.map((check) => bounded(check, { ...deps, config, program }, signal, limitMs)),
        );
  const findings = [...checkConfig(deps), ...checkNode(deps.machine), ...rest.flat()];
  return {
    vantage: config?.vantage ?? deps.machine.hostname,
    at: deps.startedAt,
    findings: findings.map((one) => ({ ...one, text: sanitise(one.text, longestText) })),
    exitCode: worstExitCode(
      findings.flatMap((one) => (one.status === 'fail' ? (one.exitCode ?? exitCodes.found) : [])),
    ),
  };
}

/** Some lines of a screen. */
const longestText = 600;

/** A secret of the store's url cannot be read: no program, though the configuration is sound. */
function notOpened({ config, storeFault }: DoctorDeps): Finding[] {
  if (storeFault !== null) return [failureOf('store', null, storeFault)];
  if (config !== null) return [];
  return [unknown('store', null, 'not looked at, like everything else that the configuration names')];
}

/** No check holds up the rest, and a bug in one is not the end of all. */
async function bounded(
  [name, run]: Check,
  deps: Opened,
  signal: AbortSignal,
  limitMs: number,
): Promise<Finding[]> {
  const limit = new AbortController();
  const late = Promise.withResolvers<Finding[]>();
  const timer = setTimeout(() => {
    late.resolve([unknown(name, null, `not found out within ${limitMs / 1000} s`)]);
    limit.abort(new AppError('undecided', 'the check took too long'));
  }, limitMs);
  const within = AbortSignal.any([signal, limit.signal]);
  try {
    return await Promise.race([attempt(name, () => run(deps, within), signal, within), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function attempt(
  name: CheckName,
  run: () => Promise<Finding[]>,
  signal: AbortSignal,
  within: AbortSignal,
): Promise<Finding[]> {
  try {
    return await run();
  } catch (error) {
    if (signal.aborted) throw error;
    if (within.aborted) return [];
    const said = error instanceof Error ? error.message : String(error);
    return [unknown(name, null, `the check itself failed: ${said}`)];
  }
}
