// Tells a dead man's switch that a run began and how it ended, as healthchecks.io has it: URL/start, then URL/EXIT-CODE.
// Nobody waits for it but the end of the process, and that not long; what goes wrong with it is said and changes
// nothing. The URL is a secret: it is never told, and followed nowhere else.

import type { Secret } from '../model/secret.ts';
import { sanitise } from '../model/text.ts';
import type { Logger } from './logger.ts';

export interface HeartbeatOptions {
  /** Read for every call: a rotated one is used at once. */
  readonly readUrl: () => Promise<Secret>;
  /** Longest that one call may take; ms. */
  readonly timeoutMs: number;
  readonly logger: Pick<Logger, 'warn'>;
}

/** Rounds of a second are not told one by one: healthchecks.io takes five calls a minute and check; ms. */
const leastPauseMs = 12_000;

/** Calls that wait behind one that hangs: the end of the last round, and the beginning of this one. */
const mostWaiting = 2;

export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #waiting: string[] = [];
  readonly #cut = new AbortController();
  #work: Promise<void> | null = null;
  #toldAt = Number.NEGATIVE_INFINITY;
  #toldCode: number | null = null;
  #isTelling = false;
  #fault: string | null = null;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** A round begins. Returns at once. */
  begin(): void {
    this.#isTelling = performance.now() - this.#toldAt >= leastPauseMs;
    if (this.#isTelling) this.#send('start');
  }

  /** It ended so. Returns at once; a code that differs from the one told last is always told. */
  end(exitCode: number): void {
    if (!this.#isTelling && exitCode === this.#toldCode) return;
    this.#toldAt = performance.now();
    this.#toldCode = exitCode;
    this.#send(String(exitCode));
  }

  /** Resolves when everything was told, or given up: at most one timeout from now. Nothing is told afterwards. */
  async settle(): Promise<void> {
    const timer = setTimeout(() => this.#cut.abort(), this.#options.timeoutMs);
    await this.#work;
    clearTimeout(timer);
  }

  /** In order: a `start` that arrives after its end would look like a run that hangs. */
  #send(what: string): void {
    this.#waiting.push(what);
    if (this.#waiting.length > mostWaiting) this.#waiting.shift();
    this.#work ??= this.#sendAll();
  }

  async #sendAll(): Promise<void> {
    for (let what = this.#waiting.shift(); what !== undefined; what = this.#waiting.shift()) {
      const fault = await this.#call(what);
      // Once, not with every round.
      if (fault !== null && fault !== this.#fault)
        this.#options.logger.warn(`the heartbeat was not told: ${sanitise(fault)}`);
      this.#fault = fault;
    }
    this.#work = null;
  }

  /** Null where it was taken; else why not, in words without the URL. */
  async #call(what: string): Promise<string | null> {
    try {
      const url = URL.parse((await this.#options.readUrl()).reveal().trim());
      if (url === null || !['http:', 'https:'].includes(url.protocol))
        return 'its secret is no http or https URL';
      url.pathname = `${url.pathname.replace(/\/+$/, '')}/${what}`;
      const signal = AbortSignal.any([AbortSignal.timeout(this.#options.timeoutMs), this.#cut.signal]);
      const response = await fetch(url, { redirect: 'manual', signal, headers: { 'user-agent': 'mxctl' } });
      await response.body?.cancel();
      return response.ok ? null : `it answered ${response.status}`;
    } catch (error) {
      return faultOf(error);
    }
  }
}

/** fetch says `fetch failed` and has the reason beneath; a message may hold the URL, a code never does. */
function faultOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown failure';
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'no answer in time';
  const { cause } = error;
  if (cause instanceof Error && 'code' in cause) return String(cause.code);
  return 'hint' in error ? error.message : 'it cannot be reached';
}
