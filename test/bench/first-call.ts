// How long until the first call is on the wire: a fresh process of the built program opens a provider and asks it for an
// RRset; the clock stops when the request arrives at a server on loopback. From the start of the process, and from the
// moment the adapter is opened (its import, its client, the connection). Prints medians; the aim is 400 ms at most.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { projectRoot } from '../support/program.ts';

// Enough for a median that repeats within some per cent on a busy machine of two cores.
const rounds = Number(process.argv[2] ?? 15);

/** The block as the program has it after parsing, by name of the adapter. */
const blocks: Readonly<Record<string, (origin: string) => object>> = {
  cloudflare: (origin) => ({
    type: 'cloudflare',
    token: { env: 'TOKEN' },
    accountId: null,
    zoneIds: {},
    maxOperations: 200,
    ttlBounds: { least: 60, most: 86_400 },
    endpoint: `${origin}/client/v4`,
    timeoutMs: 15_000,
  }),
};

const registry = path.join(projectRoot, 'dist/providers/registry.js');
const budgets = path.join(projectRoot, 'dist/providers/rate-budget.js');
const child = (block: object) => `
  import module from 'node:module';
  module.enableCompileCache();
  const { openProvider } = await import(${JSON.stringify(registry)});
  const { RateBudgets } = await import(${JSON.stringify(budgets)});
  const clock = { now: Date.now, sleep: (ms) => new Promise((done) => setTimeout(done, ms)) };
  process.stdout.write(String(performance.timeOrigin + performance.now()));
  const provider = await openProvider('bench', ${JSON.stringify(block)}, {
    clock,
    budgets: new RateBudgets(clock),
    random: Math.random,
    lookupNs: () => Promise.resolve(null),
    readSecret: () => Promise.resolve({ reveal: () => 'bench-token-0123456789abcdef' }),
  });
  await provider.readRrset('example.com.', 'example.com.', 'MX', new AbortController().signal);
`;

let onRequest: () => void = () => {};
const server = createServer((_, response) => {
  onRequest();
  response.writeHead(401, { 'content-type': 'application/json' });
  response.end('{"success":false,"errors":[{"code":9109,"message":"Invalid access token"}]}');
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

for (const [name, blockAt] of Object.entries(blocks)) {
  const samples: { whole: number; adapter: number }[] = [];
  // The first round fills the compile cache and is not counted.
  for (let round = 0; round <= rounds; round += 1) {
    const sample = await measure(child(blockAt(origin)));
    if (round > 0) samples.push(sample);
  }
  const whole = median(samples.map((one) => one.whole));
  const adapter = median(samples.map((one) => one.adapter));
  console.log(
    `${name}: first request ${whole.toFixed(0)} ms after the process began, ${adapter.toFixed(0)} ms after the adapter ` +
      `was opened (medians of ${rounds}; aim: 400 at most)`,
  );
}
server.close();

async function measure(code: string): Promise<{ whole: number; adapter: number }> {
  const arrived = new Promise<number>((resolve) => {
    onRequest = () => {
      resolve(performance.timeOrigin + performance.now());
    };
  });
  const startedAt = performance.timeOrigin + performance.now();
  const process_ = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let openedAt = '';
  process_.stdout.on('data', (chunk: Buffer) => (openedAt += chunk.toString()));
  const ended = once(process_, 'close');
  const at = await arrived;
  await ended;
  return { whole: at - startedAt, adapter: at - Number(openedAt) };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
