// A first configuration from DNS: it loads as it is, and never costs somebody the one there is.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rcodes } from '../../../src/dns/message.ts';
import { configOf } from '../../unit/config/config-text.ts';
import { runCli } from '../../support/cli.ts';
import { type DnsServer, startDnsServer } from '../../support/dns-server.ts';

let dns: DnsServer;
let folder: string;
beforeAll(async () => {
  dns = await startDnsServer({
    zone: `
      shop.example. 60 SOA ns.example. root.example. 1 3600 600 86400 60
      shop.example. 1800 MX 20 mx2.filter.example.
      shop.example. 1800 MX 10 mx1.filter.example.
      in.shop.example. 1800 MX 20 mx2.filter.example.
      in.shop.example. 1800 MX 10 mx1.filter.example.
      quick.example. 60 SOA ns.example. root.example. 1 3600 600 86400 60
      quick.example. 30 MX 10 mx.quick.example.
      null.example. 60 MX 0 .
      literal.example. 60 MX 10 192.0.2.1.
      bare.example. 60 A 192.0.2.1`,
    behave: ({ query, reply, send }) => {
      const isDown = query.questions[0]?.name === 'down.example.';
      send(isDown ? { ...reply, rcode: rcodes.SERVFAIL, answers: [] } : reply);
    },
  });
  folder = mkdtempSync(path.join(tmpdir(), 'mxctl-init-'));
});
afterAll(async () => {
  await dns.close();
  rmSync(folder, { recursive: true });
});

const init = (...args: string[]) =>
  runCli(['init', ...args, '--resolver', `${dns.address}:${dns.port}`], { cwd: folder });

describe('mxctl init --from-dns', () => {
  it('makes a route of domains that publish the same, as validate takes it', async () => {
    const { exitCode, stdout, stderr } = await init(
      ...['--from-dns', 'shop.example', 'in.shop.example', 'quick.example', '-o', '-'],
    );
    expect([exitCode, stderr]).toEqual([0, '']);
    const config = configOf(stdout);
    expect([...config.routes.keys()]).toEqual(['shop.example', 'quick.example']);
    const route = config.routes.get('shop.example');
    expect(route).toMatchObject({
      records: [{ provider: 'dns', zone: 'shop.example.', owners: ['shop.example.', 'in.shop.example.'] }],
      ttl: 1800,
      failoverTtl: 60,
      prefer: 'current',
      failover: { mode: 'observe' },
    });
    expect(route?.paths).toMatchObject([
      {
        name: 'current',
        mx: [
          { preference: 10, exchange: 'mx1.filter.example.' },
          { preference: 20, exchange: 'mx2.filter.example.' },
        ],
      },
    ]);
    expect(config.routes.get('quick.example')).toMatchObject({ ttl: 30, failoverTtl: 30 });
    expect(stdout).toContain('# as published');
    expect(stdout.match(/TODO/g)!.length).toBeGreaterThan(5);
  });

  it('leaves out what no route can be made of, and says why', async () => {
    const others = ['null.example', 'literal.example', 'bare.example', 'none.example', 'down.example'];
    const { exitCode, stdout, stderr } = await init('--from-dns', 'quick.example', ...others, '-o', '-');
    expect(exitCode).toBe(0);
    expect([...configOf(stdout).routes.keys()]).toEqual(['quick.example']);
    const told = stderr.replace(/\n {2,}/g, ' ');
    expect(told).toMatch(/null\.example: it takes no mail \(null MX\)/);
    expect(told).toMatch(/literal\.example: it publishes 10 192\.0\.2\.1\., which is no host name/);
    expect(told).toMatch(/bare\.example: it publishes no MX/);
    expect(told).toMatch(/none\.example: it does not exist/);
    expect(told).toMatch(/down\.example: nobody could say what it publishes/);
    expect(await init('--from-dns', 'down.example', '-o', '-')).toMatchObject({ exitCode: 8, stdout: '' });
  });

  it('writes mxctl.yaml, and over one that is there only with --force', async () => {
    const file = path.join(folder, 'mxctl.yaml');
    expect(await init('--from-dns', 'quick.example')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await runCli(['validate'], { cwd: folder })).toMatchObject({ exitCode: 0 });
    writeFileSync(file, 'my work');
    const refused = await init('--from-dns', 'shop.example', '--json');
    expect(JSON.parse(refused.stdout)).toMatchObject({ exit_code: 64, error: { code: 'usage' } });
    expect(readFileSync(file, 'utf8')).toBe('my work');
    expect(await init('--from-dns', 'shop.example', '--force')).toMatchObject({ exitCode: 0 });
    expect(configOf(readFileSync(file, 'utf8')).routes.size).toBe(1);
    expect(await init('--from-dns', 'shop..example')).toMatchObject({ exitCode: 64, stdout: '' });
  });
});
