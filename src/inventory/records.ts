// Results of an earlier audit, from a file of ndjson or json: a record a line, as ours are written, so that a million of
// them pass through without being held. Of a file that somebody has formatted anew the whole is read.

import { UsageError } from '../errors.ts';
import { sanitise } from '../model/text.ts';
import { readPieces } from './file.ts';
import { LineSplitter } from './lines.ts';

/** A domain with a hundred exchanges and a finding for each is far below. Characters. */
const longestLine = 4 * 1024 * 1024;
/** Of a file that is not a record a line; characters. */
const longestWhole = 64 * 1024 * 1024;

/** Values that may be records; whoever asks judges. Throws UsageError where the file cannot be read. */
export async function* readRecords(
  file: string,
  shownFile: string,
  signal: AbortSignal,
): AsyncGenerator<readonly unknown[]> {
  const decoder = new TextDecoder('utf-8');
  const splitter = new LineSplitter(longestLine);
  let count = 0;
  let whole = '';
  const read = (text: string, isLast: boolean): unknown[] => {
    const lines = [...splitter.push(text), ...(isLast ? splitter.end() : [])];
    const values = lines.flatMap((line) => (line.text === null ? [] : valuesOf(line.text)));
    count += values.length;
    whole = count > 0 || whole.length > longestWhole ? '' : whole + text;
    return values;
  };
  for await (const piece of readPieces(file, shownFile, () => {})) {
    signal.throwIfAborted();
    yield read(decoder.decode(piece, { stream: true }), false);
  }
  yield read(decoder.decode(), true);
  if (count > 0 || whole === '') return;
  const values = valuesOf(whole);
  if (values.length === 0)
    throw new UsageError('usage', `${sanitise(shownFile)} holds no results of an audit`, {
      hint: 'write them with mxctl audit -o ndjson=FILE',
    });
  yield values;
}

/** The records in a line of ndjson or json, or in a whole document. What stands around the records of our json is the
 *  frame of its lists: `"bad_rows":[`, `],`. */
function valuesOf(text: string): unknown[] {
  const line = text.trim();
  if (line === '') return [];
  const bare = line.replace(/^"(bad_rows|fixed|summary)":\[?/, '').replace(/,$/, '');
  for (const one of [bare, bare.replace(/\]$/, ''), bare.replace(/\}$/, ''), bare.replace(/\]?\}+$/, '}')]) {
    const value = parseJson(one);
    if (value !== undefined) return recordsIn(value);
  }
  const head = /^(\{.*"type":"report".*),"domains":\[$/.exec(line)?.[1];
  return head === undefined ? [] : headOf(head);
}

/** What a run says of itself opens its json, within the envelope too. */
function headOf(text: string): unknown[] {
  const value = parseJson(`${text.slice(Math.max(0, text.lastIndexOf('{"type":"report"')))}}`);
  return value === undefined ? [] : recordsIn(value);
}

function recordsIn(value: unknown): unknown[] {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return [];
  const map = value as Record<string, unknown>;
  if (map['type'] === 'report') {
    const { domains, bad_rows: badRows, fixed, summary, ...run } = map;
    const lists = [domains, badRows, fixed].flatMap((one): unknown[] => (Array.isArray(one) ? one : []));
    return [{ ...run, type: 'run' }, ...lists, ...(summary === undefined ? [] : [summary])];
  }
  if (typeof map['type'] === 'string') return [value];
  // The envelope of --json.
  return map['data'] === undefined ? [] : recordsIn(map['data']);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
