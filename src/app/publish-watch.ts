// Times the writes of one action, zone by zone: from the call until the provider has taken it, the first authority
// answers it, and every one does. What is seen is later than what is so, by the pause between two looks at most.

import type { PublishedView } from '../dns/reader.ts';
import { AppError } from '../errors.ts';
import type { Plan, RrsetChange } from '../model/change.ts';
import type { PublishTime } from '../model/publish-time.ts';
import { isSameRrset } from '../model/rrset.ts';
import type { Deps } from './deps.ts';

type WatchDeps = Pick<Deps, 'store' | 'clock' | 'newId' | 'logger'>;

interface ZoneTimes {
  readonly change: RrsetChange;
  readonly at: number;
  readonly began: number;
  readonly acceptedMs: number;
  firstMs: number | null;
  allMs: number | null;
}

export interface SeenChange {
  readonly change: RrsetChange;
  readonly view: PublishedView;
  readonly isEverywhere: boolean;
}

export class PublishWatch {
  readonly #deps: WatchDeps;
  readonly #zones = new Map<string, ZoneTimes>();

  constructor(deps: WatchDeps) {
    this.#deps = deps;
  }

  /** To be called before a zone is written; what it returns when the provider has taken the change. */
  begin(change: RrsetChange): () => void {
    const [at, began] = [this.#deps.clock.now(), this.#elapsedMs()];
    return () => {
      const acceptedMs = this.#elapsedMs() - began;
      this.#zones.set(keyOf(change), { change, at, began, acceptedMs, firstMs: null, allMs: null });
    };
  }

  /** Every change of the action, as the authorities answer it now. */
  look(seen: readonly SeenChange[]): void {
    for (const [key, own] of Map.groupBy(seen, (one) => keyOf(one.change))) {
      const zone = this.#zones.get(key);
      if (zone === undefined) continue;
      const sinceMs = this.#elapsedMs() - zone.began;
      if (own.every(isSomewhere)) zone.firstMs ??= sinceMs;
      if (own.every((one) => one.isEverywhere)) zone.allMs ??= sinceMs;
    }
  }

  times(kind: Plan['kind']): PublishTime[] {
    return [...this.#zones.values()].map(({ change, at, acceptedMs, firstMs, allMs }) => ({
      id: this.#deps.newId(),
      provider: change.provider,
      zone: change.zone,
      at,
      source: kind === 'measure' ? 'drill' : 'action',
      acceptedMs,
      firstMs,
      allMs,
    }));
  }

  /** Figures for the next plan: that they could not be kept spoils no action. */
  async keep(kind: Plan['kind']): Promise<void> {
    try {
      await this.#deps.store.recordPublishTimes(this.times(kind));
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      this.#deps.logger.warn(`publish times could not be kept: ${error.message}`);
    }
  }

  /** Of a clock that nobody sets, where there is one. */
  #elapsedMs(): number {
    const { clock } = this.#deps;
    return clock.elapsedMs?.() ?? clock.now();
  }
}

function keyOf({ provider, zone }: RrsetChange): string {
  return `${provider} ${zone}`;
}

function isSomewhere({ change, view }: SeenChange): boolean {
  return view.answers.some(
    (one) => (one.outcome === 'answer' || one.outcome === 'absent') && isSameRrset(one.rrset, change.desired),
  );
}
