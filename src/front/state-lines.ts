// The lines of a file or of stdin, one at a time: never more in memory than a piece and the longest line.

import { createReadStream } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import type { NumberedLine } from '../app/state.ts';
import { UsageError } from '../errors.ts';

/** A plan for ten thousand owner names is some megabytes on one line. */
const longestLine = 64 * 1024 * 1024;

/** `-` is stdin. Throws UsageError where there is nothing to read. */
export async function* readStateLines(file: string): AsyncIterable<NumberedLine> {
  const decoder = new StringDecoder('utf8');
  let line = 1;
  let pieces: string[] = [];
  let length = 0;
  const take = (): NumberedLine => {
    const text = length > longestLine ? null : pieces.join('');
    pieces = [];
    length = 0;
    return { text, line: line++ };
  };
  for await (const chunk of octetsOf(file)) {
    const [first = '', ...others] = decoder.write(chunk).split('\n');
    const keep = (piece: string) => {
      length += piece.length;
      if (length <= longestLine) pieces.push(piece);
    };
    keep(first);
    for (const piece of others) {
      yield take();
      keep(piece);
    }
  }
  if (length > 0) yield take();
}

async function* octetsOf(file: string): AsyncIterable<Buffer> {
  const stream = file === '-' ? process.stdin : createReadStream(file);
  try {
    yield* stream as AsyncIterable<Buffer>;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError('usage', `${file} cannot be read: ${why}`, {
      hint: 'name a file, or - for stdin',
      cause: error,
    });
  }
}
