// Where a probe speaks from, how many at once, and how it stops; what it says when this machine is at fault.
import { describe, expect, test } from 'vitest';

import { ManualClock, playSmtp } from '../../support/smtp-script.ts';
import { exchange, hopOf, policy, probeWith, upTo } from './setup.ts';

const greets = `
  S: 220 mx.example.com
  C: EHLO probe.example
  S: 250 mx.example.com
  C: QUIT
  S: 221 bye
  (close)`;
const never = AbortSignal.timeout(20_000);

describe('source addresses', () => {
  const onlyProxy = (client: string) =>
    client === '127.0.0.1' ? greets : 'S: 554 5.7.1 only through the proxy\nC: QUIT\nS: 221 bye\n(close)';

  test('a hop that admits only one of them is found out', async () => {
    await using hop = await playSmtp(onlyProxy);
    const observation = await probeWith(new ManualClock()).probe(
      hopOf(hop),
      { ...upTo('ehlo'), sourceAddresses: ['127.0.0.1', '127.0.0.2'] },
      never,
    );
    expect(hop.deviations).toEqual([]);
    expect(hop.clients).toEqual(['127.0.0.1', '127.0.0.2']);
    expect(observation).toMatchObject({ verdict: 'fail', fate: 'deferred', reply: { code: 554 } });
    expect(observation.summary).toMatch(
      /^554 5\.7\.1 only through the proxy at banner; .* \(from 127\.0\.0\.2\)$/,
    );
  });

  test('one session at a time, in their order', async () => {
    await using hop = await playSmtp(greets);
    const sources = ['127.0.0.3', '127.0.0.2', '127.0.0.1'];
    const observation = await probeWith(new ManualClock()).probe(
      hopOf(hop),
      { ...upTo('ehlo'), sourceAddresses: sources },
      never,
    );
    expect(hop.clients).toEqual(sources);
    expect(hop.peak).toBe(1);
    expect(observation).toMatchObject({ verdict: 'pass', summary: '250 at EHLO (from 127.0.0.3)' });
  });

  test('the worst wins whatever the order: bounced before deferred before not known', async () => {
    const at = (reply: string) =>
      `S: 220 a\nC: EHLO *\nS: 250 a\nC: MAIL *\nS: ${reply}\nC: QUIT\nS: 221 b\n(close)`;
    const answers: Record<string, string> = {
      '127.0.0.1': '250 ok',
      '127.0.0.2': '550 5.7.1 no',
      '127.0.0.3': '451 4.3.0 later',
    };
    await using hop = await playSmtp((client) => at(answers[client]!));
    const summaryFrom = async (...sourceAddresses: string[]) =>
      (await probeWith(new ManualClock()).probe(hopOf(hop), { ...upTo('mail'), sourceAddresses }, never))
        .summary;
    expect(await summaryFrom('127.0.0.2', '127.0.0.3')).toBe('550 5.7.1 no at MAIL (from 127.0.0.2)');
    expect(await summaryFrom('127.0.0.3', '127.0.0.2')).toBe('550 5.7.1 no at MAIL (from 127.0.0.2)');
    expect(await summaryFrom('127.0.0.3', '192.0.2.1')).toBe('451 4.3.0 later at MAIL (from 127.0.0.3)');
    expect(await summaryFrom('127.0.0.1', '192.0.2.1')).toBe(
      'source address is not on this machine (from 192.0.2.1)',
    );
  });

  test('one alone is used without naming it', async () => {
    await using hop = await playSmtp(greets);
    const one = { ...upTo('ehlo'), sourceAddresses: ['127.0.0.9'] };
    const observation = await probeWith(new ManualClock()).probe(hopOf(hop), one, never);
    expect(hop.clients).toEqual(['127.0.0.9']);
    expect(observation.summary).toBe('250 at EHLO');
  });

  test('of the other address family are left to the system', async () => {
    await using hop = await playSmtp(greets);
    const other = { ...upTo('ehlo'), sourceAddresses: ['::1'] };
    expect(await probeWith(new ManualClock()).probe(hopOf(hop), other, never)).toMatchObject({
      verdict: 'pass',
    });
  });
});

