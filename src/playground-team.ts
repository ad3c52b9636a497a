// The controllers of the tour two-controllers: the real program as processes of their own, `auto` twice and a third
// that only looks, all on one state store. Says which of them is at a move, so that the tour can kill it there.

import { type ChildProcess, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { AppError } from './errors.ts';
import { autoNamed, isFlip } from './model/change.ts';
import { sanitise } from './model/text.ts';
import type { Deps } from './app/deps.ts';
import type { Runtime } from './runtime/run.ts';
import { routeName } from './sandbox/map.ts';
import { gistOf } from './sandbox/tours/summary.ts';
import type { Controller, CycleReport, Flip } from './sandbox/tours/tour.ts';
import type { World } from './sandbox/world.ts';

/** Two that may act and one that only looks: with one of them dead, two still agree. */
const members = [
  { name: 'alpha', command: 'auto' },
  { name: 'beta', command: 'auto' },
  { name: 'gamma', command: 'observe' },
] as const;
const quorum = 2;
/** Rounds a second apart are fresh for fifteen: three processes that start at once on a small machine need some. */
const intervalSeconds = 5;
/** A round takes a second or two; a process that says nothing for so long has stopped; ms. */
const longestRoundMs = 20_000;
/** For the end of a round and of its lease; ms. */
const graceMs = 5000;
export const stateFileName = 'state.sqlite';
/** Of what a process said before it ended. */
const maxErrorText = 2000;
/** Node ends the process when the tour that started it is gone, however that ended. */
const endWithTour = `data:text/javascript,process.once('disconnect',()=>process.exit(130))`;

/** What a round says of one route; the lines of `auto --json` as far as the tour reads them. */
interface Said {
  readonly name: string;
  readonly route: string;
  readonly text: string;
}

/** One process. */
class Member {
  readonly name: string;
  readonly #command: string;
  readonly #config: string;
  #child: ChildProcess | null = null;
  #said: Said[] = [];
  #rounds = 0;
  #heard = 0;
  #isKilled = false;
  #errors = '';
  #wake: (() => void) | null = null;

  constructor(name: string, command: string, config: string) {
    this.name = name;
    this.#command = command;
    this.#config = config;
  }

  get isAlive(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  start(): void {
    this.#isKilled = false;
    const [node, script = ''] = process.argv;
    const program = [this.#command, '--interval', '1s', '--json', '--config', this.#config];
    const child = spawn(node ?? process.execPath, ['--import', endWithTour, script, ...program], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#child = child;
    if (child.stdout !== null) createInterface(child.stdout).on('line', (line) => this.#hear(line));
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#errors = `${this.#errors}${chunk.toString()}`.slice(-maxErrorText);
    });
    child.on('exit', () => this.#wake?.());
  }

  kill(): void {
    this.#isKilled = true;
    this.#child?.kill('SIGKILL');
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child === null || !this.isAlive) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), graceMs);
    await ended;
    clearTimeout(late);
  }

  /** What it said since the last call, at the end of its next round; at once where it is dead. Throws AppError where it
   *  ended by itself or says nothing. */
  async nextRound(): Promise<readonly Said[]> {
    if (this.#rounds === this.#heard && this.isAlive) {
      await new Promise<void>((resolve) => {
        const late = setTimeout(resolve, longestRoundMs);
        this.#wake = () => {
          clearTimeout(late);
          resolve();
        };
      });
      if (this.#rounds === this.#heard && !this.#isKilled) throw this.#silence();
    }
    this.#heard = this.#rounds;
    return this.#said.splice(0);
  }

  #silence(): AppError {
    const last = sanitise(this.#errors.trim(), maxErrorText);
    const what = this.isAlive ? `said nothing for ${longestRoundMs / 1000} s` : 'ended by itself';
    return new AppError('bug', `the controller ${this.name} ${what}${last === '' ? '' : `: ${last}`}`, {});
  }

  #hear(line: string): void {
    const said = saidIn(JSON.parse(line), this.name);
    if (said === null) return;
    this.#rounds += 1;
    this.#said.push(...said);
    this.#wake?.();
  }
}

