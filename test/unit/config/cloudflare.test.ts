// The `type: cloudflare` block, and what it says of TTLs and batches to the routes that use it.

import { describe, expect, it } from 'vitest';

import { ConfigProblemsError } from '../../../src/config/problems.ts';
import { configOf, providers, withMxRoute } from './config-text.ts';

const withBlock = (block: string) =>
  configOf(
    withMxRoute({ records: '[{provider: cf, zone: example.com, names: ["@"]}]' }).replace(
      providers,
      `providers: {cf: {type: cloudflare, ${block}}}`,
    ),
  );
const cloudflare = (lines: string) => withBlock(`token: {env: CF}${lines}`);
const id = '0123456789abcdef0123456789abcdef';

describe('a Cloudflare block', () => {
  it('is as careful as the Free plan wants where it does not name one', () => {
    const config = cloudflare('');
    expect(config.providers.get('cf')).toEqual({
      type: 'cloudflare',
      token: { env: 'CF' },
      accountId: null,
      zoneIds: {},
      maxOperations: 200,
      ttlBounds: { least: 60, most: 86_400 },
      endpoint: null,
      timeoutMs: 15_000,
    });
    expect(config.routes.get('r')?.records[0]?.ttlBounds).toEqual({ least: 60, most: 86_400 });
  });

  it.each([
    ['plan: pro', 3500, 60],
    ['plan: enterprise', 3500, 30],
    ['plan: business, max_batch: 500', 500, 60],
  ])('takes what the plan allows: %s', (lines, maxOperations, least) => {
    expect(cloudflare(`, ${lines}`).providers.get('cf')).toMatchObject({
      maxOperations,
      ttlBounds: { least, most: 86_400 },
    });
  });

  it('names zones by any spelling', () => {
    expect(cloudflare(`, zone_ids: {Example.COM: ${id}}`).providers.get('cf')).toMatchObject({
      zoneIds: { 'example.com.': id },
    });
  });

  it.each([
    'token: {env: CF}, plan: gold',
    'token: {env: CF}, max_batch: 0',
    'token: {env: CF}, zone_ids: {example.com: short}',
    'token: literal-token',
  ])('refuses %s', (block) => {
    expect(() => withBlock(block)).toThrow(ConfigProblemsError);
    expect(() => withBlock(block)).not.toThrow('literal-token');
  });
});
