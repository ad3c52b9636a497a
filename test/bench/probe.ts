// Probes a second against local hops that live in another thread, and how much of the time was not spent waiting.
// Prints, asserts nothing. Run: node test/bench/probe.ts [probes] [sessions at once]
import { once } from 'node:events';
import net from 'node:net';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

import { domainNameOf } from '../../src/model/domain-name.ts';
import { createSmtpProbe } from '../../src/probes/smtp/index.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { policy } from '../support/probe-policy.ts';

/** Hops, one per loopback address, so that the bound per address is met as it would be in the field. */
const hopCount = 250;

function serve(): void {
  const server = net.createServer((socket) => {
    socket.setNoDelay(true).write('220 mx.example.com ESMTP\r\n');
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      const isQuit = chunk.toString('latin1').startsWith('QUIT');
      if (isQuit) socket.end('221 bye\r\n');
      else socket.write('250 ok\r\n');
    });
  });
  server.listen({ port: 0, host: '0.0.0.0', backlog: 4096 }, () => {
    parentPort?.postMessage((server.address() as net.AddressInfo).port);
  });
}

async function measure(probes: number, maxSessions: number): Promise<void> {
  const worker = new Worker(new URL(import.meta.url));
  const [port] = (await once(worker, 'message')) as [number];
  const probe = createSmtpProbe({
    resolver: {
      lookup: () => Promise.reject(new Error('not asked')),
      lookupAt: () => Promise.reject(new Error('not asked')),
      close: () => {},
    },
    clock: systemClock,
    vantage: 'bench',
    ehloName: 'probe.example',
    maxSessions,
    jitter: () => 0,
  });
  const { signal } = new AbortController();
  const exchange = domainNameOf('mx.example.com');
  const began = performance.now();
  const cpu = performance.eventLoopUtilization();
  const all = await Promise.all(
    Array.from({ length: probes }, (_, n) =>
      probe.probe({ exchange, address: `127.0.1.${(n % hopCount) + 1}`, port }, policy, signal),
    ),
  );
  const seconds = (performance.now() - began) / 1000;
  const { utilization } = performance.eventLoopUtilization(cpu);
  const passed = all.filter((one) => one.verdict === 'pass').length;
  console.log(
    `${probes} probes (connect to RCPT and QUIT), ${maxSessions} at once: ${(probes / seconds).toFixed(0)} probes/s, ` +
      `${(utilization * 100).toFixed(0)} % of the time not waiting, ${passed} passed, ` +
      `${(process.memoryUsage.rss() / 2 ** 20).toFixed(0)} MB`,
  );
  await worker.terminate();
}

if (isMainThread) await measure(Number(process.argv[2] ?? 3000), Number(process.argv[3] ?? 100));
else serve();
