// Very many mail domains in a zone of their own, served by NSD on a port of loopback out of a throwaway directory. For
// benches: what is measured then is who asks. Leaves nothing behind, interrupted or not.

import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createDnsClient } from '../../src/dns/client.ts';
import { domainNameOf } from '../../src/model/domain-name.ts';
import { freePort, searchPath } from './real-primary.ts';

const zone = 'customers.test.';
const hosts = 'filter.example.';
/** Pairs of exchanges: what a platform has, and so an exchange is named by hundreds of domains. */
const pairs = 2000;
/** One in so many domains names an exchange that is not there. */
const everyNthIsWrong = 100;
/** To read a million domains takes NSD 5 s where nothing else runs; ms. */
const startMs = 180_000;

export interface NsdWorld {
  readonly directory: string;
  readonly port: number;
  readonly domains: number;
  /** Of the first `count` domains: those with something to find. */
  wrongOf(count: number): number;
  /** A line each, the first `count` domains: as a list, or as questions for dnsperf. */
  fileOf(kind: 'list' | 'questions', count: number): Promise<string>;
  close(): void;
}

const nameOf = (at: number) => `d${at}.${zone.slice(0, -1)}`;

export async function startNsdWorld(domains: number): Promise<NsdWorld> {
  const directory = mkdtempSync(path.join(tmpdir(), 'mxctl-nsd-'));
  let server: ChildProcess | null = null;
  const close = () => {
    process.removeListener('exit', close);
    // NSD is several processes, and one that is told to end would still write into the directory.
    if (server?.pid !== undefined && server.exitCode === null) process.kill(-server.pid, 'SIGKILL');
    server = null;
    rmSync(directory, { recursive: true, force: true });
  };
  process.on('exit', close);
  for (const [signal, code] of Object.entries({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }))
    process.once(signal, () => process.exit(code));
  const port = await freePort();
  await writeLines(path.join(directory, 'zone'), customerLines(domains));
  await writeLines(path.join(directory, 'hosts'), hostLines());
  writeFileSync(path.join(directory, 'nsd.conf'), configOf(directory, port));
  server = spawn('nsd', ['-d', '-c', path.join(directory, 'nsd.conf')], {
    env: searchPath(),
    stdio: ['ignore', 'ignore', 'ignore'],
    detached: true,
  });
  await answers(port, server);
  const fileOf = async (kind: 'list' | 'questions', count: number) => {
    const file = path.join(directory, `${kind}-${count}`);
    await writeLines(file, namesOf(Math.min(count, domains), kind === 'list' ? '' : ' MX'));
    return file;
  };
  return { directory, port, domains, wrongOf: (count) => Math.ceil(count / everyNthIsWrong), fileOf, close };
}

function configOf(directory: string, port: number): string {
  // No limit of answers to one asker, and nothing in an answer that was not asked for, as resolvers have it.
  return `
server:
  server-count: 1
  ip-address: 127.0.0.1@${port}
  username: ""
  chroot: ""
  zonesdir: "${directory}"
  pidfile: ""
  database: ""
  xfrdfile: ""
  xfrdir: "${directory}"
  zonelistfile: "${directory}/zone.list"
  minimal-responses: yes
  rrl-ratelimit: 0
remote-control:
  control-enable: no
zone:
  name: ${zone}
  zonefile: zone
zone:
  name: ${hosts}
  zonefile: hosts
`;
}

const headOf = (origin: string) => `$ORIGIN ${origin}
$TTL 3600
@ SOA ns.${hosts} root.${hosts} 1 3600 600 86400 60
@ NS ns.${hosts}
`;

function* customerLines(domains: number): Generator<string> {
  yield headOf(zone);
  for (let at = 0; at < domains; at++) {
    // Far from each other in the list, so that equal answers do not come in a row.
    const pair = (at * 7919) % pairs;
    const second = at % everyNthIsWrong === 0 ? `gone${pair % 10}` : `mx2.p${pair}`;
    yield `d${at} MX 10 mx1.p${pair}.${hosts}\nd${at} MX 20 ${second}.${hosts}\n`;
  }
}

function* hostLines(): Generator<string> {
  yield `${headOf(hosts)}ns A 9.9.9.9\n`;
  for (let pair = 0; pair < pairs; pair++) {
    const [high, low] = [pair >> 8, pair & 255];
    for (const number of [1, 2]) {
      // Two networks, so that the second is a backup of the first.
      yield `mx${number}.p${pair} 300 A ${number === 1 ? 45 : 103}.${high}.${low}.25\n`;
      yield `mx${number}.p${pair} 300 AAAA 2a0${number}:db${number}:${pair.toString(16)}::25\n`;
    }
  }
}

function* namesOf(count: number, behind: string): Generator<string> {
  for (let at = 0; at < count; at++) yield `${nameOf(at)}${behind}\n`;
}

async function writeLines(file: string, lines: Iterable<string>): Promise<void> {
  const stream = createWriteStream(file);
  let batch = '';
  for (const line of lines) {
    batch += line;
    if (batch.length < 1 << 20) continue;
    if (!stream.write(batch)) await once(stream, 'drain');
    batch = '';
  }
  stream.end(batch);
  await once(stream, 'close');
}

async function answers(port: number, server: ChildProcess): Promise<void> {
  const client = createDnsClient();
  const question = { name: domainNameOf(nameOf(0)), type: 'MX' } as const;
  const until = Date.now() + startMs;
  try {
    for (;;) {
      const options = { recursionDesired: true, timeoutMs: 500, attempts: 1 };
      const to = { address: '127.0.0.1', port };
      const got = await client.ask(to, question, options, new AbortController().signal);
      if (got.ok && got.message.answers.length > 0) return;
      if (server.exitCode !== null || Date.now() > until) throw new Error('nsd did not start');
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  } finally {
    client.close();
  }
}
