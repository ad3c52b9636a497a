// SQLite's result codes as errors that tell a person what to do. What is neither the file's nor the machine's fault
// is left as it is: that is a bug of ours. https://www.sqlite.org/rescode.html

import { StoreError } from '../../errors.ts';
import { sanitise } from '../../model/text.ts';

/** Primary result codes; the extended ones carry more in their higher bits. */
const primaryMask = 0xff;
const busy = 5;
const locked = 6;
/** PERM, READONLY, INTERRUPT, IOERR, FULL, CANTOPEN, PROTOCOL, NOLFS, AUTH. */
const unusable = new Set([3, 8, 9, 10, 13, 14, 15, 22, 23]);
/** ERROR, CORRUPT, NOTADB. The first is SQLite's word for wrong SQL, but ours never changes: where it was right on a
 *  sound file, it is the file's schema that is wrong ("no such table", "unsupported file format"). */
const corrupt = new Set([1, 11, 26]);

/** For a message about a broken file: what to do, and what doing it costs. */
export function corruptHint(location: string): string {
  const what = location.startsWith('sqlite:')
    ? `${location.slice('sqlite:'.length)} (and -wal, -shm beside it)`
    : 'its tables (alter schema … rename)';
  return (
    `move ${what} aside and run again; DNS is untouched. Lost: history, probe counters, ` +
    'pauses and what caches may still hold, so watch before the next flip'
  );
}

function primaryCodeOf(error: unknown): number | null {
  if (!(error instanceof Error) || !('errcode' in error)) return null;
  return typeof error.errcode === 'number' ? error.errcode & primaryMask : null;
}

/** True where another connection had the lock: the statement had no effect and may be tried again. */
export function isBusy(error: unknown): boolean {
  const code = primaryCodeOf(error);
  return code === busy || code === locked;
}

/** node:sqlite will not round an integer that JavaScript cannot hold; mxctl never wrote one. */
function isBeyondSafeIntegers(error: Error): boolean {
  return 'code' in error && error.code === 'ERR_OUT_OF_RANGE';
}

/** A StoreError for faults of the file or the machine; anything else comes back unchanged. */
export function storeFault(error: unknown, location: string): unknown {
  if (!(error instanceof Error) || error instanceof StoreError) return error;
  const said = sanitise(error.message);
  const code = primaryCodeOf(error);
  if (isBusy(error)) {
    return new StoreError('store-unavailable', `state store ${location} is locked by another process`, {
      hint: 'try again; if it stays so, look for a stopped mxctl process that has the file open',
      cause: error,
      retryable: true,
    });
  }
  if (code !== null && corrupt.has(code)) return corruptFault(said, location, error);
  if (code !== null && unusable.has(code)) {
    return new StoreError('store-unavailable', `state store ${location} cannot be used: ${said}`, {
      hint: 'check free space, the rights of the file and its directory, and that the file system is not read-only',
      cause: error,
    });
  }
  return isBeyondSafeIntegers(error) ? corruptFault(said, location, error) : error;
}

function corruptFault(said: string, location: string, cause: Error): StoreError {
  return new StoreError('store-corrupt', `state store ${location} is damaged: ${said}`, {
    hint: corruptHint(location),
    cause,
  });
}

/** Of `node:fs`, on the way to the file. */
export function fileFault(error: unknown, location: string): StoreError {
  const said = sanitise(error instanceof Error ? error.message : String(error));
  return new StoreError('store-unavailable', `state store ${location} cannot be opened: ${said}`, {
    hint: 'give this user write access to the directory, or name another place: state.url: sqlite:FILE',
    cause: error,
  });
}
