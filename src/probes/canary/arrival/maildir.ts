// Arrived canaries in a Maildir on this machine (https://cr.yp.to/proto/maildir.html), and in its folders that count as
// spam (Maildir++). Reads the heads of recent files only; follows no symlink and opens no pipe; unlinks only what it
// has just read a token in. Never looks into tmp/.

import type { Dirent } from 'node:fs';
import { lstat, opendir, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

import type { ArrivalSource } from '../../../model/canary.ts';
import { sanitise } from '../../../model/text.ts';
import type { ArrivalMailbox, FoundBounce, FoundLetter, MailboxAnswer } from '../../canary.ts';
import { clockMarginMs, maxLettersPerLook } from './bounds.ts';
import type { ArrivalDeps } from './deps.ts';
import { readBounce } from './dsn.ts';
import { parseHeader } from './header.ts';
import { readLetter } from './letter.ts';
import { readHead } from './maildir-head.ts';

/** Heads read in one look, the newest: a busy mailbox gets so many letters in two hours, and they take some two seconds. */
const maxHeads = 20_000;
/** Of names that are known to hold no canary; some 5 MB. */
const maxKnown = 50_000;
/** Directories' times have a resolution of a second on some file systems; looking is one stat a directory. ms. */
const watchMs = 1000;

interface Candidate {
  readonly file: string;
  /** Name without the flags, which change (`:2,S`). */
  readonly base: string;
  readonly storedAt: number;
  readonly isSpam: boolean;
}

interface Seen {
  readonly token: string;
  readonly letter: FoundLetter | null;
  readonly bounce: FoundBounce | null;
}

export function openMaildir(
  source: ArrivalSource & { readonly kind: 'maildir' },
  deps: ArrivalDeps,
): ArrivalMailbox {
  const folders = [
    { directory: source.directory, isSpam: false },
    ...source.spam.map((name) => ({ directory: resolve(source.directory, name), isSpam: true })),
  ];
  /** Of the last look: who else comes to remove something has not looked. */
  let found = new Map<string, string[]>();
  let times = '';
  const known = new Set<string>();

  async function look(sinceAt: number, signal: AbortSignal): Promise<MailboxAnswer> {
    times = await timesOf(folders);
    const candidates: Candidate[] = [];
    for (const { directory, isSpam } of folders) {
      const listed = await listFolder(directory, sinceAt - clockMarginMs, isSpam, known, signal);
      if (!listed.ok) return { outcome: 'unreadable', reason: listed.reason };
      candidates.push(...listed.candidates);
    }
    return readAll(candidates, signal);
  }

  async function readAll(all: readonly Candidate[], signal: AbortSignal): Promise<MailboxAnswer> {
    // The newest where there are too many, and of those the oldest first: it has waited longest to be counted.
    const newest = all.toSorted((a, b) => b.storedAt - a.storedAt).slice(0, maxHeads);
    found = new Map();
    const seen: Seen[] = [];
    let denied = 0;
    let isCut = all.length > newest.length;
    for (const candidate of newest.reverse()) {
      signal.throwIfAborted();
      if (seen.length >= maxLettersPerLook) {
        isCut = true;
        break;
      }
      const head = await readHead(candidate.file);
      if (head === 'denied') denied += 1;
      if (typeof head === 'string') continue;
      const one = readOne(head, candidate);
      if (one === null) remember(known, candidate.base);
      else {
        seen.push(one);
        found.set(one.token, [...(found.get(one.token) ?? []), candidate.file]);
      }
    }
    // One file of another user is his business; all of them are a canary nobody will see.
    if (denied > 0 && denied === newest.length) {
      const reason = `the letters in ${sanitise(source.directory)} may not be read by this user: let the program that delivers there make them readable for a group that this user is in`;
      return { outcome: 'unreadable', reason };
    }
    return {
      outcome: 'read',
      letters: seen.flatMap(({ letter }) => letter ?? []),
      bounces: seen.flatMap(({ bounce }) => bounce ?? []),
      isCut,
    };
  }

  return {
    look,
    async remove(tokens, signal) {
      let isComplete = true;
      const moved = movedFiles();
      for (const token of tokens) {
        for (const file of found.get(token.toLowerCase()) ?? []) {
          signal.throwIfAborted();
          if (!(await removeFile(file, token.toLowerCase(), moved))) isComplete = false;
        }
        found.delete(token.toLowerCase());
      }
      return isComplete;
    },
    async changed(mostMs, signal) {
      for (let waitedMs = 0; waitedMs < mostMs; waitedMs += watchMs) {
        if ((await timesOf(folders)) !== times) return;
        await deps.sleep(Math.min(watchMs, mostMs - waitedMs), signal);
      }
    },
    close: () => Promise.resolve(),
  };
}

function remember(known: Set<string>, base: string): void {
  if (known.size >= maxKnown) known.clear();
  known.add(base);
}

type Listed =
  | { readonly ok: true; readonly candidates: readonly Candidate[] }
  | { readonly ok: false; readonly reason: string };

/** new/ before cur/: a letter that a reader moves meanwhile is in one of the lists, or in both. */
async function listFolder(
  directory: string,
  notBefore: number,
  isSpam: boolean,
  known: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<Listed> {
  const byBase = new Map<string, Candidate>();
  for (const part of ['new', 'cur']) {
    const from = join(directory, part);
    try {
      for await (const entry of await opendir(from, { bufferSize: 1024 })) {
        signal.throwIfAborted();
        const base = baseOf(entry.name);
        if (known.has(base) || !isLetter(entry) || isOld(entry.name, notBefore)) continue;
        const file = join(from, entry.name);
        const storedAt = await storedAtOf(file);
        if (storedAt !== null && storedAt >= notBefore) byBase.set(base, { file, base, storedAt, isSpam });
      }
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      return { ok: false, reason: faultOf(error, from) };
    }
  }
  return { ok: true, candidates: [...byBase.values()] };
}

/** A mail reader appends flags, and changes them. */
function baseOf(name: string): string {
  return name.replace(/:.*$/s, '');
}

/** A name that begins with a dot is no letter; what some file systems do not tell the kind of, lstat will. */
function isLetter(entry: Dirent): boolean {
  return !entry.name.startsWith('.') && (entry.isFile() || isKindUnknown(entry));
}

function isKindUnknown(entry: Dirent): boolean {
  return !(
    entry.isDirectory() ||
    entry.isSymbolicLink() ||
    entry.isFIFO() ||
    entry.isSocket() ||
    entry.isBlockDevice() ||
    entry.isCharacterDevice()
  );
}

/** A name begins with the second it was delivered in, so that most of a large mailbox costs not even a stat. */
function isOld(name: string, notBefore: number): boolean {
  const second = /^(\d{9,11})\./.exec(name)?.[1];
  return second !== undefined && (Number(second) + 1) * 1000 < notBefore;
}

/** null for what is no ordinary file, or is gone. */
async function storedAtOf(file: string): Promise<number | null> {
  try {
    const facts = await lstat(file);
    return facts.isFile() ? Math.round(facts.mtimeMs) : null;
  } catch {
    return null;
  }
}

function readOne(head: Uint8Array, place: Candidate): Seen | null {
  const letter = readLetter(parseHeader(head), { storedAt: place.storedAt, isSpam: place.isSpam });
  if (letter !== null) return { token: letter.token, letter, bounce: null };
  const bounce = readBounce(head);
  return bounce === null ? null : { token: bounce.token, letter: null, bounce };
}

/** Where letters of a folder are now, by names without flags; each folder listed once, and only if one was moved. */
type Moved = (file: string) => Promise<string | null>;

function movedFiles(): Moved {
  const folders = new Map<string, Promise<ReadonlyMap<string, string>>>();
  return async (file) => {
    const current = join(dirname(dirname(file)), 'cur');
    const names = folders.get(current) ?? namesIn(current);
    folders.set(current, names);
    return (await names).get(baseOf(basename(file))) ?? null;
  };
}

async function namesIn(directory: string): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  try {
    for await (const { name } of await opendir(directory, { bufferSize: 1024 }))
      names.set(baseOf(name), join(directory, name));
  } catch {
    // Gone with its folder.
  }
  return names;
}

/** Reads once more before it unlinks: a name can have come to mean another letter. */
async function removeFile(file: string, token: string, moved: Moved): Promise<boolean> {
  const current = (await storedAtOf(file)) === null ? await moved(file) : file;
  // Somebody else was faster.
  if (current === null) return true;
  const head = await readHead(current);
  if (typeof head === 'string') return head === 'gone';
  const one = readOne(head, { file: current, base: '', storedAt: 0, isSpam: false });
  if (one?.token !== token) return true;
  try {
    await unlink(current);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

async function timesOf(folders: readonly { readonly directory: string }[]): Promise<string> {
  const directories = folders.flatMap(({ directory }) => [join(directory, 'new'), join(directory, 'cur')]);
  const facts = await Promise.all(directories.map((one) => stat(one, { bigint: true }).catch(() => null)));
  return facts.map((one) => one?.mtimeNs ?? 0n).join(' ');
}

function faultOf(error: unknown, directory: string): string {
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
  const place = sanitise(directory);
  if (code === 'ENOENT')
    return `there is no ${place}: check \`directory\` and \`spam\` of canary.arrival.maildir, or make the folder (an empty one with new/, cur/ and tmp/ will do)`;
  if (code === 'ENOTDIR')
    return `${place} is no directory: canary.arrival.maildir reads a Maildir, not a mailbox in one file`;
  if (code === 'EACCES') return `${place} may not be listed by this user: give it read and search rights`;
  return `${place} cannot be listed (${code}): check the file system`;
}
