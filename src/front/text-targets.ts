// Where long results go: standard output, a file, or a place to wait until the rest is known. Whoever writes asks whether
// there is room; a file appears under its name only when it is whole.

import { randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { lstat, rename, rm } from 'node:fs/promises';
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

export function stdoutTarget(): TextTarget {
  const { stdout } = process;
  const pieces = new Pieces(stdout, (stdout.isTTY as boolean | undefined) === true);
  let isClosed = false;
  // Whether that is an error is for front/output.ts to say.
  stdout.on('error', () => {
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

/** Written beside it under another name first, so that nobody reads half of it and the last good one stays until then. */
export async function fileTarget(file: string): Promise<TextTarget> {
  // What a link or a device stands for (/dev/stderr, a named pipe) is written to; only a file is replaced.
  const isPlain = await lstat(file).then(
    (found) => found.isFile(),
    () => true,
  );
  const temporary = isPlain ? `${file}.${randomBytes(4).toString('hex')}.tmp` : file;
  const stream = await openStream(temporary, file, isPlain);
  const pieces = new Pieces(stream, false);
  return {
    write: (text) => pieces.write(text),
    room: () => pieces.room(),
    isClosed: () => false,
    finish: async () => {
      pieces.flush();
      await ended(stream, file);
      if (isPlain) await rename(temporary, file);
    },
    discard: async () => {
      stream.destroy();
      if (isPlain) await rm(temporary, { force: true });
    },
  };
}

async function openStream(temporary: string, file: string, isNew: boolean): Promise<WriteStream> {
  const stream = createWriteStream(temporary, { flags: isNew ? 'wx' : 'w' });
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
