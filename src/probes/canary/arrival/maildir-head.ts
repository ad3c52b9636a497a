// The beginning of a file in a Maildir, read without trusting its name: never through a symlink, never from a pipe.

import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

import { isNotification, maxNotificationBytes } from './dsn.ts';
import { parseHeader } from './header.ts';

/** Most letters' heads; read first, the rest only where the header goes on. */
const firstReadBytes = 8192;

/** The header, and as much of the body as a notification may need. */
export async function readHead(file: string): Promise<Uint8Array | 'denied' | 'gone'> {
  try {
    // O_NONBLOCK: where a pipe has taken the file's place, opening it must not wait for a writer.
    const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      if (!(await handle.stat()).isFile()) return 'gone';
      const first = await readFrom(handle, 0, firstReadBytes);
      if (first.length < firstReadBytes || !needsMore(first)) return first;
      return Buffer.concat([
        first,
        await readFrom(handle, firstReadBytes, maxNotificationBytes - firstReadBytes),
      ]);
    } finally {
      await handle.close();
    }
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? 'denied' : 'gone';
  }
}

/** A header that goes on, or a notification, whose body counts. */
function needsMore(first: Buffer): boolean {
  return !/\r?\n\r?\n/.test(first.toString('latin1')) || isNotification(parseHeader(first));
}

async function readFrom(
  handle: Awaited<ReturnType<typeof open>>,
  position: number,
  length: number,
): Promise<Buffer> {
  const { bytesRead, buffer } = await handle.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}
