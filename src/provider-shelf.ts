// The providers of a program: each is opened on first use and kept. Of a configuration that is read again only those are
// closed whose block or secret is another one; rate budgets stay, whatever is closed: a reload makes no provider forget.

import { isDeepStrictEqual } from 'node:util';
import type { Secret, SecretSource } from './model/secret.ts';
import type { Provider } from './providers/provider.ts';
import { RateBudgets } from './providers/rate-budget.ts';
import { openProvider, type ProviderBlock, type ProviderDeps } from './providers/registry.ts';

export type ShelfDeps = Pick<ProviderDeps, 'clock' | 'readSecret'>;

interface Kept {
  readonly block: ProviderBlock;
  readonly secrets: { readonly source: SecretSource; readonly secret: Secret }[];
  readonly opening: Promise<Provider>;
}

export class ProviderShelf {
  readonly #deps: ShelfDeps;
  readonly #budgets: RateBudgets;
  readonly #kept = new Map<string, Kept>();
  #blocks: ReadonlyMap<string, ProviderBlock> = new Map();
  #lookupNs: ProviderDeps['lookupNs'] = () => Promise.resolve(null);

  constructor(deps: ShelfDeps) {
    this.#deps = deps;
    this.#budgets = new RateBudgets(deps.clock);
  }

  /** What is opened from now on, and by whom zones are looked up from now on. */
  use(blocks: ReadonlyMap<string, ProviderBlock>, lookupNs: ProviderDeps['lookupNs']): void {
    this.#blocks = blocks;
    this.#lookupNs = lookupNs;
  }

  /** Throws ConfigError `secret-unreadable`; the next call tries again. */
  open(name: string): Promise<Provider> {
    const known = this.#kept.get(name);
    if (known !== undefined) return known.opening;
    const block = this.#blocks.get(name);
    if (block === undefined) throw new RangeError(`no provider ${name}`);
    const secrets: Kept['secrets'] = [];
    const opening = openProvider(name, block, {
      clock: this.#deps.clock,
      budgets: this.#budgets,
      readSecret: async (source) => {
        const secret = await this.#deps.readSecret(source);
        secrets.push({ source, secret });
        return secret;
      },
      random: Math.random,
      lookupNs: (zone, signal) => this.#lookupNs(zone, signal),
    });
    const kept = { block, secrets, opening };
    this.#kept.set(name, kept);
    opening.catch(() => {
      if (this.#kept.get(name) === kept) this.#kept.delete(name);
    });
    return opening;
  }

  /** Names of what is open and would be another provider by these blocks. Throws ConfigError where one's secret cannot be
   *  read any more; closes nothing. */
  async stale(blocks: ReadonlyMap<string, ProviderBlock>): Promise<string[]> {
    const names: string[] = [];
    for (const [name, { block, secrets }] of this.#kept) {
      const isSame = isDeepStrictEqual(block, blocks.get(name));
      if (!isSame || (await this.#hasAnother(secrets))) names.push(name);
    }
    return names;
  }

  async #hasAnother(secrets: Kept['secrets']): Promise<boolean> {
    for (const { source, secret } of secrets) {
      const now = await this.#deps.readSecret(source);
      if (now.reveal() !== secret.reveal()) return true;
    }
    return false;
  }

  async drop(names: readonly string[]): Promise<void> {
    const dropped = names.flatMap((name) => this.#kept.get(name) ?? []);
    for (const name of names) this.#kept.delete(name);
    for (const opening of await Promise.allSettled(dropped.map((one) => one.opening)))
      if (opening.status === 'fulfilled') await opening.value.close();
  }

  close(): Promise<void> {
    return this.drop([...this.#kept.keys()]);
  }
}
