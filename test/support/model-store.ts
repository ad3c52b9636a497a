// The real SQL store as a process of the model reaches it: the database may be away before it does what it is asked, or
// after, or stand still for a while. Leases are in the database's own time.

import { DatabaseSync } from 'node:sqlite';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { StoreError } from '../../src/errors.ts';
import { openSqlStore } from '../../src/store/sql/open.ts';
import type { Store } from '../../src/store/store.ts';
import type { ModelProcess } from './model-process.ts';
import type { ModelWorld } from './model-world.ts';

/** One file for many histories: opening and migrating one takes longer than some of them. */
export class ModelDatabase {
  readonly store: Store;
  readonly #raw: DatabaseSync;
  readonly #directory: string;
  readonly #tables: readonly string[];

  static async open(): Promise<ModelDatabase> {
    const directory = mkdtempSync(path.join(tmpdir(), 'mxctl-model-'));
    const file = path.join(directory, 'state.sqlite');
    return new ModelDatabase(await openSqlStore({ url: `sqlite:${file}` }), file, directory);
  }

  private constructor(store: Store, file: string, directory: string) {
    this.store = store;
    this.#directory = directory;
    this.#raw = new DatabaseSync(file);
    const rows = this.#raw
      .prepare("select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'")
      .all();
    this.#tables = rows
      .map((row) => String(row['name']))
      .filter((name) => !/^kysely|schema|migration|meta/.test(name));
  }

  /** Nothing is left but the schema. */
  empty(): void {
    this.#raw.exec(
      ['begin immediate', ...this.#tables.map((one) => `delete from "${one}"`), 'commit'].join(';'),
    );
  }

  async close(): Promise<void> {
    this.#raw.close();
    await this.store.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

type Call = (...args: unknown[]) => Promise<unknown>;

/** Told of each call as it takes effect. */
export type StoreWatch = (
  process: ModelProcess,
  method: string,
  args: readonly unknown[],
  result: unknown,
) => void;

/** A call takes up to this to get there, and as long back; ms. */
const mostMs = 400;

/** Where `now` stands among the arguments: a lease is in the time of the database. */
const nowArguments: Readonly<Record<string, number>> = { acquireLease: 3, renewLease: 2 };

export function storeFor(process: ModelProcess, world: ModelWorld, store: Store, watch: StoreWatch): Store {
  const { machine } = process;
  const { scheduler } = machine;
  const gone = () => new StoreError('store-unavailable', 'the database is away', { retryable: true });

  async function perform(method: string, given: readonly unknown[]): Promise<unknown> {
    const span = world.databases[machine.index]!.spanAt(scheduler.now);
    const mode = span?.value ?? 'ok';
    if (mode === 'before') throw gone();
    if (mode === 'hang') await process.away(span!.to - scheduler.now);
    const args = [...given];
    const nowAt = nowArguments[method];
    if (nowAt !== undefined) args[nowAt] = scheduler.now;
    const result = await scheduler.real(() => (Reflect.get(store, method) as Call).apply(store, args));
    watch(process, method, args, result);
    if (mode === 'after') throw gone();
    return result;
  }

  return new Proxy(store, {
    get: (target, method: string) => {
      const value: unknown = Reflect.get(target, method);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => process.call(() => perform(method, args), mostMs);
    },
  });
}
