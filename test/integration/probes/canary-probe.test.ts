// The canary probe of one route, with hops on real sockets: what it keeps the same, what it bounds, what it shares.
import { describe, expect, test } from 'vitest';

import type { CanaryPolicy } from '../../../src/model/canary.ts';
import { Secret } from '../../../src/model/secret.ts';
import type { CanaryOrder } from '../../../src/probes/canary.ts';
import { createCanaryProbe } from '../../../src/probes/canary/index.ts';
import { composeCanary } from '../../../src/probes/canary/message.ts';
import { SessionLimiter } from '../../../src/probes/smtp/limiter.ts';
import { ManualClock, playSmtp } from '../../support/smtp-script.ts';
import { exchange } from './setup.ts';

const envelope = { from: 'canary@ops.example', to: 'canary@example.com' };
const session = { timeoutMs: 30_000, ehloName: null, sourceAddresses: [] };

const upToMail = `
  S: 220 mx.example.com ESMTP
  C: EHLO probe.example
  S: 250 mx.example.com
  C: MAIL FROM:<canary@ops.example>
  S: 250 2.1.0 Ok
`;
const upToData = `${upToMail}
  C: RCPT TO:<canary@example.com>
  S: 250 2.1.5 Ok
  C: DATA
  S: 354 go on
`;
const quit = `
  C: QUIT
  S: 221 2.0.0 Bye
  (close)
`;

describe('the probe of a route', () => {
  const policy: CanaryPolicy = {
    ...envelope,
    everyMs: 300_000,
    delayedAfterMs: 900_000,
    swallowedAfterMs: 14_400_000,
    fall: 2,
    rise: 3,
    key: { file: '/run/secrets/key' },
    dkim: null,
    paths: ['proxy', 'direct'],
    arrival: { kind: 'maildir', directory: '/var/mail/canary', spam: ['.Junk'] },
  };
  const probeOf = (
    clock: ManualClock,
    of: Partial<CanaryPolicy> = {},
    sessions = new SessionLimiter(10, 2),
  ) =>
    createCanaryProbe(
      { ...policy, ...of },
      {
        clock,
        readSecret: () => Promise.resolve(new Secret('a key nobody would guess')),
        session,
        ehloName: 'probe.example',
        sessions,
      },
    );
  const id = '01KM3Z6Q8V5T7WXYZ0123456AB';
  const orderFor = (token: string, hop: { address: string; port: number }, sentAt: number): CanaryOrder => ({
    token,
    route: 'example',
    path: 'proxy',
    vantage: 'here',
    hop: { exchange, ...hop },
    sentAt,
  });
  test('hands over the same message again after greylisting', async () => {
    const clock = new ManualClock();
    const greylisted = `${upToMail}C: RCPT *\nS: 450 4.2.0 greylisted\n${quit}`;
    const probe = await probeOf(clock);
    const token = probe.tokenOf(id);
    const sentAt = clock.now();
    // The port changes what X-Mxctl-Hop says, and the hop has none yet.
    const content = (
      await composeCanary(orderFor(token, { address: '127.0.0.1', port: 0 }, sentAt), envelope, null)
    )
      .toString('latin1')
      .replace('[127.0.0.1]:0', '[127.0.0.1]:*')
      .split('\r\n')
      .slice(0, -1)
      .map((line) => `C: ${line === '' ? '*' : line.replaceAll(/^ +/g, '*')}\n`)
      .join('');
    const lost = `${upToData}${content}C: .\n(close)`;
    const last = `${upToData}${content}C: .\nS: 250 2.0.0 Ok: queued as 4XyZ\n${quit}`;
    await using hop = await playSmtp([greylisted, lost, last], { clock });
    const order = orderFor(token, hop, sentAt);
    const outcomes: string[] = [];
    for (let attempt = 0; attempt < 3; attempt++) {
      outcomes.push((await probe.handOver(order, AbortSignal.timeout(20_000))).outcome);
      clock.advance(300_000);
    }
    await hop.idle();
    expect(hop.deviations).toEqual([]);
    expect(outcomes).toEqual(['deferred', 'unknown', 'handed']);
    const messages = hop.said
      .join('\n')
      .split('\nDATA\n')
      .slice(1)
      .map((one) => one.slice(0, one.indexOf('\n.')));
    expect(messages).toHaveLength(2);
    expect(messages[1]).toBe(messages[0]);
    expect(messages[0]).toContain(`\nSubject: mxctl canary\n ${order.token}\n`);
    expect(messages[0]).toContain(`<${order.token}@ops.example>`);
    expect(messages[0]).toContain('\nDate: Sun, 22 Nov 2026 03:12:00 +0000\n');
    expect(messages[0]).toContain('Auto-Submitted: auto-generated\n');
  });

  test('opens no more sessions with an address than the limiter lets it', async () => {
    const clock = new ManualClock();
    await using hop = await playSmtp(`S: 421 4.3.2 busy\n${quit}`, { clock });
    const sessions = new SessionLimiter(10, 2);
    const probes = await Promise.all([probeOf(clock, {}, sessions), probeOf(clock, {}, sessions)]);
    const signal = AbortSignal.timeout(20_000);
    const results = await Promise.all(
      Array.from({ length: 12 }, (_, n) => {
        const probe = probes[n % 2]!;
        return probe.handOver(orderFor(probe.tokenOf(id), hop, clock.now()), signal);
      }),
    );
    expect(results.map((one) => one.outcome)).toEqual(Array<string>(12).fill('deferred'));
    expect(hop.peak).toBe(2);
    expect(hop.clients).toHaveLength(12);
  });

  test('does not begin for a run that is over', async () => {
    const probe = await probeOf(new ManualClock());
    const order = orderFor(probe.tokenOf(id), { address: '127.0.0.1', port: 1 }, 0);
    await expect(probe.handOver(order, AbortSignal.abort(new Error('over')))).rejects.toThrow('over');
  });

  test('shares a mailbox with those that look into the same place, and names no secret of it', async () => {
    const clock = new ManualClock();
    const keyOf = async (arrival: CanaryPolicy['arrival']) => (await probeOf(clock, { arrival })).mailboxKey;
    const imap = {
      kind: 'imap',
      host: 'imap.example.com',
      port: 993,
      security: 'tls',
      user: 'canary',
      password: { command: ['/usr/bin/vault', '--token=hunter2'] },
      mailbox: 'INBOX',
      spam: ['Junk'],
      caFile: null,
    } as const;
    const { kind, ...rest } = imap;
    expect(await keyOf(imap)).toBe(await keyOf({ ...rest, kind }));
    expect(await keyOf(imap)).not.toContain('hunter2');
    expect(JSON.parse(await keyOf(imap))).toMatchObject({ place: 'canary@imap.example.com:993/INBOX' });
    const https = {
      kind: 'https',
      url: 'https://u:hunter2@api.example/c?key=hunter2',
      token: null,
      caFile: null,
    } as const;
    expect(await keyOf(https)).toMatch(/https:\/\/api\.example\/c"/);
    expect(await keyOf(https)).not.toContain('hunter2');
    const places = [
      imap,
      { ...imap, mailbox: 'Canaries' },
      { ...imap, spam: [] },
      https,
      { ...https, url: 'https://api.example/c?key=other' },
      { kind: 'command', argv: ['/bin/find', '--all'] } as const,
      { kind: 'command', argv: ['/bin/find'] } as const,
      policy.arrival,
    ];
    expect(new Set(await Promise.all(places.map(keyOf))).size).toBe(places.length);
  });
});
