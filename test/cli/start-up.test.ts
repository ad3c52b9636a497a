// What the program loads before it does anything. A command pays only for what it uses: no SQL, no zod, no DNS
// server, no SDK for a version number.

import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { makeResponse } from '../../src/dns/encode.ts';
import { runCli } from '../support/cli.ts';
import { type DnsServer, startDnsServer } from '../support/dns-server.ts';
import { projectRoot } from '../support/program.ts';

const heavy = [
  'node:sqlite',
  'kysely',
  'zod',
  'yaml',
  'dns2',
  'smtp-server',
  'selfsigned',
  'pg',
  'cloudflare',
  '@aws-sdk/client-route-53',
  '@aws-sdk/client-sts',
];
const sdks = ['cloudflare', '@aws-sdk/client-route-53', '@aws-sdk/client-sts', '@smithy/core'];

interface ListOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** What is loaded counts, not what comes of it. */
  readonly mayFail?: boolean;
}

/** URLs of what a command loads. */
async function listModules(
  args: readonly string[],
  { env = {}, mayFail = false }: ListOptions = {},
): Promise<string[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'mxctl-modules-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  const list = path.join(folder, 'modules');
  const hook = path.join(projectRoot, 'test/support/list-modules.ts');
  const run = await runCli(args, {
    env: { MXCTL_TEST_MODULES: list, NODE_OPTIONS: `--import=${hook}`, ...env },
  });
  expect(run).toMatchObject({ stderr: '', ...(mayFail ? {} : { exitCode: 0 }) });
  expect(run.stdout).not.toContain('config-invalid');
  return readFileSync(list, 'utf8').trimEnd().split('\n');
}

/** Packages whose code is in a file: where it stands, or what the build says of it in its first line. */
function packagesIn(url: string): string[] {
  const installed = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1];
  if (installed !== undefined) return [installed];
  if (!url.includes('/dist/')) return [url];
  const [, names] = /^\/\*! Of (.+): see/.exec(readFileSync(fileURLToPath(url), 'utf8')) ?? [];
  if (names === undefined) throw new Error(`${url} does not say whose code is in it`);
  return names.split(', ');
}

function among(wanted: readonly string[], modules: readonly string[]): string[] {
  const loaded = new Set(modules.flatMap(packagesIn));
  return wanted.filter((name) => loaded.has(name));
}

const heavyAmong = (modules: readonly string[]) => among(heavy, modules);

const commandsAmong = (modules: readonly string[]) => [
  ...new Set(
    modules.filter((url) => url.includes('/dist/commands/')).map((url) => path.basename(url, '.js')),
  ),
];

describe('start-up', () => {
  it.each([
    [['--version'], []],
    [['--help'], []],
    [['schema', '--help'], []],
    [['help', 'schema'], []],
    [['help', 'exit-codes'], ['exit-codes']],
  ])('of mxctl %j loads nothing heavy and the code of no other command', async (args, commands) => {
    const modules = await listModules(args);
    expect(modules.some((url) => url.includes('/node_modules/@oclif/core/'))).toBe(true);
    expect(heavyAmong(modules)).toEqual([]);
    expect(commandsAmong(modules)).toEqual(commands);
  });

  it('of a command that reads the schema loads zod, and still no SQL', async () => {
    const found = heavyAmong(await listModules(['schema', 'config']));
    expect(found).toContain('zod');
    expect(found).not.toContain('node:sqlite');
  });

  it('of bundled packages needs none of them where the program is installed', () => {
    const files = globSync('dist/**/*.js', { cwd: projectRoot });
    const imported = files.flatMap((file) =>
      [
        ...readFileSync(path.join(projectRoot, file), 'utf8').matchAll(
          /^(?:import|export) .*?from "([^".]+)"/gm,
        ),
      ]
        .map((found) => found[1] ?? '')
        .filter((name) => !name.startsWith('node:')),
    );
    expect(imported).toContain('@oclif/core');
    expect(imported).not.toEqual(expect.arrayContaining([expect.stringMatching(bundledNames)]));
  });
});

