// Shape of `canary:`, the same under `defaults:` and under a route. Everything is optional: built-in values, and what
// must be there once both are put together, are in canary.ts.

import { isIP } from 'node:net';
import { z } from 'zod';
import { displayName, isHostName, parseDomainName } from '../model/domain-name.ts';
import { domainName, duration, portSchema, secretSource } from '../providers/config-parts.ts';
import { mailbox, times } from './policy-schema.ts';

/** What goes into a protocol or onto a command line: a line break would end it, a NUL cut it. */
function line(error: string) {
  // RFC 3501 has no bound; no real user or mailbox name is longer.
  return z.string({ error }).regex(/^\P{Cc}{1,255}$/u, { error });
}

const hostForms = 'must be a host name or an address, such as imap.example.com';

const host = z.string({ error: hostForms }).transform((text, context): string => {
  if (isIP(text) !== 0) return text;
  const parsed = parseDomainName(text);
  if (parsed.ok && isHostName(parsed.name)) return displayName(parsed.name);
  context.addIssue({ code: 'custom', message: hostForms });
  return z.NEVER;
});

const folder = (error: string) =>
  line(error).refine((text) => !/[/\\]/.test(text) && text !== '.' && text !== '..', { error });

const caFile = line('must be a PEM file')
  .optional()
  .describe("PEM file with CAs to trust beside the system's; relative to this file.");

const imap = z
  .strictObject({
    host: host.describe('Server; its certificate must name it.'),
    port: portSchema.optional().describe('Default 993 with tls, 143 with starttls.'),
    security: z
      .enum(['tls', 'starttls'])
      .default('tls')
      .describe('tls: from the first octet (RFC 8314 §3); starttls: before anything else. Never in clear.'),
    user: line('must be a user name').describe(
      'User of the canary mailbox, best one that sees nothing else.',
    ),
    password: secretSource.describe('Where the password is kept.'),
    mailbox: line('must be the name of a mailbox, such as INBOX')
      .default('INBOX')
      .describe('Mailbox in which canaries arrive.'),
    spam: z
      .array(line('must be the name of a mailbox, such as Junk'))
      .max(20)
      .default([])
      .describe('Mailboxes that count as arrived all the same, and are told, such as [Junk].'),
    ca_file: caFile,
  })
  .meta({ id: 'ImapArrival', description: 'A mailbox behind IMAP.' });

const maildir = z
  .strictObject({
    directory: line('must be a directory').describe(
      'The Maildir, with new/ and cur/ in it; relative to this file.',
    ),
    spam: z
      .array(folder('must be the name of a folder in the Maildir, such as .Junk'))
      .max(20)
      .default([])
      .describe('Folders that count as arrived all the same, and are told, such as [.Junk].'),
  })
  .meta({ id: 'MaildirArrival', description: 'A Maildir on this machine.' });

const httpsForms = 'must be an https URL without user or password, such as https://mail.example.com/canaries';

function isHttps(text: string): boolean {
  const url = URL.parse(text);
  return url?.protocol === 'https:' && url.username + url.password === '';
}

const https = z
  .strictObject({
    url: z
      .string({ error: httpsForms })
      .refine(isHttps, { error: httpsForms })
      .describe('Returns JSON: {"letters": [{"token", "stored_at", "spam", "received"}], "bounces": [..]}.'),
    token: secretSource.optional().describe('Where the token for `Authorization: Bearer` is kept.'),
    ca_file: caFile,
  })
  .meta({ id: 'HttpsArrival', description: 'An endpoint that tells what has arrived.' });

/** As `arrival` must hold one of them. */
const arrivalKinds = ['imap', 'maildir', 'https', 'command'] as const;

const arrival = z
  .strictObject({
    imap: imap.optional(),
    maildir: maildir.optional(),
    https: https.optional(),
    command: z
      .array(line('must be a program or an argument'))
      .min(1, { error: 'must be a program and its arguments, such as [/usr/local/bin/find-canaries]' })
      .max(100)
      .optional()
      .describe(
        'Program and arguments, run without a shell with --since TIME added; prints the JSON of https.',
      ),
  })
  .refine((given) => arrivalKinds.filter((kind) => given[kind] !== undefined).length === 1, {
    error: `must hold exactly one of ${arrivalKinds.join(', ')}`,
    // A key that is misspelt is told by itself.
    when: ({ issues }) => issues.length === 0,
  })
  .meta({
    id: 'Arrival',
    description: 'Where canaries arrive: exactly one of imap, maildir, https, command.',
    minProperties: 1,
    maxProperties: 1,
  });

/** RFC 6376 §3.1: labels as in a domain name, with dots between them. */
const selector = z
  .string({ error: 'must be a DKIM selector, such as mxctl' })
  .regex(
    /^(?=.{1,190}$)[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?)*$/,
    {
      error:
        'must be a DKIM selector (RFC 6376 §3.1), such as mxctl: it is published at SELECTOR._domainkey.DOMAIN',
    },
  );

const dkim = z
  .strictObject({
    domain: domainName.describe('Domain that signs: that of from, or one above it.'),
    selector: selector.describe('Its public key is at SELECTOR._domainkey.DOMAIN.'),
    private_key: secretSource.describe('Where the private key is kept, in PEM.'),
  })
  .meta({ id: 'Dkim', description: 'Signature of the canaries (RFC 6376).' });

export const canaryShape = z
  .strictObject({
    from: mailbox
      .optional()
      .describe(
        "Sender: an address in a domain of your own, not the route's. Notices of failure come back to it: let it lead to the same mailbox.",
      ),
    to: mailbox
      .optional()
      .describe('The canary mailbox, in a domain of the route: every path must reach it.'),
    key: secretSource
      .optional()
      .describe(
        'Where the key of the tokens is kept: 32 random octets or more as text, the same at all vantages.',
      ),
    every: duration('1s', '1d')
      .optional()
      .describe('Time between canaries of one path. Default 5m: 288 a day for each path.'),
    delayed_after: duration('1s', '1d')
      .optional()
      .describe('On its way for so long: late. At least fall times every. Default 15m.'),
    // RFC 5321 §4.5.4.1: a queue gives up after four or five days.
    swallowed_after: duration('1s', '5d')
      .optional()
      .describe('On its way for so long: swallowed. More than delayed_after. Default 4h.'),
    fall: times('Late canaries that take a path down. Default 2.'),
    rise: times('Canaries in a row that arrived in time and bring it up again. Default 3.'),
    paths: z
      .array(z.string({ error: 'must be a name' }))
      .min(1, { error: 'needs at least one path' })
      .optional()
      .describe('Paths that get canaries. Default: prefer and failover_to.'),
    dkim: dkim.optional(),
    arrival: arrival.optional(),
  })
  .meta({
    id: 'Canary',
    description:
      'Small messages of our own over each path to a mailbox we read: what shows that mail is accepted and held, or lost.',
  });

export type CanaryShape = z.output<typeof canaryShape>;
export type ArrivalShape = z.output<typeof arrival>;
