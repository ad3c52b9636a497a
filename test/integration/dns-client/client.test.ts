// The client against servers that lie, stall and truncate, on real sockets.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { readAnswer } from '../../../src/dns/answer.ts';
import { createDnsClient, type DnsClient, type DnsClientOptions } from '../../../src/dns/client.ts';
import { makeResponse } from '../../../src/dns/encode.ts';
import { rcodes } from '../../../src/dns/message.ts';
import { FrameReader } from '../../../src/dns/tcp.ts';
import { domainNameOf } from '../../../src/model/domain-name.ts';
import type { ServerAddress } from '../../../src/model/route.ts';
import type { RrType } from '../../../src/model/rrset.ts';
import { type Call, type DnsServer, type DnsServerScript, startDnsServer } from '../../support/dns-server.ts';
import { zoneLines } from '../../support/zone-lines.ts';

const zone = `
  example.com. 3600 SOA ns1.example.com. hostmaster.example.com. 1 7200 900 1209600 300
  example.com. 3600 MX 10 mx1.filter.example.net.
  example.com. 3600 MX 20 mx2.filter.example.net.
`;
const forged = zoneLines('example.com. 1 MX 1 evil.example.');
const example = domainNameOf('example.com');
/** Long enough never to fire where an answer comes, on a busy machine too. */
const patient = { recursionDesired: true, timeoutMs: 20_000, attempts: 1 };
/** Where silence is what is tested. */
const brief = { ...patient, timeoutMs: 40 };
const never = new AbortController().signal;

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

async function serve(script: DnsServerScript = {}): Promise<DnsServer> {
  const server = await startDnsServer({ zone, ...script });
  opened.push(server);
  return server;
}

function client(options: DnsClientOptions = {}): DnsClient {
  const made = createDnsClient({ retryDelayMs: 1, ...options });
  opened.push(made);
  return made;
}

async function closedPort(): Promise<ServerAddress> {
  const server = await startDnsServer();
  await server.close();
  return { address: server.address, port: server.port };
}

async function valuesOf(server: ServerAddress, options = patient, name = example, type: RrType = 'MX') {
  const answered = await client().ask(server, { name, type }, options, never);
  if (!answered.ok) return answered.reason;
  const reading = readAnswer(answered.message, name, type);
  return reading.kind === 'found' ? reading.rrset.rdata : reading.kind;
}

const truth = ['10 mx1.filter.example.net.', '20 mx2.filter.example.net.'];

const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some((one) => one.address === '::1'));
test.skipIf(!hasIpv6)('a server is asked over IPv6, UDP and TCP', async () => {
  const server = await serve({
    address: '::1',
    behave: ({ via, reply, send }) => send({ ...reply, isTruncated: via === 'udp' }),
  });
  expect(await valuesOf(server)).toEqual(truth);
  expect(server.asked.map((one) => one.via)).toEqual(['udp', 'tcp']);
});