const bundledNames = /^(cloudflare|kysely|yaml|zod|@aws-sdk|@smithy)($|\/)/;

describe('no SDK is loaded', () => {
  let dns: DnsServer;
  let folder: string;
  let env: Record<string, string>;

  beforeAll(async () => {
    dns = await startDnsServer({
      behave: ({ query, send }) => {
        send(makeResponse(query, { isAuthoritative: true, answers: [] }));
      },
    });
    folder = mkdtempSync(path.join(tmpdir(), 'mxctl-sdks-'));
    writeFileSync(path.join(folder, 'mxctl.yaml'), configOf(folder, dns));
    env = {
      MXCTL_CONFIG: path.join(folder, 'mxctl.yaml'),
      TOKEN: 'token-0123456789abcdefghijklmnopqrstuvwxyz',
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_ENDPOINT_URL_STS: nobody,
    };
  });
  afterAll(async () => {
    await dns.close();
    rmSync(folder, { recursive: true });
  });

  const sdksOf = async (...args: string[]) =>
    among(sdks, await listModules([...args, '--json'], { env, mayFail: true }));

  it.each([
    ['route53', ['@aws-sdk/client-route-53', '@smithy/core']],
    ['role', ['@aws-sdk/client-route-53', '@aws-sdk/client-sts', '@smithy/core']],
    ['cloudflare', ['cloudflare']],
    ['rfc2136', []],
    ['powerdns', []],
  ])('for a route of %s but its own', async (route, expected) => {
    expect(await sdksOf('plan', route)).toEqual(expected);
  });

  it('to look at routes, nor to read a configuration that names every provider', async () => {
    expect(await sdksOf('status')).toEqual([]);
    expect(await sdksOf('validate')).toEqual([]);
  });

  it('nor any SQL to audit a domain, and nothing of an audit for anything else', async () => {
    const isOfAudits = (url: string) => url.includes('/chunks/auditing-');
    const audit = await listModules(['audit', 'shop.example', '--quick', '--json'], { env, mayFail: true });
    expect(heavyAmong(audit).filter((name) => !['zod', 'yaml'].includes(name))).toEqual([]);
    expect(audit.some(isOfAudits)).toBe(true);
    const status = await listModules(['status', '--json'], { env, mayFail: true });
    expect(status.filter(isOfAudits)).toEqual([]);
  });
});

/** The discard port: nobody listens there. */
const nobody = 'http://127.0.0.1:9';

/** A route for each provider, none of which answers. */
function configOf(folder: string, dns: DnsServer): string {
  const server = `{address: ${dns.address}, port: ${dns.port}}`;
  const providers = {
    route53: `{type: route53, endpoint: "${nobody}", region: us-east-1}`,
    role: `{type: route53, endpoint: "${nobody}", region: us-east-1, role_arn: "arn:aws:iam::123456789012:role/mxctl"}`,
    cloudflare: `{type: cloudflare, endpoint: "${nobody}/client/v4", token: {env: TOKEN}}`,
    powerdns: `{type: powerdns, url: "${nobody}", api_key: {env: TOKEN}}`,
    rfc2136: '{type: rfc2136, server: "127.0.0.1:9", tsig: {name: key, secret: {env: TOKEN}}}',
  };
  const routes = Object.keys(providers).map(
    (name) => `  ${name}:
    strategy: mx
    records: [{provider: ${name}, zone: ${name}.example, authorities: [${server}], names: ['@']}]
    paths:
      proxy: {role: proxy, mx: [{preference: 10, exchange: mx.filter.example}]}
      direct: {role: primary, mx: [{preference: 10, exchange: mx.${name}.example}]}
    prefer: proxy
    failover_to: [direct]`,
  );
  return `version: 1
state: {url: "sqlite:${path.join(folder, 'state.sqlite')}"}
resolvers: [${server}]
providers:
${Object.entries(providers)
  .map(([name, block]) => `  ${name}: ${block}`)
  .join('\n')}
routes:
${routes.join('\n')}
`;
}
