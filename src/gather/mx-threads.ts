// MX asked for in other threads, where the resolvers are our own machine's and nothing limits the pace: then the
// processor does. A short list is not worth starting them; until they run, this thread asks.

import { Worker } from 'node:worker_threads';
import type { MxFacts } from '../model/audit.ts';
import type { DomainName } from '../model/domain-name.ts';
import { type MxAnswers, type MxThreadData, NumberedFacts } from './mx-answers.ts';
import type { MxSource } from './mx-source.ts';

/** Domains after which threads pay for their start of some 50 ms. */
const worthAfter = 4000;
/** Names that cross together, and how long the first waits for the others; ms. To cross costs as much as some questions. */
const maxTogether = 64;
const togetherMs = 2;
/** As in young-heap.ts, whose 32 are two of these three parts; MB. */
const youngGenerationMb = 48;

interface Waiting {
  readonly resolve: (facts: MxFacts) => void;
  readonly reject: (error: Error) => void;
}

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

  read(domain: DomainName): Promise<MxFacts> {
    this.#asked += 1;
    if (this.#asked === worthAfter) this.#start();
    let freest: MxThread | null = null;
    for (const thread of this.#threads) {
      if (thread.isReady && (freest === null || thread.waiting < freest.waiting)) freest = thread;
    }
    return freest?.read(domain) ?? this.#first.read(domain);
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
  readonly #waiting = new Map<number, Waiting>();
  #names: string[] = [];
  #asked = 0;
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
    return this.#waiting.size;
  }

  read(domain: DomainName): Promise<MxFacts> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) {
        reject(this.#failure);
        return;
      }
      this.#waiting.set(this.#asked++, { resolve, reject });
      this.#names.push(domain);
      if (this.#names.length === 1) setTimeout(() => this.#flush(), togetherMs);
      else if (this.#names.length === maxTogether) this.#flush();
    });
  }

  async close(): Promise<void> {
    this.#fail(new Error('the gatherer was closed'));
    await this.#worker.terminate();
  }

  #flush(): void {
    if (this.#names.length === 0 || this.#failure !== null) return;
    this.#worker.postMessage(this.#names.join('\n'));
    this.#names = [];
  }

  #take(answers: MxAnswers): void {
    const facts = this.#facts.read(answers);
    for (const [index, at] of answers.at.entries()) {
      const waiting = this.#waiting.get(at);
      const found = facts[index];
      this.#waiting.delete(at);
      if (waiting !== undefined && found !== undefined) waiting.resolve(found);
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#failure);
    this.#waiting.clear();
  }
}

/** Beside this file, or, where a build has put this file elsewhere, at the place the build gives it. */
function threadFile(): URL {
  const isSource = import.meta.url.endsWith('.ts');
  return new URL(isSource ? 'mx-thread.ts' : '../gather/mx-thread.js', import.meta.url);
}
