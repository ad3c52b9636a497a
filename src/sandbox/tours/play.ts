// Plays a tour: warm up, break something, let the controller work, heal, let it come back, count every letter. Real
// time by the world's clock, bounded. It never moves DNS itself; that is the controller's part.

import { parseMx } from '../../model/mx.ts';
import { mailDomain, recipient, shortName } from '../map.ts';
import type { World } from '../world.ts';
import { tourHeadlines } from './names.ts';
import { summaryLines, wrapLine } from './summary.ts';
import type { Controller, Flip, TourFacts, TourPlan, TourResult } from './tour.ts';

export interface PlayOptions {
  readonly world: World;
  readonly controller: Controller;
  readonly print: (line: string) => void;
  /** From the start of a cycle to the start of the next; ms. */
  readonly intervalMs?: number;
}

/** A real cycle every second: a tour compresses a minute's cron job to that. */
const defaultIntervalMs = 1000;
/** Three passes make an unknown hop up; one more, because the first cycle also opens its store. */
const warmUpCycles = 4;
/** A tour that is meant to stay where it is shows that for so many cycles. */
const steadyCycles = 6;
/** Longest waits of each part, in cycles; together with the deadline they keep a tour under a minute. */
const maxCycles = { detect: 12, drain: 16, back: 20, settle: 10 } as const;
/** A tour promises to end within a minute; the rest is for counting. */
const deadlineMs = 52_000;
const countingMs = 5000;

/** One play of one tour. Rejects only with the reason of `signal`, or with what the controller threw. */
export async function playTour(
  plan: TourPlan,
  options: PlayOptions,
  signal: AbortSignal,
): Promise<TourResult> {
  const play = new Play(plan, options, signal);
  try {
    return await play.run();
  } finally {
    await options.world.sender.stop();
  }
}

class Play {
  readonly #plan: TourPlan;
  readonly #options: PlayOptions;
  readonly #signal: AbortSignal;
  readonly #world: World;
  readonly #startedAt: number;
  readonly #timeline: { at: number; text: string }[] = [];
  readonly #flips: Flip[] = [];
  readonly #said: string[] = [];
  readonly #lastWords = new Map<string, string>();
  #faultAt: number | null = null;
  #mostQueued = 0;

  constructor(plan: TourPlan, options: PlayOptions, signal: AbortSignal) {
    this.#plan = plan;
    this.#options = options;
    this.#signal = signal;
    this.#world = options.world;
    this.#startedAt = options.world.clock.now();
  }

  async run(): Promise<TourResult> {
    const { print } = this.#options;
    for (const line of wrapLine(`Tour ${this.#plan.name}: ${tourHeadlines[this.#plan.name]}`, '  '))
      print(line);
    this.#tell(`letters to ${recipient} set out; MX ${this.#published()}`);
    this.#world.sender.start();
    await this.#cycles(warmUpCycles, () => false);
    await this.#break();
    if (this.#plan.outcome === 'flips') await this.#leaveAndDrain();
    else await this.#cycles(steadyCycles, () => false);
    await this.#heal();
    if (this.#plan.outcome === 'flips') await this.#comeBack();
    else await this.#cycles(warmUpCycles, () => false);
    return this.#count();
  }

  async #break(): Promise<void> {
    const { fault } = this.#plan;
    this.#faultAt = this.#world.clock.now();
    if (fault === 'cut-off') {
      this.#world.cutOffController();
      this.#tell('!! the controller is cut off from every hop; the sender is not');
      return;
    }
    for (const [hop, word] of Object.entries(fault)) await this.#world.setFault(hop, word);
    this.#tell(`!! ${this.#faults()}`);
  }

  async #heal(): Promise<void> {
    const { fault } = this.#plan;
    if (fault === 'cut-off') this.#world.reconnectController();
    else for (const hop of Object.keys(fault)) await this.#world.setFault(hop, 'ok');
    this.#tell('healed');
  }

