//   an MTA ==files==> Maildir <== Dovecot <==IMAP over TLS== look, changed, remove
// A real server, letters and folders as they are in the field, and all that can be wrong with either.

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { ConfigError } from '../../src/errors.ts';
import type { ArrivalSource } from '../../src/model/canary.ts';
import { Secret } from '../../src/model/secret.ts';
import type { ArrivalMailbox, MailboxAnswer } from '../../src/probes/canary.ts';
import { openArrival } from '../../src/probes/canary/arrival/index.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { missingCommand } from '../support/real-primary.ts';
import {
  dovecotCommands,
  type DovecotOptions,
  type RealDovecot,
  startDovecot,
} from '../support/real-dovecot.ts';

const missing = missingCommand(...dovecotCommands);
const never = new AbortController().signal;
const password = 'sesame-open-this';
const hour = 3_600_000;

const tokenOf = (n: number): string =>
  `mxc-01jqzk3v5c8d9e0f1g2h3j${String(n).padStart(4, '0')}-abcdefghijklmnopqrstuvwx23`;
const canary = (n: number): string => `Return-Path: <canary@ops.example>
Received: from proxy.example.net (proxy.example.net [192.0.2.7])
 by mx.example.com (Postfix) with ESMTPS id 4Zk1; Thu, 5 Mar 2026 09:59:58 +0000
From: canary@ops.example
Subject: mxctl canary ${tokenOf(n)}
Message-ID: <${tokenOf(n)}@ops.example>
X-Mxctl-Canary: ${tokenOf(n)}

A canary.
`;
const stripped = (n: number) =>
  `From: canary@ops.example\nSubject: =?utf-8?Q?[EXTERN]_mxctl_canary_?=\n =?utf-8?Q?${tokenOf(n)}?=\n\nA canary.\n`;
const bounce = (n: number) => `Return-Path: <>
From: MAILER-DAEMON@proxy.example.net (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I'm sorry to have to inform you.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; proxy.example.net

Final-Recipient: rfc822; canary@example.com
Action: failed
Status: 5.7.1
Diagnostic-Code: smtp; 554 5.7.1 policy

--b
Content-Type: message/rfc822

${canary(n)}
--b--
`;
const other = 'From: anna@example.org\nSubject: lunch\n\nAt noon?\n';

function mailboxAt(
  server: Pick<RealDovecot, 'port' | 'caFile'>,
  how: Partial<ArrivalSource & { kind: 'imap' }> & { word?: string; timeoutMs?: number } = {},
): ArrivalMailbox {
  const { word = password, timeoutMs = 10_000, ...parts } = how;
  return openArrival(
    {
      ...{ kind: 'imap', host: 'localhost', port: server.port, security: 'tls', user: 'canary' },
      ...{ password: { env: 'X' }, mailbox: 'INBOX', spam: ['Junk'], caFile: server.caFile },
      ...parts,
    },
    { ...systemClock, readSecret: () => Promise.resolve(new Secret(word)), timeoutMs },
  );
}

/** `3 spam` for a letter, `bounce 3: text` for a notification, `CUT`, or why it could not be read. */
function shown(answer: MailboxAnswer): string[] {
  if (answer.outcome === 'unreadable') return [answer.reason];
  const nameOf = (token: string) => Number(token.slice(-31, -27));
  const letters = answer.letters.map(
    (one) => `${nameOf(one.token)}${one.isBySubject ? ' by subject' : ''}${one.isSpam ? ' spam' : ''}`,
  );
  const bounces = answer.bounces.map((one) => `bounce ${nameOf(one.token)}: ${one.text}`);
  return [...letters.toSorted(), ...bounces, ...(answer.isCut ? ['CUT'] : [])];
}

async function reasonFrom(mailbox: ArrivalMailbox): Promise<string> {
  const [reason = ''] = shown(await mailbox.look(Date.now(), never));
  await mailbox.close();
  expect(reason).not.toContain(password);
  expect(reason).not.toContain('wrong-word');
  return reason;
}

async function withDovecot(
  options: Omit<DovecotOptions, 'users'>,
  work: (server: RealDovecot) => Promise<void>,
): Promise<void> {
  const server = await startDovecot({ users: { canary: password }, ...options });
  try {
    await work(server);
  } finally {
    await server.close();
  }
}

