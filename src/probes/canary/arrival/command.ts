// Arrived canaries as a command of the operator tells them: `argv --since 2026-03-05T10:00:00.000Z` prints JSON. No
// shell, bounded in time and length, and ended with all it started.

import { spawn } from 'node:child_process';

import type { ArrivalSource } from '../../../model/canary.ts';
import { sanitise } from '../../../model/text.ts';
import type { ArrivalMailbox, MailboxAnswer } from '../../canary.ts';
import { clockMarginMs, pollMs } from './bounds.ts';
import type { ArrivalDeps } from './deps.ts';
import { parseListing } from './listing.ts';

/** A run from cron has a minute, and other mailboxes to look into. */
const defaultTimeoutMs = 15_000;
/** 2,000 letters with ten Received fields each would be 6 MiB; without them, 200 KiB. */
const maxOutputBytes = 1024 * 1024;
/** The last words tell; what came before them is progress. */
const maxComplaintLength = 200;

type Ended =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly why: string; readonly hint: string };

export function openCommand(
  source: ArrivalSource & { readonly kind: 'command' },
  deps: ArrivalDeps,
): ArrivalMailbox {
  const program = sanitise(source.argv[0] ?? '');
  const unreadable = (why: string, hint: string): MailboxAnswer => ({
    outcome: 'unreadable',
    reason: `the command ${program} ${why}: ${hint}`,
  });
  return {
    async look(sinceAt, signal) {
      signal.throwIfAborted();
      const since = new Date(Math.max(0, sinceAt - clockMarginMs)).toISOString();
      const ended = await run([...source.argv, '--since', since], deps.timeoutMs ?? defaultTimeoutMs, signal);
      if (!ended.ok) return unreadable(ended.why, ended.hint);
      const answer = parseListing(ended.text);
      return answer.outcome === 'read'
        ? answer
        : unreadable(
            `printed what is no list of canaries (${answer.reason})`,
            'run it by hand as this user and correct it',
          );
    },
    // Finding is all it was written for.
    remove: () => Promise.resolve(false),
    changed: (mostMs, signal) => deps.sleep(Math.min(mostMs, pollMs), signal),
    close: () => Promise.resolve(),
  };
}

function run(argv: readonly string[], timeoutMs: number, signal: AbortSignal): Promise<Ended> {
  const [program = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    // A process group of its own, so that what it started ends with it: a grandchild that keeps stdout open would keep
    // us waiting.
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const chunks: Buffer[] = [];
    let length = 0;
    let complaint = '';
    const finish = (done: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      endGroup(child.pid);
      child.stdout.destroy();
      child.stderr.destroy();
      done();
    };
    const fail = (why: string, hint: string) => finish(() => resolve({ ok: false, why, hint }));
    const onAbort = () => finish(() => reject(signal.reason as Error));
    const timer = setTimeout(
      () =>
        fail(
          `was still running after ${timeoutMs / 1000} s`,
          'make it answer from an index, or look at less',
        ),
      timeoutMs,
    );
    signal.addEventListener('abort', onAbort, { once: true });
    child.stdout.on('data', (chunk: Buffer) => {
      length += chunk.length;
      chunks.push(chunk);
      if (length > maxOutputBytes)
        fail('printed more than 1 MiB', 'it must list only what came since the time it is given');
    });
    child.stderr.on('data', (chunk: Buffer) => {
      complaint = (complaint + chunk.toString('utf8')).slice(-maxComplaintLength * 4);
    });
    child.on('error', (error: NodeJS.ErrnoException) =>
      fail(
        `cannot be run (${error.code ?? 'unknown error'})`,
        'check its name and that this user may run it',
      ),
    );
    child.on('close', (code, killedBy) => {
      if (code === 0) finish(() => resolve({ ok: true, text: Buffer.concat(chunks).toString('utf8') }));
      else
        fail(
          `${code === null ? `was ended by ${killedBy ?? 'a signal'}` : `ended with ${code}`}${lastWords(complaint)}`,
          'run it by hand as this user',
        );
    });
  });
}

function lastWords(complaint: string): string {
  const words = complaint.trim().slice(-maxComplaintLength);
  return words === '' ? '' : ` and said "${sanitise(words, maxComplaintLength)}"`;
}

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // All of it has ended by itself.
  }
}
