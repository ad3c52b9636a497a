// Shared pieces of the configuration's shape: durations, server addresses, secrets, names. Adapters build their own
// schema from these. Never reads a secret and never puts a given value into a message: it might be one.

import { isIP } from 'node:net';
import { z } from 'zod';
import { type DomainName, displayName, isHostName, parseDomainName } from '../model/domain-name.ts';
import type { ServerAddress } from '../model/route.ts';
import type { SecretSource } from '../model/secret.ts';

/** Domain names are asked and told on port 53 (RFC 1035 §4.2). */
export const dnsPort = 53;

const unitMs = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
/** Ten years: longer than anything here lasts, and far from where sums of ms lose precision. */
const maxDurationMs = 3650 * unitMs.d;

/** Milliseconds of `30s`, `5m`, `2h`, `7d`; null where the text is none of these, or beyond ten years. */
export function parseDuration(text: string): number | null {
  const match = /^(0|[1-9]\d{0,9})([smhd])$/.exec(text);
  if (match === null) return null;
  const ms = Number(match[1]) * unitMs[match[2] as keyof typeof unitMs];
  return ms <= maxDurationMs ? ms : null;
}

/** The shortest exact text in one unit; `parseDuration` reads it back. `ms` is a whole number of seconds. */
export function formatDuration(ms: number): string {
  for (const unit of ['d', 'h', 'm'] as const)
    if (ms !== 0 && ms % unitMs[unit] === 0) return `${ms / unitMs[unit]}${unit}`;
  return `${ms / unitMs.s}s`;
}

/** A duration as text, as milliseconds after parsing; bounds are durations too. */
export function duration(least = '0s', most = '3650d') {
  const leastMs = parseDuration(least) ?? 0;
  const mostMs = parseDuration(most) ?? maxDurationMs;
  return z
    .string({ error: 'must be a duration, such as 30s, 5m, 2h or 7d' })
    .regex(/^(0|[1-9]\d{0,9})[smhd]$/, {
      error: 'must be a whole number with one unit, such as 30s, 5m, 2h or 7d',
    })
    .transform((text, context) => {
      const ms = parseDuration(text);
      if (ms !== null && ms >= leastMs && ms <= mostMs) return ms;
      context.addIssue({ code: 'custom', message: `must lie between ${least} and ${most}` });
      return z.NEVER;
    });
}

const port = z.int({ error: 'must be a port, 1 to 65535' }).min(1).max(65_535);

/** TCP or UDP port. */
export const portSchema = port.meta({ id: 'Port', description: 'A port, 1 to 65535.' });

/** `192.0.2.53`, `192.0.2.53:5353`, `2001:db8::53` or `[2001:db8::53]:5353`; null where it is none of these. */
export function parseServerAddress(text: string, defaultPort: number): ServerAddress | null {
  if (isIP(text) !== 0) return { address: text.toLowerCase(), port: defaultPort };
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text);
  const [v6, v4] = [match?.[1], match?.[2]];
  const given = match?.[3] === undefined ? defaultPort : Number(match[3]);
  const address = v6 ?? v4;
  if (address === undefined || given < 1 || given > 65_535) return null;
  return isIP(address) === (v6 === undefined ? 4 : 6)
    ? { address: address.toLowerCase(), port: given }
    : null;
}

const addressForms =
  'must be an IP address, since names are not looked up here, with a port where needed: 192.0.2.53, 192.0.2.53:5353,';

/** A server we ask or tell: text, or `{address, port}`. */
export function serverAddress(defaultPort: number) {
  const error = `${addressForms} [2001:db8::53]:5353 or {address: 192.0.2.53, port: 5353}`;
  const text = z.string().transform((value, context): ServerAddress => {
    const server = parseServerAddress(value, defaultPort);
    if (server !== null) return server;
    context.addIssue({ code: 'custom', message: error });
    return z.NEVER;
  });
  const pair = z
    .strictObject({
      address: z
        .string()
        .refine((value) => isIP(value) !== 0, { error: 'must be an IP address, such as 192.0.2.53' })
        .describe('IPv4 or IPv6 address.'),
      port: portSchema.optional(),
    })
    .transform((value): ServerAddress => ({
      address: value.address.toLowerCase(),
      port: value.port ?? defaultPort,
    }));
  return z.union([text, pair], { error });
}