if (missing !== null)
  describe('canaries in a real IMAP mailbox', () => {
    it.skip(`${missing} is not installed`, () => {});
  });
else
  describe('canaries in a real IMAP mailbox', () => {
    let server: RealDovecot;
    let user: string;
    let mailbox: ArrivalMailbox;
    let count = 0;
    const users = Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`user${n}`, password]));
    beforeAll(async () => {
      server = await startDovecot({ users: { canary: password, crowded: password, ...users } });
    });
    afterAll(() => server.close());
    beforeEach(() => {
      user = `user${(count += 1)}`;
      mailbox = mailboxAt(server, { user });
      return () => mailbox.close();
    });
    const look = (sinceAt = Date.now()) => mailbox.look(sinceAt, never).then(shown);
    const filesOf = (...folder: string[]) =>
      ['new', 'cur'].flatMap((part) => readdirSync(join(server.maildir(user), ...folder, part)));

    it('are found in the inbox and among spam, by field or by subject, each copy', async () => {
      const at = Date.now() - 5 * 60_000;
      server.deliver(user, canary(1), { at });
      server.deliver(user, canary(2), { folder: 'Junk' });
      server.deliver(user, stripped(3));
      server.deliver(user, canary(4));
      server.deliver(user, canary(4));
      server.deliver(user, other);
      server.deliver(user, `Subject: Re: mxctl canary ${tokenOf(9)}\nIn-Reply-To: <x@y>\n\nWhat is this?\n`);
      const answer = await mailbox.look(Date.now() - hour, never);
      expect(shown(answer)).toEqual(['1', '2 spam', '3 by subject', '4', '4']);
      const first = answer.outcome === 'read' ? answer.letters.find((one) => one.token === tokenOf(1)) : null;
      expect(first).toMatchObject({ storedAt: Math.floor(at / 1000) * 1000 });
      expect(first?.trace).toEqual([
        {
          ...{ from: 'proxy.example.net [192.0.2.7]', by: 'mx.example.com', protocol: 'ESMTPS' },
          at: Date.UTC(2026, 2, 5, 9, 59, 58),
        },
      ]);
    });

    it('that bounced are tied to what the notification says', async () => {
      server.deliver(user, bounce(1));
      server.deliver(user, bounce(2).replaceAll('Action: failed', 'Action: delayed'));
      server.deliver(user, bounce(3).replace('Returned to Sender', `of mxctl canary ${tokenOf(3)}`));
      expect(await look()).toEqual([
        'bounce 1: 554 5.7.1 policy (reported by proxy.example.net)',
        'bounce 3: 554 5.7.1 policy (reported by proxy.example.net)',
      ]);
    });

    it('of days ago are not looked at again', async () => {
      server.deliver(user, canary(1), { at: Date.now() - 72 * hour });
      server.deliver(user, canary(2), { at: Date.now() - 3 * hour });
      expect(await look()).toEqual(['2']);
      expect(await look(Date.now() - 100 * hour)).toEqual(['1', '2']);
    });

    it('are taken away by their tokens, and nothing else is', async () => {
      server.deliver(user, canary(1));
      server.deliver(user, canary(1), { folder: 'Junk' });
      server.deliver(user, bounce(1));
      server.deliver(user, canary(2));
      server.deliver(user, other);
      // Flagged by the mailbox's owner: a plain EXPUNGE would take it along.
      const flagged = server.deliver(user, other);
      execFileSync('mv', [flagged, flagged.replace('/new/', '/cur/').concat(':2,T')]);
      await look();
      expect(await mailbox.remove(new Set([tokenOf(1), tokenOf(7)]), never)).toBe(true);
      expect([filesOf().length, filesOf('.Junk').length]).toEqual([3, 0]);
      expect(await look()).toEqual(['2']);
      expect(await mailbox.remove(new Set([tokenOf(1)]), never)).toBe(true);
      expect(filesOf()).toHaveLength(3);
    });

    it('wake a look that waits, within a second', async () => {
      mailbox = mailboxAt(server, { user, spam: [] });
      server.deliver(user, canary(1));
      expect(await look()).toEqual(['1']);
      const startedAt = performance.now();
      const changed = mailbox.changed(60_000, never);
      setTimeout(() => server.deliver(user, canary(2)), 300);
      await changed;
      console.log(
        `IDLE woke after ${Math.round(performance.now() - startedAt)} ms, of which 300 before the letter`,
      );
      expect(performance.now() - startedAt).toBeLessThan(30_000);
      expect(await look()).toEqual(['1', '2']);
      // What came between look and wait must not be waited for.
      server.deliver(user, canary(3));
      await mailbox.changed(60_000, never);
      expect(performance.now() - startedAt).toBeLessThan(30_000);
    });

    it('are not waited for longer than was said, nor after an abort', async () => {
      await look();
      await mailbox.changed(50, never);
      const caller = new AbortController();
      const waiting = mailbox.changed(60_000, caller.signal);
      setTimeout(() => caller.abort(new Error('enough')), 50);
      await expect(waiting).rejects.toThrow('enough');
      expect(await look()).toEqual([]);
    });

    it('are found in two thousands, the rest in the next look', { timeout: 120_000 }, async () => {
      for (let n = 0; n < 2050; n += 1) server.deliver(user, canary(n), { at: Date.now() - 60_000 });
      const first = await mailbox.look(Date.now(), never);
      if (first.outcome !== 'read') throw new Error(first.reason);
      expect([first.letters.length, first.isCut]).toEqual([2000, true]);
      expect(await mailbox.remove(new Set(first.letters.map((one) => one.token)), never)).toBe(true);
      expect(await look()).toHaveLength(50);
    });

    it('are found again when the server has closed the connection', async () => {
      await look();
      server.deliver(user, canary(1));
      execFileSync('doveadm', ['-c', server.configFile, 'kick', user], { stdio: 'ignore' });
      const second = await look();
      expect([second, await look()]).toContainEqual(['1']);
    });

    it('are reached by STARTTLS too', async () => {
      server.deliver(user, canary(1));
      const starttls = mailboxAt(server, { user, security: 'starttls', port: server.starttlsPort });
      expect(shown(await starttls.look(Date.now(), never))).toEqual(['1']);
      await starttls.close();
    });

    it('are not looked for with a wrong password, in a mailbox that is missing, or at a wrong port', async () => {
      expect(await reasonFrom(mailboxAt(server, { word: 'wrong-word' }))).toMatch(
        /^the IMAP server localhost:\d+ refused the login of canary \(".*Authentication failed.*"\): check user and password/,
      );
      expect(await reasonFrom(mailboxAt(server, { mailbox: 'Canaries' }))).toMatch(
        /has no mailbox Canaries for canary: correct mailbox/,
      );
      expect(await reasonFrom(mailboxAt(server, { spam: ['Spam'] }))).toMatch(
        /has no mailbox Spam for canary: correct it in spam .* or make it/,
      );
      expect(await reasonFrom(mailboxAt(server, { port: server.starttlsPort }))).toMatch(
        /does not begin with TLS on this port: use port 993, or security: starttls/,
      );
      expect(await reasonFrom(mailboxAt(server, { security: 'starttls', timeoutMs: 1000 }))).toMatch(
        /sent no greeting in time: check port and security/,
      );
      await expect(mailboxAt(server, { caFile: '/none.pem' }).look(Date.now(), never)).rejects.toThrow(
        ConfigError,
      );
    });

    it('are found fast in a mailbox of 100,000', { timeout: 600_000 }, async () => {
      const directory = server.maildir('crowded');
      mkdirSync(join(directory, 'cur'), { recursive: true });
      crowd(directory, 100_000);
      const timed = async (name: string, sinceAt = Date.now()) => {
        const place = mailboxAt(server, { user: name, timeoutMs: 60_000 });
        const startedAt = performance.now();
        const found = shown(await place.look(sinceAt, never));
        const tookMs = performance.now() - startedAt;
        await place.close();
        expect(found).toEqual(['1']);
        return tookMs;
      };
      crowd(server.maildir(user), 100);
      for (const name of [user, 'crowded']) server.deliver(name, canary(1));
      const [smallFirst, small] = [await timed(user), await timed(user)];
      const [largeFirst, large] = [await timed('crowded'), await timed('crowded')];
      const maildir = openArrival(
        { kind: 'maildir', directory, spam: [] },
        { ...systemClock, readSecret: () => Promise.reject(new Error('no')) },
      );
      const startedAt = performance.now();
      expect(shown(await maildir.look(Date.now(), never))).toEqual(['1']);
      const onDisk = performance.now() - startedAt;
      const ms = (value: number) => `${value.toFixed(0)} ms`;
      console.log(
        `100 letters: first ${ms(smallFirst)}, then ${ms(small)}; 100,000: first ${ms(largeFirst)}, then ${ms(large)} (x${(large / small).toFixed(1)}); its Maildir on disk ${ms(onDisk)}`,
      );
    });
  });

