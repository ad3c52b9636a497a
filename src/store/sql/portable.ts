// Rows as they go from one store to another, between SQLite and PostgreSQL: which columns a table has, and whether a row
// from a file fits. What a row means is checked where it is read (fields.ts).

import type { StoredRow } from '../store.ts';
import type { SqlEngine } from './engine.ts';

export interface Column {
  readonly kind: 'text' | 'number';
  readonly mayBeNull: boolean;
}

export type Columns = ReadonlyMap<string, Column>;

/** Says which migrations ran: of the store, not of the state. */
const schemaTables = /^schema_migration/;
const numberTypes = /^(big|small)?int/i;

/** Of every table of the store, by name, in the order of names. */
export async function readColumns(engine: SqlEngine): Promise<Map<string, Columns>> {
  const rows = (await engine.listColumns()).filter((row) => !schemaTables.test(row.table));
  const tables = Map.groupBy(rows, (row) => row.table);
  return new Map(
    [...tables.keys()]
      .sort()
      .map((table) => [
        table,
        new Map(
          (tables.get(table) ?? []).map(({ name, type, may_be_null: mayBeNull }) => [
            name,
            { kind: numberTypes.test(type) ? 'number' : 'text', mayBeNull: Boolean(mayBeNull) },
          ]),
        ),
      ]),
  );
}

/** The row where it fits its table; else what `fail` throws. */
export function importedRow(
  tables: ReadonlyMap<string, Columns>,
  { table, row }: StoredRow,
  fail: (why: string) => never,
): StoredRow['row'] {
  const columns = tables.get(table);
  if (columns === undefined) return fail(`there is no table ${JSON.stringify(table)}`);
  for (const name of Object.keys(row))
    if (!columns.has(name)) fail(`table ${table} has no column ${JSON.stringify(name)}`);
  for (const [name, column] of columns) {
    const value = row[name];
    if (value === undefined) fail(`table ${table}: ${name} is missing`);
    else if (!isFit(value, column)) fail(`table ${table}: ${name} is not ${wanted(column)}`);
  }
  return row;
}

function isFit(value: string | number | null, { kind, mayBeNull }: Column): boolean {
  if (value === null) return mayBeNull;
  return kind === 'text' ? typeof value === 'string' : Number.isSafeInteger(value);
}

function wanted({ kind, mayBeNull }: Column): string {
  const what = kind === 'text' ? 'a text' : 'a whole number';
  return mayBeNull ? `${what} or null` : what;
}
