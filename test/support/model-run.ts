// One history of the model: two controllers that make rounds, a third machine that measures, a person, and everything
// the scenario has in store for them. Says what the checks found.

import { AppError } from '../../src/errors.ts';
import { runCycle } from '../../src/app/cycle.ts';
import type { Deps } from '../../src/app/deps.ts';
import { executePlan } from '../../src/app/execute.ts';
import { pause, resume } from '../../src/app/pause.ts';
import { proposeMove, type Proposal } from '../../src/app/propose.ts';
import { findRollback, proposeRollback } from '../../src/app/rollback.ts';
import { desiredRrset, placesOf } from '../../src/change/published.ts';
import { personNamed } from '../../src/model/change.ts';
import { pathOf } from '../../src/model/route.ts';
import { isSameRrset, type Rrset, rrsetOf } from '../../src/model/rrset.ts';
import { depsFor, type Seam } from './model-deps.ts';
import { checkEnd } from './model-end.ts';
import { guardsBroken } from './model-guards.ts';
import { type Checks, ModelJudge, type Violation } from './model-judge.ts';
import { LeaveWatch } from './model-leave.ts';
import { ModelMachine, type ModelProcess } from './model-process.ts';
import { controllers, machines, type Mishap, type Scenario } from './model-scenario.ts';
import type { ModelDatabase } from './model-store.ts';
import { Dice, Scheduler } from './model-time.ts';
import type { ModelZones } from './model-zone.ts';
import { endAt, foreignRrset, healAt, ModelWorld, roundMs, startAt } from './model-world.ts';
import { minute } from './worlds.ts';

const never = new AbortController().signal;
/** `auto --max-runtime`. */
const longestRoundMs = 20 * minute;
/** A strike that found no action to strike in waits no longer. */
const strikeWithinMs = 40 * minute;
/** Somebody who edits a zone by mistake finds out. */
const undoneAfterMs = 20 * minute;

export interface ModelResult {
  readonly violations: readonly Violation[];
  readonly steps: number;
  readonly rounds: number;
  readonly flips: number;
}

export interface Mutation {
  readonly lay?: Seam['lay'];
  /** Invariants of which the first that is broken ends the history. */
  readonly caughtBy?: readonly string[];
}

interface Armed {
  readonly machine: number;
  readonly call: number;
  readonly until: number;
  readonly strike: () => void;
}

const checks: Checks = {
  broken: guardsBroken,
  leaving: (judge) => new LeaveWatch(judge),
  end: checkEnd,
};

export class ModelRun {
  readonly world: ModelWorld;
  readonly scheduler: Scheduler;
  readonly machines: ModelMachine[];
  readonly judge: ModelJudge;
  rounds = 0;
  readonly #dice: Dice;
  readonly #database: ModelDatabase;
  readonly #mutation: Mutation;
  readonly #living = new Map<string, ModelProcess>();
  #armed: Armed[] = [];
  #ids = 0;

