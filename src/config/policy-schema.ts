// Shape of `probe:` and `failover:`, the same under `defaults:` and under a route. Everything is optional: built-in
// values are in policy.ts, so that a route can override a default key by key.

import { isIP } from 'node:net';
import { z } from 'zod';
import { isHostName, parseDomainName } from '../model/domain-name.ts';
import { type Stage, stages } from '../model/observation.ts';
import { duration } from '../providers/config-parts.ts';

/** A stage with those that must stand before it in the list. resolve and quit need no mention. */
const needs: Readonly<Record<Stage, readonly Stage[]>> = {
  resolve: [],
  connect: [],
  banner: ['connect'],
  ehlo: ['connect', 'banner'],
  starttls: ['connect', 'banner', 'ehlo'],
  tls: ['starttls'],
  ehlo2: ['starttls'],
  mail: ['connect', 'banner', 'ehlo'],
  rcpt: ['connect', 'banner', 'ehlo'],
  quit: [],
};

/** Stages that a probe cannot leave out once another is wanted (RFC 3207 §4.2: EHLO again after the handshake). */
const brings: Partial<Record<Stage, readonly Stage[]>> = { starttls: ['tls', 'ehlo2'], rcpt: ['mail'] };

/** What is wrong with a list of stages, by index; empty where it is sensible. */
function stageFaults(given: readonly Stage[]): { index: number; message: string }[] {
  return given.flatMap((stage, index) => {
    const before = given.slice(0, index);
    if (before.includes(stage)) return [{ index, message: `${stage} stands here twice; keep one` }];
    const later = before.find((one) => stages.indexOf(one) > stages.indexOf(stage));
    if (later !== undefined) return [{ index, message: `${stage} comes before ${later}; swap them` }];
    const missing = needs[stage].filter((one) => !before.includes(one));
    if (missing.length === 0) return [];
    return [{ index, message: `${stage} needs ${missing.join(', ')} before it in the list; add that` }];
  });
}

/** The full sequence of a sensible list: resolve first, quit last, what a stage brings with it between. */
export function fullStages(given: readonly Stage[]): Stage[] {
  const wanted = new Set<Stage>(['resolve', ...given, ...given.flatMap((one) => brings[one] ?? []), 'quit']);
  return stages.filter((one) => wanted.has(one));
}

/** RFC 5321 §4.5.3.1.1. */
const maxLocalPart = 64;

