// Canaries as a person and a script meet them: one by hand, the screens, a proxy that holds or loses mail, what was
// replayed, and forged or stripped letters. SMTP answers 250 all the time; nothing else shows it.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Envelope } from '../../../src/render/envelope.ts';
import { type CliWorld, directMx, expectScreen, startCliWorld, until } from '../../support/cli-world.ts';

let flow: CliWorld;
beforeAll(async () => {
  flow = await startCliWorld({}, { canaries: true });
  // Health must not grow stale while a test looks on.
  flow.useConfig((yaml) => yaml.replace('interval: 1s', 'interval: 5m').replace('forgive: 3', 'forgive: 1'));
});
beforeEach(() => flow.reset());
afterAll(() => flow.close());

interface CanaryJson {
  readonly path: string;
  readonly token: string;
  readonly state: string;
  readonly queue_id: string | null;
  readonly latency_seconds: number | null;
}
interface RouteJson {
  readonly canaries: readonly CanaryJson[];
  readonly not_sent: readonly string[];
}
interface StatusJson {
  readonly active: string;
  readonly canary: {
    readonly findings: readonly { readonly kind: string; readonly text: string }[];
    readonly mailbox: { readonly forged: number; readonly fault: string | null };
    readonly paths: readonly {
      readonly path: string;
      readonly status: string;
      readonly owed: CanaryJson[];
    }[];
  };
}

const sentOf = ({ data }: Envelope) => (data as { routes: RouteJson[] }).routes[0]!;
const statusOf = ({ data }: Envelope) => (data as { routes: StatusJson[] }).routes[0]!;
/** One screen without its line breaks, to look for sentences. */
const sentences = (text: string) => text.replace(/\s+/g, ' ');
const once = ['auto', '--once'];

/** Rounds until `status` shows this of the canaries. */
async function roundsUntil(isSo: (status: StatusJson) => boolean): Promise<void> {
  await until(async () => {
    await flow.run(once);
    return isSo(statusOf(await flow.json(['status'])));
  }, 40_000);
}

const statusOfPath = (path: string, status: string) => (one: StatusJson) =>
  one.canary.paths.some((other) => other.path === path && other.status === status);

describe('a canary by hand', () => {
  it('goes over every path, and its way and its queue id are told', async () => {
    const [text, json] = [
      await flow.run(['probe', '--canary']),
      await flow.json(['probe', 'shop', '--canary']),
    ];
    expect([text.exitCode, json.exit_code, text.stderr]).toEqual([0, 0, '']);
    expectScreen(text.stdout);
    expect(text.stdout).toMatch(/^ok {2}shop\/proxy +mx[12]\.filter\.example\.net +\w+ +after \d+m?s$/m);
    expect(text.stdout).toMatch(/^ {4}shop\/proxy {3}way: mx[12]\.filter\.example\.net > mx\.shop\.example/m);
    expect(text.stdout).toMatch(/\n2 of 2 canaries arrived in time\n$/);
    const { canaries, not_sent } = sentOf(json);
    expect(not_sent).toEqual([]);
    expect(canaries).toMatchObject([
      { path: 'proxy', state: 'arrived', token: expect.stringMatching(/^mxc-/) as string },
      { path: 'direct', state: 'arrived', queue_id: expect.stringMatching(/^\w+$/) as string },
    ]);
  });

  it('shows each step to a person who waits', async () => {
    const run = await flow.startOnTerminal(['probe', '--canary']).ended;
    expect(run.stdout).toMatch(/^shop\/proxy: handed over: 250 .*\r?$/m);
    expect(run.stdout).toMatch(/^shop\/proxy: arrived after \d\.\d s\r?$/m);
  });

  it('is not judged while it may still come in time', async () => {
    await flow.world.setFault('proxy', 'hold');
    const wait = ['probe', '--canary', '--wait', '1s'];
    const text = await flow.run(wait);
    expect(text.exitCode).toBe(8);
    expectScreen(text.stdout);
    expect(text.stdout).toMatch(/^\? {3}shop\/proxy .* not yet\n/m);
    expect(text.stdout).toMatch(/\n1 of 2 canaries arrived in time\n$/);
  });

  it.each([
    ['550-rcpt', 'refused', /^FAIL {2}shop\/proxy .* refused\n.*\n {4}shop\/proxy {3}550 /m],
    ['bounce', 'bounced', /^FAIL {2}shop\/proxy .* bounced$/m],
    ['down', 'unreachable', /^FAIL {2}shop\/proxy .* unreachable$/m],
  ] as const)('fails where the path answers with %s', async (fault, state, screen) => {
    await flow.world.setFault('proxy', fault);
    const text = await flow.run(['probe', '--canary', '--wait', '5s']);
    expect(text.exitCode).toBe(2);
    expectScreen(text.stdout);
    expect(text.stdout).toMatch(screen);
    const json = await flow.json(['probe', '--canary', '--wait', '5s']);
    expect(sentOf(json).canaries[0]).toMatchObject({ path: 'proxy', state, latency_seconds: null });
  });

  it('counts as arrived in the spam folder, and that is said', async () => {
    await flow.world.setFault('proxy', 'spam');
    const text = await flow.run(['probe', '--canary']);
    expect(text.exitCode).toBe(0);
    expect(text.stdout).toMatch(/after \d+m?s, as spam$/m);
    const status = await flow.run(['status']);
    expect(sentences(status.stdout)).toContain(' ! shop canary by proxy arrived as spam: train the filter');
  });

  it('is not sent where there are none, with what to write', async () => {
    const configFile = flow.writeConfig((yaml) => yaml.replace(/ {4}canary:[^]*$/, ''));
    for (const args of [
      ['probe', '--canary'],
      ['probe', 'shop', '--canary'],
    ]) {
      const { exit_code, error } = await flow.json(args, { configFile });
      expect([exit_code, error?.code, error?.hint]).toEqual([64, 'usage', expect.stringMatching(/canary:/)]);
    }
  });
});

