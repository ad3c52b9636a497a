// IMAP servers as no real one is willing to be, as dialogues: S: what it says, C: what it waits for. test/e2e has the
// real one. Every place of arrival that cannot be read says what, why and what to do, and no password.

import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createServer as createTlsServer } from 'node:tls';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import { openArrival } from '../../../src/probes/canary/arrival/index.ts';
import { makeCertificates, type TestCertificates } from '../../support/certificates.ts';
import { depsOf, never, now, shown, tokenOf } from './canary-arrival-setup.ts';

let certificates: TestCertificates;
beforeAll(async () => {
  certificates = await makeCertificates('localhost');
});

/** What a server says to a command, without its tag; `null` = nothing, ever; BYE = and hangs up. */
type Says = (command: string, socket: Socket) => string | null;

const capabilities = 'IMAP4rev1 AUTH=PLAIN UIDPLUS ESEARCH IDLE';

/** A server that has one empty mailbox. */
const usual: Says = (command) => {
  if (command.startsWith('CAPABILITY')) return `* CAPABILITY ${capabilities}\r\nOK done`;
  if (command.startsWith('LIST')) return '* LIST () "/" INBOX\r\nOK done';
  if (command.startsWith('EXAMINE'))
    return '* 1 EXISTS\r\n* OK [UIDVALIDITY 7] .\r\n* OK [UIDNEXT 9] .\r\nOK [READ-ONLY] done';
  if (command.includes('SEARCH RETURN')) return '* ESEARCH (TAG "x") UID MIN 5\r\nOK done';
  if (command.includes('SEARCH')) return '* SEARCH 5\r\nOK done';
  return 'OK done';
};

async function serving(says: Says, how: { greeting?: string; isClear?: boolean; timeoutMs?: number } = {}) {
  const commands: string[] = [];
  const { greeting = `* OK [CAPABILITY ${capabilities}] ready` } = how;
  const talk = (socket: Socket) => {
    socket.on('error', () => undefined);
    if (greeting !== '') socket.write(`${greeting}\r\n`);
    let tag = '';
    createInterface(socket).on('line', (line) => {
      const [, ownTag = '', command = ''] = /^(\S+) (.*)$/.exec(line) ?? [];
      // The answer to a challenge has no tag.
      if (command === '') return socket.write(`${tag} ${says('(credentials)', socket) ?? ''}\r\n`);
      tag = ownTag;
      commands.push(command);
      if (command === 'AUTHENTICATE PLAIN') return socket.write('+ \r\n');
      const said = says(command, socket);
      if (said === null) return;
      const lines = said.split('\r\n');
      socket.write([...lines.slice(0, -1), `${tag} ${lines.at(-1) ?? ''}`, ''].join('\r\n'));
    });
  };
  const server = how.isClear === true ? createServer(talk) : createTlsServer(certificates.pairs.good, talk);
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const directory = mkdtempSync(join(tmpdir(), 'mxctl-imap-'));
  const caFile = join(directory, 'ca.pem');
  writeFileSync(caFile, certificates.ca);
  const { port } = server.address() as AddressInfo;
  const deps = depsOf('sesame-open-this', { timeoutMs: how.timeoutMs ?? 10_000 });
  const mailbox = openArrival(
    {
      ...{ kind: 'imap', host: 'localhost', port, security: how.isClear === true ? 'starttls' : 'tls' },
      ...{ user: 'canary', password: { env: 'X' }, mailbox: 'INBOX', spam: [], caFile },
    },
    deps,
  );
  onTestFinished(async () => {
    await mailbox.close();
    for (const socket of sockets) socket.destroy();
    server.close();
    rmSync(directory, { recursive: true, force: true });
  });
  return { mailbox, commands, deps, look: async () => shown(await mailbox.look(now, never)) };
}

const other =
  (pattern: RegExp, answer: string | null): Says =>
  (command, socket) =>
    pattern.test(command) ? answer : usual(command, socket);

