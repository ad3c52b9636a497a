// What a probe makes of a hop, told as dialogues on real sockets. Times are the manual clock's.
import { describe, expect, test } from 'vitest';

import type { Fate } from '../../../src/model/fate.ts';
import { policy, probeScript, stagesOf, upTo } from './setup.ts';

const upToEhlo = `
  S: 220 mx.example.com ESMTP
  C: EHLO probe.example
  S: 250-mx.example.com
  S: 250-SIZE 35882577
  S: 250 8BITMIME
`;
const upToMail = `${upToEhlo}
  C: MAIL FROM:<probe@ops.example>
  S: 250 2.1.0 Ok
`;
const quit = `
  C: QUIT
  S: 221 2.0.0 Bye
  (close)
`;

describe('a hop that works', () => {
  test('takes the canary at RCPT, is told QUIT, and never sees DATA', async () => {
    const { observation, said, deviations } = await probeScript(`${upToMail}
      C: RCPT TO:<canary@example.com>
      S: 250 2.1.5 Ok
      ${quit}`);
    expect(deviations).toEqual([]);
    expect(observation).toMatchObject({
      verdict: 'pass',
      fate: 'accepted',
      stage: 'rcpt',
      takesCanary: true,
      offersStarttls: false,
      isSlow: false,
      reply: { code: 250, enhanced: '2.1.5', text: 'Ok' },
      summary: '250 at RCPT',
      vantage: 'test',
      exchange: 'mx.example.com.',
    });
    expect(stagesOf(observation)).toBe('connect banner ehlo mail rcpt quit');
    expect(said.map((line) => line.split(' ')[0])).toEqual(['EHLO', 'MAIL', 'RCPT', 'QUIT']);
  });

  test.each([
    ['connect', `S: 220 mx.example.com\n${quit}`, 'connected', 'connect quit'],
    ['banner', `S: 220 mx.example.com\n${quit}`, '220 at banner', 'connect banner quit'],
    ['ehlo', `${upToEhlo}${quit}`, '250 at EHLO', 'connect banner ehlo quit'],
    ['mail', `${upToMail}${quit}`, '250 at MAIL', 'connect banner ehlo mail quit'],
  ] as const)(
    'is left with QUIT after %s where no more is asked for',
    async (stage, script, summary, stages) => {
      const { observation, deviations } = await probeScript(script, upTo(stage));
      expect(deviations).toEqual([]);
      expect(observation).toMatchObject({ verdict: 'pass', summary, takesCanary: null });
      expect(stagesOf(observation)).toBe(stages);
    },
  );

  test('is not asked for RCPT where no canary is configured', async () => {
    const { observation, deviations } = await probeScript(`${upToEhlo}${quit}`, { ...policy, rcpt: null });
    expect(deviations).toEqual([]);
    expect(observation).toMatchObject({ verdict: 'pass', stage: 'ehlo', takesCanary: null });
  });

  test('is not spoken to before the last line of its greeting', async () => {
    const { observation, deviations } = await probeScript(
      `S: 220-mx.example.com wait for it
       (until the clock has 2 sleepers started)
       (6 s later)
       S: 220 mx.example.com ESMTP
       C: EHLO probe.example
       S: 250 mx.example.com
       ${quit}`,
      upTo('ehlo'),
    );
    expect(deviations).toEqual([]);
    expect(observation).toMatchObject({ verdict: 'pass', elapsedMs: 6000 });
  });

  test('is slow, not down, where each answer takes 11 s', async () => {
    const { observation, deviations } = await probeScript(
      `(until the clock has 2 sleepers started)
       (11 s later)
       S: 220 mx.example.com ESMTP
       C: EHLO probe.example
       (11 s later)
       S: 250 mx.example.com
       ${quit}`,
      upTo('ehlo'),
    );
    expect(deviations).toEqual([]);
    expect(observation).toMatchObject({
      verdict: 'pass',
      fate: 'accepted',
      isSlow: true,
      elapsedMs: 22_000,
      summary: '250 at EHLO; slow: 22 s',
    });
    expect(observation.stages.map((one) => one.elapsedMs)).toEqual([0, 11_000, 11_000, 0]);
  });

  test('may know only HELO', async () => {
    const { observation, deviations } = await probeScript(
      `S: 220 old.example
       C: EHLO probe.example
       S: 502 5.5.1 not implemented
       C: HELO probe.example
       S: 250 old.example
       ${quit}`,
      upTo('starttls'),
    );
    expect(deviations).toEqual([]);
    expect(observation).toMatchObject({ verdict: 'pass', stage: 'ehlo', offersStarttls: false });
  });

  test('may greet with foreign octets and terminal escapes, which come out printable', async () => {
    const { observation } = await probeScript(
      `S raw: "220 gr\\u00fc\\u00dfe \\u001b[2J\\u001b]0;owned\\u0007\\r\\n"
       ${quit}`,
      upTo('banner'),
    );
    expect(observation.verdict).toBe('pass');
    expect(observation.reply?.text).toBe('grüße \\u001b[2J\\u001b]0;owned\\u0007');
  });

  test('may answer with a line of 10 KB', async () => {
    const { observation } = await probeScript(
      `S: 220 mx.example.com
       C: EHLO probe.example
       S: 250-${'x'.repeat(10_000)}
       S: 250 STARTTLS
       ${quit}`,
      upTo('ehlo'),
    );
    expect(observation).toMatchObject({ verdict: 'pass', offersStarttls: true });
  });

  test('may send bare LF', async () => {
    const { observation } = await probeScript(`S raw: "220-a\\n220 b\\n"\n${quit}`, upTo('banner'));
    expect(observation).toMatchObject({ verdict: 'pass', reply: { text: 'a / b' } });
  });
});

