// Joins the sandbox's world to the real program: the same config, store, probe, provider and cycle as in production,
// pointed at loopback. Imported by compose.ts when `mxctl sandbox` needs it.

import { rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { CycleResult } from './app/cycle.ts';
import { AppError } from './errors.ts';
import { noteReplayed } from './app/incident.ts';
import { runRound } from './app/rounds.ts';
import { startTeam, stateFileName } from './playground-team.ts';
import { openProgram, type Program } from './program.ts';
import type { Runtime } from './runtime/run.ts';
import { tourPlans } from './sandbox/tours/plans.ts';
import { playTour } from './sandbox/tours/play.ts';
import type { TourName } from './sandbox/tours/names.ts';
import type { CanaryTiming } from './sandbox/tours/timing.ts';
import type { Controller, CycleReport, TourResult } from './sandbox/tours/tour.ts';
import { startWorld, type World } from './sandbox/world.ts';

export interface Sandbox {
  readonly world: World;
  readonly configFile: string;
}

/** A world with a config file and an empty state store, closed with the runtime. In a temporary directory unless
 *  one is given. */
export async function startSandbox(
  runtime: Runtime,
  directory: string | undefined,
  canaries: boolean | CanaryTiming = true,
): Promise<Sandbox> {
  const world = await startWorld({
    clock: runtime.clock,
    ...(directory === undefined ? {} : { directory: resolve(directory) }),
  });
  runtime.onClose(() => world.close());
  const configFile = join(world.directory, 'mxctl.yaml');
  const stateFile = join(world.directory, stateFileName);
  for (const suffix of ['', '-wal', '-shm']) await rm(stateFile + suffix, { force: true });
  await writeFile(configFile, world.configYaml({ stateFile, canaries }));
  return { world, configFile };
}

/** Plays one tour against the real cycle, in this process but for controllers that are to be killed. */
export async function playSandboxTour(
  name: TourName,
  runtime: Runtime,
  print: (line: string) => void,
): Promise<TourResult> {
  const { world, configFile } = await startSandbox(runtime, undefined, tourPlans[name].canaries);
  const program = await openProgram(runtime, { configFile });
  const controller = tourPlans[name].kills ? await startTeam(world, program, runtime) : controllerOf(program);
  return playTour(tourPlans[name], { world, controller, print }, runtime.signal);
}

function controllerOf(program: Program): Controller {
  return {
    runOnce: async (signal) => reportOf(await runRound(program, signal)),
    replayed: async (route, path) => {
      const reason = 'the tour replayed them';
      try {
        const { canaries } = await noteReplayed({ route, path, by: program.person, reason }, program);
        return canaries.map((one) => one.token);
      } catch (error) {
        // The tour says what is wrong with that.
        if (error instanceof AppError && error.code === 'nothing-owed') return [];
        throw error;
      }
    },
  };
}

function reportOf({ routes }: CycleResult): CycleReport {
  return {
    decisions: routes.flatMap(({ route, decided, error, recovered }) => [
      ...recovered.filter((one) => one.isNews).map(({ text }) => ({ route, text })),
      ...(decided === null
        ? []
        : [{ route, text: `${decided.state.lastDecision}: ${decided.reasons.join('; ')}` }]),
      ...(error === null ? [] : [{ route, text: error.message }]),
    ]),
    flips: routes.flatMap(({ moved }) => {
      const { action = null, plan } = moved ?? {};
      if (action?.appliedAt == null || plan === undefined || plan.kind === 'raise-ttl') return [];
      return [{ route: plan.route, from: plan.from ?? '', to: plan.to ?? '', at: action.appliedAt }];
    }),
  };
}