describe('an IMAP server that', () => {
  it.each<[string, Says, { greeting?: string; isClear?: boolean; timeoutMs?: number }, RegExp]>([
    [
      'takes no passwords',
      usual,
      { greeting: '* OK [CAPABILITY IMAP4rev1 LOGINDISABLED] ready' },
      /takes no login with a password here \(LOGINDISABLED\): let it offer AUTH=PLAIN/,
    ],
    [
      'says the password back',
      other(/credentials/, 'NO [AUTHENTICATIONFAILED] no user canary with sesame-open-this'),
      {},
      /refused the login of canary \("no user canary with \[redacted\]"\): check user and password/,
    ],
    [
      'has lost its user database',
      other(/credentials/, 'NO [UNAVAILABLE] LDAP is away'),
      {},
      /cannot take logins now \("LDAP is away"\): see its log; nothing here/,
    ],
    [
      'turns us away',
      usual,
      { greeting: '* BYE too many connections' },
      /closed the connection \("too many connections"\)/,
    ],
    [
      'greets in clear as if we were logged in',
      usual,
      { isClear: true, greeting: '* PREAUTH welcome' },
      /STARTTLS, and nothing is said in clear/,
    ],
    ['offers no STARTTLS', usual, { isClear: true }, /offers no STARTTLS, and nothing is said in clear/],
    ['refuses to search', other(/SEARCH/, 'BAD unknown command'), {}, /refused to search: see its log/],
    [
      'hangs in the middle',
      other(/SEARCH/, null),
      { timeoutMs: 500 },
      /did not answer all that was asked in 2 s/,
    ],
    [
      'says BYE in the middle',
      other(/EXAMINE/, '* BYE shutting down\r\nNO bye'),
      {},
      /could not be looked into|closed the connection/,
    ],
    [
      'announces a gigabyte',
      other(/FETCH/, '* 1 FETCH (UID 5 BODY[HEADER] {1073741824}\r\nOK'),
      {},
      /sent more than it was asked for/,
    ],
    [
      'sends one line without end',
      other(/SEARCH/, `* SEARCH ${'1 '.repeat(3 << 20)}\r\nOK`),
      {},
      /sent a longer line than is taken/,
    ],
    [
      'speaks no IMAP',
      usual,
      { greeting: 'HTTP/1.1 400 Bad Request', timeoutMs: 1000 },
      /sent no greeting in time|could not be looked into/,
    ],
  ])('%s is told, without the password', async (_, says, how, expected) => {
    const { look, commands } = await serving(says, how);
    const [reason = ''] = await look();
    expect(reason).toMatch(expected);
    expect(reason).toMatch(/^the IMAP server localhost:\d+ /);
    expect(reason).not.toContain('sesame');
    if (how.isClear === true) expect(commands.join()).not.toMatch(/AUTHENTICATE|LOGIN|EXAMINE/);
  });

  it('moves a cursor does not', async () => {
    const { look } = await serving(other(/credentials/, 'NO go \u001b[2J\u202eaway'));
    expect((await look())[0]).toContain('"go \\u001b[2J\\u202eaway"');
  });

  it('is not logged in to again by waiting, after it refused the password', async () => {
    const { look, mailbox, commands, deps } = await serving(other(/credentials/, 'NO no'));
    await look();
    await mailbox.changed(60_000, never);
    expect([deps.slept, commands.filter((one) => one.startsWith('AUTH')).length]).toEqual([[5000], 1]);
  });

  it('has nothing recent is not asked for headers', async () => {
    const { look, commands } = await serving(other(/SEARCH RETURN/, '* ESEARCH (TAG "x") UID\r\nOK done'));
    expect(await look()).toEqual([]);
    expect(commands.filter((one) => /SEARCH|FETCH/.test(one))).toEqual([
      'UID SEARCH RETURN (MIN) SINCE 04-Mar-2026 UNDELETED',
    ]);
  });

  it('is asked for headers of what it found, and for no more than 64 KiB of each', async () => {
    const header = `X-Mxctl-Canary: ${tokenOf(1)}\r\n\r\n`;
    const fetched = `* 1 FETCH (UID 5 INTERNALDATE "05-Mar-2026 10:00:00 +0000" BODY[HEADER]<0> {${header.length}}\r\n${header})\r\nOK done`;
    const says: Says = (command, socket) =>
      command.startsWith('UID FETCH')
        ? fetched
        : /SEARCH UID.*DELIVERY/i.test(command)
          ? 'OK'
          : usual(command, socket);
    const { look, commands } = await serving(says);
    expect(await look()).toEqual(['1']);
    expect(commands.filter((one) => /SEARCH UID|FETCH/.test(one))).toEqual([
      'UID SEARCH UID 5:* SINCE 04-Mar-2026 UNDELETED OR HEADER X-MXCTL-CANARY mxc- SUBJECT mxc-',
      'UID SEARCH UID 5:* SINCE 04-Mar-2026 UNDELETED OR OR HEADER CONTENT-TYPE delivery-status HEADER X-FAILED-RECIPIENTS "" OR FROM mailer-daemon FROM microsoftexchange',
      'UID FETCH 5 (INTERNALDATE UID BODY.PEEK[HEADER]<0.65536>)',
    ]);
  });
});