/** `local@domain` with a dot-string local part (RFC 5321 §4.1.2): nothing that could end a command line. */
function isMailbox(text: string): boolean {
  const match = /^([A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*)@([^@\s]+)$/.exec(
    text,
  );
  const parsed = parseDomainName(match?.[2] ?? '');
  return parsed.ok && isHostName(parsed.name) && (match?.[1]?.length ?? 0) <= maxLocalPart;
}

export const mailbox = z
  .string({ error: 'must be an address, such as canary@example.com' })
  .refine(isMailbox, { error: 'must be a plain address, such as canary@example.com' });

const sourceAddress = z
  .string({ error: 'must be an IP address of this machine, such as 192.0.2.7' })
  .refine((text) => isIP(text) !== 0, { error: 'must be an IP address of this machine, such as 192.0.2.7' });

export const times = (description: string) =>
  z.int({ error: 'must be a whole number from 1 to 1000' }).min(1).max(1000).optional().describe(description);

export const probeShape = z
  .strictObject({
    interval: duration('1s', '1d')
      .optional()
      .describe('Time between runs; results older than three of these are unknown. Default 60s.'),
    stages: z
      .array(z.enum(stages))
      .min(1)
      .transform((given, context) => {
        const faults = stageFaults(given);
        for (const { index, message } of faults)
          context.addIssue({ code: 'custom', path: [index], message, input: given });
        return faults.length > 0 ? z.NEVER : fullStages(given);
      })
      .optional()
      .describe(
        'How far a probe goes, in order: connect, banner, ehlo, starttls, mail, rcpt. It never sends DATA. resolve and quit are always done, starttls brings the handshake and the second EHLO, rcpt brings mail. Default [connect, banner, ehlo, starttls].',
      ),
    timeout: duration('1s', '10m').optional().describe('Longest one stage may take. Default 30s.'),
    slow_after: duration('1s', '1h')
      .optional()
      .describe('A probe that takes longer is slow: degraded, not down. Default 10s.'),
    fall: times('Accumulated failures that take a hop down. Default 3.'),
    fall_rejecting: times('The same where mail would bounce: that mail is lost. At most fall. Default 2.'),
    forgive: times('Successes in a row that forgive accumulated failures. Default 3.'),
    rise: times('Successes in a row that bring a hop up again. Default 10.'),
    rcpt: z
      .strictObject({
        from: mailbox.describe('Envelope sender: an address of your own.'),
        to: mailbox.describe("Your own canary mailbox; never a stranger's: that is a sender callout."),
      })
      .optional()
      .describe('Addresses of the mail and rcpt stages.'),
    ehlo_name: z
      .string()
      .refine(
        (text) => {
          const parsed = parseDomainName(text);
          return parsed.ok && isHostName(parsed.name) && text.includes('.');
        },
        { error: "must be this machine's full host name, such as probe.ops.example (RFC 5321 §4.1.4)" },
      )
      .optional()
      .describe("Name in EHLO; should resolve, with a matching PTR. Omit: this machine's name."),
    source_address: z
      .union([sourceAddress, z.array(sourceAddress).min(1)], {
        error: 'must be an IP address of this machine, or a list of them',
      })
      .transform((given) => (typeof given === 'string' ? [given] : given))
      .optional()
      .describe('Address or addresses to speak from. A second one finds a path that only admits the proxy.'),
    ca_file: z
      .string()
      .min(1)
      .optional()
      .describe('PEM file with CAs to trust beside the system when a certificate is judged.'),
  })
  .meta({ id: 'Probe', description: 'How hops are probed and when they count as down or up.' });

export const failoverShape = z
  .strictObject({
    mode: z
      .enum(['observe', 'manual', 'auto'])
      .optional()
      .describe('observe: only measure; manual: a person decides; auto: flip unattended. Default manual.'),
    failback: z
      .enum(['manual', 'auto'])
      .optional()
      .describe('Who returns to the preferred path. Default manual.'),
    hold_down: duration()
      .optional()
      .describe('Least time between a flip and the next unforced one. Default 30m.'),
    max_flips: z
      .strictObject({
        count: z.int().min(1).max(1000).describe('Flips.'),
        within: duration('1s').describe('Time.'),
      })
      .optional()
      .describe('Most flips of a route within a time. Default {count: 3, within: 24h}.'),
    max_domains: z
      .int()
      .min(1)
      .max(1_000_000)
      .optional()
      .describe('Most owner names one run may move. More trips a brake. Default 500.'),
    max_domains_per_hour: z
      .int()
      .min(1)
      .max(1_000_000)
      .optional()
      .describe(
        'Most owner names that all controllers of the state store together may move within an hour. More trips a brake. Default twice max_domains.',
      ),
    quorum: z
      .int()
      .min(1)
      .max(100)
      .optional()
      .describe('Vantages that must agree; more than 1 needs a state store that they share. Default 1.'),
    probation: duration()
      .optional()
      .describe('How long failover_ttl stays after a return, before ttl is published again. Default 1h.'),
    max_failing_share: z
      .number({ error: 'must be a share above 0 and up to 1, such as 0.5' })
      .gt(0, { error: 'must be above 0: write 0.5 for a half' })
      .max(1, { error: 'must be at most 1: write 0.5 for a half' })
      .optional()
      .describe('Share of routes failing at once above which this machine is suspected. Default 0.5.'),
  })
  .meta({ id: 'Failover', description: 'When and how DNS is moved.' });

export type ProbeShape = z.output<typeof probeShape>;
export type FailoverShape = z.output<typeof failoverShape>;
