// The `type: cloudflare` block. Shape only.

import { z } from 'zod';
import { httpUrl, secretSource } from '../config-parts.ts';

const id = z.string().regex(/^[0-9a-f]{32}$/, { error: 'must be an id of 32 hex digits' });

export const cloudflareConfigSchema = z
  .strictObject({
    type: z.literal('cloudflare'),
    token: secretSource.describe(
      'Where the API token is kept; it needs Zone Read and DNS Edit on the zones.',
    ),
    account_id: id.optional().describe('Account, where the token sees several that hold a zone of one name.'),
    zone_ids: z.record(z.string(), id).optional().describe('Zone id by zone name; saves a look-up.'),
    endpoint: httpUrl.optional().describe('Another API endpoint (an emulator).'),
  })
  .transform((given) => ({
    type: given.type,
    token: given.token,
    accountId: given.account_id ?? null,
    zoneIds: given.zone_ids ?? {},
    endpoint: given.endpoint ?? null,
  }))
  .meta({ id: 'CloudflareProvider', description: 'Cloudflare DNS.' });

export type CloudflareConfig = Readonly<z.output<typeof cloudflareConfigSchema>>;
