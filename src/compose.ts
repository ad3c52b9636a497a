// Builds what a command needs, as late as it can: a command that reads no config loads neither zod nor SQL.

import { type Pace, systemClock, systemPace } from './runtime/clock.ts';
import { createLogger } from './runtime/logger.ts';
import type { DoctorDeps } from './app/doctor-finding.ts';
import type { Auditing, AuditingOptions, AuditResults, InitParts } from './auditing.ts';
import type { Sandbox } from './playground.ts';
import type { OpenOptions, Program } from './program.ts';
import type { Serving, Supervision, SupervisionOptions } from './serving.ts';
import type { Heartbeat } from './runtime/heartbeat.ts';
import type { HopState } from './sandbox/control.ts';
import type { TourName } from './sandbox/tours/names.ts';
import type { TourResult } from './sandbox/tours/tour.ts';
import type { StoreAdmin } from './store/store.ts';
import { keepHeapSmall } from './runtime/heap.ts';
import type { Runtime } from './runtime/run.ts';
import { listenForShutdown } from './runtime/signals.ts';

export type { Program } from './program.ts';
export type { Serving, Supervision } from './serving.ts';
export type { TourResult } from './sandbox/tours/tour.ts';
export { providerKinds } from './providers/kinds.ts';
export { hopFaults } from './sandbox/hop-fault.ts';
export { tourNames } from './sandbox/tours/names.ts';

export type { Runtime } from './runtime/run.ts';

export async function createRuntime(options: { isVerbose: boolean }): Promise<Runtime> {
  const { ulid } = await import('ulid');
  const { signal, dispose } = listenForShutdown();
  const closers: (() => Promise<void> | void)[] = [dispose];
  return {
    runId: ulid(systemClock.now()),
    clock: systemClock,
    logger: createLogger(process.stderr, options.isVerbose),
    signal,
    onClose: (close) => void closers.push(close),
    close: async () => {
      const failures: unknown[] = [];
      for (const close of closers.splice(0).reverse()) {
        try {
          await withPatience(close);
        } catch (error) {
          failures.push(error);
        }
      }
      if (failures.length > 0) throw failures[0];
    },
  };
}

/** What is closed may wait for somebody who never answers; the end of a run does not, not for longer than this; ms. */
const closePatienceMs = 10_000;

async function withPatience(close: () => Promise<void> | void): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, closePatienceMs);
  });
  try {
    await Promise.race([close(), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** JSON Schema (draft 7) of the config file. */
export async function loadConfigJsonSchema(): Promise<Record<string, unknown>> {
  const { configJsonSchema } = await import('./config/json-schema.ts');
  return configJsonSchema();
}

/** The configuration alone: opens nothing. */
export async function loadConfigFile(options: OpenOptions): Promise<Program['config']> {
  const { readConfig } = await import('./program.ts');
  return readConfig(options);
}

/** Everything a command needs that looks at the world or changes it. Closed with the runtime. */
export async function openProgram(runtime: Runtime, options: OpenOptions): Promise<Program> {
  keepHeapSmall();
  const program = await import('./program.ts');
  return program.openProgram(runtime, options);
}

/** The same for what runs unattended: its configuration can be read again. `onConfig` runs before anything is opened. */
export async function openServing(
  runtime: Runtime,
  options: OpenOptions,
  onConfig: (heartbeat: Heartbeat | null) => void,
): Promise<Serving> {
  keepHeapSmall();
  const serving = await import('./serving.ts');
  return serving.openServing(runtime, options, onConfig);
}

/** Who watches over a service, and asks how it is. */
export async function openSupervision(runtime: Runtime, options: SupervisionOptions): Promise<Supervision> {
  const serving = await import('./serving.ts');
  return serving.openSupervision(runtime, options);
}

/** Time that no clock jump moves. */
export const pace: Pace = systemPace;

/** The state store from outside, whatever its schema. Closed with the runtime. */
export async function openStateAdmin(
  runtime: Runtime,
  options: OpenOptions,
  create: boolean,
): Promise<StoreAdmin> {
  const program = await import('./program.ts');
  return program.openStateAdmin(runtime, options, create);
}

/** A mail world on loopback that stays up until the run ends. */
export async function startSandbox(runtime: Runtime, directory: string | undefined): Promise<Sandbox> {
  const playground = await import('./playground.ts');
  return playground.startSandbox(runtime, directory);
}

/** Plays a tour of the sandbox to its end; `print` gets its lines as they happen. */
export async function playTour(
  name: TourName,
  runtime: Runtime,
  print: (line: string) => void,
): Promise<TourResult> {
  const playground = await import('./playground.ts');
  return playground.playSandboxTour(name, runtime, print);
}

/** Switches a fault in a sandbox that runs in another process; the states of all hops after it. */
export async function setSandboxFault(
  directory: string,
  hop: string,
  fault: string,
): Promise<readonly HopState[]> {
  const [{ postFault }, { controlFileIn }] = await Promise.all([
    import('./sandbox/control.ts'),
    import('./sandbox/world-files.ts'),
  ]);
  return postFault(controlFileIn(directory), hop, fault);
}

/** What `doctor` stands on: whatever of it can be had. */
export async function openDiagnosis(runtime: Runtime, options: OpenOptions): Promise<DoctorDeps> {
  const [diagnosis, program] = await Promise.all([import('./diagnosis.ts'), import('./program.ts')]);
  return diagnosis.openDiagnosis(runtime, {
    readConfig: () => program.readConfig(options),
    stateUrl: program.stateUrl,
    open: (isOffline) => program.openProgram(runtime, { ...options, isOffline, mayLackStore: true }),
  });
}

/** What `audit` stands on: neither store nor provider. */
export async function openAuditing(runtime: Runtime, options: AuditingOptions): Promise<Auditing> {
  keepHeapSmall();
  const auditing = await import('./auditing.ts');
  return auditing.openAuditing(runtime, options);
}

/** Results of audits, to be read. */
export async function openAuditResults(runtime: Runtime): Promise<AuditResults> {
  const auditing = await import('./auditing.ts');
  return auditing.openAuditResults(runtime);
}

/** What `init` stands on: DNS alone. */
export async function openInit(runtime: Runtime, resolvers: readonly string[]): Promise<InitParts> {
  const auditing = await import('./auditing.ts');
  return auditing.openInit(runtime, resolvers);
}
