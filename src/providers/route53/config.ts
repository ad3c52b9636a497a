// The `type: route53` block. Shape only; credentials come from the AWS chain, never from here.

import { z } from 'zod';
import { duration, httpUrl, zoneName } from '../config-parts.ts';

const zoneId = z.string().regex(/^[A-Z0-9]{1,32}$/, { error: 'must be a hosted zone id, such as Z0AB12' });

export const route53ConfigSchema = z
  .strictObject({
    type: z.literal('route53'),
    role_arn: z
      .string()
      .regex(/^arn:[a-z0-9-]+:iam::\d{12}:role\/[\w+=,.@/-]+$/, {
        error: "must be a role's ARN, such as arn:aws:iam::123456789012:role/mxctl",
      })
      .optional()
      .describe('Role to assume; omit to use the credentials of the environment as they are.'),
    external_id: z.string().min(2).max(1224).optional().describe('External id the role asks for.'),
    profile: z.string().min(1).optional().describe('Profile of the AWS configuration files.'),
    region: z
      .string()
      .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, { error: 'must be a region, such as us-east-1' })
      .optional()
      .describe(
        'Region, which chooses the partition: us-gov-west-1, cn-north-1. Otherwise that of the environment, else us-east-1.',
      ),
    hosted_zones: z
      .record(zoneName, zoneId)
      .optional()
      .describe('Hosted zone id by zone name, where several zones of an account share a name.'),
    endpoint: httpUrl.optional().describe('Another API endpoint (an emulator, a VPC endpoint).'),
    // Twenty seconds: a batch of a thousand records is answered in a few.
    timeout: duration('1s', '5m').default(20_000).describe('Longest wait for one answer; default 20s.'),
  })
  .transform((given) => ({
    type: given.type,
    roleArn: given.role_arn ?? null,
    externalId: given.external_id ?? null,
    profile: given.profile ?? null,
    region: given.region ?? null,
    hostedZones: given.hosted_zones ?? {},
    endpoint: given.endpoint ?? null,
    timeoutMs: given.timeout,
  }))
  .meta({ id: 'Route53Provider', description: 'Amazon Route 53.' });

export type Route53Config = Readonly<z.output<typeof route53ConfigSchema>>;
