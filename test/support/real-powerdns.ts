// PowerDNS with an SQLite backend on high loopback ports in a throwaway directory. pdnsutil-like second opinion: what
// is in its zones is read with dig and written straight through its own API by this file, not by our adapter.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import type { DomainName } from '../../src/model/domain-name.ts';
import type { Rrset, RrType } from '../../src/model/rrset.ts';
import { dig, freePort, realZones, searchPath } from './real-primary.ts';

export const realApiKey = 'sesame-open-this';

export interface RealPowerdns {
  readonly url: string;
  readonly port: number;
  read(owner: DomainName, type: RrType): Promise<Rrset | null>;
  write(owner: DomainName, type: RrType, rrset: Rrset | null): Promise<void>;
  /** `pdnsutil ARGUMENTS` on its database. */
  pdnsutil(...args: string[]): string;
  close(): Promise<void>;
}

const schema = '/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql';

export async function startPowerdns(): Promise<RealPowerdns> {
  const directory = mkdtempSync(join(tmpdir(), 'mxctl-pdns-'));
  chmodSync(directory, 0o755);
  const [port, apiPort] = [await freePort(), await freePort()];
  const database = join(directory, 'pdns.sqlite3');
  execFileSync('sqlite3', [database, `.read ${schema}`]);
  writeFileSync(
    join(directory, 'pdns.conf'),
    [
      'launch=gsqlite3',
      `gsqlite3-database=${database}`,
      'local-address=127.0.0.1',
      `local-port=${port}`,
      `socket-dir=${directory}`,
      'daemon=no',
      'guardian=no',
      'setuid=',
      'setgid=',
      'api=yes',
      `api-key=${realApiKey}`,
      'webserver=yes',
      'webserver-address=127.0.0.1',
      `webserver-port=${apiPort}`,
      // What is written is asked for at once.
      'cache-ttl=0',
      'query-cache-ttl=0',
      'negquery-cache-ttl=0',
      'zone-cache-refresh-interval=0',
    ].join('\n'),
  );
  const pdnsutil = (...args: string[]) =>
    execFileSync('pdnsutil', ['--config-dir', directory, ...args], {
      env: searchPath(),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  for (const zone of realZones) pdnsutil('create-zone', zone.slice(0, -1), 'ns1.example.net');
  const child = spawn('pdns_server', [`--config-dir=${directory}`], {
    env: searchPath(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  await untilReady(child);
  const url = `http://127.0.0.1:${apiPort}`;
  return {
    url,
    port,
    pdnsutil,
    read: (owner, type) => dig(port, owner, type),
    write: (owner, type, rrset) => patch(url, owner, type, rrset),
    close: async () => {
      child.kill('SIGTERM');
      await exited;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function untilReady(child: ReturnType<typeof spawn>): Promise<void> {
  const lines: string[] = [];
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface(stream).on('line', (line) => {
        lines.push(line);
        if (/ready to distribute questions/.test(line)) resolve();
      });
    }
    child.on('error', reject);
    child.on('exit', () => reject(new Error(`pdns_server did not start:\n${lines.slice(-20).join('\n')}`)));
  });
}

/** Somebody else's hand, through the server's own API. */
async function patch(url: string, owner: DomainName, type: RrType, rrset: Rrset | null): Promise<void> {
  const zone = realZones.find((one) => owner === one || owner.endsWith(`.${one}`));
  const records = (rrset?.rdata ?? []).map((content) => ({ content, disabled: false }));
  const change =
    rrset === null ? { changetype: 'DELETE' } : { changetype: 'REPLACE', ttl: rrset.ttl, records };
  const response = await fetch(`${url}/api/v1/servers/localhost/zones/${zone ?? ''}`, {
    method: 'PATCH',
    headers: { 'x-api-key': realApiKey, 'content-type': 'application/json' },
    body: JSON.stringify({ rrsets: [{ name: owner, type, ...change }] }),
  });
  if (!response.ok) throw new Error(`PowerDNS: HTTP ${response.status}: ${await response.text()}`);
}
