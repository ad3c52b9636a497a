import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { domainNameOf } from '../../../src/model/domain-name.ts';
import { createCertificateAuthority, type CertificateAuthority } from '../../../src/sandbox/certificates.ts';
import { deliver } from '../../../src/sandbox/delivery.ts';
import { hopFaults, type HopFault } from '../../../src/sandbox/hop-fault.ts';
import { type SandboxHop, startHop } from '../../../src/sandbox/hop.ts';
import type { Letter } from '../../../src/sandbox/letter.ts';
import { systemClock } from '../../../src/runtime/clock.ts';

const stranger = '127.0.0.9';
const proxy = '127.0.1.1';
const letter: Letter = {
  from: 'alice@sender.example',
  to: ['bob@shop.example'],
  text: 'Subject: dots\r\n\r\n.\r\n..two\r\nend\r\n',
};

let certificates: CertificateAuthority;
let hop: SandboxHop;
let taken: Letter[];
let returned: Letter[];
const cutOff = new Set<string>();

beforeAll(async () => {
  certificates = await createCertificateAuthority(Date.now());
});

beforeEach(async () => {
  taken = [];
  returned = [];
  cutOff.clear();
  hop = await startHop({
    name: 'mx.shop',
    exchange: domainNameOf('mx.shop.example'),
    role: 'primary',
    address: '127.0.2.1',
    port: 0,
    certificates,
    clock: systemClock,
    isCutOff: (source) => cutOff.has(source),
    admits: [proxy],
    tarpitMs: 10_000,
    accept: (one) => taken.push(one),
    giveBack: (one) => returned.push(one),
  });
});

afterEach(async () => {
  await hop.close();
});

let finished = 0;
afterAll(() => {
  expect(finished).toBe(hopFaults.length);
});

/** smtp-server waits 100 ms before its greeting; twice that tells late from never. */
const send = (localAddress = stranger, timeoutMs = 250) =>
  deliver(
    letter,
    { address: hop.address, port: hop.port, localAddress, ehloName: 'sender.example', timeoutMs },
    new AbortController().signal,
  );

const queued = /^250 2\.0\.0 Ok: queued as [0-9A-F]{10}$/;
const keeping: readonly HopFault[] = ['hold', 'hold-some', 'discard', 'bounce'];

describe('a hop with a fault', () => {
  it.each([
    ['ok', 'end-of-data', /^250 /],
    ['down', 'connect', /^connection refused$/],
    ['silent', 'banner', /^no answer for 0.25 s$/],
    ['421', 'banner', /^421 4\.3\.2 mx\.shop\.example /],
    ['451-rcpt', 'rcpt', /^451 4\.3\.0 <bob@shop\.example>/],
    ['550-rcpt', 'rcpt', /^550 5\.1\.1 <bob@shop\.example>/],
    ['tarpit', 'banner', /^no answer for 0.25 s$/],
    ['expired-cert', 'end-of-data', /^250 /],
    ['wrong-name-cert', 'end-of-data', /^250 /],
    ['half-banner', 'banner', /^no answer for 0.25 s$/],
    ['proxy-only', 'rcpt', /^554 5\.7\.1 <\[127\.0\.0\.9\]>/],
    ['hold', 'end-of-data', queued],
    ['hold-some', 'end-of-data', queued],
    ['discard', 'end-of-data', queued],
    ['bounce', 'end-of-data', queued],
    ['spam', 'end-of-data', queued],
    ['greylist', 'rcpt', /^450 4\.2\.0 <bob@shop\.example>: greylisted/],
  ] satisfies [HopFault, string, RegExp][])(
    '%s ends a stranger’s delivery at %s',
    async (fault, stage, text) => {
      await hop.setFault(fault);
      expect(await send()).toMatchObject({ stage, text: expect.stringMatching(text) as string });
      const isPassedOn = stage === 'end-of-data' && !keeping.includes(fault);
      expect(taken).toHaveLength(isPassedOn ? 1 : 0);
      // Healed while running: the next delivery passes.
      await hop.setFault('ok');
      expect(await send()).toMatchObject({ stage: 'end-of-data', code: 250 });
      finished++;
    },
  );

  it('admits the proxy’s address where it is proxy-only', async () => {
    await hop.setFault('proxy-only');
    expect(await send(proxy)).toMatchObject({ stage: 'end-of-data', code: 250 });
  });

  it('takes a letter whole, dots included, under its own trace', async () => {
    await send();
    const [first] = taken;
    expect(first).toMatchObject({ from: letter.from, to: letter.to });
    const [trace, ...rest] = first!.text.split('\r\n');
    expect(trace).toMatch(
      /^Received: from sender\.example \(\[127\.0\.0\.9\]\) by mx\.shop\.example with ESMTP id [0-9A-F]{10}; /,
    );
    expect(rest.join('\r\n')).toBe(letter.text);
  });

  it('cuts the sessions that hang when it goes down', async () => {
    await hop.setFault('silent');
    const hanging = send(stranger, 20_000);
    await expect.poll(() => hop.connectionCount).toBe(1);
    await hop.setFault('down');
    expect(await hanging).toMatchObject({ stage: 'banner', text: 'connection reset' });
  });

  it('resets a source that is cut off, and nobody else', async () => {
    cutOff.add(stranger);
    expect(await send()).toMatchObject({ code: null, text: 'connection reset' });
    expect(await send(proxy)).toMatchObject({ stage: 'end-of-data', code: 250 });
    cutOff.clear();
    expect(await send()).toMatchObject({ stage: 'end-of-data', code: 250 });
  });
});

