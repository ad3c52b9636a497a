// What a hand-over makes of a hop, told as dialogues on real sockets. Times are the manual clock's.
import net from 'node:net';
import { once } from 'node:events';

import { beforeAll, describe, expect, test } from 'vitest';

import type { HandOver } from '../../../src/probes/canary.ts';
import { handOver, type SendingTask } from '../../../src/probes/canary/hand-over.ts';
import { makeCertificates, type TestCertificates } from '../../support/certificates.ts';
import { ManualClock, playSmtp, type ScriptOptions } from '../../support/smtp-script.ts';
import { exchange, hopOf } from './setup.ts';

const envelope = { from: 'canary@ops.example', to: 'canary@example.com' };
const session = { timeoutMs: 30_000, ehloName: null, sourceAddresses: [] };

interface Delivered {
  readonly result: HandOver;
  readonly said: readonly string[];
  readonly asked: readonly string[];
  readonly clients: readonly string[];
  readonly deviations: readonly string[];
  readonly elapsedMs: number;
}

/** Hands a message of three lines to a hop that plays the transcript, once, and waits until the hop has seen its end. */
async function deliver(
  script: string | readonly string[],
  options: ScriptOptions & { readonly task?: Partial<SendingTask> } = {},
): Promise<Delivered> {
  const clock = new ManualClock();
  const beganAt = clock.now();
  await using hop = await playSmtp(script, { ...options, clock });
  const task: SendingTask = {
    hop: hopOf(hop),
    envelope,
    message: Buffer.from('Subject: canary\r\n\r\nThree lines\r\n'),
    session,
    ehloName: 'probe.example',
    clock,
    ...options.task,
  };
  const result = await handOver(task, AbortSignal.timeout(20_000));
  await hop.idle();
  const { said, asked, clients, deviations } = hop;
  return { result, said, asked, clients, deviations, elapsedMs: result.at - beganAt };
}

const upToEhlo = `
  S: 220 mx.example.com ESMTP
  C: EHLO probe.example
  S: 250-mx.example.com
  S: 250-PIPELINING
  S: 250 8BITMIME
`;
const upToMail = `${upToEhlo}
  C: MAIL FROM:<canary@ops.example>
  S: 250 2.1.0 Ok
`;
const upToRcpt = `${upToMail}
  C: RCPT TO:<canary@example.com>
  S: 250 2.1.5 Ok
`;
const upToData = `${upToRcpt}
  C: DATA
  S: 354 End data with <CR><LF>.<CR><LF>
`;
const upToDot = `${upToData}
  C: Subject: canary
  C: *
  C: Three lines
  C: .
`;
const quit = `
  C: QUIT
  S: 221 2.0.0 Bye
  (close)
`;
const taken = `${upToDot}
  S: 250 2.0.0 Ok: queued as 4XyZ1k2m3nz9sWc
  ${quit}`;

describe('a hop that takes the message', () => {
  test('is told one command at a time, and names it', async () => {
    const { result, said, deviations } = await deliver(taken);
    expect(deviations).toEqual([]);
    expect(result).toMatchObject({
      outcome: 'handed',
      reply: { code: 250, enhanced: '2.0.0', text: 'Ok: queued as 4XyZ1k2m3nz9sWc' },
      queueId: '4XyZ1k2m3nz9sWc',
      summary: '250 2.0.0 Ok: queued as 4XyZ1k2m3nz9sWc',
    });
    expect(Object.keys(result.reply!)).toEqual(['code', 'enhanced', 'text']);
    expect(said.map((line) => line.split(' ')[0])).toEqual([
      'EHLO',
      'MAIL',
      'RCPT',
      'DATA',
      'Subject:',
      '',
      'Three',
      '.',
      'QUIT',
    ]);
  });

  test('is waited for beyond the time of one stage, for giving up then would leave a doubt', async () => {
    const { result, deviations, elapsedMs } = await deliver(`${upToDot}
      (until the clock has 7 sleepers started)
      (100 s later)
      S: 250 ok 1700000000 qp 1234
      ${quit}`);
    expect(deviations).toEqual([]);
    expect(result).toMatchObject({ outcome: 'handed', queueId: '1234' });
    expect(elapsedMs).toBe(100_000);
  });

  test('gets every leading dot', async () => {
    const message = Buffer.from('Subject: dots\r\n\r\n.\r\n..two\r\nMAIL FROM:<a@b>\r\n');
    const script = `${upToData}
      C: Subject: dots
      C: *
      C: ..
      C: ...two
      C: MAIL FROM:<a@b>
      C: .
      S: 250 OK id=1rABCD-0000xy-1X
      ${quit}`;
    const { result, deviations } = await deliver(script, { task: { message } });
    expect(deviations).toEqual([]);
    expect(result).toMatchObject({ outcome: 'handed', queueId: '1rABCD-0000xy-1X' });
  });

  test('and then says no more is not waited for longer than 2 s', async () => {
    const { result } = await deliver(`${upToDot}
      S: 250 OK
      C: QUIT
      (until the clock has 8 sleepers started)
      (2 s later)
      (stall)`);
    expect(result).toMatchObject({ outcome: 'handed', queueId: null, summary: '250 OK' });
  });

  test('may know only HELO', async () => {
    const { result, deviations } = await deliver(`
      S: 220 old.example
      C: EHLO probe.example
      S: 502 5.5.1 what
      C: HELO probe.example
      ${taken.slice(taken.indexOf('S: 250-mx')).replace('250-mx.example.com\n  S: 250-PIPELINING\n  S: 250 8BITMIME', '250 old.example')}`);
    expect(deviations).toEqual([]);
    expect(result.outcome).toBe('handed');
  });

  test('sees the name and the address the policy has for it', async () => {
    const { result, clients, deviations } = await deliver(
      taken.replace('EHLO probe.example', 'EHLO vantage.ops.example'),
      {
        task: {
          session: { ...session, ehloName: 'vantage.ops.example', sourceAddresses: ['::2', '127.0.0.9'] },
        },
      },
    );
    expect(deviations).toEqual([]);
    expect(result.outcome).toBe('handed');
    expect(clients).toEqual(['127.0.0.9']);
  });
});