  constructor(scenario: Scenario, database: ModelDatabase, mutation: Mutation = {}) {
    this.#dice = new Dice(scenario.seed);
    this.#database = database;
    this.#mutation = mutation;
    this.scheduler = new Scheduler(startAt, this.#dice);
    this.world = new ModelWorld(scenario);
    this.machines = machines.map((name, at) => {
      const machine = new ModelMachine(at, name, this.world.skewMs[at]!, this.scheduler);
      machine.onCall = (process, calls) => this.#onCall(process, calls);
      return machine;
    });
    this.judge = new ModelJudge(this.world, this.scheduler, this.machines, database.store, checks);
  }

  async play(): Promise<ModelResult> {
    this.#database.empty();
    for (const machine of this.machines) {
      this.judge.alive[machine.index]!.set(0, Infinity, true);
      const phaseMs = this.#dice.between(0, roundMs);
      this.scheduler.at(startAt + (this.#dice.chance(0.5) ? 0 : phaseMs), () => this.#boot(machine));
    }
    for (const one of this.world.scenario.mishaps)
      this.scheduler.at(startAt + one.at * minute, () => this.#strike(one));
    for (let at = startAt + minute; at < endAt; at += minute)
      this.scheduler.at(at, () => this.judge.onMinute());
    for (let at = startAt + minute; at <= endAt && !this.#isEnough(); at += minute)
      await this.scheduler.runUntil(at);
    if (!this.#isEnough()) await this.judge.finish();
    const { violations, flips } = this.judge;
    return { violations, steps: this.scheduler.steps, rounds: this.rounds, flips };
  }

  #isEnough(): boolean {
    return this.judge.violations.some((one) => this.#mutation.caughtBy?.includes(one.invariant));
  }

  #process(machine: ModelMachine, what: string): ModelProcess {
    const process = machine.start(what, this.#dice);
    this.#living.set(process.holder, process);
    return process;
  }

  #deps(process: ModelProcess): Deps {
    return depsFor(process, {
      world: this.world,
      store: this.#database.store,
      watch: this.judge,
      newId: () => `01KAJ${String(++this.#ids).padStart(21, '0')}`,
      isDeadHolder: (holder, machine) =>
        holder.startsWith(`${this.machines[machine]!.name}:`) && this.#living.get(holder)?.isAlive === false,
      lay: this.#mutation.lay ?? ((deps) => deps),
    });
  }

  /** A service that makes its rounds, or cron that starts one each time, whatever became of the last. */
  #boot(machine: ModelMachine): void {
    const isController = machine.index < controllers.length;
    if (!this.world.scenario.isCron || !isController) {
      void this.#serve(this.#process(machine, 'auto'));
      return;
    }
    const tick = (generation: ModelProcess) => {
      if (!generation.isAlive) return;
      const process = this.#process(machine, 'once');
      void this.#round(process).then(() => process.kill());
      this.scheduler.at(this.scheduler.now + roundMs, () => tick(generation));
    };
    tick(this.#process(machine, 'cron'));
  }

  async #serve(process: ModelProcess): Promise<void> {
    while (process.isAlive) {
      const next = this.scheduler.now + roundMs;
      await this.#round(process);
      await process.sleep(Math.max(0, next - this.scheduler.now), never);
    }
  }

  async #round(process: ModelProcess): Promise<void> {
    await process.thaw();
    this.rounds += 1;
    process.roundStartedAt = this.scheduler.now;
    process.calls = null;
    const ended = this.judge.onRoundStart(process);
    const late = new AbortController();
    this.scheduler.at(this.scheduler.now + longestRoundMs, () =>
      late.abort(new AppError('undecided', 'the round took too long', { exitCode: 8 })),
    );
    try {
      const result = await runCycle(this.#deps(process), late.signal);
      for (const one of result.routes) this.judge.onError(process, one.error);
      this.judge.onRound(process, result);
    } catch (error) {
      this.judge.onError(process, error);
    }
    ended();
  }

  #onCall(process: ModelProcess, calls: number | null): void {
    if (calls === null) return;
    const { now } = this.scheduler;
    const hit = this.#armed.find(
      (one) => one.machine === process.machine.index && one.call <= calls && now < one.until,
    );
    if (hit === undefined) return;
    this.#armed = this.#armed.filter((one) => one !== hit);
    hit.strike();
  }

  #strike(one: Mishap): void {
    const arm = (machine: number, call: number | null, strike: () => void) => {
      if (call === null) strike();
      else
        this.#armed.push({
          machine,
          call,
          until: Math.min(this.scheduler.now + strikeWithinMs, healAt),
          strike,
        });
    };
    switch (one.kind) {
      case 'kill':
        arm(one.machine, one.strike, () => this.#kill(one.machine, one.awaySeconds * 1000));
        return;
      case 'freeze':
        arm(one.machine, one.strike, () => this.#freeze(one.machine, one.seconds * 1000));
        return;
      case 'database':
        if (one.strike !== null)
          arm(one.machine ?? 0, one.strike, () => {
            const { now } = this.scheduler;
            this.world.failDatabase(one.machine, now, now + one.seconds * 1000, one.mode);
          });
        return;
      case 'clock':
        this.machines[one.machine]!.skewMs += one.jumpMinutes * minute;
        return;
      case 'edit':
        arm(one.machine, one.strike, () => this.#edit(one));
        return;
      case 'person':
        void this.#person(one);
        return;
      default:
    }
  }

  #kill(machine: number, awayMs: number): void {
    const { now } = this.scheduler;
    for (const process of this.#living.values()) if (process.machine.index === machine) process.kill();
    this.judge.alive[machine]!.set(now, now + awayMs, false);
    this.scheduler.at(now + awayMs, () => this.#boot(this.machines[machine]!));
  }

  #freeze(machine: number, ms: number): void {
    const { now } = this.scheduler;
    this.machines[machine]!.frozenUntil = Math.max(this.machines[machine]!.frozenUntil, now + ms);
    this.judge.alive[machine]!.set(now, now + ms, false);
  }

  #edit(mishap: Extract<Mishap, { kind: 'edit' }>): void {
    for (const zones of [this.world.zones, this.world.stillZones]) this.#editIn(zones, mishap);
  }

  #editIn(zones: ModelZones, { what, isAll, isUndone }: Extract<Mishap, { kind: 'edit' }>): void {
    const { route } = this.world;
    for (const place of placesOf(route).slice(0, isAll ? undefined : 1)) {
      const before = zones.held(place.owner, place.type)!;
      const edited = {
        foreign: foreignRrset(place.owner),
        ttl: rrsetOf(place.owner, place.type, 333, before.rdata),
        preferred: desiredRrset(route, pathOf(route, route.prefer)!, place, route.ttl)!,
        other: desiredRrset(route, pathOf(route, 'direct')!, place, route.ttl)!,
      }[what];
      const write = (rrset: Rrset) => {
        zones.edit(this.scheduler.now, rrset);
        if (zones === this.world.zones) this.judge.onEdit();
      };
      write(edited);
      if (!isUndone) continue;
      this.scheduler.at(this.scheduler.now + undoneAfterMs, () => {
        if (isSameRrset(zones.held(place.owner, place.type), edited)) write(before);
      });
    }
  }

  async #person(one: Extract<Mishap, { kind: 'person' }>): Promise<void> {
    const process = this.#process(this.machines[one.machine]!, 'person');
    process.roundStartedAt = this.scheduler.now;
    const deps = this.#deps(process);
    const by = personNamed(`kim@${process.machine.name}`);
    try {
      if (one.what === 'pause')
        await pause({ route: 'support', forMs: one.minutes * minute, by, reason: 'hands off' }, deps);
      else if (one.what === 'resume') await resume({ route: 'support', by }, deps);
      else await this.#move(one.what, one.thinkSeconds * 1000, by, process, deps);
    } catch (error) {
      this.judge.onError(process, error);
    }
  }

  async #move(
    what: 'failover' | 'rollback',
    thinkMs: number,
    by: string,
    process: ModelProcess,
    deps: Deps,
  ): Promise<void> {
    const undone = what === 'rollback' ? await findRollback(null, deps) : null;
    const proposal: Proposal =
      undone === null
        ? await proposeMove(deps.config.routes.get('support')!, null, deps, never)
        : await proposeRollback(undone, deps, never);
    await process.sleep(thinkMs, never);
    const consent = { by, reason: 'asked', overrides: [], rollbackOf: undone?.id ?? null };
    await executePlan(proposal.route, proposal.prepared, consent, deps, never);
  }
}
