// Shape of mxctl.yaml: the one source of what a file may say and of the JSON Schema that editors read.

import { z } from 'zod';
import { smtpPort } from '../model/hop.ts';
import {
  dnsPort,
  domainName,
  duration,
  exchangeName,
  portSchema,
  secretHowTo,
  secretSource,
  serverAddress,
} from '../providers/config-parts.ts';
import { canaryShape } from './canary-schema.ts';
import { failoverShape, probeShape } from './policy-schema.ts';
import { providerConfigSchema } from './providers.ts';
import { name, routeShape, ttlShape } from './route-schema.ts';
import { isPlainStateUrl } from './state-url.ts';

const stateUrlForms = `must be sqlite:FILE or postgres://HOST/DATABASE without a password; with one, write ${secretHowTo}`;

const isoDate = z
  .string({ error: 'must be a date in quotes, such as "2027-01-31"' })
  .refine((text) => /^\d{4}-\d\d-\d\d$/.test(text) && isDay(text), {
    error: 'must be a date that exists, such as "2027-01-31"',
  });

function isDay(text: string): boolean {
  const at = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(text);
}

export const auditShape = z
  .strictObject({
    domains: z
      .strictObject({
        file: z
          .string()
          .regex(/\.(csv|ndjson|jsonl)$/i, { error: 'must be a .csv or .ndjson file, such as customers.csv' })
          .describe('CSV with a header line, or NDJSON; relative to this file; read as a stream.'),
        column: z.string().min(1, { error: 'is empty' }).describe('Column or key that holds the domain.'),
      })
      .describe('Inventory of domains.'),
    expect: z
      .strictObject({
        mx: z
          .array(exchangeName)
          .min(1, { error: 'needs at least one exchange' })
          .describe('Exchanges the MX records should name.'),
        match: z
          .enum(['exact', 'contains', 'any'])
          .default('exact')
          .describe('exact: these and no others; contains: at least these; any: at least one of these.'),
      })
      .describe('What is expected of each domain.'),
    ignore: z
      .array(
        z.strictObject({
          domain: domainName.describe('Domain that is not judged.'),
          until: isoDate.optional().describe('Last day it holds, in UTC.'),
          reason: z
            .string()
            .min(1, { error: 'is empty; say why, for whoever reads it next year' })
            .describe('Why, for whoever reads it next year.'),
        }),
      )
      .default([])
      .describe('Exceptions.'),
    max_ttl: ttlShape
      .optional()
      .describe(
        'Longest TTL of their MX, seconds. Omit: the ttl of the routes that publish these exchanges.',
      ),
    spf_include: domainName
      .optional()
      .describe(
        'What their SPF record should include, such as _spf.saas-mail.example. Omit: SPF is not asked.',
      ),
  })
  .meta({ id: 'Audit', description: 'Domains whose MX records are checked.' });

export const defaultsShape = z
  .strictObject({
    ttl: ttlShape.optional().describe('As under a route.'),
    failover_ttl: ttlShape.optional().describe('As under a route.'),
    probe: probeShape.optional(),
    failover: failoverShape.optional(),
    canary: canaryShape.optional(),
  })
  .describe('For every route that does not say otherwise, key by key.');

export const configSchema = z
  .strictObject({
    version: z.literal(1, { error: 'must be 1: there is no other version of this format yet' }),
    state: z
      .strictObject({
        url: z
          .union([z.string().refine(isPlainStateUrl, { error: stateUrlForms }), secretSource], {
            error: stateUrlForms,
          })
          .describe(
            'sqlite:FILE or postgres://HOST/DATABASE; with a password only by {file}, {env} and so on.',
          ),
      })
      .optional()
      .describe('Where history and leases are kept. Omit: embedded SQLite under $XDG_STATE_HOME/mxctl.'),
    vantage: name.optional().describe("This machine's name in history and quorum. Omit: its host name."),
    resolvers: z
      .array(serverAddress(dnsPort))
      .default([])
      .describe(
        "Resolvers asked for exchanges' addresses and, after a flip, for what the world sees. Omit: the system's.",
      ),
    references: z
      .array(
        z.strictObject({
          exchange: exchangeName.describe('Host name, in full.'),
          port: portSchema.default(smtpPort),
        }),
      )
      .default([])
      .describe(
        'Foreign exchanges asked only when every hop of a route fails: if these fail too, the fault is here.',
      ),
    providers: z.record(name, providerConfigSchema).default({}).describe('DNS providers by name.'),
    defaults: defaultsShape.default({}),
    routes: z
      .record(name, routeShape)
      .default({})
      .describe('Routes by name; the command line takes the name.'),
    audits: z.record(name, auditShape).default({}).describe('Audits by name.'),
    history: z
      .strictObject({ keep: duration('1d').optional().describe('How long history is kept. Default 90d.') })
      .default({})
      .describe('Observations, changes and events in the state store.'),
    heartbeat: z
      .strictObject({
        url: secretSource.describe(
          'The URL: whoever knows it can say that all is well. /start is added when a run begins, / and its exit code when it ends.',
        ),
        timeout: duration('1s', '30s').optional().describe('Longest that one call may take. Default 5s.'),
      })
      .optional()
      .describe(
        "A dead man's switch such as healthchecks.io: it is told of every run, and tells you when none comes.",
      ),
  })
  .meta({ title: 'mxctl configuration (mxctl.yaml)' });

export type ConfigShape = z.output<typeof configSchema>;
export type AuditShape = z.output<typeof auditShape>;
export type DefaultsShape = z.output<typeof defaultsShape>;
