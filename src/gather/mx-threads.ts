// MX asked for in other threads, where the resolvers are our own machine's and nothing limits the pace: then the
// processor does. A short list is not worth starting them; until they run, this thread asks.

import { Worker } from 'node:worker_threads';
import type { DomainName } from '../model/domain-name.ts';
import { crossing, type MxAnswers, type MxThreadData, NumberedFacts } from './mx-answers.ts';
import type { MxSource, MxTaker } from './mx-source.ts';

/** Domains after which threads pay for their start of some 50 ms. */
const worthAfter = 4000;
/** Questions after which those that are answered are forgotten. */
const mostAnswered = 1024;
/** Little of a question outlives it there; MB. */
const youngGenerationMb = 6;

/** `first` is asked until the threads run, and is closed with them. */
export function createThreadedMxSource(threads: number, data: MxThreadData, first: MxSource): MxSource {
  return new ThreadedMx(threads, data, first);
}

class ThreadedMx implements MxSource {
  readonly #count: number;
  readonly #data: MxThreadData;
  readonly #first: MxSource;
  readonly #threads: MxThread[] = [];
  #asked = 0;

  constructor(count: number, data: MxThreadData, first: MxSource) {
    this.#count = count;
    this.#data = { ...data, concurrency: Math.max(1, Math.floor(data.concurrency / count)) };
    this.#first = first;
  }

  read(domain: DomainName, taker: MxTaker): void {
    this.#asked += 1;
    if (this.#asked === worthAfter) this.#start();
    let freest: MxThread | null = null;
    for (const thread of this.#threads) {
      if (thread.isReady && (freest === null || thread.waiting < freest.waiting)) freest = thread;
    }
    (freest ?? this.#first).read(domain, taker);
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()));
    await this.#first.close();
  }

  #start(): void {
    for (let left = this.#count; left > 0; left--) this.#threads.push(new MxThread(this.#data));
  }
}

class MxThread {
  readonly #worker: Worker;
  readonly #facts = new NumberedFacts();
  /** By number, counted from `#first`; undefined = answered. */
  #waiting: (MxTaker | undefined)[] = [];
  #first = 0;
  #left = 0;
  #names: DomainName[] = [];
  #isWaiting = false;
  #failure: Error | null = null;
  isReady = false;

  constructor(data: MxThreadData) {
    this.#worker = new Worker(threadFile(), {
      workerData: data,
      resourceLimits: { maxYoungGenerationSizeMb: youngGenerationMb },
    });
    this.#worker.on('message', (message: MxAnswers | 'ready') => {
      if (message === 'ready') this.isReady = true;
      else this.#take(message);
    });
    this.#worker.on('error', (error) => {
      this.#fail(error instanceof Error ? error : new Error('a thread failed', { cause: error }));
    });
    this.#worker.on('exit', () => this.#fail(new Error('a thread that asks for MX ended')));
  }

  get waiting(): number {
    return this.#left;
  }

  read(domain: DomainName, taker: MxTaker): void {
    if (this.#failure !== null) {
      taker.fail(this.#failure);
      return;
    }
    this.#waiting.push(taker);
    this.#left += 1;
    this.#names.push(domain);
    if (this.#names.length >= crossing.together) this.#flush();
    else if (!this.#isWaiting) this.#waitForMore();
  }

  async close(): Promise<void> {
    this.#fail(new Error('the gatherer was closed'));
    await this.#worker.terminate();
  }

  #waitForMore(): void {
    this.#isWaiting = true;
    setTimeout(() => {
      this.#isWaiting = false;
      this.#flush();
    }, crossing.waitMs);
  }

  #flush(): void {
    if (this.#names.length === 0 || this.#failure !== null) return;
    this.#worker.postMessage(this.#names.join('\n'));
    this.#names = [];
  }

  #take(answers: MxAnswers): void {
    const facts = this.#facts.read(answers);
    let index = 0;
    for (const found of facts) {
      const place = (answers.at[index++] ?? 0) - this.#first;
      const waiting = this.#waiting[place];
      if (waiting === undefined) continue;
      this.#waiting[place] = undefined;
      this.#left -= 1;
      waiting.takeMx(found);
    }
    this.#forgetAnswered();
  }

  /** Nearly all are answered in the order they were asked. */
  #forgetAnswered(): void {
    if (this.#left > 0 && this.#waiting.length < mostAnswered) return;
    const open = this.#waiting.findIndex((one) => one !== undefined);
    const answered = open < 0 ? this.#waiting.length : open;
    this.#first += answered;
    this.#waiting = this.#waiting.slice(answered);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#left = 0;
    for (const taker of waiting) taker?.fail(this.#failure);
  }
}

/** Beside this file, or, where a build has put this file elsewhere, at the place the build gives it. */
function threadFile(): URL {
  const isSource = import.meta.url.endsWith('.ts');
  return new URL(isSource ? 'mx-thread.ts' : '../gather/mx-thread.js', import.meta.url);
}
