// Reads the start of a file that may be a pipe, a device or much larger than it should be.

import { open } from 'node:fs/promises';

/** At most `limit` octets, with the file's mode bits; throws what the file system says. */
export async function readStart(
  file: string,
  limit: number,
): Promise<{ readonly bytes: Uint8Array; readonly mode: number }> {
  const handle = await open(file, 'r');
  try {
    const { mode } = await handle.stat();
    const chunks: Buffer[] = [];
    let length = 0;
    while (length < limit) {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(Math.min(65_536, limit - length)));
      if (bytesRead === 0) break;
      chunks.push(buffer.subarray(0, bytesRead));
      length += bytesRead;
    }
    return { bytes: Buffer.concat(chunks), mode };
  } finally {
    await handle.close();
  }
}

/** The system's code of a fault (`ENOENT`), which says enough and quotes nothing. */
export function faultOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}
