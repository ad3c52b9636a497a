// Plays a tour: warm up, break something, let the controller work, heal, let it come back, count every letter. Real
// time by the world's clock, bounded. It never moves DNS itself; that is the controller's part.

import { parseMx } from '../../model/mx.ts';
import type { HopFault } from '../hop-fault.ts';
import { mailDomain, recipient, routeName, shortName } from '../map.ts';
import type { World } from '../world.ts';
import { tourHeadlines } from './names.ts';
import { resultOf } from './result.ts';
import { gistOf, summaryLines, wrapLine } from './summary.ts';
import {
  countingMs,
  deadlineMs,
  defaultIntervalMs,
  maxCycles,
  steadyCycles,
  unreturnedCycles,
  warmUpCycles,
} from './timing.ts';
import type { Controller, Flip, Replay, TourFacts, TourPlan, TourResult } from './tour.ts';

export interface PlayOptions {
  readonly world: World;
  readonly controller: Controller;
  readonly print: (line: string) => void;
  /** From the start of a cycle to the start of the next; ms. */
  readonly intervalMs?: number;
}

/** What a fault means that leaves every SMTP dialogue as it was. */
const silentFaults: Partial<Record<HopFault, string>> = {
  hold: 'still says 250 to everything, and keeps the mail',
  discard: 'still says 250 to everything, and the mail is gone',
};

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
  #replay: Replay | null = null;
  #mostQueued = 0;
  #killed: string | null = null;

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
    if (this.#plan.kills) this.#world.updatePort.onNextApplied = () => this.#killMover();
    if (fault === 'cut-off') {
      this.#world.cutOffController();
      this.#tell('!! the controller is cut off from every hop; the sender is not');
      return;
    }
    for (const [hop, word] of Object.entries(fault)) await this.#world.setFault(hop, word);
    this.#tell(`!! ${this.#faults()}`);
    for (const [hop, word] of Object.entries(fault)) {
      if (silentFaults[word] !== undefined) this.#tell(`${hop} ${silentFaults[word]}`);
    }
  }

  /** DNS has the change, and whoever made it will never hear so. */
  async #killMover(): Promise<void> {
    const name = await this.#options.controller.killMover?.();
    if (name === undefined) return;
    this.#killed = name;
    this.#tell(`!! ${name} is killed: DNS has its change, and it never hears the answer`);
  }

  async #heal(): Promise<void> {
    const { fault } = this.#plan;
    if (this.#killed !== null) {
      this.#options.controller.revive?.();
      this.#tell(`${this.#killed} is started again`);
    }
    const { held, swallowed } = this.#world.account();
    if (fault === 'cut-off') this.#world.reconnectController();
    else for (const hop of Object.keys(fault)) await this.#world.setFault(hop, 'ok');
    if (held > 0) this.#tell(`healed: the ${held} letters that were held go on in one burst`);
    else this.#tell(swallowed > 0 ? `healed: the ${swallowed} letters stay gone` : 'healed');
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
    if (this.#plan.replays !== null) await this.#replayed(this.#plan.replays);
    await this.#cycles(maxCycles.back, () => this.#flips.length > before);
    // The probation ends with the normal TTL.
    await this.#cycles(maxCycles.settle, () => this.#ttl() === this.#world.ttl);
  }

  /** Shows that nothing brings the path back; then plays the person who says that its mail was sent again. */
  async #replayed(path: string): Promise<void> {
    await this.#cycles(unreturnedCycles, () => false);
    const at = this.#world.clock.now();
    const listed = await this.#options.controller.replayed?.(routeName, path, this.#signal);
    if (listed === undefined) return;
    this.#replay = { at, listed };
    this.#tell(`a person took the list to the archive of ${path} and says that replay is done`);
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
    const gist = gistOf(text);
    if (this.#lastWords.get(route) === gist) return;
    this.#lastWords.set(route, gist);
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
    if (this.#flips.length === 1) this.#tellUnseen();
  }

  /** What no dialogue shows, and no queue of a sender. */
  #tellUnseen(): void {
    const { held, swallowed } = this.#world.account();
    const seen = (count: number) => `the senders saw nothing: ${count} letters were answered 250 and are`;
    if (held > 0) this.#tell(`${seen(held)} held`);
    if (swallowed > 0) this.#tell(`${seen(swallowed)} gone`);
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
      replay: this.#replay,
      killed: this.#killed,
      journal: this.#plan.kills ? ((await this.#options.controller.journal?.()) ?? []) : [],
    };
    const result = resultOf(this.#plan, facts, {
      flippedAfterMs: this.#flippedAfterMs(),
      timeline: this.#timeline,
    });
    for (const line of summaryLines(result, account)) this.#options.print(line);
    return result;
  }
}
