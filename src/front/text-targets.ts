// Where long results go: standard output, a file, or a place to wait until the rest is known. Whoever writes asks whether
// there is room; a file appears under its name only when it is whole.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { lstat, realpath, rename, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { UsageError } from '../errors.ts';

export interface TextTarget {
  write(text: string): void;
  /** Null where there is room for more, else resolves when there is. */
  room(): Promise<void> | null;
  /** True where its reader has gone away. */
  isClosed(): boolean;
  /** Everything is out. Throws UsageError where it cannot be. */
  finish(): Promise<void>;
  /** Nothing of it stays. */
  discard(): Promise<void>;
}

/** Less what the umask takes away. */
const anybody = 0o666;

/** Pieces that are worth a system call; characters. */
const pieceLength = 65_536;

/** Gathers small texts. On a terminal each is shown at once. */
class Pieces {
  #text = '';
  readonly #isEager: boolean;
  readonly #stream: Writable;

  constructor(stream: Writable, isEager: boolean) {
    this.#stream = stream;
    this.#isEager = isEager;
  }

  write(text: string): void {
    this.#text += text;
    if (this.#text.length >= pieceLength || this.#isEager) this.flush();
  }

  flush(): void {
    if (this.#text !== '' && !this.#stream.destroyed) this.#stream.write(this.#text);
    this.#text = '';
  }

  room(): Promise<void> | null {
    const stream = this.#stream;
    if (!stream.writableNeedDrain || stream.destroyed) return null;
    return new Promise((resolve) => {
      const done = () => {
        for (const event of ['drain', 'close', 'error']) stream.off(event, done);
        resolve();
      };
      for (const event of ['drain', 'close', 'error']) stream.on(event, done);
    });
  }
}

/** Of this process. Not opened anew by a name such as /dev/stderr: a socket cannot be, and a file would be cut off. */
export function standardTarget(name: 'stdout' | 'stderr'): TextTarget {
  const stream: NodeJS.WriteStream = process[name];
  const pieces = new Pieces(stream, (stream.isTTY as boolean | undefined) === true);
  let isClosed = false;
  // Whether that is an error is for front/output.ts to say.
  stream.on('error', () => {
    isClosed = true;
  });
  return {
    write: (text) => {
      if (!isClosed) pieces.write(text);
    },
    room: () => (isClosed ? null : pieces.room()),
    isClosed: () => isClosed,
    finish: async () => {
      pieces.flush();
      await pieces.room();
    },
    discard: () => Promise.resolve(),
  };
}

export function stdoutTarget(): TextTarget {
  return standardTarget('stdout');
}

/** What a stream of our own needs wherever it goes; how it is given up is another matter. */
function writingTo(stream: WriteStream, file: string): Omit<TextTarget, 'discard'> {
  const pieces = new Pieces(stream, false);
  return {
    write: (text) => pieces.write(text),
    room: () => pieces.room(),
    isClosed: () => false,
    finish: async () => {
      pieces.flush();
      await ended(stream, file);
    },
  };
}

/** Written beside it under another name first, so that nobody reads half of it and the last good one stays until then. */
export async function fileTarget(file: string, mode = anybody): Promise<TextTarget> {
  const place = await placeOf(file);
  const temporary = place.isReplaced ? `${place.file}.${randomBytes(4).toString('hex')}.tmp` : place.file;
  const stream = await openStream(temporary, file, place.isReplaced ? 'wx' : 'a', mode);
  const writing = writingTo(stream, file);
  return {
    ...writing,
    finish: async () => {
      await writing.finish();
      if (place.isReplaced) await rename(temporary, place.file);
    },
    discard: async () => {
      stream.destroy();
      if (place.isReplaced) await rm(temporary, { force: true });
    },
  };
}

/** Added to what is there, which others wrote; on a failure what there was stays. */
export async function appendTarget(file: string): Promise<TextTarget> {
  const before = await stat(file).then(
    ({ size }) => size,
    () => 0,
  );
  const stream = await openStream(file, file, 'a');
  return {
    ...writingTo(stream, file),
    discard: async () => {
      const isOver = once(stream, 'close');
      stream.destroy();
      await isOver;
      await truncate(file, before);
    },
  };
}

/** The file that is meant. What a device or a named pipe stands for is written to, never replaced; a link stays one. */
async function placeOf(file: string): Promise<{ readonly file: string; readonly isReplaced: boolean }> {
  const meant = await realpath(file).catch(() => null);
  // Nothing there, or a link to nothing: what is written makes it.
  if (meant === null) return { file, isReplaced: !(await isLink(file)) };
  const isFile = await stat(meant).then(
    (found) => found.isFile(),
    () => false,
  );
  // The log that stderr goes to is a file as well, and not ours to replace.
  return isFile && !file.startsWith('/dev/')
    ? { file: meant, isReplaced: true }
    : { file, isReplaced: false };
}

function isLink(file: string): Promise<boolean> {
  return lstat(file).then(
    (found) => found.isSymbolicLink(),
    () => false,
  );
}

async function openStream(
  temporary: string,
  file: string,
  flags: 'wx' | 'a',
  mode = anybody,
): Promise<WriteStream> {
  const stream = createWriteStream(temporary, { flags, mode });
  await new Promise<void>((resolve, reject) => {
    stream.once('open', () => resolve());
    stream.once('error', (error: NodeJS.ErrnoException) => reject(cannotWrite(file, error)));
  });
  // The end of the run reports it.
  stream.on('error', () => {});
  return stream;
}

function ended(stream: WriteStream, file: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) => reject(cannotWrite(file, error));
    if (stream.errored !== null) {
      fail(stream.errored);
      return;
    }
    stream.once('error', fail);
    stream.end(() => resolve());
  });
}

function cannotWrite(file: string, error: NodeJS.ErrnoException): UsageError {
  return new UsageError('usage', `cannot write ${file}: ${error.code ?? 'unknown error'}`, {
    hint: 'check that its directory exists, that this user may write there, and that there is room',
    cause: error,
  });
}

/** Text that waits until what comes before it is known. Small ones stay in memory, so that most runs need no disk. */
export interface Spool extends TextTarget {
  /** Once; afterwards nothing of it is left. */
  pieces(): AsyncIterable<string>;
}

/** Results of some ten thousand domains; characters. */
const spooledInMemory = 4 * 1024 * 1024;

export function createSpool(): Spool {
  let start: string[] = [];
  let length = 0;
  let opening: Promise<TextTarget> | null = null;
  let target: TextTarget | null = null;
  const file = join(tmpdir(), `mxctl-${randomBytes(8).toString('hex')}.spool`);
  const open = async (): Promise<TextTarget> => {
    target = await fileTarget(file);
    for (const text of start) target.write(text);
    start = [];
    return target;
  };
  const room = (): Promise<void> | null => {
    if (target !== null) return target.room();
    if (length <= spooledInMemory) return null;
    opening ??= open();
    return opening.then(() => {});
  };
  return {
    write: (text) => {
      length += text.length;
      if (target === null) start.push(text);
      else target.write(text);
    },
    room,
    isClosed: () => false,
    finish: async () => {
      await room();
      await target?.finish();
    },
    discard: async () => {
      await opening;
      await target?.discard();
      await rm(file, { force: true });
    },
    pieces: async function* () {
      yield* start;
      if (target === null) return;
      try {
        yield* createReadStream(file, 'utf8') as AsyncIterable<string>;
      } finally {
        await rm(file, { force: true });
      }
    },
  };
}