  async #leaveAndDrain(): Promise<void> {
    await this.#cycles(maxCycles.detect, () => this.#flips.length > 0);
    const left = this.#world.sender.deferred;
    // Drained counts only when no cache can send anything back into the queue.
    const isDrained = () =>
      this.#world.sender.deferred === 0 && this.#world.clock.now() >= (this.#clearAt() ?? 0);
    await this.#cycles(maxCycles.drain, isDrained);
    const still = this.#world.sender.deferred;
    if (still > 0) this.#tell(`${still} letters still wait`);
    else
      this.#tell(
        left > 0 ? `queue drained: the ${left} letters that waited are delivered` : 'every cache is clear',
      );
  }

  async #comeBack(): Promise<void> {
    const before = this.#flips.length;
    await this.#cycles(maxCycles.back, () => this.#flips.length > before);
    // The probation ends with the normal TTL.
    await this.#cycles(maxCycles.settle, () => this.#ttl() === this.#world.ttl);
  }

  /** Runs cycles, an interval apart, until the condition holds after one of them, or time is up. */
  async #cycles(most: number, isDone: () => boolean): Promise<void> {
    const { clock } = this.#world;
    for (let cycle = 0; cycle < most; cycle++) {
      this.#signal.throwIfAborted();
      const beganAt = clock.now();
      if (beganAt - this.#startedAt >= deadlineMs) return;
      const report = await this.#options.controller.runOnce(this.#signal);
      for (const { route, text } of report.decisions) this.#hear(route, text);
      for (const flip of report.flips) this.#onFlip(flip);
      this.#mostQueued = Math.max(this.#mostQueued, this.#world.sender.deferred);
      const intervalMs = this.#options.intervalMs ?? defaultIntervalMs;
      await clock.sleep(Math.max(0, beganAt + intervalMs - clock.now()), this.#signal);
      if (isDone()) return;
    }
  }

  #hear(route: string, text: string): void {
    if (this.#faultAt !== null) this.#said.push(text);
    if (this.#lastWords.get(route) === text) return;
    this.#lastWords.set(route, text);
    this.#tell(`${route}: ${text}`);
  }

  #onFlip(flip: Flip): void {
    this.#flips.push(flip);
    const after = this.#flips.length === 1 ? this.#flippedAfterMs() : null;
    const since = after === null ? '' : `, ${(after / 1000).toFixed(1)} s after the fault`;
    this.#tell(`>> ${flip.route} moved: ${flip.from} -> ${flip.to}${since}; MX ${this.#published()}`);
    const queued = this.#world.sender.deferred;
    if (queued > 0)
      this.#tell(`${queued} ${queued === 1 ? 'letter waits' : 'letters wait'} in the sender's queue`);
  }

  #tell(text: string): void {
    const at = this.#world.clock.now();
    this.#timeline.push({ at, text });
    const moment = `+${((at - this.#startedAt) / 1000).toFixed(1)}s`.padStart(8);
    for (const line of wrapLine(`${moment}  ${text}`, ' '.repeat(12))) this.#options.print(line);
  }

  #faults(): string {
    const faulty = this.#world.hopStates().filter((one) => one.fault !== 'ok');
    return faulty.map((one) => `${one.name} ${one.fault}`).join(', ');
  }

  #published(): string {
    const rrset = this.#world.data.rrset(mailDomain, 'MX');
    const mx = (rrset?.rdata ?? []).map(parseMx).filter((one) => one !== null);
    return `${mx.map((one) => shortName(one.exchange)).join(', ')} (TTL ${rrset?.ttl ?? 0} s)`;
  }

  #ttl(): number {
    return this.#world.data.rrset(mailDomain, 'MX')?.ttl ?? 0;
  }

  /** The first change of the MX RRset at the primary after the fault. */
  #firstChange() {
    const since = this.#faultAt ?? Number.POSITIVE_INFINITY;
    return this.#world.data.changes.find((one) => one.at >= since && one.before?.type === 'MX') ?? null;
  }

  #flippedAfterMs(): number | null {
    const change = this.#firstChange();
    return change === null || this.#faultAt === null ? null : change.at - this.#faultAt;
  }

  #clearAt(): number | null {
    const change = this.#firstChange();
    return change === null ? null : change.at + (change.before?.ttl ?? 0) * 1000;
  }

  async #count(): Promise<TourResult> {
    const world = this.#world;
    await world.sender.stop();
    world.flush();
    const timeUp = new AbortController();
    const patience = world.clock
      .sleep(countingMs, AbortSignal.any([this.#signal, timeUp.signal]))
      .catch(() => {});
    await Promise.race([world.drained(), patience]);
    timeUp.abort();
    this.#signal.throwIfAborted();
    const account = world.account();
    const facts: TourFacts = {
      account,
      flips: this.#flips,
      said: this.#said,
      mostQueued: this.#mostQueued,
      clearAt: this.#clearAt(),
    };
    const result = this.#result(facts, this.#plan.judge(facts));
    for (const line of summaryLines(result, account)) this.#options.print(line);
    return result;
  }

  #praise({ account, flips }: TourFacts): string {
    const after = this.#flippedAfterMs();
    const moves =
      flips.length === 0 || after === null
        ? 'DNS stayed where it was'
        : `DNS moved away ${(after / 1000).toFixed(1)} s after the fault and came back`;
    const mail =
      account.bounced === 0
        ? `all ${account.sent} letters arrived`
        : `${account.delivered} letters arrived, ${account.bounced} bounced while caches still held the old MX`;
    return `${moves}; ${mail}`;
  }

  #result(facts: TourFacts, complaint: string | null): TourResult {
    const { account, flips } = facts;
    const { sent, delivered, lost, duplicated, bounced, queued, maxDelayMs } = account;
    const counts = { sent, delivered, lost, duplicated, bounced, queued, maxDelayMs };
    return {
      tour: this.#plan.name,
      ...counts,
      flips,
      returned: flips.length === 0 || flips.at(-1)?.to === flips[0]?.from,
      flippedAfterMs: flips.length === 0 ? null : this.#flippedAfterMs(),
      timeline: this.#timeline,
      isAsExpected: complaint === null,
      reason: complaint ?? this.#praise(facts),
    };
  }
}
