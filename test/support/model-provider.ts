// A DNS provider of the model, on the frame that real adapters stand on: replies get lost before or after the zone has
// changed, it is slow, away, refuses, or takes its time to publish.

import { ProviderError } from '../../src/errors.ts';
import type { DomainName } from '../../src/model/domain-name.ts';
import type { ProviderCapabilities, RrsetQuestion, ZoneChange } from '../../src/providers/provider.ts';
import {
  judge,
  type Outcomes,
  outcomesOf,
  type Due,
  type Pending,
  readBack,
  type Seen,
  writeInTurn,
  ZoneProvider,
} from '../../src/providers/zone-provider.ts';
import type { ModelProcess } from './model-process.ts';
import type { ProviderMode } from './model-scenario.ts';
import type { ModelWorld } from './model-world.ts';

/** Told of each write as it is sent, and as it takes effect. */
export interface ProviderWatch {
  onSend(process: ModelProcess, action: string): void;
  onApply(process: ModelProcess, action: string, changes: readonly ZoneChange[]): void;
}

const usualMs = 300;
const throttledMs = 15_000;
const timeoutMs = 10_000;
const usualPublishMs = 2000;
const laggingPublishMs = 150_000;

class LostReply extends Error {}

export class ModelProvider extends ZoneProvider {
  readonly name: string;
  readonly label: string;
  readonly capabilities: ProviderCapabilities;
  readonly #process: ModelProcess;
  readonly #world: ModelWorld;
  readonly #which: number;
  readonly #watch: ProviderWatch;

  constructor(name: string, which: number, process: ModelProcess, world: ModelWorld, watch: ProviderWatch) {
    super();
    this.name = name;
    this.label = `model ${name}`;
    this.#process = process;
    this.#world = world;
    this.#which = which;
    this.#watch = watch;
    this.capabilities = {
      compareAndSet: 'full',
      hasAtomicBatch: world.scenario.isAtomic,
      maxBatch: 100,
      minTtl: 1,
      maxTtl: 86_400,
      publishSeconds: 5,
    };
  }

  get #mode(): ProviderMode {
    return this.#world.providerModes[this.#which]!.at(this.#process.machine.scheduler.now);
  }

  protected see(
    _zone: DomainName,
    questions: readonly RrsetQuestion[],
    signal: AbortSignal,
  ): Promise<Seen[]> {
    const work = async () => {
      await this.#reach();
      return questions.map(({ owner, type }) => ({ rrset: this.#world.zones.held(owner, type) }));
    };
    return this.#process.abortable(this.#process.call(work, usualMs), signal);
  }

  protected async replace(
    zone: DomainName,
    pending: readonly Pending[],
    signal: AbortSignal,
    operation = '',
  ): Promise<Outcomes> {
    this.#process.askedAt = this.#process.machine.scheduler.now;
    const changes = pending.map((one) => one.change);
    const judged = judge(pending, await this.see(zone, changes, signal));
    if ('settled' in judged) return judged.settled;
    signal.throwIfAborted();
    const batches = this.capabilities.hasAtomicBatch ? [judged.due] : judged.due.map((one) => [one]);
    return writeInTurn(batches, signal, (batch) => this.#send(zone, batch, operation));
  }

  async #send(zone: DomainName, due: readonly Due<Seen>[], operation: string): Promise<Outcomes> {
    this.#watch.onSend(this.#process, operation);
    try {
      const refused = await this.#process.call(() => this.#write(due, operation), usualMs);
      if (refused.length === 0) return outcomesOf(due, () => ({ state: 'applied' }));
      return outcomesOf(due, ({ owner, type }) => ({
        state: 'conflict',
        live: this.#world.zones.held(owner, type),
      }));
    } catch (error) {
      if (!(error instanceof LostReply)) throw error;
      const lost = await readBack({
        due,
        see: (changes, signal) => this.see(zone, changes, signal),
        clock: this.#process,
        pausesMs: [0, 2000],
        what: 'no reply to the write',
      });
      if (lost !== null) return lost;
      throw new ProviderError('provider-unreachable', 'the write was not applied', { retryable: true });
    }
  }

  /** Where it arrives. */
  async #write(due: readonly Due<Seen>[], action: string): Promise<readonly ZoneChange[]> {
    const mode = this.#mode;
    await this.#reach();
    if (mode === 'lose-before') {
      await this.#process.away(timeoutMs);
      throw new LostReply();
    }
    const { now } = this.#process.machine.scheduler;
    const publishedAt = now + (mode === 'lag' ? laggingPublishMs : usualPublishMs);
    const changes = due.map((one) => one.change);
    const refused = this.#world.zones.compareAndSet(changes, { at: now, publishedAt, action });
    if (refused.length === 0) this.#watch.onApply(this.#process, action, changes);
    if (mode === 'lose-after') {
      await this.#process.away(timeoutMs);
      throw new LostReply();
    }
    return refused;
  }

  async #reach(): Promise<void> {
    const { machine } = this.#process;
    const isOffline = this.#world.nets[machine.index]!.at(machine.scheduler.now) === 'offline';
    switch (isOffline ? 'unreachable' : this.#mode) {
      case 'unreachable':
        await this.#process.away(timeoutMs);
        throw new ProviderError('provider-unreachable', 'nobody there', { retryable: true });
      case 'refuse':
        throw new ProviderError('provider-credentials', 'this key may not do that');
      case 'throttle':
        await this.#process.away(throttledMs);
        return;
      default:
    }
  }
}