describe('a hop that refuses is told QUIT', () => {
  const at = (before: string, reply: string) => `${before}\nS: ${reply}\n${quit}`;
  const ehlo = 'S: 220 a\nC: EHLO *';
  test.each<[HandOver['outcome'], string, string]>([
    ['deferred', '421 4.3.2 too many connections at banner', at('', '421 4.3.2 too many connections')],
    ['refused', '554 5.7.1 go away at banner', at('', '554 5.7.1 go away')],
    ['deferred', '421 4.3.2 closing at EHLO', at(ehlo, '421 4.3.2 closing')],
    ['refused', '550 5.7.1 still no at EHLO', at(`${ehlo}\nS: 550 no\nC: HELO *`, '550 5.7.1 still no')],
    ['deferred', '451 4.3.0 disk trouble at MAIL', at(`${upToEhlo}C: MAIL *`, '451 4.3.0 disk trouble')],
    ['refused', '550 5.7.1 licence expired at MAIL', at(`${upToEhlo}C: MAIL *`, '550 5.7.1 licence expired')],
    ['deferred', '450 4.2.0 greylisted at RCPT', at(`${upToMail}C: RCPT *`, '450 4.2.0 greylisted')],
    ['refused', '550 5.1.1 no such user at RCPT', at(`${upToMail}C: RCPT *`, '550 5.1.1 no such user')],
    [
      'deferred',
      '552 5.5.3 too many recipients at RCPT',
      at(`${upToMail}C: RCPT *`, '552 5.5.3 too many recipients'),
    ],
    ['deferred', '451 4.7.1 later at DATA', at(`${upToRcpt}C: DATA`, '451 4.7.1 later')],
    [
      'refused',
      '503 5.5.1 no valid recipients at DATA',
      at(`${upToRcpt}C: DATA`, '503 5.5.1 no valid recipients'),
    ],
    ['deferred', '451 4.7.1 greylisted at end of data', at(upToDot, '451 4.7.1 greylisted')],
    ['deferred', '421 4.3.2 going down at end of data', at(upToDot, '421 4.3.2 going down')],
    ['deferred', '452 4.3.1 disk full at end of data', at(upToDot, '452 4.3.1 disk full')],
    ['refused', '554 5.7.1 looks like spam at end of data', at(upToDot, '554 5.7.1 looks like spam')],
    ['refused', '552 5.3.4 too big at end of data', at(upToDot, '552 5.3.4 too big')],
  ])('%s: %s', async (outcome, summary, script) => {
    const { result, deviations } = await deliver(script);
    expect(deviations).toEqual([]);
    expect(result).toMatchObject({ outcome, summary, queueId: null });
    expect(result.reply?.code).toBe(Number(summary.slice(0, 3)));
  });

  test('and so is one that changes its mind with the word to go on: not a line of the message is said', async () => {
    const { result, said } = await deliver(`${upToRcpt}
      C: DATA
      S: 354 go on
      S: 421 4.3.2 shutting down
      (close)`);
    expect(result).toMatchObject({ outcome: 'deferred', summary: '421 4.3.2 shutting down at end of data' });
    expect(said.at(-1)).toBe('DATA');
  });

  test('at the greeting with the two lines that close a connection', async () => {
    const { result } = await deliver('S: 220 mx.example.com\nS: 421 4.3.2 shutting down\n(close)');
    expect(result).toMatchObject({ outcome: 'deferred', summary: '421 4.3.2 shutting down at EHLO' });
  });
});