/** What to write where a secret is wanted. */
export const secretHowTo =
  '{file: /run/secrets/NAME}, {env: NAME}, {credential: NAME} or {command: [PROGRAM, ARGUMENT]}';

export const secretForms = `must say where the secret is kept, never the secret itself: write ${secretHowTo}`;

const sourceText = (description: string) => z.string().min(1, { error: 'is empty' }).describe(description);

/** Where a secret is kept. The message for a literal names the forms and never the value. */
export const secretSource = z
  .union(
    [
      z.strictObject({
        file: sourceText('File that holds the secret; relative to this configuration file.'),
      }),
      z.strictObject({
        env: z
          .string()
          .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, {
            error: "must be an environment variable's name, such as TSIG_SECRET",
          })
          .describe('Environment variable that holds the secret.'),
      }),
      z.strictObject({
        credential: z
          .string()
          .regex(/^(?!\.{1,2}$)[^/\0]+$/, {
            error: 'must be the name of a systemd credential (LoadCredential=), without a slash',
          })
          .describe('systemd credential (LoadCredential=) that holds the secret.'),
      }),
      z.strictObject({
        command: z
          .array(sourceText('Program or argument.'))
          .min(1, { error: 'must be a program and its arguments, such as [pass, show, mxctl]' })
          .describe('Program and arguments that print the secret; run without a shell.'),
      }),
    ],
    { error: secretForms },
  )
  .transform((value): SecretSource => value)
  .meta({ id: 'SecretSource', description: 'Where a secret is kept; never the secret itself.' });

const nameFaults = {
  empty: 'is empty',
  'empty-label': 'has an empty label (two dots in a row?)',
  'label-too-long': 'has a label of more than 63 octets (RFC 1035 §2.3.4)',
  'name-too-long': 'has more than 255 octets (RFC 1035 §2.3.4)',
  'bad-escape': 'has a malformed escape',
  'bad-character': 'has a character that no domain name takes',
  'bad-idn': 'has a label without an A-label form (RFC 5890)',
} as const;

/** Absolute domain name with or without the trailing dot, IDN as U-labels or A-labels. */
export const domainName = z
  .string({ error: 'must be a domain name, such as example.com' })
  .transform((text, context): DomainName => {
    const parsed = parseDomainName(text);
    if (parsed.ok) return parsed.name;
    context.addIssue({ code: 'custom', message: `${nameFaults[parsed.error]}: write it as example.com` });
    return z.NEVER;
  });

/** A zone's name: a domain name other than the root and never an address. */
export const zoneName = domainName.transform((name, context): DomainName => {
  const fault = name === '.' ? 'the root' : isIP(displayName(name)) === 0 ? null : 'an address';
  if (fault === null) return name;
  context.addIssue({
    code: 'custom',
    message: `must be the name of a zone, such as example.com, not ${fault}`,
  });
  return z.NEVER;
});

/** An exchange: a host name (RFC 5321 §2.3.5), never an address (RFC 5321 §5.1), never null MX (RFC 7505). */
export const exchangeName = domainName.transform((name, context): DomainName => {
  const text = displayName(name);
  const fault =
    name === '.'
      ? 'is `.`, the null MX, which says that the domain takes no mail (RFC 7505 §3): name a host, such as mx.example.com'
      : isIP(text.replace(/^\[(?:ipv6:)?|\]$/g, '')) !== 0
        ? 'is an address; an exchange is a host name (RFC 5321 §5.1): give the address a name such as mx.example.com and write that'
        : !isHostName(name)
          ? 'is no host name (letters, digits and hyphens; RFC 1123 §2.1), so senders drop it: write one such as mx.example.com'
          : !text.includes('.')
            ? 'is a single label; exchanges are written in full: mx.example.com'
            : null;
  if (fault === null) return name;
  context.addIssue({ code: 'custom', message: fault });
  return z.NEVER;
});

/** http or https, without a user or password in it: those would be a literal secret. */
export const httpUrl = z.string({ error: 'must be a URL, such as https://pdns.example:8081' }).refine(
  (text) => {
    const url = URL.parse(text);
    return url !== null && ['http:', 'https:'].includes(url.protocol) && url.username + url.password === '';
  },
  { error: 'must be an http or https URL without user or password, such as https://pdns.example:8081' },
);
