// Run by tests as a process of its own: one verb against a state file, one line of JSON a step.
// Usage: node other-process.ts VERB FILE [HOLDER]

import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../../../src/errors.ts';
import { openSqlStore } from '../../../src/store/sql/open.ts';
import { openSqliteEngine } from '../../../src/store/sql/sqlite-engine.ts';

const [verb = '', file = '', holder = ''] = process.argv.slice(2);
const url = `sqlite:${file}`;
/** Longer than any test: the lease ends by release, or by the test's own clock. */
const ttlMs = 600_000;

function say(line: unknown): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const verbs: Readonly<Record<string, () => Promise<void>>> = {
  /** Opens, as a first run does, at the parent's word: starting a process takes longer than the race to be run. */
  open: async () => {
    say('ready');
    await once(process.stdin, 'data');
    process.stdin.destroy();
    const store = await openSqlStore({ url });
    await store.recordRun({ id: holder, command: 'auto', startedAt: 1, finishedAt: 2, exitCode: 0 });
    say(await store.info());
    await store.close();
  },

  /** Takes and frees the lease until it had it thirty times; says each token with the instants it was held between. */
  contend: async () => {
    const store = await openSqlStore({ url });
    for (let held = 0; held < 30;) {
      const answer = await store.acquireLease('support', holder, ttlMs, Date.now());
      if (answer.outcome === 'taken') {
        await sleep(1);
        continue;
      }
      held += 1;
      const from = process.hrtime.bigint();
      await sleep(1);
      say({ token: answer.lease.token, from: String(from), until: String(process.hrtime.bigint()) });
      await store.releaseLease(answer.lease);
    }
    await store.close();
  },

  /** Commits one run, then stands in the middle of a transaction until it is killed. */
  hang: async () => {
    const store = await openSqlStore({ url });
    const run = { command: 'auto', startedAt: 1, finishedAt: 2, exitCode: 0 };
    await store.recordRun({ id: 'committed', ...run });
    await store.acquireLease('support', holder, ttlMs, 1);
    const engine = await openSqliteEngine({ file, create: false, readOnly: false, lockWaitMs: 1000 });
    await engine.write('synced', async (trx) => {
      await trx
        .insertInto('run')
        .values({ id: 'half', command: 'auto', started_at: 9, finished_at: 9, exit_code: 0 })
        .execute();
      await trx.deleteFrom('lease').execute();
      say('in the middle');
      await new Promise(() => setInterval(() => undefined, ttlMs));
    });
  },

  /** Writes until the file may not grow any more. */
  fill: async () => {
    const store = await openSqlStore({ url });
    const data = { padding: 'x'.repeat(20_000) };
    let written = 0;
    try {
      for (;;) {
        const id = String(written);
        await store.appendEvent({ id, at: written, route: null, kind: 'drift', text: '', data });
        written += 1;
      }
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      say({ code: error.code, message: error.message, hint: error.hint, written });
    }
  },
};

await verbs[verb]?.();
