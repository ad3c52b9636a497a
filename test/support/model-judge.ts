// Watches a history of the model as it happens and holds it against the truth: leases, the journal, every write. Knows
// what the controllers could have known, and reads nothing that they decided by.

import type { CycleResult } from '../../src/app/cycle.ts';
import { rrsetKey } from '../../src/change/published.ts';
import { AppError } from '../../src/errors.ts';
import type { Action } from '../../src/model/change.ts';
import type { Lease } from '../../src/model/lease.ts';
import { isSameRrset } from '../../src/model/rrset.ts';
import type { ZoneChange } from '../../src/providers/provider.ts';
import type { ActionPatch, LeaseAnswer, Pause, Store } from '../../src/store/store.ts';
import type { ModelMachine, ModelProcess } from './model-process.ts';
import type { ProviderWatch } from './model-provider.ts';
import { machines } from './model-scenario.ts';
import { type Scheduler, Timeline } from './model-time.ts';
import { isDeclared, type ModelWorld } from './model-world.ts';

export interface Violation {
  readonly invariant: string;
  readonly text: string;
  /** Seconds from the start. */
  readonly at: number;
}

/** A write that took effect. */
export interface Apply {
  readonly at: number;
  readonly action: string;
  readonly process: ModelProcess;
  readonly changes: readonly ZoneChange[];
}

export interface Begun {
  readonly action: Action;
  readonly process: ModelProcess;
  readonly at: number;
  /** Start of the round that decided it. */
  readonly roundAt: number;
  /** What guards must have forbidden; told when it takes effect. */
  readonly broken: readonly (readonly [guard: string, why: string])[];
}

export interface PauseTruth {
  readonly at: number;
  until: number;
}

const route = 'support';

/** What is judged in files of their own, which read the judge. */
export interface Checks {
  /** What an intent breaks that some guard should have seen. */
  readonly broken: (
    action: Action,
    process: ModelProcess,
    judge: ModelJudge,
  ) => readonly (readonly [guard: string, why: string])[];
  readonly leaving: (judge: ModelJudge) => { look(): void };
  readonly end: (actions: readonly Action[], judge: ModelJudge) => void;
}

export class ModelJudge implements ProviderWatch {
  readonly violations: Violation[] = [];
  readonly alive = machines.map(() => new Timeline(true));
  readonly begun = new Map<string, Begun>();
  readonly applies: Apply[] = [];
  readonly pauses: PauseTruth[] = [];
  /** Tripped and not resumed by a person: when. */
  brakedSince: number | null = null;
  /** Rounds by machine, to find those that a network changed under. */
  readonly rounds: { readonly machine: number; readonly from: number; to: number }[] = [];
  readonly edits: number[] = [];
  readonly world: ModelWorld;
  readonly scheduler: Scheduler;
  readonly machines: readonly ModelMachine[];
  readonly store: Store;
  readonly #checks: Checks;
  readonly #leave: { look(): void };
  /** Set to follow a history. */
  onTrace: ((text: string) => void) | null = null;
  #token = 0;

  constructor(
    world: ModelWorld,
    scheduler: Scheduler,
    all: readonly ModelMachine[],
    store: Store,
    checks: Checks,
  ) {
    this.world = world;
    this.scheduler = scheduler;
    this.machines = all;
    this.store = store;
    this.#checks = checks;
    this.#leave = checks.leaving(this);
  }

  get now(): number {
    return this.scheduler.now;
  }

  /** Flips that took effect, oldest first. */
  get flipsApplied(): { readonly at: number; readonly action: Action }[] {
    const seen = new Set<string>();
    return this.applies.flatMap(({ at, action: id }) => {
      const action = this.begun.get(id)?.action;
      if (action === undefined || action.plan.kind === 'raise-ttl' || seen.has(id)) return [];
      seen.add(id);
      return [{ at, action }];
    });
  }

  get flips(): number {
    return this.flipsApplied.length;
  }

  trace(text: string): void {
    this.onTrace?.(`${((this.now - this.world.startedAt) / 60_000).toFixed(2).padStart(7)} ${text}`);
  }

  report(invariant: string, text: string): void {
    this.trace(`VIOLATION ${invariant}: ${text}`);
    this.violations.push({ invariant, text, at: Math.round((this.now - this.world.startedAt) / 1000) });
  }

