// Canaries as a command of the operator tells them:  look --argv, --since--> JSON on its stdout

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';

import { openArrival } from '../../../src/probes/canary/arrival/index.ts';
import { depsOf, never, now, shown, tokenOf } from './canary-arrival-setup.ts';

const open = (argv: string[], timeoutMs = 10_000) =>
  openArrival({ kind: 'command', argv }, depsOf('', { timeoutMs }));
const script = (text: string, timeoutMs?: number) => open(['/bin/sh', '-c', text, 'sh'], timeoutMs);
const lookAt = async (text: string, timeoutMs?: number) =>
  shown(await script(text, timeoutMs).look(now, never));

describe('a command', () => {
  it('is told since when, and believed', async () => {
    const found = await lookAt(
      `test "$1 $2" = "--since 2026-03-05T08:00:00.000Z" || exit 9
       echo '{"letters": [{"token": "${tokenOf(1)}", "spam": true}], "bounces": [{"token": "${tokenOf(2)}", "text": "5.1.1"}]}'`,
    );
    expect(found).toEqual(['1 spam', 'bounce 2: 5.1.1']);
  });

  it('has our environment and no shell of ours', async () => {
    process.env['MXCTL_TEST_WORD'] = 'there';
    onTestFinished(() => {
      delete process.env['MXCTL_TEST_WORD'];
    });
    expect(await lookAt(`test "$MXCTL_TEST_WORD" = there && echo '{"letters": []}'`)).toEqual([]);
    expect(shown(await open(['/bin/echo', '{"letters": []}; exit 1 $(id)']).look(now, never))[0]).toContain(
      'not JSON',
    );
  });

  it.each<[string, string, RegExp]>([
    [
      'fails',
      'echo "no such \u001b[1mtable" >&2; exit 3',
      /ended with 3 and said "no such \\u001b\[1mtable": run it/,
    ],
    ['fails with a long story', 'yes story | head -c 100000 >&2; exit 3', /^.{0,600}$/],
    ['fails without a word', 'exit 1', /ended with 1: run it by hand/],
    ['is killed', 'kill -9 $$', /was ended by SIGKILL/],
    ['prints something else', 'echo hello', /printed what is no list of canaries \(not JSON\)/],
    ['prints nothing', 'true', /the answer is empty; say {"letters": \[\]}/],
    ['prints for ever', 'yes', /printed more than 1 MiB/],
  ])('that %s makes the place unreadable', async (_, text, expected) => {
    const [reason] = await lookAt(text);
    expect(reason).toMatch(expected);
    expect(reason).toMatch(/^the command \/bin\/sh /);
  });

  it('that is not there is told', async () => {
    expect(shown(await open(['/none/find-canaries']).look(now, never))[0]).toMatch(
      /^the command \/none\/find-canaries cannot be run \(ENOENT\): check its name/,
    );
  });

  it('that hangs is ended with all it started', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'mxctl-command-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const pidFile = join(directory, 'pid');
    const [reason] = await lookAt(`sleep 600 & echo $! > ${pidFile}; wait`, 2500);
    expect(reason).toContain('was still running after 2.5 s');
    const pid = readFileSync(pidFile, 'utf8').trim();
    await expect
      .poll(() => !existsSync(`/proc/${pid}`) || readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z '))
      .toBe(true);
  });

  it('is ended when the caller gives up', async () => {
    const look = script('sleep 600').look(now, AbortSignal.timeout(50));
    await expect(look).rejects.toThrow(/timeout/);
    await expect(script('true').look(now, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
  });

  it('removes nothing, and is asked again after five seconds', async () => {
    const deps = depsOf();
    const mailbox = openArrival({ kind: 'command', argv: ['/bin/true'] }, deps);
    expect(await mailbox.remove(new Set([tokenOf(1)]), never)).toBe(false);
    await mailbox.changed(60_000, never);
    await mailbox.changed(1000, never);
    expect(deps.slept).toEqual([5000, 1000]);
  });
});
