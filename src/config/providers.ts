// Every provider block that parses, told apart by `type`.

import { z } from 'zod';
import { type CloudflareConfig, cloudflareConfigSchema } from '../providers/cloudflare/config.ts';
import { type PowerdnsConfig, powerdnsConfigSchema } from '../providers/powerdns/config.ts';
import { type Rfc2136Config, rfc2136ConfigSchema } from '../providers/rfc2136/config.ts';
import { type Route53Config, route53ConfigSchema } from '../providers/route53/config.ts';

export type ProviderConfig = Rfc2136Config | Route53Config | CloudflareConfig | PowerdnsConfig;

export const providerConfigSchema = z.discriminatedUnion('type', [
  rfc2136ConfigSchema,
  route53ConfigSchema,
  cloudflareConfigSchema,
  powerdnsConfigSchema,
]);
