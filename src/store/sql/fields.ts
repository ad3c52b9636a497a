// Untrusted values from the database as the model's types. The file may be truncated, restored, or written by
// somebody else: a value of another kind is StoreError `store-corrupt`, which names the table and the row.
// Text for people is made harmless; texts that are compared or published stay as they are, byte for byte.

import { StoreError } from '../../errors.ts';
import { type DomainName, parseDomainName } from '../../model/domain-name.ts';
import { sanitise } from '../../model/text.ts';

/** A reason or a hop's summary is a line; what is longer was not written by mxctl. */
const maxLineLength = 2000;

export class Fields {
  readonly #values: Readonly<Record<string, unknown>>;
  /** E.g. `table action, row 01K…, plan.changes[0]`. */
  readonly #place: string;

  private constructor(values: Readonly<Record<string, unknown>>, place: string) {
    this.#values = values;
    this.#place = place;
  }

  /** `id` is as untrusted as the values, whatever the schema says of it. */
  static ofRow(table: string, id: unknown, values: Readonly<Record<string, unknown>>): Fields {
    const shown =
      typeof id === 'string' || typeof id === 'number' ? sanitise(String(id), 100) : 'without an id';
    return new Fields(values, `table ${table}, row ${shown}`);
  }

  /** @throws StoreError `store-corrupt`, always. */
  fail(name: string, wanted: string): never {
    throw new StoreError('store-corrupt', `state store: ${this.#place}: ${name} is not ${wanted}`, {
      hint:
        'move the state aside (its file, or its tables) and run again; DNS is untouched. Lost: history, probe counters, ' +
        'pauses and what caches may still hold, so watch before the next flip',
    });
  }

  /** Exactly as stored. */
  text(name: string): string {
    const value = this.#values[name];
    return typeof value === 'string' ? value : this.fail(name, 'a text');
  }

  textOrNull(name: string): string | null {
    return this.#isNull(name) ? null : this.text(name);
  }

  /** One harmless line for people. */
  line(name: string): string {
    return sanitise(this.text(name), maxLineLength);
  }

  lineOrNull(name: string): string | null {
    return this.#isNull(name) ? null : this.line(name);
  }

  /** Finite; PostgreSQL sends a bigint as digits. */
  number(name: string): number {
    const value = this.#values[name];
    const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
    if (typeof number !== 'number' || !Number.isFinite(number)) return this.fail(name, 'a number');
    return Math.abs(number) <= Number.MAX_SAFE_INTEGER ? number : this.fail(name, 'a safe number');
  }

  numberOrNull(name: string): number | null {
    return this.#isNull(name) ? null : this.number(name);
  }

  count(name: string): number {
    const value = this.number(name);
    return Number.isInteger(value) && value >= 0 ? value : this.fail(name, 'a count');
  }

  /** A column that holds 0 or 1, or JSON's true and false. */
  flag(name: string): boolean {
    const value = this.#values[name];
    if (value === 1 || value === true) return true;
    return value === 0 || value === false ? false : this.fail(name, 'true or false');
  }

  flagOrNull(name: string): boolean | null {
    return this.#isNull(name) ? null : this.flag(name);
  }

  oneOf<T extends string>(name: string, known: Readonly<Record<T, true>>): T {
    return this.#member(name, this.#values[name], known);
  }

  domainName(name: string): DomainName {
    const value = this.text(name);
    const parsed = parseDomainName(value);
    return parsed.ok && parsed.name === value ? parsed.name : this.fail(name, 'a domain name');
  }

  texts(name: string): string[] {
    return this.#list(name).map((value) =>
      typeof value === 'string' ? value : this.fail(name, 'a list of texts'),
    );
  }

  lines(name: string): string[] {
    return this.texts(name).map((text) => sanitise(text, maxLineLength));
  }

  oneOfEach<T extends string>(name: string, known: Readonly<Record<T, true>>): T[] {
    return this.#list(name).map((value, index) => this.#member(`${name}[${index}]`, value, known));
  }

  objects(name: string): Fields[] {
    return this.#list(name).map((value, index) => this.#within(`${name}[${index}]`, value));
  }

  object(name: string): Fields {
    return this.#within(name, this.#values[name]);
  }

  objectOrNull(name: string): Fields | null {
    return this.#isNull(name) ? null : this.object(name);
  }

  /** A column of JSON text that holds an object. */
  json(name: string): Fields {
    return this.#within(name, this.#parsed(name));
  }

  /** A column of JSON text that holds a list, as `{list}` so that the readers above serve it. */
  jsonList(name: string): Fields {
    return new Fields({ [name]: this.#parsed(name) }, this.#place);
  }

  record(): Readonly<Record<string, unknown>> {
    return this.#values;
  }

  #member<T extends string>(name: string, value: unknown, known: Readonly<Record<T, true>>): T {
    if (typeof value === 'string' && Object.hasOwn(known, value)) return value as T;
    return this.fail(name, `one of ${Object.keys(known).join(', ')}`);
  }

  #parsed(name: string): unknown {
    try {
      return JSON.parse(this.text(name));
    } catch (error) {
      if (error instanceof SyntaxError) return this.fail(name, 'JSON');
      throw error;
    }
  }

  #isNull(name: string): boolean {
    return this.#values[name] === null;
  }

  #list(name: string): unknown[] {
    const value = this.#values[name];
    return Array.isArray(value) ? value : this.fail(name, 'a list');
  }

  #within(name: string, value: unknown): Fields {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return this.fail(name, 'an object');
    return new Fields(value as Readonly<Record<string, unknown>>, `${this.#place}, ${name}`);
  }
}

/** The members of a union as `Fields.oneOf` wants them. */
export function known<T extends string>(names: readonly T[]): Readonly<Record<T, true>> {
  return Object.fromEntries(names.map((name) => [name, true])) as Record<T, true>;
}
