// Who may open a session now. Two bounds: per address, because Postfix and others refuse a client that opens many at
// once, and over all, because descriptors end. First come, first served. Never holds a place for one that gave up.

class Gate {
  #free: number;
  readonly #queue: (() => void)[] = [];

  constructor(places: number) {
    this.#free = places;
  }

  /** Resolves when a place is ours; rejects with the signal's reason on abort. */
  enter(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    if (this.#free > 0) {
      this.#free -= 1;
      return Promise.resolve();
    }
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const admit = (): void => {
      signal.removeEventListener('abort', giveUp);
      resolve(undefined);
    };
    const giveUp = (): void => {
      this.#queue.splice(this.#queue.indexOf(admit), 1);
      reject(signal.reason);
    };
    signal.addEventListener('abort', giveUp, { once: true });
    this.#queue.push(admit);
    return promise;
  }

  leave(): void {
    const next = this.#queue.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}

export class SessionLimiter {
  readonly #all: Gate;
  readonly #perAddress: number;
  /** Only addresses somebody is at or waits for. */
  readonly #addresses = new Map<string, { gate: Gate; users: number }>();

  constructor(maxSessions: number, maxSessionsPerAddress: number) {
    this.#all = new Gate(maxSessions);
    this.#perAddress = maxSessionsPerAddress;
  }

  /** Runs `work` when both bounds allow. The address comes first: who waits for a busy address must not keep a place
   *  from others. Rejects with the signal's reason on abort while waiting. */
  async admit<T>(address: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const entry = this.#addresses.get(address) ?? { gate: new Gate(this.#perAddress), users: 0 };
    this.#addresses.set(address, entry);
    entry.users += 1;
    try {
      return await inside(entry.gate, signal, () => inside(this.#all, signal, work));
    } finally {
      entry.users -= 1;
      if (entry.users === 0) this.#addresses.delete(address);
    }
  }
}

async function inside<T>(gate: Gate, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  await gate.enter(signal);
  try {
    return await work();
  } finally {
    gate.leave();
  }
}
