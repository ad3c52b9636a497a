// BIND or Knot on a high loopback port with a throwaway directory, and nsupdate and dig as second opinion on what is
// in its zones: nothing here passes through our own codec.

import { execFileSync, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

import { type DomainName, domainNameOf } from '../../src/model/domain-name.ts';
import type { ServerAddress } from '../../src/model/route.ts';
import { type Rrset, rrsetOf, type RrType } from '../../src/model/rrset.ts';

export const realKey = {
  name: domainNameOf('mxctl.'),
  algorithm: 'hmac-sha256',
  secret: 'c2VzYW1lLW9wZW4tdGhpcw==',
} as const;
export const realZones = ['example.com.', 'shop.example.'].map(domainNameOf);

const zoneFile = (zone: string) => `$ORIGIN ${zone}
@ 3600 IN SOA ns1.example.net. admin.example.net. 7 3600 600 86400 300
@ 3600 IN NS ns1.example.net.
`;

/** What is missing to run a test against a real server; null = nothing. In CI that is a failure, not a reason to skip. */
export function missingCommand(...commands: string[]): string | null {
  const missing = commands.find((command) => {
    try {
      execFileSync('sh', ['-c', `command -v ${command}`], { env: searchPath(), stdio: 'ignore' });
      return false;
    } catch {
      return true;
    }
  });
  if (missing !== undefined && process.env['CI'] !== undefined)
    throw new Error(`${missing} is not installed`);
  return missing ?? null;
}

/** Servers live in sbin, which an ordinary user's PATH lacks. */
export const searchPath = () => ({
  ...process.env,
  PATH: `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`,
});

/** A port that was free a moment ago, for TCP and UDP; the servers cannot say which they took. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const { port } = address;
  const isFree = await new Promise<boolean>((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => resolve(false));
    socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)));
  });
  server.close();
  return isFree ? port : freePort();
}

interface ServerKind {
  readonly command: string;
  arguments(configFile: string): readonly string[];
  config(directory: string, port: number): string;
  /** Line of its log that says it serves. */
  readonly ready: RegExp;
}

const bind: ServerKind = {
  command: 'named',
  arguments: (configFile) => ['-g', '-n', '1', '-c', configFile],
  ready: /\brunning$/,
  config: (directory, port) => `
    key "${realKey.name}" { algorithm ${realKey.algorithm}; secret "${realKey.secret}"; };
    options {
      directory "${directory}"; pid-file none; session-keyfile "${directory}/session.key";
      listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; };
      recursion no; notify no; dnssec-validation no;
    };
    controls { };
    ${realZones.map((zone) => `zone "${zone}" { type primary; file "${zone}zone"; allow-update { key "${realKey.name}"; }; };`).join('\n')}
  `,
};

const knot: ServerKind = {
  command: 'knotd',
  arguments: (configFile) => ['-c', configFile],
  ready: /server started/,
  config: (directory, port) => `
server:
    rundir: "${directory}"
    listen: 127.0.0.1@${port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: "${directory}"
log:
  - target: stderr
    any: info
key:
  - id: ${realKey.name}
    algorithm: ${realKey.algorithm}
    secret: ${realKey.secret}
acl:
  - id: writers
    key: ${realKey.name}
    action: update
zone:
${realZones.map((zone) => `  - domain: ${zone}\n    storage: "${directory}"\n    file: "${zone}zone"\n    acl: writers\n`).join('')}`,
};

export interface RealPrimary {
  readonly server: ServerAddress;
  read(owner: DomainName, type: RrType): Promise<Rrset | null>;
  write(owner: DomainName, type: RrType, rrset: Rrset | null): Promise<void>;
  close(): Promise<void>;
}

export const startBind = () => start(bind);
export const startKnot = () => start(knot);

async function start(kind: ServerKind): Promise<RealPrimary> {
  const directory = mkdtempSync(join(tmpdir(), 'mxctl-dns-'));
  chmodSync(directory, 0o755);
  const port = await freePort();
  const configFile = join(directory, 'server.conf');
  writeFileSync(configFile, kind.config(directory, port));
  for (const zone of realZones) writeFileSync(join(directory, `${zone}zone`), zoneFile(zone));
  const child = spawn(kind.command, kind.arguments(configFile), {
    env: searchPath(),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = once(child, 'exit');
  const lines: string[] = [];
  await new Promise<void>((resolve, reject) => {
    createInterface(child.stderr).on('line', (line) => {
      lines.push(line);
      if (!kind.ready.test(line)) return;
      clearTimeout(tooLong);
      resolve();
    });
    // Ten seconds: a zone of two records loads in milliseconds, and a hung start should not cost a test's whole time.
    const tooLong = setTimeout(() => child.kill('SIGKILL'), 10_000);
    child.on('error', reject);
    child.on('exit', () => {
      clearTimeout(tooLong);
      reject(new Error(`${kind.command} did not start:\n${lines.slice(-20).join('\n')}`));
    });
  });
  return {
    server: { address: '127.0.0.1', port },
    read: (owner, type) => dig(port, owner, type),
    write: (owner, type, rrset) => nsupdate(port, owner, type, rrset),
    close: async () => {
      child.kill('SIGTERM');
      await exited;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export async function dig(port: number, owner: DomainName, type: RrType): Promise<Rrset | null> {
  const { stdout } = await promisify(execFile)('dig', [
    ...['@127.0.0.1', '-p', String(port), '+tcp', '+norecurse', '+noall', '+answer', '+nosplit'],
    ...[owner, type],
  ]);
  const rows = stdout
    .split('\n')
    .map((line) => line.split(/\s+/))
    .filter((row) => row[3] === type);
  const ttl = Number(rows[0]?.[1]);
  return rows.length === 0
    ? null
    : rrsetOf(
        owner,
        type,
        ttl,
        rows.map((row) => row.slice(4).join(' ').trim()),
      );
}

async function nsupdate(port: number, owner: DomainName, type: RrType, rrset: Rrset | null): Promise<void> {
  const commands = [
    `server 127.0.0.1 ${port}`,
    `key ${realKey.algorithm}:${realKey.name} ${realKey.secret}`,
    `update delete ${owner} ${type}`,
    ...(rrset?.rdata ?? []).map((rdata) => `update add ${owner} ${rrset?.ttl ?? 0} ${type} ${rdata}`),
    'send',
  ];
  const run = promisify(execFile)('nsupdate', ['-v']);
  run.child.stdin?.end(`${commands.join('\n')}\n`);
  await run;
}