describe('what does not match the question is ignored and the right answer taken', () => {
  const lies: Record<string, (call: Call) => void> = {
    'an answer with another id': ({ reply, send }) => {
      send({ ...reply, id: reply.id ^ 1, answers: forged });
    },
    'an answer to another name': ({ reply, send }) => {
      const [question] = reply.questions;
      send({ ...reply, questions: [{ ...question!, name: domainNameOf('example.org') }], answers: forged });
    },
    'an answer to another type': ({ reply, send }) => {
      const [question] = reply.questions;
      send({ ...reply, questions: [{ ...question!, type: 'TXT' }], answers: forged });
    },
    'an answer with a second question': ({ reply, send }) => {
      send({ ...reply, questions: [...reply.questions, ...reply.questions], answers: forged });
    },
    'an answer without a question': ({ reply, send }) => {
      send({ ...reply, questions: [], answers: forged });
    },
    'an answer from another port': ({ reply, sendFromElsewhere }) => {
      sendFromElsewhere({ ...reply, answers: forged });
    },
    'our own question sent back': ({ query, send }) => {
      send({ ...query, answers: forged });
    },
    'an answer with another opcode': ({ reply, send }) => {
      send({ ...reply, opcode: 5, answers: forged });
    },
    'octets that are no message': ({ query, sendOctets }) => {
      sendOctets(Uint8Array.of(query.id >> 8, query.id & 0xff, 0x80, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0xc0));
    },
    'an empty datagram': ({ sendOctets }) => {
      sendOctets(new Uint8Array());
    },
  };
  test.for(Object.entries(lies))('%s', async ([, lie]) => {
    const server = await serve({
      behave: (call) => {
        lie(call);
        lie(call);
        call.send(call.reply);
      },
    });
    expect(await valuesOf(server)).toEqual(truth);
    expect(server.asked).toHaveLength(1);
  });

  test('and where no right answer follows, the reason tells what was ignored', async () => {
    const server = await serve({ behave: lies['an answer to another name']! });
    expect(await valuesOf(server, brief)).toBe(
      `no answer from 127.0.0.1#${server.port} in 40 ms (ignored 1 datagram: wrong question)`,
    );
  });
});

