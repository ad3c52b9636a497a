// The `type: powerdns` block: the authoritative server's own HTTP API. Shape only.

import { z } from 'zod';
import { duration, httpUrl, secretSource } from '../config-parts.ts';

export const powerdnsConfigSchema = z
  .strictObject({
    type: z.literal('powerdns'),
    url: httpUrl.describe('Where the API listens, without /api/v1: https://pdns.example:8081'),
    api_key: secretSource.describe('Where the key of the X-API-Key header is kept.'),
    server_id: z.string().min(1).default('localhost').describe("Server's id in the API; default localhost."),
    // Ten seconds: one transaction on the server's database, with room for a large zone.
    timeout: duration('1s', '5m').default(10_000).describe('Longest wait for one answer; default 10s.'),
  })
  .transform((given) => ({
    type: given.type,
    url: given.url,
    apiKey: given.api_key,
    serverId: given.server_id,
    timeoutMs: given.timeout,
  }))
  .meta({ id: 'PowerdnsProvider', description: 'PowerDNS Authoritative Server, by its HTTP API.' });

export type PowerdnsConfig = Readonly<z.output<typeof powerdnsConfigSchema>>;