  /** True where no clock is wrong: timing guards and pauses are measured with the clock of whoever looks. */
  get isTimely(): boolean {
    const { skews, mishaps } = this.world.scenario;
    return skews.every((one) => one === 0) && !mishaps.some((one) => one.kind === 'clock');
  }

  /** How wrong the clocks are; null where one was set since. */
  skewsOf(since: number): readonly number[] | null {
    const isSet = this.world.scenario.mishaps.some(
      (one) => one.kind === 'clock' && this.world.startedAt + one.at * 60_000 > since,
    );
    return isSet ? null : this.machines.map((one) => one.skewMs);
  }

  isPaused(at: number): boolean {
    return this.pauses.some((one) => one.at <= at && at < one.until);
  }

  onSend(process: ModelProcess, id: string): void {
    this.trace(`send  ${id.slice(-4)} ${process.holder} lease ${process.token}`);
    if (process.machine.index === machines.length - 1)
      this.report('observer', `${process.holder} only measures, and writes`);
    // Whoever stands still between its last check and the write is held by compare-and-set alone.
    const isAwake = this.alive[process.machine.index]!.holds(process.askedAt, this.now, (one) => one);
    if (isAwake && process.token < this.#token)
      this.report(
        'one-writer',
        `${process.holder} writes ${id} under lease ${process.token}, ${this.#token} was given`,
      );
  }

  onApply(process: ModelProcess, id: string, changes: readonly ZoneChange[]): void {
    const begun = this.begun.get(id);
    if (begun === undefined) {
      this.report('journal', `${process.holder} wrote ${id}, which the journal does not know`);
      return;
    }
    this.trace(
      `apply ${describe(begun)} ${changes.map((one) => `${one.owner} ${one.desired?.rdata.join() ?? ''}`).join(' ')}`,
    );
    const isFirst = !this.applies.some((one) => one.action === id);
    this.applies.push({ at: this.now, action: id, process, changes });
    if (isFirst) for (const [guard, why] of begun.broken) this.report(guard, `${describe(begun)}: ${why}`);
    for (const change of changes) this.#checkWritten(change, begun);
  }

  #checkWritten(change: ZoneChange, begun: Begun): void {
    const key = rrsetKey(change.owner, change.type);
    const versions = this.world.zones.versions.get(key)!;
    const [before, after] = versions.slice(-2);
    const planned = begun.action.plan.changes.find((one) => rrsetKey(one.owner, one.type) === key);
    if (planned === undefined || !isSameRrset(before!.rrset, planned.expected))
      this.report('foreign', `${describe(begun)} wrote over what it was not made from at ${key}`);
    if (after!.rrset === null || after!.rrset.rdata.length === 0) {
      this.report('empty', `${describe(begun)} left ${key} empty`);
      return;
    }
    const isRestored =
      begun.action.plan.kind === 'rollback' &&
      versions.some((one) => one !== after && isSameRrset(one.rrset, after!.rrset));
    if (!isRestored && !isDeclared(this.world.route, after!.rrset))
      this.report(
        'declared',
        `${describe(begun)} published what no path is: ${after!.rrset.rdata.join()} ${after!.rrset.ttl}`,
      );
    const writes = this.applies.filter(
      (one) =>
        one.action === begun.action.id &&
        one.changes.some((other) => rrsetKey(other.owner, other.type) === key),
    );
    if (writes.length > 1) this.report('history', `${describe(begun)} was written ${writes.length} times`);
  }

  onEdit(): void {
    this.trace('edit');
    this.edits.push(this.now);
  }