describe('a proxy that holds mail back', () => {
  it('is seen in status, in the plan with what DNS cannot pull back, and in history', async () => {
    await roundsUntil(statusOfPath('proxy', 'ok'));
    const well = await flow.run(['status']);
    expect(well.exitCode).toBe(0);
    expect(well.stdout).toMatch(
      /^ {3}shop {2}canaries: proxy \d+m?s, direct \d+m?s; last sent \d+s? ?\w* ago$/m,
    );
    await flow.world.setFault('proxy', 'hold');
    await roundsUntil((one) => one.canary.findings.some(({ kind }) => kind === 'path'));
    const [status, verbose, json] = await Promise.all([
      flow.run(['status']),
      flow.run(['status', '--verbose']),
      flow.json(['status']),
    ]);
    expect([status.exitCode, json.exit_code]).toEqual([2, 2]);
    const blame =
      /proxy holds \d+ canar(y|ies), the oldest for \d+[sm], direct delivers in .*: the fault is in proxy/;
    expect(sentences(status.stdout)).toMatch(blame);
    expect(sentences(status.stdout)).toContain('Mail gets through late. 1 domain.');
    expect(sentences(status.stdout)).toMatch(
      /canaries: proxy \d+m?s \(\d+ on the way, oldest [\dms]+\), direct/,
    );
    expect(verbose.stdout).toMatch(/^PATH +HOUR \(UTC\) +HANDED +ARRIVED +P50 +P95 +MAX$/m);
    for (const { stdout } of [status, verbose]) expectScreen(stdout);
    expect(statusOf(json).canary.findings).toMatchObject([
      { kind: 'path', text: expect.stringMatching(blame) as string },
    ]);

    const plan = await flow.run(['failover', 'shop']);
    expect([plan.exitCode, plan.stderr]).toEqual([3, expect.stringMatching(/no terminal/)]);
    expect(sentences(plan.stdout)).toMatch(
      /Note what proxy took since \d\d:\d\d UTC stays there, DNS cannot pull it back \(canaries there: \w+/,
    );
    expectScreen(plan.stdout);
    expect((await flow.run(['failover', 'shop', '--yes'])).exitCode).toBe(0);
    const history = await flow.run(['history']);
    expect(sentences(history.stdout)).toMatch(blame);
    expectScreen(history.stdout);
  });

  it('is left by auto', async () => {
    flow.useConfig((yaml) => yaml.replace('mode: manual', 'mode: auto'));
    await roundsUntil(statusOfPath('proxy', 'ok'));
    await flow.world.setFault('proxy', 'hold');
    await roundsUntil((one) => one.active === 'direct');
    expect(flow.mx).toEqual([2, ...directMx]);
    const history = await flow.run(['history']);
    expect(sentences(history.stdout)).toMatch(/proxy is down: proxy holds \d canar(y|ies), the oldest for/);
    flow.useConfig((yaml) => yaml.replace('mode: auto', 'mode: manual'));
  });
});

describe('incident replayed', () => {
  it('is refused where nothing is owed, and wants a reason and a route', async () => {
    await flow.run(once);
    const replayed = ['incident', 'replayed'];
    const cases: [string[], number, string, RegExp][] = [
      [[...replayed, 'shop', '--reason', 'x'], 3, 'nothing-owed', /no path of shop owes a canary/],
      [
        [...replayed, 'shop', '--path', 'direct', '--reason', 'x'],
        3,
        'nothing-owed',
        /direct of shop owes a/,
      ],
      [[...replayed, 'shop', '--path', 'dierct', '--reason', 'x'], 64, 'path-unknown', /dierct/],
      [[...replayed, 'shopp', '--reason', 'x'], 64, 'route-unknown', /shopp/],
    ];
    for (const [args, exitCode, code, message] of cases) {
      const run = await flow.run([...args, '--json']);
      const { error } = JSON.parse(run.stdout) as Envelope;
      expect([run.exitCode, error?.code, error?.message]).toEqual([
        exitCode,
        code,
        expect.stringMatching(message),
      ]);
      expect(error?.hint).toMatch(/\w{3}/);
    }
    const unexplained = await flow.run([...replayed, 'shop']);
    expect([unexplained.exitCode, unexplained.stderr]).toEqual([
      64,
      expect.stringMatching(/missing required flag reason/),
    ]);
  });

  it('asks nothing, wants to know which of several, and is in the history', async () => {
    await roundsUntil((one) => one.canary.paths.every(({ status }) => status === 'ok'));
    for (const path of ['proxy', 'direct']) await flow.world.setFault(path, 'discard');
    await roundsUntil((one) => one.canary.paths.every(({ owed }) => owed.length > 0));
    const both = await flow.run(['incident', 'replayed', 'shop', '--reason', 'OPS-1190']);
    expect(both.exitCode).toBe(64);
    expect(both.stderr).toMatch(/several paths owe canaries: proxy, direct\n.*--path proxy/);
    for (const path of ['proxy', 'direct']) await flow.world.setFault(path, 'ok');
    const listed = statusOf(await flow.json(['status'])).canary.paths[0]!.owed;
    expect(listed.every((one) => /^\w+$/.test(one.queue_id ?? ''))).toBe(true);
    const said = await flow.run(['incident', 'replayed', 'shop', '--path', 'proxy', '--reason', 'OPS-1190']);
    expect(said).toMatchObject({ exitCode: 0, stderr: '' });
    expect(said.stdout).toMatch(/^shop: \d+ canaries by proxy are no longer waited for\n$/);
    expectScreen(said.stdout);
    expect(statusOf(await flow.json(['status'])).canary.paths[0]!.owed).toEqual([]);
    const again = await flow.run(['incident', 'replayed', 'shop', '--path', 'proxy', '--reason', 'OPS-1190']);
    expect(again.exitCode).toBe(3);
    const history = await flow.run(['history']);
    expect(sentences(history.stdout)).toMatch(
      /incident shop: person:\S+ says that what proxy swallowed was replayed \(\d+ canaries\): OPS-1190/,
    );
    expect(sentences(history.stdout)).toContain(
      'canaries are late by proxy and direct alike: the mailbox or our network, not a path',
    );
    expectScreen(history.stdout);
  });
});

describe('a letter in the mailbox', () => {
  it('with a token of a stranger never counts, and is said', async () => {
    await flow.world.setFault('proxy', 'hold');
    const [sent] = sentOf(await flow.json(['probe', '--canary', '--wait', '1s'])).canaries;
    const forged = sent!.token.slice(0, -6) + (sent!.token.endsWith('aaaaaa') ? 'bbbbbb' : 'aaaaaa');
    flow.putLetter(`X-Mxctl-Canary: ${forged}\r\nSubject: mxctl canary ${forged}\r\n\r\nhello\r\n`);
    await flow.run(once);
    const [text, json] = [await flow.run(['status']), statusOf(await flow.json(['status']))];
    expect(json.canary.mailbox.forged).toBe(1);
    expect(sentences(text.stdout)).toContain(
      "the mailbox holds letters with tokens of a stranger's making; they count for nothing",
    );
    expectScreen(text.stdout);
  });

  it('is known by its subject where a filter took its headers off, and that is said', async () => {
    await flow.world.setFault('proxy', 'hold');
    const [sent] = sentOf(await flow.json(['probe', '--canary', '--wait', '1s'])).canaries;
    flow.putLetter(`Subject: [EXTERNAL] mxctl canary ${sent!.token}\r\n\r\nhello\r\n`);
    await flow.run(once);
    const text = await flow.run(['status']);
    expect(sentences(text.stdout)).toContain(
      'canary by proxy known by its subject alone: something on its way',
    );
    expectScreen(text.stdout);
  });
});
