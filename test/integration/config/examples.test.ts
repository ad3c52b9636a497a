import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { configJsonSchema } from '../../../src/config/json-schema.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { renderIgnoreSnippet } from '../../../src/render/ignore-snippet.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const examples = (await readdir(`${root}examples`)).filter((one) => one.endsWith('.yaml'));
const load = (name: string) =>
  loadConfig({
    explicitFile: `examples/${name}`,
    env: {},
    cwd: root,
    now: Date.parse('2026-11-22T03:12:09Z'),
  });

describe('the examples', () => {
  it('are some', () => {
    expect(examples.length).toBeGreaterThanOrEqual(4);
  });

  it.each(examples)('%s loads without a warning and names its schema for editors', async (name) => {
    const config = await load(name);
    expect(config.routes.size).toBeGreaterThan(0);
    // The other machine's PostgreSQL is behind a secret, so a quorum of two is not doubted.
    expect(config.warnings).toEqual([]);
    const text = await readFile(`${root}examples/${name}`, 'utf8');
    expect(text.split('\n')[0]).toBe('# yaml-language-server: $schema=../docs/config.schema.json');
  });

  it('the whole one means what it says', async () => {
    const config = await load('mxctl.yaml');
    expect([...config.providers].map(([name, one]) => `${name} ${one.type}`)).toEqual([
      'r53 route53',
      'cf cloudflare',
      'pdns powerdns',
      'bind rfc2136',
    ]);
    expect(config.providers.get('bind')).toEqual({
      type: 'rfc2136',
      server: { address: '192.0.2.53', port: 53 },
      tsig: { name: 'mxctl.', algorithm: 'hmac-sha256', secret: { env: 'TSIG_SECRET' } },
      timeoutMs: 10_000,
    });
    const support = config.routes.get('support');
    expect(support?.records.flatMap((one) => one.owners)).toEqual([
      'example.com.',
      'in.example.com.',
      'shop.example.',
    ]);
    expect(support).toMatchObject({
      prefer: 'proxy',
      failoverTo: ['direct'],
      keep: ['spool'],
      failover: { mode: 'auto', failback: 'auto', holdDownMs: 1_800_000 },
      maintenance: [
        {
          every: ['sunday'],
          start: '02:00',
          durationMs: 7_200_000,
          timezone: 'Europe/Berlin',
          path: 'proxy',
        },
      ],
    });
    expect(config.audits).toEqual([
      {
        name: 'customers',
        domains: { file: `${root}examples/customers.csv`, column: 'domain' },
        expect: { mx: ['mx1.saas-mail.example.'], match: 'exact' },
        ignore: [{ domain: 'legacy.example.', until: '2027-01-31', reason: 'migrating, OPS-1182' }],
        maxTtl: null,
        spfInclude: null,
      },
    ]);
  });
});

describe('the example of canaries', () => {
  it('sends them over both paths, side by side, with what the defaults hold', async () => {
    const canary = (await load('canary.yaml')).routes.get('mail')?.canary;
    expect(canary).toMatchObject({
      from: 'canary@ops.example',
      to: 'canary@example.com',
      paths: ['proxy', 'direct'],
      everyMs: 300_000,
      delayedAfterMs: 900_000,
      arrival: { kind: 'imap', host: 'imap.example.com', port: 993, security: 'tls', spam: ['Junk'] },
    });
  });
});

describe('docs/living-beside-others.md', () => {
  it.each([
    ['terraform', 'hosted'],
    ['terraform', 'support'],
    ['octodns', 'support'],
    ['dnscontrol', 'support'],
    ['external-dns', 'hosted'],
  ] as const)('shows what provider ignore-snippet %s %s prints', async (tool, name) => {
    const { routes, providers } = await load('mxctl.yaml');
    const lines = renderIgnoreSnippet(tool, routes.get(name)!, (one) => providers.get(one)!.type);
    const page = await readFile(`${root}docs/living-beside-others.md`, 'utf8');
    expect(page).toContain(`\n${lines.join('\n').trimEnd()}\n\`\`\``);
  });
});

describe('the published JSON Schema', () => {
  it('is what the code says; else: mxctl schema config > docs/config.schema.json', async () => {
    const published = JSON.parse(await readFile(`${root}docs/config.schema.json`, 'utf8')) as unknown;
    expect(published).toEqual(JSON.parse(JSON.stringify(configJsonSchema())));
  });

  it('describes every key', () => {
    const silent: string[] = [];
    const walk = (node: unknown, where: string): void => {
      if (node === null || typeof node !== 'object') return;
      for (const [key, value] of Object.entries(node as Record<string, unknown>)) {
        if (key === 'properties')
          for (const [name, property] of Object.entries(value as Record<string, object>)) {
            const isPlain = !('$ref' in property) && !('allOf' in property) && !('const' in property);
            if (isPlain && !('description' in property)) silent.push(`${where}.${name}`);
          }
        walk(value, `${where}/${key}`);
      }
    };
    walk(configJsonSchema(), '');
    expect(silent).toEqual([]);
  });
});
