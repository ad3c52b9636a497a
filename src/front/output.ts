// The two streams that a run writes to. Results go to stdout, everything else to stderr; whoever reads may go away
// at any time (`mxctl history | head`), which is no error of ours.

import { toAscii } from '../render/terminal.ts';
import type { Style } from '../render/terminal.ts';
import { stdoutTarget } from './text-targets.ts';

let hasEnvelope = false;

/** True once the run's one JSON object is out: nothing may follow it. */
export function isEnvelopePrinted(): boolean {
  return hasEnvelope;
}

/** The run's one JSON object; a second call prints nothing. */
export function printEnvelope(envelope: object, isIndented: boolean): void {
  if (hasEnvelope) return;
  hasEnvelope = true;
  process.stdout.write(`${JSON.stringify(envelope, null, isIndented ? 2 : 0)}\n`);
}

/** The same with `data` from elsewhere: JSON text in pieces, each written when there is room for it. */
export async function printLongEnvelope(envelope: object, data: AsyncIterable<string>): Promise<void> {
  if (hasEnvelope) return;
  hasEnvelope = true;
  // Before `data` stand only names, codes and instants of ours.
  const [head = '', ...tail] = JSON.stringify({ ...envelope, data: null }).split('"data":null');
  const target = stdoutTarget();
  target.write(`${head}"data":`);
  for await (const text of data) {
    target.write(text);
    await target.room();
    if (target.isClosed()) return;
  }
  target.write(`${tail.join('"data":null')}\n`);
  await target.finish();
}

/** One line of NDJSON. */
export function printJsonLine(record: object): void {
  process.stdout.write(`${JSON.stringify(record)}\n`);
}

export function printLines(stream: NodeJS.WriteStream, lines: readonly string[], style: Style): void {
  if (lines.length === 0) return;
  const text = lines.join('\n');
  stream.write(`${style.isUtf8 ? text : toAscii(text)}\n`);
}

/** EPIPE means that the reader has seen enough; any other failure to write is an error. */
export function tolerateClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}

/** Resolves when all that was written has left the process, or its reader has. */
export async function flushStreams(): Promise<void> {
  await Promise.all(
    [process.stdout, process.stderr].map(
      (stream) => new Promise<void>((resolve) => void stream.write('', () => resolve())),
    ),
  );
}