/** A line of `auto --json`, as far as the tour reads it. */
interface Round {
  readonly missed?: { readonly message: string };
  readonly routes?: readonly {
    readonly route: string;
    readonly recovered: readonly string[];
    readonly decision: { readonly kind: string } | null;
    readonly reasons: readonly string[];
    readonly error: { readonly message: string } | null;
  }[];
}

/** Null where the line is not about a round: the last one is about the run. */
function saidIn(line: unknown, name: string): Said[] | null {
  // Our own program, of the same build.
  const { missed, routes } = line as Round;
  if (missed !== undefined) return [{ name, route: routeName, text: `round missed: ${missed.message}` }];
  if (routes === undefined) return null;
  return routes.flatMap(({ route, recovered, decision, reasons, error }) =>
    [
      ...recovered,
      ...(decision === null ? [] : [`${decision.kind}: ${reasons.join('; ')}`]),
      ...(error === null ? [] : [error.message]),
    ].map((text) => ({ name, route, text })),
  );
}

/** Starts the three, which end with the runtime; `store` is the one that they share. */
export async function startTeam(
  world: World,
  { store }: Pick<Deps, 'store'>,
  runtime: Runtime,
): Promise<Controller> {
  const team = await Promise.all(
    members.map(async ({ name, command }) => {
      const configFile = join(world.directory, `${name}.yaml`);
      const stateFile = join(world.directory, stateFileName);
      const options = {
        stateFile,
        mode: 'auto',
        vantage: name,
        quorum,
        intervalSeconds,
        canaries: false,
      } as const;
      await writeFile(configFile, world.configYaml(options));
      return new Member(name, command, configFile);
    }),
  );
  runtime.onClose(async () => {
    await Promise.all(team.map((one) => one.stop()));
  });
  for (const one of team) one.start();
  return controllerOver(team, store);
}

/** Drops what a controller has said before, and tells together what several say. */
function newsFilter(): (said: readonly Said[]) => CycleReport['decisions'] {
  const last = new Map<string, string>();
  return (said) => {
    const news = said.filter(({ name, text }) => {
      const gist = gistOf(text);
      const isNew = last.get(name) !== gist;
      last.set(name, gist);
      return isNew;
    });
    return [...Map.groupBy(news, (one) => one.text)].map(([text, voices]) => {
      const names = [...new Set(voices.map((one) => one.name))];
      return { route: `${routeName} by ${names.join(', ')}`, text };
    });
  };
}

function controllerOver(team: readonly Member[], store: Deps['store']): Controller {
  let killed: Member | null = null;
  let toldAt = 0;
  const newsOf = newsFilter();
  return {
    runOnce: async (): Promise<CycleReport> => {
      const rounds = await Promise.all(team.map((one) => one.nextRound()));
      // From the journal: a controller that was killed tells of no move.
      const actions = (await store.listActions({ route: routeName })).toReversed();
      const flips = actions.flatMap((one): Flip[] => {
        const { from, to } = one.plan;
        if (!isFlip(one) || one.appliedAt === null || one.appliedAt <= toldAt) return [];
        return [{ route: routeName, from: from ?? '?', to: to ?? '?', at: one.appliedAt }];
      });
      toldAt = Math.max(toldAt, ...flips.map((one) => one.at));
      return { decisions: newsOf(rounds.flat()), flips };
    },
    killMover: async () => {
      const [action] = await store.listActions({ route: routeName, limit: 1 });
      const mover = team.find((one) => action?.by === autoNamed(one.name));
      if (mover === undefined) throw new AppError('bug', 'DNS was changed, and no controller meant to', {});
      killed = mover;
      mover.kill();
      return mover.name;
    },
    revive: () => killed?.start(),
    journal: async () =>
      (await store.listActions({ route: routeName })).toReversed().map((one) => ({
        from: one.plan.from ?? '?',
        to: one.plan.to ?? '?',
        state: one.state,
        by: one.by,
        isFlip: isFlip(one),
      })),
  };
}
