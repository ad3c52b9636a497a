// The `type: cloudflare` block. Shape only.

import { z } from 'zod';
import type { TtlBounds } from '../../model/route.ts';
import { duration, httpUrl, secretSource, zoneName } from '../config-parts.ts';

const id = z.string().regex(/^[0-9a-f]{32}$/, { error: 'must be an id of 32 hex digits' });

const plans = ['free', 'pro', 'business', 'enterprise'] as const;

/** developers.cloudflare.com, "Batch record changes": 200 operations on Free, 3,500 on every other plan. */
const maxOperations = { free: 200, pro: 3500, business: 3500, enterprise: 3500 } as const;

/** API reference of DNS records: 60 to 86400, from 30 for Enterprise zones; 1 is "auto" and not ours to write. */
const ttlBounds = (plan: (typeof plans)[number]): TtlBounds => ({
  least: plan === 'enterprise' ? 30 : 60,
  most: 86_400,
});

export const cloudflareConfigSchema = z
  .strictObject({
    type: z.literal('cloudflare'),
    token: secretSource.describe(
      'Where the API token is kept; it needs Zone Read and DNS Edit on the zones.',
    ),
    account_id: id.optional().describe('Account, where the token sees several that hold a zone of one name.'),
    zone_ids: z
      .record(zoneName, id)
      .optional()
      .describe('Zone id by zone name, where one account holds several zones of one name.'),
    plan: z
      .enum(plans)
      .default('free')
      .describe('Least plan of these zones: bounds TTLs and the size of one batch; default free.'),
    max_batch: z
      .int()
      .min(1)
      .max(3500)
      .optional()
      .describe('Most record operations in one batch; default what the plan allows.'),
    endpoint: httpUrl.optional().describe('Another API endpoint (an emulator).'),
    // Fifteen seconds: a batch of thousands of records takes some; a single look-up answers in a tenth of one.
    timeout: duration('1s', '5m').default(15_000).describe('Longest wait for one answer; default 15s.'),
  })
  .transform((given) => ({
    type: given.type,
    token: given.token,
    accountId: given.account_id ?? null,
    zoneIds: given.zone_ids ?? {},
    maxOperations: given.max_batch ?? maxOperations[given.plan],
    ttlBounds: ttlBounds(given.plan),
    endpoint: given.endpoint ?? null,
    timeoutMs: given.timeout,
  }))
  .meta({ id: 'CloudflareProvider', description: 'Cloudflare DNS.' });

export type CloudflareConfig = Readonly<z.output<typeof cloudflareConfigSchema>>;
