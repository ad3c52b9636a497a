// Canaries in a Maildir on disk:  MTA --> new/ --> cur/ <-- look, remove

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';

import { openArrival } from '../../../src/probes/canary/arrival/index.ts';
import { depsOf, letterOf, never, now, shown, tokenOf } from './canary-arrival-setup.ts';

const hour = 3_600_000;

function maildirWith(...spam: string[]): string {
  const directory = mkdtempSync(join(tmpdir(), 'mxctl-maildir-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  for (const folder of ['', ...spam])
    for (const part of ['new', 'cur', 'tmp']) mkdirSync(join(directory, folder, part), { recursive: true });
  return directory;
}

/** Written as an MTA does, at an instant. */
function put(directory: string, name: string, text: string, at = now): string {
  const file = join(directory, name);
  writeFileSync(file, text);
  utimesSync(file, at / 1000, at / 1000);
  return file;
}

const open = (directory: string, spam: string[] = [], deps = depsOf()) =>
  openArrival({ kind: 'maildir', directory, spam }, deps);

const bounceOf = (n: number) => `Return-Path: <>
Content-Type: multipart/report; report-type=delivery-status; boundary=b
Subject: Undelivered Mail

--b
Content-Type: text/plain

${'It could not be delivered. '.repeat(600)}
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Action: failed
Status: 5.1.1

--b
Content-Type: message/rfc822

${letterOf(n)}
--b--
`;

describe('a Maildir', () => {
  it('shows letters in new/, in cur/ and in the spam folder, with the time they were stored', async () => {
    const directory = maildirWith('.Junk');
    put(directory, `new/${now / 1000}.M1P1.mx`, letterOf(1), now - 1000);
    put(directory, `cur/${now / 1000}.M2P1.mx:2,S`, letterOf(2));
    put(directory, `.Junk/new/${now / 1000}.M3P1.mx`, letterOf(3));
    put(directory, `tmp/${now / 1000}.M4P1.mx`, letterOf(4));
    put(directory, `new/${now / 1000}.M5P1.mx`, 'Subject: something else\n\nhello\n');
    put(directory, `new/${now / 1000}.M6P1.mx`, letterOf(6).replace(/X-Mxctl.*\n/, ''));
    const answer = await open(directory, ['.Junk']).look(now - 1000, never);
    expect(shown(answer)).toEqual(['1', '2', '3 spam', '6 by subject']);
    const [first] = answer.outcome === 'read' ? answer.letters.filter((one) => one.token === tokenOf(1)) : [];
    expect(first).toEqual({
      token: tokenOf(1),
      isBySubject: false,
      storedAt: now - 1000,
      isSpam: false,
      trace: [
        {
          from: 'out.ops.example [192.0.2.7]',
          by: 'mx.example.com',
          protocol: 'ESMTPS',
          at: now - 2000,
        },
      ],
    });
  });

  it('shows two copies as two letters, and a letter a reader has just moved as one', async () => {
    const directory = maildirWith();
    put(directory, 'new/1.M1P1.mx', letterOf(1));
    put(directory, 'cur/1.M2P1.mx:2,S', letterOf(1));
    put(directory, 'new/1.M3P1.mx', letterOf(2));
    put(directory, 'cur/1.M3P1.mx:2,S', letterOf(2));
    expect(shown(await open(directory).look(now, never))).toEqual(['1', '1', '2']);
  });

  it('ties a long bounce to its letter', async () => {
    const directory = maildirWith();
    put(directory, 'new/1.M1P1.mx', bounceOf(7));
    expect(shown(await open(directory).look(now, never))).toEqual([
      'bounce 7: 5.1.1 (reported by mx.example.net)',
    ]);
  });

  it('sees what came up to two hours before, for the sake of a clock that is off', async () => {
    const directory = maildirWith();
    put(directory, 'new/1.M1P1.mx', letterOf(1), now - hour);
    put(directory, 'new/1.M2P1.mx', letterOf(2), now - 3 * hour);
    put(directory, `new/${(now - 3 * hour) / 1000}.M3P1.mx`, letterOf(3), now);
    expect(shown(await open(directory).look(now, never))).toEqual(['1']);
  });

  it('follows no symlink, waits at no pipe and passes over what it may not read', async () => {
    const directory = maildirWith();
    const outside = put(directory, 'tmp/outside', letterOf(1));
    symlinkSync(outside, join(directory, 'new', '1.M1P1.mx'));
    execFileSync('mkfifo', [join(directory, 'new', '1.M2P1.mx')]);
    mkdirSync(join(directory, 'new', '1.M3P1.mx'));
    put(directory, 'new/.hidden', letterOf(4));
    chmodSync(put(directory, 'new/1.M5P1.mx', letterOf(5)), 0);
    put(directory, 'new/1.M6P1.mx', letterOf(6));
    const found = shown(await open(directory).look(now, never));
    // Root reads what nobody may.
    expect(found.filter((one) => one !== '5')).toEqual(['6']);
  });

  it('takes away the letters and bounces it is told, those alone', async () => {
    const directory = maildirWith('.Junk');
    const [ours, ...others] = [
      put(directory, 'new/1.M1P1.mx', letterOf(1)),
      put(directory, 'new/1.M2P1.mx', letterOf(2)),
      put(directory, 'new/1.M3P1.mx', 'Subject: hello\n\nhello\n'),
      put(directory, 'new/1.M4P1.mx', `Subject: fwd\n\n${letterOf(1)}`),
    ];
    const bounce = put(directory, '.Junk/new/1.M5P1.mx', bounceOf(1));
    const mailbox = open(directory, ['.Junk']);
    await mailbox.look(now, never);
    expect(await mailbox.remove(new Set([tokenOf(1)]), never)).toBe(true);
    expect([existsSync(ours), existsSync(bounce), ...others.map((one) => existsSync(one))]).toEqual([
      false,
      false,
      true,
      true,
      true,
    ]);
    expect(await mailbox.remove(new Set([tokenOf(1), tokenOf(9)]), never)).toBe(true);
  });

  it('finds what a reader moved between look and remove, and keeps another letter under an old name', async () => {
    const directory = maildirWith();
    const moved = put(directory, 'new/1.M1P1.mx', letterOf(1));
    const replaced = put(directory, 'new/1.M2P1.mx', letterOf(2));
    const mailbox = open(directory);
    await mailbox.look(now, never);
    renameSync(moved, join(directory, 'cur', '1.M1P1.mx:2,RS'));
    writeFileSync(replaced, letterOf(3));
    expect(await mailbox.remove(new Set([tokenOf(1), tokenOf(2)]), never)).toBe(true);
    expect([readdirSync(join(directory, 'cur')), readdirSync(join(directory, 'new'))]).toEqual([
      [],
      ['1.M2P1.mx'],
    ]);
  });

  it('takes two thousand letters a look and says that there are more', async () => {
    const directory = maildirWith();
    for (let n = 0; n < 2100; n += 1) put(directory, `new/1.M${n}P1.mx`, letterOf(n), now + n * 1000);
    const mailbox = open(directory);
    const first = await mailbox.look(now, never);
    if (first.outcome !== 'read') throw new Error(first.reason);
    expect([first.letters.length, first.isCut]).toEqual([2000, true]);
    expect(await mailbox.remove(new Set(first.letters.map((one) => one.token)), never)).toBe(true);
    const rest = await mailbox.look(now, never);
    expect(rest.outcome === 'read' && [rest.letters.length, rest.isCut]).toEqual([100, false]);
  });

  it('that is not there, or no Maildir, is told with what to do', async () => {
    const directory = maildirWith();
    writeFileSync(join(directory, 'mbox'), '');
    const reasonOf = async (place: string, spam: string[] = []) =>
      shown(await open(place, spam).look(now, never))[0];
    expect(await reasonOf(join(directory, 'none'))).toMatch(/^there is no \S+\/none\/new: check `directory`/);
    expect(await reasonOf(join(directory, 'mbox'))).toContain(
      'is no directory: canary.arrival.maildir reads a Maildir',
    );
    expect(await reasonOf(directory, ['.Spam'])).toMatch(
      /^there is no \S+\/\.Spam\/new: check .* or make the folder/,
    );
  });

  it.skipIf(process.getuid?.() === 0)('whose letters are all another user’s is unreadable', async () => {
    const directory = maildirWith();
    chmodSync(put(directory, 'new/1.M1P1.mx', letterOf(1)), 0);
    expect(shown(await open(directory).look(now, never))[0]).toContain('may not be read by this user');
  });

  it('tells of a change at once, and of none after the time it was given', async () => {
    const directory = maildirWith('.Junk');
    const deps = depsOf();
    const mailbox = open(directory, ['.Junk'], deps);
    await mailbox.look(now, never);
    await mailbox.changed(2500, never);
    expect(deps.slept).toEqual([1000, 1000, 500]);
    put(directory, '.Junk/new/1.M1P1.mx', letterOf(1));
    await mailbox.changed(2500, never);
    expect(deps.slept).toHaveLength(3);
  });

  it('stops looking when told to', async () => {
    const directory = maildirWith();
    put(directory, 'new/1.M1P1.mx', letterOf(1));
    await expect(open(directory).look(now, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
  });
});