  readonly onStore = (
    process: ModelProcess,
    method: string,
    args: readonly unknown[],
    result: unknown,
  ): void => {
    switch (method) {
      case 'acquireLease': {
        const answer = result as LeaseAnswer;
        if (args[0] !== route || answer.outcome !== 'held') return;
        if (answer.lease.token <= this.#token)
          this.report('fencing', `token ${answer.lease.token} was given after ${this.#token}`);
        this.#token = Math.max(this.#token, answer.lease.token);
        process.calls = 0;
        process.leasedAt = this.now;
        process.token = answer.lease.token;
        return;
      }
      case 'beginAction':
        this.#onBegin(args[0] as Action, args[1] as Lease, process);
        return;
      case 'updateAction':
        this.#onUpdate(args[0] as string, args[1] as ActionPatch, args[2] as Lease);
        return;
      case 'setPause':
        // One a route: who pauses again says anew until when.
        for (const one of this.pauses) one.until = Math.min(one.until, this.now);
        this.pauses.push({
          at: this.now,
          until: this.now + (args[0] as Pause).until - (args[0] as Pause).at,
        });
        return;
      case 'clearPause':
        for (const one of this.pauses) one.until = Math.min(one.until, this.now);
        return;
      case 'writeHealth':
        this.#onCounters(process, args[0] as readonly unknown[]);
        return;
      case 'tripBrake':
        this.brakedSince ??= this.now;
        return;
      case 'releaseBrakes':
        this.brakedSince = null;
        return;
      default:
    }
  };

  #onBegin(action: Action, lease: Lease, process: ModelProcess): void {
    if (lease.token < this.#token)
      this.report('fencing', `an intent under lease ${lease.token}, ${this.#token} was given`);
    const broken = this.#checks.broken(action, process, this);
    this.trace(
      `begin ${action.plan.kind} ${action.plan.from ?? '?'}->${action.plan.to ?? '?'} ${action.id.slice(-4)} ${process.holder}`,
    );
    this.begun.set(action.id, { action, process, at: this.now, roundAt: process.roundStartedAt, broken });
  }

  /** What a machine saw whose network was gone says nothing about any hop. */
  #onCounters(process: ModelProcess, rows: readonly unknown[]): void {
    const net = this.world.nets[process.machine.index]!;
    if (rows.length > 0 && net.holds(process.roundStartedAt, this.now, (state) => state === 'blocked'))
      this.report('cut-off', `${process.holder} counts what it saw without a network`);
  }

  #onUpdate(id: string, patch: ActionPatch, lease: Lease): void {
    if (lease.token < this.#token)
      this.report('fencing', `the journal took lease ${lease.token}, ${this.#token} was given`);
    const begun = this.begun.get(id);
    if (begun === undefined) return;
    const was = begun.action.state;
    this.trace(`state ${id.slice(-4)} ${was} -> ${patch.state ?? was} ${patch.changeStates?.join() ?? ''}`);
    const isEnded = ['failed', 'conflict', 'partial', 'cleared'].includes(was);
    // What was given up may arrive late.
    const isLate = was === 'failed' && patch.state === 'applied';
    if (isEnded && !isLate && patch.state !== undefined && patch.state !== was)
      this.report('journal', `${describe(begun)} went from ${was} to ${patch.state}`);
    this.begun.set(id, { ...begun, action: { ...begun.action, ...patch } });
  }

  onRoundStart(process: ModelProcess): () => void {
    const round = { machine: process.machine.index, from: this.now, to: Infinity };
    this.rounds.push(round);
    return () => {
      round.to = this.now;
    };
  }

  /** Expected failures have codes; a bug has `bug`, or none. */
  onError(process: ModelProcess, error: unknown): void {
    if (error !== null) this.trace(`error ${process.holder}: ${textOf(error)}`);
    if (error === null || (error instanceof AppError && error.code !== 'bug' && error.exitCode !== 1)) return;
    const text = error instanceof Error ? (error.stack ?? '') : textOf(error);
    this.report('bug', `${process.holder}: ${text}`);
  }

  onRound(process: ModelProcess, result: CycleResult): void {
    for (const { decided } of result.routes)
      this.trace(
        `round ${process.holder} ${decided?.phase ?? ''} ${decided?.condition ?? ''} ${decided?.decision.kind ?? ''}: ${decided?.reasons.join('; ') ?? ''}`,
      );
    if (process.machine.index !== machines.length - 1) return;
    if (result.routes.some((one) => one.moved !== null))
      this.report('observer', 'a machine that only measures moved');
  }

  onMinute(): void {
    this.#leave.look();
  }

  async finish(): Promise<void> {
    const actions = await this.store.listActions({ route });
    this.#checks.end(actions, this);
  }
}

export function describe({ action, at, roundAt, process }: Begun): string {
  const { kind, from, to } = action.plan;
  return `${kind} ${from ?? '?'}->${to ?? '?'} by ${process.holder} (${action.id.slice(-4)}, round ${Math.round((at - roundAt) / 1000)} s old)`;
}

const textOf = (error: unknown) => (error instanceof Error ? error.message : JSON.stringify(error));