/** Message-IDs of letters; `from` is the sender's. */
async function sendAs(from: string, id: string): Promise<string> {
  const one = { ...letter, from, text: `Message-ID: <${id}>\r\n\r\n${id}\r\n` };
  const target = { address: hop.address, port: hop.port, localAddress: stranger, ehloName: 'sender.example' };
  const { text } = await deliver(one, { ...target, timeoutMs: 1000 }, new AbortController().signal);
  return text.split(' ').at(-1) ?? '';
}

const passedOn = () => taken.map((one) => /<(.*)>/.exec(one.text.split('\r\n')[1] ?? '')?.[1]);
const fates = () => hop.taken.map((one) => `${one.messageId} ${one.fate}`);

describe('what a hop answered 250 to', () => {
  it('is remembered under the queue id that the client was told', async () => {
    const told = [await sendAs('a@sender.example', '1'), await sendAs('a@sender.example', '2')];
    expect(hop.taken.map((one) => one.queueId)).toEqual(told);
    expect(new Set(told).size).toBe(2);
    expect(taken[0]?.text).toMatch(new RegExp(`^Received: .* with ESMTP id ${told[0]}; `));
    expect(fates()).toEqual(['<1> passed', '<2> passed']);
  });

  it('is held until the hop is ok again, through other faults, and then goes on in one burst', async () => {
    await hop.setFault('hold');
    for (const id of ['1', '2']) await sendAs('a@sender.example', id);
    await hop.setFault('down');
    expect([hop.heldCount, passedOn(), fates()]).toEqual([2, [], ['<1> held', '<2> held']]);
    await hop.setFault('ok');
    expect([hop.heldCount, passedOn(), fates()]).toEqual([0, ['1', '2'], ['<1> released', '<2> released']]);
  });

  it('is held every other time, counted for each sender', async () => {
    await hop.setFault('hold-some');
    for (const id of ['a1', 'b1', 'a2', 'b2', 'a3']) await sendAs(`${id[0]}@sender.example`, id);
    expect(passedOn()).toEqual(['a2', 'b2']);
    await hop.setFault('ok');
    expect(passedOn()).toEqual(['a2', 'b2', 'a1', 'b1', 'a3']);
  });

  it('stays gone when it was discarded', async () => {
    await hop.setFault('discard');
    await sendAs('a@sender.example', '1');
    await hop.setFault('ok');
    expect([passedOn(), fates()]).toEqual([[], ['<1> discarded']]);
  });

  it('is returned with a notification that names it', async () => {
    await hop.setFault('bounce');
    const queueId = await sendAs('a@sender.example', '1');
    expect([passedOn(), fates()]).toEqual([[], ['<1> returned']]);
    expect(returned).toMatchObject([{ from: '', to: ['a@sender.example'] }]);
    const text = returned[0]?.text ?? '';
    expect(text).toMatch(/^Content-Type: multipart\/report; report-type=delivery-status; boundary=/m);
    expect(text).toContain(`X-Postfix-Queue-ID: ${queueId}\r\n\r\nFinal-Recipient: rfc822; ${letter.to[0]}`);
    expect(text).toMatch(/Content-Type: text\/rfc822-headers\r\n\r\nReceived: [^]*Message-ID: <1>\r\n/);
  });

  it('is marked as spam, whole', async () => {
    await hop.setFault('spam');
    await send();
    expect(taken[0]?.text).toMatch(/^X-Spam-Flag: YES\r\nReceived: /);
    expect(taken[0]?.text.endsWith(letter.text)).toBe(true);
  });

  it('was deferred at the first attempt of each source, sender and recipient where it greylists', async () => {
    await hop.setFault('greylist');
    const stages = [];
    for (const source of [stranger, proxy, stranger, proxy]) stages.push((await send(source)).stage);
    expect(stages).toEqual(['rcpt', 'rcpt', 'end-of-data', 'end-of-data']);
    expect(await sendAs('other@sender.example', '1')).toBe('later');
  });
});

function lineOf(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const onData = (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (!/^\d{3} .*\r\n$/m.test(text)) return;
      socket.off('data', onData);
      resolve(text);
    };
    socket.on('data', onData);
    socket.on('error', reject);
  });
}

/** Speaks as far as the handshake; null where the certificate is good, else OpenSSL's word. */
async function judgeCertificate(): Promise<string | null> {
  const socket = connect({ host: hop.address, port: hop.port });
  await lineOf(socket);
  for (const command of ['EHLO probe.example', 'STARTTLS']) {
    socket.write(`${command}\r\n`);
    await lineOf(socket);
  }
  return new Promise((resolve, reject) => {
    const secure = connectTls(
      { socket, ca: certificates.caPem, servername: 'mx.shop.example', rejectUnauthorized: false },
      () => {
        secure.destroy();
        const error = secure.authorizationError as (Error & { code?: string }) | string | null;
        resolve(typeof error === 'string' ? error : (error?.code ?? null));
      },
    );
    secure.on('error', reject);
  });
}

describe('the certificate of a hop', () => {
  it.each([
    ['ok', null],
    ['expired-cert', 'CERT_HAS_EXPIRED'],
    ['wrong-name-cert', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ] as const)(
    'with fault %s is judged %s by a client that trusts the sandbox’s CA',
    async (fault, verdict) => {
      await hop.setFault(fault);
      expect(await judgeCertificate()).toBe(verdict);
      await hop.setFault('ok');
      expect(await judgeCertificate()).toBeNull();
    },
  );
});