describe('a truncated answer', () => {
  const truncate = (call: Call) => {
    call.send({ ...call.reply, isTruncated: true, answers: call.reply.answers.slice(0, 1) });
  };

  test('is asked for again over TCP and never used in part', async () => {
    const server = await serve({
      behave: (call) => {
        if (call.via === 'udp') truncate(call);
        else call.send(call.reply);
      },
    });
    expect(await valuesOf(server)).toEqual(truth);
    expect(server.asked.map((one) => one.via)).toEqual(['udp', 'tcp']);
  });

  test.for<[string, (call: Call) => void, RegExp]>([
    ['times out where TCP stalls', () => {}, /^no answer from .* in 40 ms \(over TCP.*0 octets came/],
    [
      'times out where TCP stalls in the middle',
      ({ sendOctets }) => {
        sendOctets(new Uint8Array(9));
      },
      /^no answer from .* in 40 ms \(over TCP.*11 octets came/,
    ],
    [
      'fails where TCP is hung up',
      ({ hangUp }) => hangUp(),
      /^no usable answer from .*closed the connection/,
    ],
    [
      'fails where TCP floods other answers',
      ({ reply, send }) => {
        for (let sent = 0; sent < 10; sent++) send({ ...reply, id: reply.id ^ 1 });
      },
      /^no usable answer from .*sent 4 other messages: wrong id/,
    ],
  ])('%s', async ([, overTcp, reason]) => {
    const server = await serve({
      behave: (call) => {
        if (call.via === 'udp') truncate(call);
        else overTcp(call);
      },
    });
    expect(await valuesOf(server, reason.source.startsWith('^no answer') ? brief : patient)).toMatch(reason);
  });
});

test.for([1, 2, 3, 7, 1000])(
  'messages over TCP are cut right where they come %i octets at a time',
  (size) => {
    const messages = [Buffer.from('one'), Buffer.alloc(0), Buffer.alloc(700, 7), Buffer.from('four')];
    const stream = Buffer.concat(
      messages.flatMap((one) => [Buffer.from([one.length >> 8, one.length & 255]), one]),
    );
    const frames = new FrameReader();
    const cut = [];
    for (let at = 0; at < stream.length; at += size) cut.push(...frames.push(stream.subarray(at, at + size)));
    expect(cut.map((one) => Buffer.from(one).toString('hex'))).toEqual(
      messages.map((one) => one.toString('hex')),
    );
  },
);

describe('a server that cannot do EDNS is asked again without', () => {
  test.for<[string, (call: Call) => void]>([
    ['FORMERR', ({ query, send }) => send(makeResponse(query, { rcode: rcodes.FORMERR, edns: null }))],
    [
      'FORMERR without the question',
      ({ query, send }) => send(makeResponse(query, { rcode: rcodes.FORMERR, edns: null, questions: [] })),
    ],
    ['NOTIMP', ({ query, send }) => send(makeResponse(query, { rcode: rcodes.NOTIMP, edns: null }))],
    ['BADVERS', ({ query, send }) => send(makeResponse(query, { rcode: 16 }))],
  ])('%s', async ([, refuse]) => {
    const server = await serve({
      behave: (call) => {
        if (call.query.edns !== null) refuse(call);
        else call.send(call.reply);
      },
    });
    const asking = client();
    for (let time = 0; time < 2; time++) {
      const answered = await asking.ask(server, { name: example, type: 'MX' }, patient, never);
      expect(answered.ok && answered.message.answers.length).toBe(2);
    }
    const sizes = server.asked.map((one) => one.query.edns?.udpSize ?? null);
    expect(sizes, 'the second question spares the detour').toEqual([1232, null, null]);
  });
});

describe('failures are values with a line that says what happened', () => {
  test('a port where nothing listens is told at once, not after the timeout', async () => {
    const server = await closedPort();
    expect(await valuesOf(server)).toBe(
      `127.0.0.1#${server.port} refused the connection (nothing listens there)`,
    );
  });

  test('silence is asked again as often as told', async () => {
    const server = await serve({ behave: () => {} });
    const reason = await valuesOf(server, { ...brief, attempts: 3 });
    expect(reason).toBe(`no answer from 127.0.0.1#${server.port} in 40 ms, 3 tries`);
    expect(server.asked).toHaveLength(3);
    expect(new Set(server.asked.map((one) => one.query.id)).size, 'each with an id of its own').toBe(3);
  });

  test('a lost datagram is made up for by the next try', async () => {
    const server = await serve({
      behave: ({ count, reply, send }) => {
        if (count > 1) send(reply);
      },
    });
    expect(await valuesOf(server, { ...patient, timeoutMs: 200, attempts: 5 })).toEqual(truth);
  });

  test('an address this machine cannot send to is our fault, not the server’s', async () => {
    // Link-local without its interface: refused by the kernel before anything leaves, with or without IPv6.
    const answered = await client().ask(
      { address: 'fe80::1', port: 53 },
      { name: example, type: 'MX' },
      { ...patient, attempts: 3 },
      never,
    );
    expect(answered).toMatchObject({ ok: false, fault: 'no-route' });
    expect(!answered.ok && answered.reason).toMatch(/^no route from here to fe80::1#53 \(E[A-Z]+\)$/);
  });

  test('a host name instead of an address is not looked up', async () => {
    expect(await valuesOf({ address: 'ns1.example.com', port: 53 })).toBe(
      'ns1.example.com is not an IP address',
    );
  });
});

describe('an abort', () => {
  test('ends the wait at once with the reason of the signal', async () => {
    const abort = new AbortController();
    const server = await serve({
      behave: () => {
        abort.abort(new Error('Ctrl-C'));
      },
    });
    const asked = client().ask(server, { name: example, type: 'MX' }, patient, abort.signal);
    await expect(asked).rejects.toThrow('Ctrl-C');
  });

  test('ends a wait over TCP', async () => {
    const abort = new AbortController();
    const server = await serve({
      behave: ({ via, reply, send }) => {
        if (via === 'udp') send({ ...reply, isTruncated: true });
        else abort.abort(new Error('Ctrl-C'));
      },
    });
    const asked = client().ask(server, { name: example, type: 'MX' }, patient, abort.signal);
    await expect(asked).rejects.toThrow('Ctrl-C');
  });

  test('ends a wait for one’s turn, and the place is not lost', async () => {
    const abort = new AbortController();
    const held: Call[] = [];
    const server = await serve({
      behave: (call) => {
        held.push(call);
        abort.abort(new Error('Ctrl-C'));
        call.send(call.reply);
      },
    });
    const asking = client({ maxInFlightPerServer: 1 });
    const ask = (signal: AbortSignal) => asking.ask(server, { name: example, type: 'MX' }, patient, signal);
    const [first, second, third] = await Promise.allSettled([ask(never), ask(abort.signal), ask(never)]);
    expect([first.status, second.status, third.status]).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(held).toHaveLength(2);
  });

  test('leaves nothing open that would hold the process', async () => {
    const server = await serve({ behave: () => {} });
    const script = fileURLToPath(new URL('abandoned-question.ts', import.meta.url));
    const child = spawn(process.execPath, [script, String(server.port)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let printed = '';
    child.stdout.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
    });
    const [code] = (await once(child, 'exit')) as [number | null];
    expect({ code, printed }).toEqual({ code: 0, printed: 'aborted, open: nothing\n' });
  });
});

describe('bounds', () => {
  test('5,000 questions at 100 at a time are all answered, each with its own answer', async () => {
    const server = await serve({
      behave: ({ query, send }) => {
        const name = query.questions[0]!.name;
        send(makeResponse(query, { answers: zoneLines(`${name} 60 MX 10 mx.${name}`) }));
      },
    });
    const asking = client();
    const numbers = Array.from({ length: 5_000 }, (_, index) => index).values();
    let answered = 0;
    const lane = async () => {
      for (const number of numbers) {
        const name = domainNameOf(`q${number}.example.com`);
        const got = await asking.ask(
          server,
          { name, type: 'MX' },
          { ...patient, timeoutMs: 2_000, attempts: 5 },
          never,
        );
        if (got.ok && got.message.answers[0]?.rdata === `10 mx.${name}`) answered += 1;
      }
    };
    await Promise.all(Array.from({ length: 100 }, lane));
    expect(answered).toBe(5_000);
    const uses = Map.groupBy(server.asked, (one) => one.fromPort);
    expect(uses.size, 'source ports').toBeGreaterThanOrEqual(20);
    expect(Math.max(...[...uses.values()].map((one) => one.length))).toBeLessThanOrEqual(250);
    const steps = server.asked.slice(1).map((one, at) => one.query.id - server.asked[at]!.query.id);
    expect(new Set(steps).size, 'ids follow no step').toBeGreaterThan(4_000);
  });

  test('one server gets no more questions at once than allowed', async () => {
    let open: Call[] = [];
    let most = 0;
    const server = await serve({
      behave: (call) => {
        open.push(call);
        most = Math.max(most, open.length);
        if (open.length < 3) return;
        for (const one of open) one.send(one.reply);
        open = [];
      },
    });
    const asking = client({ maxInFlightPerServer: 3 });
    const all = Array.from({ length: 30 }, () =>
      asking.ask(server, { name: example, type: 'MX' }, patient, never),
    );
    expect((await Promise.all(all)).every((one) => one.ok)).toBe(true);
    expect(most).toBe(3);
  });

  test('one server gets no more questions a second than allowed', async () => {
    const server = await serve();
    const asking = client({ maxPerSecondPerServer: 100 });
    const startedAt = performance.now();
    await Promise.all(
      Array.from({ length: 30 }, () => asking.ask(server, { name: example, type: 'MX' }, patient, never)),
    );
    // A burst of 10, then 20 more at 10 ms each.
    expect(performance.now() - startedAt).toBeGreaterThan(180);
  });
});

test('closing ends what is out, and what comes later, as a value', async () => {
  const asking = client();
  const server = await serve({
    behave: () => {
      asking.close();
    },
  });
  const ask = () => asking.ask(server, { name: example, type: 'MX' }, { ...patient, attempts: 3 }, never);
  expect(await ask()).toMatchObject({ ok: false, fault: 'closed' });
  expect(await ask()).toMatchObject({ ok: false, fault: 'closed' });
});
