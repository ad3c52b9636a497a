// A canary mailbox that cannot be read, or a key that cannot be used: one clear message of what, where, why and what to
// do, in the round, in `status` and by hand; the round goes on, and no secret is told.

import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { createServer as createWebServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { createServer, type Server } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificates } from '../../support/certificates.ts';
import { type CliWorld, expectScreen, startCliWorld } from '../../support/cli-world.ts';

const password = 'correct-horse-battery-staple';
const token = 'bearer-of-the-endpoint-0123456789';
const shortKey = 'tooshort-31337';

let flow: CliWorld;
const servers: Server[] = [];
const ports = { login: 0, mailbox: 0, web: 0 };

beforeAll(async () => {
  flow = await startCliWorld({}, { canaries: true });
  flow.useConfig((yaml) => yaml.replace('interval: 1s', 'interval: 5m').replace('forgive: 3', 'forgive: 1'));
  for (const secret of [password, token, shortKey]) flow.mustNotTell(secret);
  const { ca, pairs } = await makeCertificates('localhost');
  writeFileSync(inWorld('mailbox-ca.pem'), ca);
  writeFileSync(inWorld('imap-password'), password);
  writeFileSync(inWorld('web-token'), token);
  writeFileSync(inWorld('short.key'), shortKey);
  writeFileSync(inWorld('garbled.sh'), '#!/bin/sh\necho "no canaries today"\n');
  writeFileSync(inWorld('broken.sh'), '#!/bin/sh\necho "index is locked" >&2\nexit 3\n');
  for (const name of ['garbled.sh', 'broken.sh']) chmodSync(inWorld(name), 0o700);
  // A server that says again what it was told: that must not come through either.
  ports.login = await listen(imapServer(pairs.good, `NO [AUTHENTICATIONFAILED] ${password} is wrong`));
  ports.mailbox = await listen(imapServer(pairs.good, 'OK logged in'));
  ports.web = await listen(createWebServer(pairs.good, (_request, response) => response.end('<html>')));
});
afterAll(async () => {
  for (const server of servers) server.close();
  await flow.close();
});

const inWorld = (name: string) => path.join(flow.world.directory, name);

async function listen(server: Server): Promise<number> {
  servers.push(server);
  server.listen(0, 'localhost');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Every login ends with `login`; there is no mailbox. */
function imapServer(pair: { readonly key: string; readonly cert: string }, login: string): Server {
  const answers: Readonly<Record<string, string>> = {
    AUTHENTICATE: login,
    LOGIN: login,
    EXAMINE: 'NO [NONEXISTENT] no such mailbox',
    SELECT: 'NO [NONEXISTENT] no such mailbox',
  };
  return createServer(pair, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.write('* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] ready\r\n');
    socket.on('data', (chunk: Buffer) => {
      for (const line of chunk.toString().split('\r\n').filter(Boolean)) {
        const [tag = '', word = ''] = line.split(' ');
        socket.write(`${tag} ${answers[word.toUpperCase()] ?? 'OK'}\r\n`);
      }
    });
  });
}

const imap = (port: number, rest = '') =>
  `imap: {host: localhost, port: ${port}, user: canary, password: {file: ${inWorld('imap-password')}}${rest}}`;
const trusted = () => `, ca_file: ${inWorld('mailbox-ca.pem')}`;
const https = (rest: string) => `https: {url: "https://localhost:${ports.web}/canaries"${rest}}`;

interface Case {
  readonly title: string;
  /** In the place of the arrival of the config. */
  readonly arrival: () => string;
  readonly says: RegExp;
}

