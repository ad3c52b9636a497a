// What the API answers, as far as it is believed. More fields may come at any time; what is here must be as it is here.
// developers.cloudflare.com/api, "Zones" and "DNS Records for a Zone".

import { z } from 'zod';

const id = z.string().regex(/^[0-9a-f]{32}$/);

export const zoneShape = z.object({
  id,
  name: z.string().min(1).max(253),
  status: z.string().max(40),
  /** full, partial, secondary or internal. */
  type: z.string().max(40).optional(),
  account: z.object({ id, name: z.string().max(1000).optional() }),
});

export const recordShape = z.object({
  id,
  name: z.string().min(1).max(1100),
  type: z.string().min(1).max(20),
  content: z.string().max(70_000).optional(),
  priority: z.int().min(0).max(65_535).nullish(),
  /** 1 is "auto". */
  ttl: z
    .int()
    .min(1)
    .max(2 ** 31 - 1),
  proxied: z.boolean().optional(),
  meta: z.object({ email_routing: z.boolean().optional(), read_only: z.boolean().optional() }).nullish(),
});

export type CloudflareZone = z.output<typeof zoneShape>;
export type CloudflareRecord = z.output<typeof recordShape>;

export const zoneAnswer = z.object({ success: z.literal(true), result: zoneShape });

const pageInfo = z.object({
  page: z.int().min(1),
  total_pages: z.int().min(0).optional(),
  total_count: z.int().min(0),
  per_page: z.int().min(1),
});

export const zonesAnswer = z.object({
  success: z.literal(true),
  result: z.array(zoneShape),
  result_info: pageInfo,
});

export const recordsAnswer = z.object({
  success: z.literal(true),
  result: z.array(recordShape),
  result_info: pageInfo,
});

const operations = z.array(z.object({ id })).nullish();

export const batchAnswer = z.object({
  success: z.literal(true),
  result: z.object({ deletes: operations, patches: operations, puts: operations, posts: operations }),
});

const failure = z.object({ code: z.int(), message: z.string().max(10_000) });

export const failureAnswer = z.object({
  success: z.literal(false),
  errors: z
    .array(failure.extend({ error_chain: z.array(failure).optional() }))
    .min(1)
    .max(1000),
});

export type Failure = z.output<typeof failure>;
