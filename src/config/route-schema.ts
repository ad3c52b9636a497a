// Shape of a route. What needs a second place to be judged (names that refer to others) is in routes.ts.

import { isIP } from 'node:net';
import { z } from 'zod';
import { smtpPort } from '../model/hop.ts';
import { maxTtl } from '../model/rrset.ts';
import {
  dnsPort,
  duration,
  exchangeName,
  portSchema,
  serverAddress,
  zoneName,
} from '../providers/config-parts.ts';
import { canaryShape } from './canary-schema.ts';
import { failoverShape, probeShape } from './policy-schema.ts';

/** Names of routes, paths, providers and audits: what a shell takes without quotes. */
export const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, {
  error: 'is no name: letters, digits, hyphen, dot and underscore, at most 64, such as mail-eu',
});

/** Name of something declared elsewhere; whether it exists is judged there. */
const reference = z.string({ error: 'must be a name' });

export const ttlShape = z
  .int({ error: 'must be a whole number of seconds, such as 3600' })
  .min(0, { error: 'must be 0 to 2147483647 seconds (RFC 2181 §8), such as 3600' })
  .max(maxTtl, { error: 'must be 0 to 2147483647 seconds (RFC 2181 §8), such as 3600' });

/** An address that a path publishes, in the one text DNS answers are compared in (RFC 5952 §4). */
const pathAddress = z
  .string({ error: 'must be an IP address, such as 192.0.2.10 or "2001:db8::10"' })
  .transform((text, context): string => {
    const address = canonicalAddress(text);
    if (address !== null) return address;
    context.addIssue({
      code: 'custom',
      message: 'must be an IP address of one host, such as 192.0.2.10 or "2001:db8::10"',
    });
    return z.NEVER;
  });

/** Null for what no A or AAAA record of a mail host holds: no address, `0.0.0.0`, `::`, multicast, a mapped IPv4. */
function canonicalAddress(text: string): string | null {
  if (isIP(text) === 0 || text.includes('%')) return null;
  if (isIP(text) === 4) return /^(0|22[4-9]|23\d|2[45]\d)\./.test(text) ? null : text;
  const address = URL.parse(`http://[${text}]/`)?.hostname.slice(1, -1) ?? '::';
  return address === '::' || address.startsWith('ff') || address.startsWith('::ffff:') ? null : address;
}

const role = z
  .enum(['proxy', 'primary', 'backup'])
  .describe('proxy: a provider in front; primary: our own servers; backup: store and forward.');

const mxPath = z
  .strictObject({
    role,
    mx: z
      .array(
        z.strictObject({
          preference: z
            .int({ error: 'must be a whole number from 0 to 65535; lower is tried first' })
            .min(0, { error: 'must be 0 to 65535; lower is tried first' })
            .max(65_535, { error: 'must be 0 to 65535; lower is tried first' })
            .describe('Lower is tried first (RFC 5321 §5.1).'),
          exchange: exchangeName.describe('Host name, in full; never an address (RFC 5321 §5.1).'),
          port: portSchema.default(smtpPort).describe('Port the probes use; senders always use 25.'),
        }),
      )
      .min(1, { error: 'needs at least one exchange: an MX RRset is never empty' })
      // A hundred records is what providers take in one set.
      .max(100, { error: 'has more than 100 exchanges' })
      .describe('What the path publishes.'),
  })
  .meta({ id: 'MxPath', description: 'A named set of exchanges.' });

const addressPath = z
  .strictObject({
    role,
    addresses: z
      .record(z.string(), z.array(pathAddress).min(1, { error: 'needs at least one address' }).max(100))
      .describe("Addresses by owner name, as in the records' names."),
    port: portSchema.default(smtpPort).describe('Port the probes use; senders always use 25.'),
  })
  .meta({ id: 'AddressPath', description: 'A named set of addresses for each owner.' });

const records = z
  .strictObject({
    provider: reference.describe('A name under providers.'),
    zone: zoneName.describe('Zone as the provider serves it.'),
    names: z
      .array(z.string({ error: 'must be text; put it in quotes' }))
      .min(1, { error: 'needs at least one name: "@" is the zone itself' })
      .describe(
        'Owner names relative to the zone; "@" is the zone itself; a trailing dot makes a name absolute.',
      ),
    authorities: z
      .array(serverAddress(dnsPort))
      .min(1)
      .optional()
      .describe("Servers asked instead of the zone's published NS (split horizon, hidden servers, tests)."),
  })
  .meta({ id: 'Records', description: 'Owner names of one zone at one provider.' });

const weekdays = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;

function isTimezone(text: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
    // Offsets such as +02:00 are accepted by Intl but do not know summer time.
    return /^[A-Za-z]/.test(text);
  } catch {
    return false;
  }
}

const maintenance = z
  .strictObject({
    every: z
      .array(z.enum(weekdays))
      .min(1, { error: 'needs at least one day, such as sunday' })
      .describe('Days on which it starts.'),
    start: z
      .string({ error: 'must be a local time in quotes, such as "02:00"' })
      .regex(/^([01]\d|2[0-3]):[0-5]\d$/, {
        error: 'must be a local time from 00:00 to 23:59, such as "02:00"',
      })
      .describe('Local time, HH:MM.'),
    // A week: beyond it the window would overlap itself.
    duration: duration('1m', '7d').describe('How long it lasts.'),
    timezone: z
      .string({ error: 'must be an IANA time zone, such as Europe/Berlin or UTC' })
      .refine(isTimezone, { error: 'must be an IANA time zone, such as Europe/Berlin or UTC' })
      .describe('IANA time zone of start.'),
    path: reference.optional().describe('The path it concerns; omit for the route.'),
  })
  .meta({ id: 'Maintenance', description: 'A weekly window that neither pages nor flips.' });

const common = {
  records: z
    .array(records)
    .min(1, { error: 'needs at least one entry: {provider, zone, names}' })
    .describe('The names that move, by provider and zone.'),
  ttl: ttlShape.optional().describe('Seconds, in normal times. Default 3600.'),
  failover_ttl: ttlShape
    .optional()
    .describe('Seconds, while failed over and for a probation after return; at most ttl. Default 60.'),
  prefer: reference.describe('The path wanted when all is well.'),
  failover_to: z.array(reference).default([]).describe('Paths to leave for, in the order they are tried.'),
  probe: probeShape.optional(),
  failover: failoverShape.optional(),
  canary: canaryShape.optional(),
  maintenance: z.array(maintenance).default([]).describe('Weekly windows that neither page nor flip.'),
};

export const routeShape = z
  .discriminatedUnion('strategy', [
    z
      .strictObject({
        strategy: z.literal('mx').describe('Rewrite the MX records of names in zones we own.'),
        ...common,
        paths: z.record(name, mxPath).describe('Paths by name.'),
        keep: z
          .array(reference)
          .default([])
          .describe('Backup paths published beside whichever path is active, at worse preference.'),
      })
      .meta({ id: 'MxRoute' }),
    z
      .strictObject({
        strategy: z
          .literal('address')
          .describe('Move the addresses of an exchange that others point their MX to.'),
        ...common,
        paths: z.record(name, addressPath).describe('Paths by name.'),
      })
      .meta({ id: 'AddressRoute' }),
  ])
  .describe('The unit of failover: owner names that share the same paths.');

export type RouteShape = z.output<typeof routeShape>;
export type MxPathShape = z.output<typeof mxPath>;
export type AddressPathShape = z.output<typeof addressPath>;
