// Queries a second of our client, as a ratio against dns2's in the same run against the same server, which runs in
// a process of its own so that its work is not counted as ours. Prints; judges nothing.
// node test/bench/dns-client.ts [QUESTIONS] [CONCURRENCY]

import { fork } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { UDPClient } from 'dns2';
import { createDnsClient } from '../../src/dns/client.ts';
import { encodeMessage, makeQuery, makeResponse } from '../../src/dns/encode.ts';
import { domainNameOf } from '../../src/model/domain-name.ts';

const example = domainNameOf('example.com');

/** Answers everything with the same two MX under the asker's id: as little work as a server can do. */
async function serveCanned(): Promise<number> {
  const mx = { owner: example, type: 'MX', class: 1, ttl: 3600 } as const;
  const query = makeQuery({ id: 0, name: example, type: 'MX', edns: null });
  const answers = [
    { ...mx, rdata: '10 mx1.filter.example.net.' },
    { ...mx, rdata: '20 mx2.filter.example.net.' },
  ];
  const canned = encodeMessage(makeResponse(query, { answers }));
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 });
  socket.on('message', (octets, from) => {
    const reply = Buffer.from(canned);
    octets.copy(reply, 0, 0, 2);
    socket.send(reply, from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket.address().port;
}

/** Questions a second; a question that fails counts as none. */
async function rateOf(questions: number, concurrency: number, ask: () => Promise<boolean>): Promise<number> {
  const startedAt = performance.now();
  let [left, answered] = [questions, 0];
  const lane = async () => {
    while (left-- > 0) if (await ask()) answered += 1;
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  if (answered < questions) console.log(`  ${questions - answered} of ${questions} unanswered`);
  return (answered * 1000) / (performance.now() - startedAt);
}

async function compare(port: number, questions: number, concurrency: number): Promise<void> {
  const client = createDnsClient({ maxPerSecondPerServer: Infinity, maxInFlightPerServer: concurrency });
  const server = { address: '127.0.0.1', port };
  const question = { name: example, type: 'MX' } as const;
  const options = { recursionDesired: true, timeoutMs: 2_000, attempts: 3 };
  const never = new AbortController().signal;
  const ours = async () => {
    const got = await client.ask(server, question, options, never);
    return got.ok && got.message.answers.length === 2;
  };
  const resolve = UDPClient({ dns: server.address, port, timeout: 2_000 });
  const theirs = async () => (await resolve('example.com', 'MX')).answers.length === 2;
  // Interleaved, so that a busy moment of the machine hits both; the best round counts.
  const best = { ours: 0, theirs: 0 };
  for (let round = 0; round < 4; round++) {
    best.theirs = Math.max(best.theirs, await rateOf(questions, concurrency, theirs));
    best.ours = Math.max(best.ours, await rateOf(questions, concurrency, ours));
  }
  client.close();
  console.log(`mxctl ${Math.round(best.ours)} q/s, dns2 ${Math.round(best.theirs)} q/s`);
  console.log(
    `ratio ${(best.ours / best.theirs).toFixed(2)} (${questions} questions, ${concurrency} at a time)`,
  );
}

if (process.send !== undefined) {
  process.send(await serveCanned());
} else {
  const child = fork(fileURLToPath(import.meta.url));
  const [port] = (await once(child, 'message')) as [number];
  await compare(port, Number(process.argv[2] ?? 20_000), Number(process.argv[3] ?? 100));
  child.kill();
}
