// Moving the state from one store to another as lines of NDJSON: a header, a line a row, and an end that says how many,
// so that a file which was cut off is not taken for the whole.

import { AppError, exitCodes } from '../errors.ts';
import { sanitise } from '../model/text.ts';
import type { StoreAdmin, StoredRow } from '../store/store.ts';

const format = 'mxctl state';
const version = 1;

export interface NumberedLine {
  /** Null where it was too long to be read. */
  readonly text: string | null;
  /** From 1. */
  readonly line: number;
}

/** Rows by table. */
export type RowCounts = ReadonlyMap<string, number>;

/** `write` resolves when there is room for more. */
export async function exportState(
  admin: StoreAdmin,
  now: number,
  write: (text: string) => Promise<void>,
): Promise<RowCounts> {
  const { schema } = await admin.describe(now);
  const counts = new Map<string, number>();
  let isBegun = false;
  const begin = async () => {
    if (isBegun) return;
    isBegun = true;
    await write(`${JSON.stringify({ format, version, schema, exported_at: new Date(now).toISOString() })}\n`);
  };
  await admin.exportRows(async (rows) => {
    await begin();
    for (const { table } of rows) counts.set(table, (counts.get(table) ?? 0) + 1);
    await write(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  });
  await begin();
  await write(`${JSON.stringify({ end: true, rows: sum(counts) })}\n`);
  return counts;
}

export function sum(counts: RowCounts): number {
  return [...counts.values()].reduce((total, one) => total + one, 0);
}

/** Throws AppError `import-invalid` with the number of the line; nothing was imported then. */
export async function importState(admin: StoreAdmin, lines: AsyncIterable<NumberedLine>): Promise<RowCounts> {
  const reader = new StateReader(lines, await knownSchema(admin));
  return admin.importRows(reader.rows(), (why) => reader.fail(why));
}

async function knownSchema(admin: StoreAdmin): Promise<number> {
  return (await admin.describe(0)).knownSchema;
}

class StateReader {
  readonly #lines: AsyncIterable<NumberedLine>;
  readonly #schema: number;
  #line = 0;

  constructor(lines: AsyncIterable<NumberedLine>, schema: number) {
    this.#lines = lines;
    this.#schema = schema;
  }

  fail(why: string): never {
    throw new AppError('import-invalid', `line ${this.#line}: ${sanitise(why, 200)}`, {
      exitCode: exitCodes.usage,
      hint: 'nothing was imported; write the file anew: mxctl state export FILE',
    });
  }

  async *rows(): AsyncIterable<StoredRow> {
    let count = 0;
    let end: number | null = null;
    for await (const { text, line } of this.#lines) {
      this.#line = line;
      if (end !== null) this.fail('there is more behind the end');
      const value = this.#parse(text);
      if (line === 1) {
        this.#checkHeader(value);
      } else if (value['end'] === true) {
        end = typeof value['rows'] === 'number' ? value['rows'] : -1;
      } else {
        count += 1;
        yield this.#rowOf(value);
      }
    }
    if (this.#line === 0) this.fail('the file is empty');
    if (end === null) this.fail('the file is cut off: its end is missing');
    if (end !== count) this.fail(`the file is cut short: it should have ${end} rows and has ${count}`);
  }

  #parse(text: string | null): Readonly<Record<string, unknown>> {
    if (text === null) return this.fail('is too long');
    try {
      const value: unknown = JSON.parse(text);
      if (isRecord(value)) return value;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
    return this.fail('is no JSON object');
  }

  #checkHeader(value: Readonly<Record<string, unknown>>): void {
    if (value['format'] !== format) this.fail('is not the header of an exported state');
    if (value['version'] !== version) this.fail('is of another version of this format: update mxctl');
    if (value['schema'] === this.#schema) return;
    this.fail(
      `was exported with schema ${String(value['schema'])}, this mxctl knows ${this.#schema}: ` +
        'mxctl state migrate there, export again, and import with the same mxctl',
    );
  }

  #rowOf({ table, row }: Readonly<Record<string, unknown>>): StoredRow {
    if (typeof table !== 'string' || !isRecord(row)) return this.fail('is not a row of a table');
    for (const [name, value] of Object.entries(row)) {
      const isPlain = value === null || typeof value === 'string' || typeof value === 'number';
      if (!isPlain) this.fail(`table ${table}: ${name} is neither text, number nor null`);
    }
    return { table, row: row as StoredRow['row'] };
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
