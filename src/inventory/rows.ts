// Rows of the three forms a list of domains comes in: CSV with a header, NDJSON, and plain lines with `#` comments.

import { UsageError } from '../errors.ts';
import { nearest } from '../model/nearest.ts';
import { sanitise } from '../model/text.ts';
import { type CsvRecord, CsvSplitter, faults, longestRecord } from './csv.ts';
import type { InventoryRow } from './inventory.ts';
import { LineSplitter, type TextLine } from './lines.ts';
import { readMailDomain } from './mail-domain.ts';

export type InventoryForm = 'csv' | 'ndjson' | 'lines';

/** Turns text into rows; to be given all of it, in order. */
export interface RowReader {
  push(text: string): InventoryRow[];
  end(): InventoryRow[];
}

export interface RowOptions {
  /** As shown in findings; null = no name. */
  readonly file: string | null;
  /** Column or key; null = `domain`. */
  readonly column: string | null;
}

/** Where nobody says which column it is. */
const usualColumn = 'domain';

export function createRowReader(form: InventoryForm, options: RowOptions): RowReader {
  if (form === 'csv') return csvReader(options);
  const splitter = new LineSplitter();
  const read = form === 'ndjson' ? jsonRow(options) : plainRow(options);
  const rows = (lines: readonly TextLine[]) => {
    const found: InventoryRow[] = [];
    for (const { text, line } of lines) {
      const row = text === null ? badRow(options.file, line, '', faults.tooLong) : read(text, line);
      if (row !== null) found.push(row);
    }
    return found;
  };
  return { push: (text) => rows(splitter.push(text)), end: () => rows(splitter.end()) };
}

function csvReader({ file, column }: RowOptions): RowReader {
  const splitter = new CsvSplitter();
  let at: number | null = null;
  const rowOf = ({ fields, line, fault }: CsvRecord): InventoryRow | null => {
    if (fault !== null) {
      if (at === null) throw headerFault(file, fault);
      return badRow(file, line, fields.join(' '), fault);
    }
    if (fields.length === 1 && fields[0]?.trim() === '') return null;
    if (at === null) {
      at = columnIn(fields, column ?? usualColumn, file);
      return null;
    }
    const cell = fields[at];
    if (cell === undefined)
      return badRow(file, line, fields.join(' '), `has ${fields.length} of ${at + 1} columns`);
    return domainRow(file, line, cell);
  };
  const rows = (records: readonly CsvRecord[]) => {
    const found: InventoryRow[] = [];
    for (const record of records) {
      const row = rowOf(record);
      if (row !== null) found.push(row);
    }
    return found;
  };
  return { push: (text) => rows(splitter.push(text)), end: () => rows(splitter.end()) };
}

function headerFault(file: string | null, what: string): UsageError {
  return new UsageError('usage', `the header of ${file ?? 'the list'} ${what}`, {
    hint: 'the first line of a CSV file names its columns',
  });
}

/** Index of the column, by its very name or else whatever its case. */
function columnIn(header: readonly string[], wanted: string, file: string | null): number {
  const names = header.map((one) => one.trim());
  const exact = names.indexOf(wanted);
  const found = exact === -1 ? names.findIndex((one) => one.toLowerCase() === wanted.toLowerCase()) : exact;
  if (found !== -1) return found;
  const known = names.slice(0, shownColumns).map((one) => sanitise(one, 60));
  const meant = nearest(wanted, names);
  throw new UsageError(
    'usage',
    `${file ?? 'the list'} has no column ${JSON.stringify(sanitise(wanted, 60))}`,
    {
      hint: meant === null ? `it has: ${known.join(', ')}` : `did you mean ${sanitise(meant, 60)}?`,
    },
  );
}

/** More names than this on a screen are no help. */
const shownColumns = 20;

const jsonRow =
  ({ file, column }: RowOptions) =>
  (text: string, line: number): InventoryRow | null => {
    if (text.trim() === '') return null;
    const key = column ?? usualColumn;
    const value = parseJson(text);
    if (value === undefined) return badRow(file, line, text, 'is not JSON');
    if (value === null || typeof value !== 'object' || Array.isArray(value))
      return badRow(file, line, text, 'is not a JSON object');
    const cell: unknown = Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
    return typeof cell === 'string'
      ? domainRow(file, line, cell)
      : badRow(file, line, text, `has no text under ${JSON.stringify(sanitise(key, 60))}`);
  };

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

const plainRow =
  ({ file }: RowOptions) =>
  (text: string, line: number): InventoryRow | null => {
    const comment = text.indexOf('#');
    const cell = (comment === -1 ? text : text.slice(0, comment)).trim();
    return cell === '' ? null : domainRow(file, line, cell);
  };

function domainRow(file: string | null, line: number, cell: string): InventoryRow {
  const read = readMailDomain(cell);
  return read.ok
    ? { kind: 'domain', domain: read.domain, source: { file, line } }
    : badRow(file, line, cell, read.reason);
}

/** Enough to find the row by. */
const shownOfRow = 120;

function badRow(file: string | null, line: number, text: string, reason: string): InventoryRow {
  return { kind: 'bad', row: { source: { file, line }, text: sanitise(text, shownOfRow), reason } };
}

/** The form of a list by what it begins with; null where that has no line yet. */
export function sniffForm(start: string, isWhole: boolean): InventoryForm | null {
  const lines = start.split('\n');
  if (!isWhole && start.length < longestRecord) lines.pop();
  const first = lines.find((line) => line.trim() !== '' && !line.trimStart().startsWith('#'));
  if (first === undefined) return isWhole || start.length >= longestRecord ? 'lines' : null;
  if (first.trimStart().startsWith('{')) return 'ndjson';
  const cells = first.split(/[,;\t]/).map((one) => one.trim().replace(/^"|"$/g, '').toLowerCase());
  return cells.includes(usualColumn) ? 'csv' : 'lines';
}