describe('connecting', () => {
  test('refused: the hop is down, senders defer', async () => {
    const hop = await playSmtp(greets);
    await hop[Symbol.asyncDispose]();
    expect(await probeWith(new ManualClock()).probe(hopOf(hop), policy, never)).toMatchObject({
      verdict: 'fail',
      fate: 'deferred',
      stage: 'connect',
      summary: 'connection refused',
      stages: [{ stage: 'connect', ok: false, fault: 'connection refused' }],
    });
  });

  test('never answered: no connection for 30 s', async () => {
    const clock = new ManualClock();
    await using hop = await playSmtp('(stall)');
    const probing = probeWith(clock).probe(hopOf(hop), policy, never);
    // The event loop has not turned since connect() was called, so its answer cannot have been read.
    await clock.untilStarted(1);
    clock.advance(30_000);
    expect(await probing).toMatchObject({
      verdict: 'fail',
      fate: 'deferred',
      stage: 'connect',
      summary: 'no connection for 30 s',
    });
  });

  test('from an address that is not ours: our fault, nothing is known', async () => {
    await using hop = await playSmtp(greets);
    const foreign = { ...policy, sourceAddresses: ['192.0.2.1'] };
    expect(await probeWith(new ManualClock()).probe(hopOf(hop), foreign, never)).toMatchObject({
      verdict: 'inconclusive',
      fate: 'unknown',
      stage: 'connect',
      summary: 'source address is not on this machine',
    });
    expect(hop.clients).toEqual([]);
  });

  test('a hop without an address is inconclusive', async () => {
    const hop = { exchange, address: null, port: 25 };
    expect(await probeWith(new ManualClock()).probe(hop, policy, never)).toMatchObject({
      verdict: 'inconclusive',
      stage: 'resolve',
    });
  });
});

describe('bounds', () => {
  test('two sessions with one address at once, however many ask', async () => {
    const clock = new ManualClock();
    await using hop = await playSmtp(greets);
    const probe = probeWith(clock);
    const all = Array.from({ length: 12 }, () => probe.probe(hopOf(hop), upTo('ehlo'), never));
    expect((await Promise.all(all)).every((one) => one.verdict === 'pass')).toBe(true);
    expect(hop.clients).toHaveLength(12);
    expect(hop.peak).toBe(2);
  });

  test('so many sessions over all addresses', async () => {
    const clock = new ManualClock();
    const hops = await Promise.all(
      ['127.0.0.1', '127.0.0.2', '127.0.0.3'].map((host) => playSmtp(greets, { host })),
    );
    const probe = probeWith(clock, { maxSessions: 1, maxSessionsPerAddress: 5 });
    const order: string[] = [];
    await Promise.all(
      [...hops, ...hops].map(async (hop) => {
        await probe.probe(hopOf(hop), upTo('ehlo'), never);
        order.push(hop.address);
      }),
    );
    expect(hops.map((hop) => hop.peak)).toEqual([1, 1, 1]);
    expect(order).toHaveLength(6);
    for (const hop of hops) await hop[Symbol.asyncDispose]();
  });

  test('who gives up while waiting leaves no place taken', async () => {
    const clock = new ManualClock();
    await using hop = await playSmtp(['(stall)', greets]);
    const probe = probeWith(clock, { maxSessionsPerAddress: 1 });
    const stuck = new AbortController();
    const first = probe.probe(hopOf(hop), upTo('ehlo'), stuck.signal);
    await clock.untilStarted(2);
    const impatient = new AbortController();
    const second = probe.probe(hopOf(hop), upTo('ehlo'), impatient.signal);
    const third = probe.probe(hopOf(hop), upTo('ehlo'), never);
    impatient.abort(new Error('changed my mind'));
    await expect(second).rejects.toThrow('changed my mind');
    stuck.abort(new Error('enough'));
    await expect(first).rejects.toThrow('enough');
    expect(await third).toMatchObject({ verdict: 'pass' });
    expect(hop.clients).toHaveLength(2);
  });

  test('a probe begins after its jitter, which does not count as slowness', async () => {
    const clock = new ManualClock();
    await using hop = await playSmtp(greets);
    const probing = probeWith(clock, { jitter: () => 700 }).probe(hopOf(hop), upTo('ehlo'), never);
    await clock.untilStarted(1);
    expect(hop.clients).toEqual([]);
    const before = clock.now();
    clock.advance(700);
    expect(await probing).toMatchObject({ at: before + 700, elapsedMs: 0 });
  });
});

describe('abort', () => {
  test.each([
    ['connecting', 'S: 220 a\n(stall)', 1],
    ['waiting for the banner', '(stall)', 2],
    ['waiting for EHLO', 'S: 220 a\nC: EHLO *\n(stall)', 3],
    [
      'in the TLS handshake',
      'S: 220 a\nC: EHLO *\nS: 250-a\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\n(stall)',
      5,
    ],
  ])('while %s rejects with its reason and hangs up', async (_title, script, sleeps) => {
    const clock = new ManualClock();
    await using hop = await playSmtp(script);
    const controller = new AbortController();
    const probing = probeWith(clock).probe(hopOf(hop), upTo('starttls'), controller.signal);
    await clock.untilStarted(sleeps);
    const reason = new Error('Ctrl-C');
    controller.abort(reason);
    await expect(probing).rejects.toBe(reason);
    // The transcript ends only when the client has closed.
    await hop.idle();
  });

  test('before it began opens nothing', async () => {
    await using hop = await playSmtp(greets);
    const reason = new Error('too late');
    await expect(
      probeWith(new ManualClock()).probe(hopOf(hop), policy, AbortSignal.abort(reason)),
    ).rejects.toBe(reason);
    expect(hop.clients).toEqual([]);
  });
});