describe('a hop that refuses', () => {
  const rcpt = (reply: string) => `${upToMail}
      C: RCPT TO:<canary@example.com>
      S: ${reply}
      ${quit}`;
  const ehlo = (reply: string) => `S: 220 mx.example.com\nC: EHLO *\nS: ${reply}`;
  const mail = (reply: string) => `${upToEhlo}\nC: MAIL *\nS: ${reply}\n${quit}`;

  test.each<[string, Fate, string]>([
    ['421 4.3.2 try later at banner', 'deferred', `S: 421 4.3.2 try later\n${quit}`],
    [
      '421 Too many concurrent SMTP connections at banner',
      'deferred',
      `S: 421 Too many concurrent SMTP connections\n${quit}`,
    ],
    [
      '554 5.7.1 go away at banner; senders try the next host, Exim bounces at the last one',
      'deferred',
      `S: 554 5.7.1 go away\n${quit}`,
    ],
    ['354 what at banner', 'deferred', `S: 354 what\n${quit}`],
    ['421 4.3.2 closing at EHLO', 'deferred', `${ehlo('421 4.3.2 closing')}\n(close)`],
    ['450 4.3.2 busy at EHLO', 'deferred', `${ehlo('450 4.3.2 busy')}\n${quit}`],
    [
      '550 5.7.1 still no at EHLO; senders try the next host, Exim bounces at the last one',
      'deferred',
      `${ehlo('550 5.7.1 no')}\nC: HELO probe.example\nS: 550 5.7.1 still no\n${quit}`,
    ],
    ['421 4.3.2 closing at MAIL', 'deferred', mail('421 4.3.2 closing')],
    ['451 4.3.0 disk trouble at MAIL', 'deferred', mail('451 4.3.0 disk trouble')],
    ['550 5.7.1 licence expired at MAIL', 'bounced', mail('550 5.7.1 licence expired')],
    ['421 4.3.2 closing at RCPT', 'deferred', rcpt('421 4.3.2 closing')],
    ['450 4.2.0 mailbox busy at RCPT', 'deferred', rcpt('450 4.2.0 mailbox busy')],
    [
      '451 4.7.1 Greylisted, come back at RCPT; looks like greylisting',
      'deferred',
      rcpt('451 4.7.1 Greylisted, come back'),
    ],
    [
      '450 try again, grey-listing in action at RCPT; looks like greylisting',
      'deferred',
      rcpt('450 try again, grey-listing in action'),
    ],
    ['550 5.1.1 no such user at RCPT', 'bounced', rcpt('550 5.1.1 no such user')],
    ['554 5.7.1 relay denied at RCPT', 'bounced', rcpt('554 5.7.1 relay denied')],
    [
      '552 5.2.2 too many recipients at RCPT; senders read it as 452',
      'deferred',
      rcpt('552 5.2.2 too many recipients'),
    ],
  ])('%s -> %s', async (summary, fate, script) => {
    const { observation, deviations } = await probeScript(script);
    expect(deviations).toEqual([]);
    expect(observation).toMatchObject({ verdict: 'fail', fate, summary });
    expect(observation.takesCanary).toBe(observation.stage === 'rcpt' ? false : null);
    expect(observation.reply?.code).toBe(Number(/\d{3}/.exec(summary)?.[0]));
  });

  test('may do so out of turn: a 421 that comes with the greeting answers EHLO', async () => {
    const { observation } = await probeScript(`
      S: 220 mx.example.com
      S: 421 4.3.2 shutting down
      (close)`);
    expect(observation).toMatchObject({ fate: 'deferred', summary: '421 4.3.2 shutting down at EHLO' });
  });
});