describe('a hop with which no conversation comes about', () => {
  const silence = (nth: number) => `(until the clock has ${nth} sleepers started)\n(30 s later)`;
  test.each([
    ['no banner for 30 s', `${silence(2)}\n(stall)`],
    ['banner not finished in 30 s', `S: 220-wait\n${silence(2)}\n(stall)`],
    ['no answer to EHLO for 30 s', `S: 220 a\nC: EHLO *\n${silence(3)}\n${quit}`],
    ['no answer to MAIL for 30 s', `${upToEhlo}C: MAIL *\n${silence(4)}\n${quit}`],
    ['no answer to RCPT for 30 s', `${upToMail}C: RCPT *\n${silence(5)}\n${quit}`],
    ['no answer to DATA for 30 s', `${upToRcpt}C: DATA\n${silence(6)}\n${quit}`],
    ['connection closed at banner', '(close)'],
    ['connection closed at EHLO', 'S: 220 a\nC: EHLO *\n(close)'],
    ['connection reset at MAIL', `${upToEhlo}C: MAIL *\n(reset)`],
    ['connection closed at RCPT', `${upToMail}C: RCPT *\n(close)`],
    ['connection closed at DATA', `${upToRcpt}C: DATA\n(close)`],
    ['connection reset at DATA', `${upToRcpt}C: DATA\n(reset)`],
    ['not an SMTP reply: HTTP/1.1 400 Bad Request at banner', 'S: HTTP/1.1 400 Bad Request\n(stall)'],
    [
      'not an SMTP reply: \\u001b[2Jgone at RCPT',
      `${upToMail}C: RCPT *\nS raw: "\\u001b[2Jgone\\r\\n"\n(stall)`,
    ],
    ['reply longer than 64 KiB at banner', `S raw: ${JSON.stringify('220-x\r\n'.repeat(150_000))}\n(stall)`],
    ['reply longer than 64 KiB at RCPT', `${upToMail}C: RCPT *\nS: 250 ${'x'.repeat(1_000_000)}\n(stall)`],
    ['250 2.0.0 Ok before the message was sent', `${upToRcpt}C: DATA\nS: 250 2.0.0 Ok\n${quit}`],
    ['250 Ok before the message was sent', `${upToRcpt}C: DATA\nS: 354 go on\nS: 250 Ok\n(stall)`],
  ])('%s', async (summary, script) => {
    const { result, deviations } = await deliver(script);
    expect(deviations).toEqual([]);
    expect(result).toMatchObject({ outcome: 'unreachable', reply: null, queueId: null, summary });
  });

  test('as nobody listens', async () => {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    await new Promise((closed) => server.close(closed));
    const { result } = await deliver('', { task: { hop: { exchange, address: '127.0.0.1', port } } });
    expect(result).toMatchObject({ outcome: 'unreachable', summary: 'connection refused' });
  });

  test('as it has no address', async () => {
    const { result } = await deliver('', { task: { hop: { exchange, address: null, port: 25 } } });
    expect(result).toMatchObject({ outcome: 'unreachable', summary: 'no address to connect to' });
  });

  test('as it is in time for any one stage, but not for the whole', async () => {
    const { result, deviations, elapsedMs } = await deliver(`
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
    expect(result).toMatchObject({
      outcome: 'unreachable',
      summary: 'not finished in 120 s, got as far as RCPT',
    });
    expect(elapsedMs).toBe(120_000);
  });
});

describe('a hop that is lost after the final dot may have taken the message', () => {
  test.each([
    ['connection closed at end of data', '(close)'],
    ['connection reset at end of data', '(reset)'],
    ['connection closed at end of data', 'S raw: "250 2.0.0 Ok: queu"\n(close)'],
    ['not an SMTP reply: oops at end of data', 'S: oops\n(stall)'],
    ['reply longer than 64 KiB at end of data', `S: 250 ${'x'.repeat(1_000_000)}\n(stall)`],
    [
      'no answer to end of data for 120 s',
      `(until the clock has 7 sleepers started)\n(120 s later)\n${quit}`,
    ],
    [
      'answer to end of data not finished in 120 s',
      `S: 250-wait\n(until the clock has 7 sleepers started)\n(120 s later)\nC: QUIT\n(close)`,
    ],
  ])('%s', async (summary, script) => {
    const { result, deviations } = await deliver(`${upToDot}\n${script}`);
    expect(deviations).toEqual([]);
    expect(result).toMatchObject({ outcome: 'unknown', reply: null, queueId: null, summary });
  });
});

describe('a hop that offers STARTTLS', () => {
  let made: TestCertificates;
  beforeAll(async () => {
    made = await makeCertificates('mx.example.com');
  });
  const deliverTls = (script: string | readonly string[]) => deliver(script, { certificates: made.pairs });
  const offered = `
    S: 220 mx.example.com ESMTP
    C: EHLO probe.example
    S: 250-mx.example.com
    S: 250 STARTTLS
    C: STARTTLS
  `;
  const afterEhlo = taken.slice(upToEhlo.length);
  const inside = `C: EHLO probe.example\nS: 250 mx.example.com\n${afterEhlo}`;

  test.each(['selfsigned', 'expired', 'wrong', 'good'])(
    'is spoken to inside TLS whatever its certificate is worth: %s',
    async (certificate) => {
      const { result, said, asked, deviations } = await deliverTls(`${offered}
        S: 220 2.0.0 go ahead
        (tls ${certificate})
        ${inside}`);
      expect(deviations).toEqual([]);
      // RFC 8461 §4.2, RFC 7672 §8.1: SNI is the exchange, also where nobody judges the certificate.
      expect(asked).toEqual(['mx.example.com']);
      expect(said.slice(0, 3)).toEqual(['EHLO probe.example', 'STARTTLS', 'EHLO probe.example']);
      expect(result).toMatchObject({ outcome: 'handed', summary: '250 2.0.0 Ok: queued as 4XyZ1k2m3nz9sWc' });
    },
  );

  test.each(['454 4.7.0 TLS not available', '502 5.5.1 not implemented', '554 5.3.0 no'])(
    'and then refuses it gets the message in clear: %s',
    async (reply) => {
      const { result, deviations } = await deliverTls(`${offered}\nS: ${reply}\n${afterEhlo}`);
      expect(deviations).toEqual([]);
      expect(result.outcome).toBe('handed');
    },
  );

  test('and then closes for now is tried again later', async () => {
    const { result, deviations } = await deliverTls(`${offered}\nS: 421 4.3.2 closing\n${quit}`);
    expect(deviations).toEqual([]);
    expect(result).toMatchObject({ outcome: 'deferred', summary: '421 4.3.2 closing at STARTTLS' });
  });

  const clear = `
    S: 220 mx.example.com ESMTP
    C: EHLO probe.example
    S: 250-mx.example.com
    S: 250 STARTTLS
    ${afterEhlo}`;
  test.each([
    [
      'cannot do it',
      'S: 220 go ahead\nS raw: "what?"\n(close)',
      'bytes in clear text after the STARTTLS reply',
    ],
    ['closes instead', 'S: 220 go ahead\n(close)', 'TLS handshake failed: '],
    [
      'slips in a reply',
      'S: 220 go ahead\nS: 250 injected\n(stall)',
      'bytes in clear text after the STARTTLS reply',
    ],
  ])(
    'and %s gets the message in clear, over a new connection, and it is said',
    async (_title, script, fault) => {
      const { result, clients } = await deliverTls([`${offered}\n${script}`, clear]);
      expect(clients).toHaveLength(2);
      expect(result).toMatchObject({ outcome: 'handed', queueId: '4XyZ1k2m3nz9sWc' });
      expect(result.summary).toContain(`; in clear text: ${fault}`);
    },
  );

  test('and never ends the handshake has one deadline for both connections', async () => {
    const { result, elapsedMs } = await deliverTls([
      `${offered}\nS: 220 go ahead\n(until the clock has 5 sleepers started)\n(30 s later)\n(stall)`,
      '(until the clock has 7 sleepers started)\n(90 s later)\n(stall)',
    ]);
    expect(result.outcome).toBe('unreachable');
    expect(result.summary).toBe('no banner for 30 s; in clear text: TLS handshake not finished in 30 s');
    expect(elapsedMs).toBe(120_000);
  });
});

test('an abort is passed on, and the hop is left', async () => {
  const clock = new ManualClock();
  await using hop = await playSmtp(`${upToMail}C: RCPT *\n(stall)`, { clock });
  const abort = new AbortController();
  const task = {
    hop: hopOf(hop),
    envelope,
    message: Buffer.from('a: b\r\n\r\n'),
    session,
    ehloName: 'x',
    clock,
  };
  const handing = handOver({ ...task, ehloName: 'probe.example' }, abort.signal);
  await clock.untilStarted(5);
  abort.abort(new Error('enough'));
  await expect(handing).rejects.toThrow('enough');
  await hop.idle();
});
