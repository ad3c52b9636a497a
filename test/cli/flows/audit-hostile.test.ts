// Lists, resolvers and results that mean ill, by the built program: bounded, harmless on a screen, and the exit code says
// what is not known.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { runCli } from '../../support/cli.ts';
import { expectHarmless } from '../../support/cli-world.ts';
import { type DnsServer, startDnsServer } from '../../support/dns-server.ts';

const zone = `
  example. 60 SOA ns.example. root.example. 1 3600 600 86400 60
  mx1.host.example. 300 A 192.0.2.10
  good.example. 300 MX 10 mx1.host.example.`;

let dns: DnsServer;
let folder: string;
beforeAll(async () => {
  dns = await startDnsServer({ zone });
  folder = mkdtempSync(path.join(tmpdir(), 'mxctl-hostile-'));
});
afterAll(async () => {
  await dns.close();
  rmSync(folder, { recursive: true });
});

const write = (name: string, text: string) => writeFileSync(path.join(folder, name), text);
const run = (...args: string[]) => runCli(['audit', ...args, '--quick'], { cwd: folder });
const asked = () => ['--resolver', `${dns.address}:${dns.port}`];

describe('a resolver that sends garbage', () => {
  it('leaves every domain unknown, within the time it is given: 8, not 2', async () => {
    const socket = createSocket('udp4');
    socket.on('message', (octets, from) => {
      // The right id and question, and then nothing that could be read.
      const reply = Buffer.concat([octets, Buffer.alloc(400, 0xc0)]);
      reply.writeUInt16BE(0x8180, 2);
      reply.writeUInt16BE(9999, 6);
      socket.send(reply, from.port, from.address);
    });
    await once(socket.bind(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void socket.close());
    const startedAt = Date.now();
    const args = ['good.example', '--resolver', `127.0.0.1:${socket.address().port}`];
    const { exitCode, stdout, stderr } = await run(...args);
    expect([exitCode, stderr]).toEqual([8, '']);
    expect(stdout).toMatch(/1 could not be checked/);
    // Three rounds of 2.5 s, and the start.
    expect(Date.now() - startedAt).toBeLessThan(30_000);
  });
});

describe('a list that means ill', () => {
  it('is reported without its control characters in every format, and the rest is audited', async () => {
    const rows = [
      '\u001b[2J\u001b]0;owned\u0007.example',
      'a\u202eb.example',
      '::error::x',
      '=cmd()|x',
      'a b',
    ];
    const rest = ['', '\u0000\u0001', 'x'.repeat(100_000), 'good.example'];
    write('evil.txt', `${[...rows, ...rest].join('\n')}\n`);
    for (const format of ['human', 'table', 'ndjson', 'csv', 'md', 'html', 'junit', 'sarif', 'github']) {
      const { exitCode, stdout, stderr } = await run('--domains', 'evil.txt', ...asked(), '-o', format);
      expect([format, exitCode, stderr]).toEqual([format, 0, '']);
      expectHarmless(stdout.replaceAll('\r\n', '\n'));
      expect(stdout.length).toBeLessThan(200_000);
      if (format === 'ndjson') expect(stdout).toMatch(/"domain":"good\.example"/);
    }
  });

  it('of octets that are no text is no list', async () => {
    writeFileSync(
      path.join(folder, 'noise.bin'),
      Buffer.from(Array.from({ length: 4096 }, (_, n) => (n * 37) % 251)),
    );
    const { exitCode, stdout, stderr } = await run('--domains', 'noise.bin', ...asked());
    expect(exitCode).toBe(64);
    expectHarmless(stdout + stderr);
  });
});

describe('results that mean ill', () => {
  it('are not believed, and what they say is harmless', async () => {
    const finding = {
      rule: 'expectation',
      severity: 'error',
      about: null,
      reason: '\u001b[31mred\u202e',
      instruction: '\n::error::x',
      fingerprint: 'a1b2c3d4',
      first_seen_at: '2026-01-01T00:00:00Z',
      is_new: true,
    };
    const domain = { type: 'domain', outcome: 'found', domain: 'good.example', findings: [finding] };
    const lines = [domain, { ...domain, domain: '../../etc' }, { type: 'run', started_at: 7 }, [], 'x', null];
    write('evil.ndjson', `${lines.map((line) => JSON.stringify(line)).join('\n')}\n{"type":"domain"\n`);
    const merged = await runCli(['audit', 'merge', 'evil.ndjson'], { cwd: folder });
    expect(merged.exitCode).toBe(2);
    expectHarmless(merged.stdout);
    expect(merged.stdout).not.toMatch(/etc/);
    const { exitCode, stdout } = await run('good.example', ...asked(), '--baseline', 'evil.ndjson');
    expect(exitCode).toBe(0);
    expectHarmless(stdout);
  });
});