const cases: readonly Case[] = [
  {
    title: 'an IMAP server that is not there',
    arrival: () => imap(9, trusted()),
    says: /IMAP server localhost:9 refused the connection: check that it runs, and host and port of canary\.arrival\.imap/,
  },
  {
    title: 'a wrong IMAP password',
    arrival: () => imap(ports.login, trusted()),
    says: /IMAP server localhost:\d+ refused the login of canary \("\[redacted\] is wrong"\): check user and password/,
  },
  {
    title: 'a password file that is not there',
    arrival: () => imap(ports.login, trusted()).replace('imap-password', 'no-password'),
    says: /cannot read secret file \S+no-password: .*: \w+/,
  },
  {
    title: 'an IMAP server with a certificate that nobody vouches for',
    arrival: () => imap(ports.mailbox),
    says: /IMAP server localhost:\d+ showed a certificate .*: .*ca_file of canary\.arrival/,
  },
  {
    title: 'an IMAP mailbox that does not exist',
    arrival: () => imap(ports.mailbox, `${trusted()}, mailbox: Canaries`),
    says: /IMAP server localhost:\d+ .*Canaries.*: \w+/,
  },
  {
    title: 'a Maildir that does not exist',
    arrival: () => `maildir: {directory: ${inWorld('nowhere')}}`,
    says: /there is no \S+nowhere\/new: check `directory` and `spam` of canary\.arrival\.maildir/,
  },
  {
    title: 'an endpoint that answers something else',
    arrival: () => https(`, token: {file: ${inWorld('web-token')}}${trusted()}`),
    says: /https:\/\/localhost:\d+\/canaries answered with what is no list of canaries \(.*\): correct the endpoint/,
  },
  {
    title: 'an endpoint with a certificate that nobody vouches for',
    arrival: () => https(`, token: {file: ${inWorld('web-token')}}`),
    says: /https:\/\/localhost:\d+\/canaries showed a certificate .*: .*ca_file of canary\.arrival/,
  },
  {
    title: 'a command that fails',
    arrival: () => `command: [${inWorld('broken.sh')}]`,
    says: /the command \S+broken\.sh ended with 3 and said "index is locked": run it by hand as this user/,
  },
  {
    title: 'a command that is not there',
    arrival: () => `command: [${inWorld('none.sh')}]`,
    says: /the command \S+none\.sh cannot be run \(ENOENT\): check its name/,
  },
  {
    title: 'a command that prints something else',
    arrival: () => `command: [${inWorld('garbled.sh')}]`,
    says: /the command \S+garbled\.sh printed what is no list of canaries \(.*\): run it by hand/,
  },
];

/** Words of a screen, line breaks away. */
const sentences = (text: string) => text.replace(/\s+/g, ' ');

let stores = 0;
function configWith(change: (yaml: string) => string): string {
  const store = `sqlite:${inWorld(`state-${++stores}.sqlite`)}`;
  return flow.writeConfig((yaml) => change(yaml.replace(/sqlite:[^"]+/, store)));
}

/** The round decides and sends all the same, `status` says it, nothing is moved; what `probe --canary` ends with. */
async function expectSaid(configFile: string, says: RegExp): Promise<void> {
  const round = await flow.run(['auto', '--once'], { configFile });
  expect(round).toMatchObject({ exitCode: 0, stderr: '' });
  expect(sentences(round.stdout)).toMatch(says);
  expect(round.stdout).toMatch(/decision: (watch|stay)/);
  const text = await flow.run(['status', '--verbose'], { configFile });
  expect(text.exitCode).toBe(0);
  expect(sentences(text.stdout)).toContain('shop canaries tell nothing now: ');
  expect(sentences(text.stdout)).toMatch(says);
  for (const { stdout } of [round, text]) expectScreen(stdout);
}

describe('a canary mailbox that cannot be read', () => {
  it.each(cases)('is said and blocks nothing: $title', async ({ arrival, says }) => {
    const configFile = configWith((yaml) => yaml.replace(/ {8}maildir: .*/, ' '.repeat(8) + arrival()));
    await expectSaid(configFile, says);
    const byHand = await flow.run(['probe', '--canary', '--wait', '1s', '--verbose'], { configFile });
    expect(byHand.exitCode).toBe(8);
    expect(sentences(byHand.stdout)).toMatch(says);
    expect(byHand.stdout + byHand.stderr).not.toMatch(/\n\s+at /);
  });
});

describe('a key that cannot be used', () => {
  it.each([
    ['none.key', 'secret-unreadable', /cannot read secret file \S+none\.key: .*: \w+/],
    [
      'short.key',
      'config-invalid',
      /the canary key is shorter than 16 characters: .*openssl rand -base64 32/,
    ],
  ] as const)('is said and blocks nothing: %s', async (file, code, says) => {
    const configFile = configWith((yaml) => yaml.replace('canary.key', file));
    await expectSaid(configFile, says);
    const { data } = await flow.json(['status'], { configFile });
    const [route] = (data as { routes: { canary: { mailbox: { fault: string } } }[] }).routes;
    expect(route!.canary.mailbox.fault).toMatch(says);
    const { exit_code, error } = await flow.json(['probe', '--canary'], { configFile });
    expect([exit_code, error?.code]).toEqual([78, code]);
    expect(`${error?.message}: ${error?.hint}`).toMatch(says);
  });
});