describe('a hop that does not answer', () => {
  const silence = (nth: number) => `(until the clock has ${nth} sleepers started)\n(30 s later)`;

  test.each([
    ['says nothing', `${silence(2)}\n(stall)`, 'no banner for 30 s'],
    ['stalls in its banner', `S raw: "220 mx.exa"\n${silence(2)}\n(stall)`, 'banner not finished in 30 s'],
    [
      'sends a teaser and no greeting',
      `S: 220-mx.example.com\n${silence(2)}\n(stall)`,
      'banner not finished in 30 s',
    ],
    ['is silent at EHLO', `S: 220 a\nC: EHLO *\n${silence(3)}\n${quit}`, 'no answer to EHLO for 30 s'],
    [
      'stalls in its EHLO reply',
      `S: 220 a\nC: EHLO *\nS: 250-a\n${silence(3)}\nS: 250 x\n${quit}`,
      'answer to EHLO not finished in 30 s',
    ],
    ['is silent at MAIL', `${upToEhlo}\nC: MAIL *\n${silence(4)}\n${quit}`, 'no answer to MAIL for 30 s'],
    ['is silent at RCPT', `${upToMail}\nC: RCPT *\n${silence(5)}\n${quit}`, 'no answer to RCPT for 30 s'],
  ])('%s', async (_title, script, summary) => {
    const { observation, deviations } = await probeScript(script);
    expect(deviations).toEqual([]);
    expect(observation).toMatchObject({
      verdict: 'fail',
      fate: 'deferred',
      reply: null,
      summary,
      elapsedMs: 30_000,
      isSlow: false,
      takesCanary: null,
    });
  });

  test('is not waited for longer than 2 s at QUIT, and has passed', async () => {
    const { observation, said } = await probeScript(
      `${upToEhlo}
       C: QUIT
       (until the clock has 4 sleepers started)
       (2 s later)
       (stall)`,
      upTo('ehlo'),
    );
    expect(said.at(-1)).toBe('QUIT');
    expect(observation).toMatchObject({ verdict: 'pass', elapsedMs: 0 });
    expect(observation.stages.at(-1)).toMatchObject({ stage: 'quit', fault: 'no answer to QUIT for 2 s' });
  });

  test('in time for any one stage, but not for the whole, is left after four timeouts', async () => {
    const { observation, deviations } = await probeScript(`
      (until the clock has 2 sleepers started)
      (29 s later)
      S: 220 mx.example.com
      C: EHLO *
      (29 s later)
      S: 502 what
      C: HELO *
      (29 s later)
      S: 250 mx.example.com
      C: MAIL *
      (29 s later)
      S: 250 ok
      C: RCPT *
      (until the clock has 6 sleepers started)
      (4 s later)
      ${quit}`);
    expect(deviations).toEqual([]);
    expect(observation).toMatchObject({
      verdict: 'fail',
      fate: 'deferred',
      elapsedMs: 120_000,
      summary: 'not finished in 120 s, got as far as RCPT',
    });
  });
});

describe('a hop that breaks off', () => {
  test.each([
    ['connection closed at banner', '(close)'],
    ['connection reset at banner', '(until the clock has 2 sleepers started)\n(reset)'],
    ['connection closed at banner', 'S raw: "220 mx"\n(close)'],
    ['connection closed at EHLO', 'S: 220 a\nC: EHLO *\n(close)'],
    ['connection reset at EHLO', 'S: 220 a\nC: EHLO *\n(reset)'],
    ['connection closed at MAIL', `${upToEhlo}\nC: MAIL *\n(close)`],
    ['connection reset at MAIL', `${upToEhlo}\nC: MAIL *\n(reset)`],
    ['connection closed at RCPT', `${upToMail}\nC: RCPT *\n(close)`],
    ['connection reset at RCPT', `${upToMail}\nC: RCPT *\n(reset)`],
    ['not an SMTP reply: HTTP/1.1 400 Bad Request at banner', 'S: HTTP/1.1 400 Bad Request\n(stall)'],
    ['reply longer than 64 KiB at banner', `S: 220 ${'x'.repeat(70_000)}\n(stall)`],
    [
      'reply longer than 64 KiB at EHLO',
      `S: 220 a\nC: EHLO *\nS raw: ${JSON.stringify('250-x\r\n'.repeat(10_000))}\n(stall)`,
    ],
  ])('%s', async (summary, script) => {
    const { observation, deviations } = await probeScript(script);
    expect(deviations).toEqual([]);
    expect(observation).toMatchObject({ verdict: 'fail', fate: 'deferred', reply: null, summary });
  });
});
