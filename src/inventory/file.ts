// A file in pieces, each read when it is asked for.

import { type FileHandle, open } from 'node:fs/promises';
import { UsageError } from '../errors.ts';
import { sanitise } from '../model/text.ts';

/** A piece has some thousand rows: few enough to hold, enough that reading is not felt. */
const pieceBytes = 65_536;

/** `onSize`: octets; null for a pipe or a device. Throws UsageError where it cannot be read. */
export async function* readPieces(
  file: string,
  shownFile: string,
  onSize: (size: number | null) => void,
): AsyncGenerator<Uint8Array> {
  let handle: FileHandle | null = null;
  try {
    handle = await open(file, 'r');
    const stat = await handle.stat();
    // Of a pipe or a device nothing is known.
    onSize(stat.isFile() ? stat.size : null);
    for (;;) {
      const { bytesRead, buffer } = await handle.read(new Uint8Array(pieceBytes));
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && 'syscall' in error)) throw error;
    throw new UsageError('usage', `cannot read ${sanitise(shownFile)}: ${String(error.code)}`, {
      hint: 'check its name and that this user may read it',
      cause: error,
    });
  } finally {
    await handle?.close();
  }
}
