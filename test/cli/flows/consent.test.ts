// From the plan to the change by a person's word, on a terminal and without one.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type CliWorld,
  directMx,
  expectScreen,
  proxyMx,
  type Started,
  startCliWorld,
} from '../../support/cli-world.ts';
import type { Run } from '../../support/cli.ts';

let flow: CliWorld;
beforeAll(async () => {
  flow = await startCliWorld();
});
beforeEach(() => flow.reset());
afterAll(() => flow.close());

const before = [6, ...proxyMx];
const after = [2, ...directMx];
const question = /Move shop from proxy to direct\? \[y\/N\] /;

/** What a person sees, without what moves the cursor. */
const seen = ({ stdout }: Run) =>
  // eslint-disable-next-line no-control-regex -- readline's own sequences
  stdout.replace(/\u001b\[[\d;]*[A-Za-z]/g, '').replace(/\r/g, '');

async function atTheQuestion(asked: RegExp, ...args: string[]): Promise<Started> {
  const started = flow.startOnTerminal(args);
  await started.until(asked);
  return started;
}

describe('a failover on a terminal', () => {
  it('changes nothing on anything but yes', async () => {
    const [no, end, stop] = await Promise.all(
      ['yess\r', '\u0004', '\u0003'].map(async (typed) => {
        const started = await atTheQuestion(question, 'failover', 'shop');
        started.type(typed);
        return started.ended;
      }),
    );
    for (const run of [no!, end!]) {
      expect(run.exitCode).toBe(3);
      expect(seen(run)).toContain('error: not confirmed; nothing was changed');
    }
    // Ctrl-C
    expect(stop!.exitCode).toBe(130);
    expect(seen(stop!)).toContain('error: stopped before you agreed; nothing was changed');
    expect(flow.mx).toEqual(before);
  });

  it('refuses where the RRset changed while the person was thinking, and leaves that change alone', async () => {
    const started = await atTheQuestion(question, 'failover', 'shop');
    const foreign = ['5 mx.elsewhere.example.'];
    flow.publish(300, ...foreign);
    started.type('y\r');
    const run = await started.ended;
    expect(run.exitCode).toBe(3);
    expect(seen(run)).toContain('the live RRset is not what the plan was made from; nothing was changed');
    expect(flow.mx).toEqual([300, ...foreign]);
    flow.publish(6, ...proxyMx);
  });

  it('shows the plan, moves on y, reads back, and says what comes next', async () => {
    const started = await atTheQuestion(question, 'failover', 'shop');
    expect(flow.mx).toEqual(before);
    started.type('y\r');
    const run = await started.ended;
    expect(run.exitCode).toBe(0);
    expect(flow.mx).toEqual(after);
    const text = seen(run);
    expect(text).toMatch(/^Plan [0-9a-f]{6} {3}shop: proxy -> direct .* UTC$/m);
    expect(text).toMatch(/^ {4}- 6 {2}10 mx1\.filter\.example\.net\. +\+ 2 {2}10 mx\.shop\.example\.$/m);
    expect(text).toMatch(/^done {3}shop: proxy -> direct {3}change [0-9a-f]{6}$/m);
    expect(text).toMatch(/^Next {2}mxctl watch [0-9a-f]{6} /m);
    expectScreen(text);
  });

  it.each([
    ['y', 'y\r', 3, before],
    ['its name', 'shop\r', 0, after],
  ])('asks for the route by name where a guard is overridden: %s', async (_title, typed, exitCode, mx) => {
    await flow.run(['pause', 'shop', '--reason', 'OPS-1182']);
    const asked = /Move shop from proxy to direct\? Type the route's name: /;
    const started = await atTheQuestion(asked, 'failover', 'shop', '--override', 'paused');
    started.type(typed);
    expect((await started.ended).exitCode).toBe(exitCode);
    expect(flow.mx).toEqual(mx);
  });
});

describe('a failover without a terminal', () => {
  it('shows the plan, refuses with 3 and changes nothing', async () => {
    const run = await flow.run(['failover', 'shop']);
    expect(run.exitCode).toBe(3);
    expect(run.stdout).toMatch(/^Plan /);
    expectScreen(run.stdout + run.stderr);
    expect(run.stdout).not.toMatch(/^Next/m);
    expect(run.stderr).toBe(
      'error: there is no terminal to ask on; nothing was changed\nagree beforehand with --yes\n',
    );
    expect(flow.mx).toEqual(before);
  });

  it('refuses with --json on a terminal too: there nobody is asked', async () => {
    const started = flow.startOnTerminal(['failover', 'shop', '--json']);
    const run = await started.ended;
    expect(run.exitCode).toBe(3);
    expect(JSON.parse(run.stdout)).toMatchObject({ ok: false, error: { code: 'no-terminal' } });
    expect(flow.mx).toEqual(before);
  });

  it('is exit 64 for what is not there, with what was meant', async () => {
    const cases: [string[], string, string][] = [
      [['shopp', '--yes'], 'route-unknown', 'did you mean shop?'],
      [['shop', '--to', 'dierct', '--yes'], 'path-unknown', 'did you mean direct?'],
      [['shop', '--to', 'spool', '--yes'], 'path-unknown', 'paths: proxy, direct'],
      [['shop', '--confirm', 'shopp'], 'not-confirmed', '--confirm shop'],
      [['shop', '--override', 'pausedd'], 'usage', '--help'],
      [['shop', '--yes', '--offline-state'], 'usage', '--help'],
    ];
    await Promise.all(
      cases.map(async ([args, code, hint]) => {
        const { exit_code, error } = await flow.json(['failover', ...args]);
        expect([args, exit_code, error?.code]).toEqual([args, 64, code]);
        expect(error?.hint).toContain(hint);
      }),
    );
    expect(flow.mx).toEqual(before);
  });

  it('moves with --yes and tells everything in the envelope', async () => {
    const { exit_code, data, error } = await flow.json(['failover', 'shop', '--yes', '--reason', 'OPS-1182']);
    expect([exit_code, error]).toEqual([0, null]);
    expect(data).toMatchObject({
      plan: { route: 'shop', kind: 'manual', from: 'proxy', to: 'direct' },
      action: { state: 'confirmed', reason: 'OPS-1182', changes: [{ state: 'confirmed' }] },
    });
    expect(flow.mx).toEqual(after);
  });

  it('has nothing to do where the target is active already', async () => {
    const run = await flow.run(['failover', 'shop', '--to', 'proxy', '--yes']);
    expect(run).toMatchObject({ exitCode: 0, stderr: '' });
    expect(run.stdout).toMatch(/nothing to change: DNS holds these records already[^]*Nothing to do\.\n$/);
  });

  it('wants the route by name with --override, for --yes overrides nothing', async () => {
    await flow.run(['pause', 'shop', '--reason', 'OPS-1182']);
    const refused = await flow.json(['failover', 'shop', '--yes']);
    expect([refused.exit_code, refused.error?.code]).toEqual([3, 'refused']);
    expect(refused.error?.message).toMatch(/^refused by paused: paused by .*: OPS-1182$/);
    const unnamed = await flow.json(['failover', 'shop', '--yes', '--override', 'paused']);
    expect([unnamed.exit_code, unnamed.error?.code]).toEqual([3, 'no-terminal']);
    expect(unnamed.error?.hint).toContain('--confirm shop');
    expect(flow.mx).toEqual(before);
    const named = await flow.json(['failover', 'shop', '--override', 'paused', '--confirm', 'shop']);
    expect(named).toMatchObject({ exit_code: 0, data: { action: { overrides: ['paused'] } } });
    expect(flow.mx).toEqual(after);
  });
});