/** Old letters, as a mailbox of years has them: links to one file, in names of their own. */
function crowd(directory: string, size: number): void {
  const old = Math.floor(Date.now() / 1000) - 400 * 86_400;
  const fill = `
    set -e
    cd "$1"
    printf 'From: anna@example.org\\nSubject: lunch\\n\\nAt noon?\\n' > tmp/one
    touch -d @${old} tmp/one
    chown --reference=. tmp/one
    # ext4 has at most 65,000 links of a file.
    cp -p tmp/one tmp/two
    cd cur
    perl -e 'for $n (1..$ARGV[0]) { link($n % 2 ? "../tmp/one" : "../tmp/two", "${old}.M\${n}P1.localhost,S=56:2,S") or die $! }' "$2"
    rm ../tmp/one ../tmp/two
  `;
  execFileSync('sh', ['-c', fill, 'sh', directory, String(size)]);
}

if (missing === null)
  describe('a real IMAP server that is not to be trusted', () => {
    it.each<[NonNullable<DovecotOptions['certificate']>, RegExp]>([
      ['expired', /showed a certificate that has expired: renew it there/],
      ['wrong', /showed a certificate for another name than localhost: use the name/],
      ['selfsigned', /showed a certificate it signed itself: name that certificate in ca_file/],
    ])('by its %s certificate is told no password', async (certificate, expected) => {
      await withDovecot({ certificate }, async (server) => {
        expect(await reasonFrom(mailboxAt(server))).toMatch(expected);
        const starttls = { security: 'starttls', port: server.starttlsPort } as const;
        expect(await reasonFrom(mailboxAt(server, starttls))).toMatch(expected);
      });
    });

    it('by a CA nobody here trusts is told no password', async () => {
      await withDovecot({}, async (server) => {
        expect(await reasonFrom(mailboxAt(server, { caFile: null }))).toMatch(/trusted CA|not trusted here/);
      });
    });

    it('that has no TLS is told no password', async () => {
      await withDovecot({ tls: 'none' }, async (server) => {
        const starttls = { security: 'starttls', port: server.starttlsPort } as const;
        expect(await reasonFrom(mailboxAt(server, starttls))).toMatch(
          /offers no STARTTLS, and nothing is said in clear/,
        );
      });
    });

    it('that is not there, or hangs, is told with what to do', async () => {
      const silent = createServer((socket) => socket.resume().on('error', () => undefined));
      await once(silent.listen(0, '127.0.0.1'), 'listening');
      const { port } = silent.address() as AddressInfo;
      const at = { port, caFile: '' };
      expect(await reasonFrom(mailboxAt(at, { caFile: null, timeoutMs: 1000 }))).toMatch(
        /did not answer in time: check the way/,
      );
      await once(silent.close(), 'close');
      expect(await reasonFrom(mailboxAt(at, { caFile: null }))).toMatch(
        /refused the connection: check that it runs/,
      );
    });

    it('without UIDPLUS keeps the letters, flagged, and they are not found again', async () => {
      await withDovecot({ capabilities: 'IMAP4rev1 SASL-IR' }, async (server) => {
        server.deliver('canary', canary(1));
        server.deliver('canary', canary(2));
        const mailbox = mailboxAt(server);
        expect(shown(await mailbox.look(Date.now(), never))).toEqual(['1', '2']);
        expect(await mailbox.remove(new Set([tokenOf(1)]), never)).toBe(false);
        expect(shown(await mailbox.look(Date.now(), never))).toEqual(['2']);
        expect(readdirSync(join(server.maildir('canary'), 'cur'))).toHaveLength(2);
        // Nor has it IDLE.
        await mailbox.changed(20, never);
        await mailbox.close();
      });
    });
  });
