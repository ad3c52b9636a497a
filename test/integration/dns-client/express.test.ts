// The quick way to ask for MX, against servers that are honest, lie, stall and go away, on real sockets.

import { afterEach, describe, expect, test } from 'vitest';
import { Express } from '../../../src/dns/express.ts';
import { makeResponse } from '../../../src/dns/encode.ts';
import { rcodes } from '../../../src/dns/message.ts';
import { domainNameOf } from '../../../src/model/domain-name.ts';
import type { ServerAddress } from '../../../src/model/route.ts';
import { type Call, type DnsServerScript, startDnsServer } from '../../support/dns-server.ts';
import { zoneLines } from '../../support/zone-lines.ts';

const zone = `
  example.com. 3600 SOA ns1.example.com. hostmaster.example.com. 1 7200 900 1209600 300
  example.com. 3600 MX 10 mx1.filter.example.net.
  example.com. 3600 MX 20 mx2.filter.example.net.
  a.example.com. 3600 MX 0 .
  www.example.com. 3600 A 192.0.2.1
  alias.example.com. 3600 CNAME example.com.
`;
const forged = zoneLines('example.com. 1 MX 1 evil.example.');
const both = 'MX 10 mx1.filter.example.net., 20 mx2.filter.example.net.';
/** Long enough never to fire where an answer comes, on a busy machine too. */
const patientMs = 20_000;
/** Where silence is what is tested. */
const briefMs = 40;

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

async function serve(script: DnsServerScript = {}) {
  const server = await startDnsServer({ zone, ...script });
  opened.push(server);
  return server;
}

/** What each name was answered, a line each in the order of the names: `other` where it was handed back. */
async function askAll(server: ServerAddress, names: readonly string[], timeoutMs: number, concurrency = 64) {
  const lines: string[] = names.map(() => '');
  let reads = 0;
  let left = names.length;
  await new Promise<void>((resolve) => {
    const settle = (at: number, line: string) => {
      expect(lines[at]).toBe('');
      lines[at] = line;
      left -= 1;
      if (left === 0) resolve();
    };
    const express = new Express<string>({
      server,
      concurrency,
      timeoutMs,
      read: ({ outcome, rrset, aliases, isAuthenticated }) => {
        reads += 1;
        const values = rrset === null ? outcome : `MX ${rrset.rdata.join(', ')}`;
        return [values, ...aliases.map((one) => `via ${one}`), ...(isAuthenticated ? ['AD'] : [])].join(' ');
      },
      onAnswer: settle,
      onOther: (at, name) => {
        expect(name).toBe(names[at]);
        settle(at, 'other');
      },
    });
    opened.push(express);
    void express.open().then(() => {
      for (const [at, name] of names.entries()) express.ask(at, domainNameOf(name));
    });
  });
  return { lines, reads };
}

describe('an honest server', () => {
  test.each([
    ['example.com.', both],
    ['a.example.com.', 'MX 0 .'],
    ['www.example.com.', 'absent'],
    ['nobody.example.com.', 'nxdomain'],
    ['alias.example.com.', `${both} via example.com.`],
    ['not\\.plain.example.com.', 'other'],
    ['.', 'other'],
  ])('says of %s: %s', async (name, line) => {
    expect((await askAll(await serve(), [name], patientMs)).lines).toEqual([line]);
  });

  test('is asked for more names than may be out at once, and equal answers are read once', async () => {
    const names = Array.from({ length: 500 }, (_, at) => `d${String(at).padStart(3, '0')}.test.`);
    const server = await serve({ zone: names.map((name) => `${name} 60 MX 10 mx.example.net.`).join('\n') });
    const { lines, reads } = await askAll(server, names, patientMs, 8);
    expect(new Set(lines)).toEqual(new Set(['MX 10 mx.example.net.']));
    // No more than were out before the first came back.
    expect(reads).toBeLessThanOrEqual(8);
    expect(new Set(server.asked.map(({ query }) => query.id)).size).toBeGreaterThan(400);
    expect(new Set(server.asked.map(({ fromPort }) => fromPort)).size).toBeGreaterThan(1);
  });

  test('is asked for what waited behind names that are handed back', async () => {
    const names = [
      'a.example.com.',
      ...Array.from({ length: 5 }, () => 'x\\.y.example.com.'),
      'example.com.',
    ];
    const { lines } = await askAll(await serve(), names, patientMs, 1);
    expect(lines).toEqual(['MX 0 .', 'other', 'other', 'other', 'other', 'other', both]);
  });

  test('keeps answers apart that differ in TTL, AD or what pointers lead to', async () => {
    const server = await serve({
      behave: ({ query, send, sendOctets }) => {
        const name = query.questions[0]?.name ?? '';
        if (name.startsWith('ad.')) send(answerOf(query, name, 'mx.example.net.', true));
        else if (name.startsWith('no.')) send(answerOf(query, name, 'mx.example.net.', false));
        else sendOctets(withPointer(query.id, name));
      },
    });
    const names = ['ad.test.', 'no.test.', 'aa.one.test.', 'aa.two.test.', 'bb.one.test.', 'aa.two.test.'];
    const one = ['MX 10 mx.one.test.', 'MX 10 mx.two.test.', 'MX 10 mx.one.test.', 'MX 10 mx.two.test.'];
    const { lines } = await askAll(server, names, patientMs, 1);
    expect(lines).toEqual(['MX 10 mx.example.net. AD', 'MX 10 mx.example.net.', ...one]);
  });
});

function answerOf(query: Call['query'], name: string, exchange: string, authenticData: boolean) {
  const answers = zoneLines(`${name} 60 MX 10 ${exchange}`);
  return makeResponse(query, { answers, authenticData });
}

/** `NAME MX 10 mx.PARENT`, where PARENT is a pointer to the second label of the question. */
function withPointer(id: number, name: string): Buffer {
  const labels = name.split('.').slice(0, -1);
  const wire = labels.map((label) => String.fromCharCode(label.length) + label).join('');
  const parentAt = 12 + 1 + (labels[0]?.length ?? 0);
  const header = Buffer.from([id >> 8, id & 0xff, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
  const question = Buffer.from(`${wire}\0\0\x0f\0\x01`, 'latin1');
  const rdata = Buffer.from([0, 10, 2, 0x6d, 0x78, 0xc0, parentAt]);
  const record = Buffer.from([0xc0, 12, 0, 15, 0, 1, 0, 0, 0, 60, 0, rdata.length]);
  return Buffer.concat([header, question, record, rdata]);
}

describe('a server that lies', () => {
  test.each<[string, (call: Call) => void]>([
    ['under another id', ({ reply, send }) => send({ ...reply, id: reply.id ^ 1, answers: forged })],
    ['from another port', ({ reply, sendFromElsewhere }) => sendFromElsewhere({ ...reply, answers: forged })],
    ['with a query', ({ reply, send }) => send({ ...reply, isResponse: false, answers: forged })],
    ['with another opcode', ({ reply, send }) => send({ ...reply, opcode: 4, answers: forged })],
    [
      'about another name',
      ({ query, send }) =>
        send(
          makeResponse(query, {
            questions: [{ name: domainNameOf('b'), type: 'MX', class: 1 }],
            answers: forged,
          }),
        ),
    ],
    [
      'about another type',
      ({ query, send }) =>
        send(
          makeResponse(query, {
            questions: query.questions.map((one) => ({ ...one, type: 'A' })),
            answers: forged,
          }),
        ),
    ],
    [
      'without a question',
      ({ query, send }) => send(makeResponse(query, { questions: [], answers: forged })),
    ],
    [
      'with octets that are no message',
      ({ reply, sendOctets }) => sendOctets(Buffer.from([reply.id >> 8, reply.id & 255, 128])),
    ],
    [
      'with an exchange cut short',
      ({ query, sendOctets }) => sendOctets(withPointer(query.id, 'example.com.').subarray(0, -1)),
    ],
  ])('%s is not believed, and the honest answer behind it is', async (_, lie) => {
    const server = await serve({
      behave: (call) => {
        lie(call);
        // From the same socket, so behind the lie.
        call.send(call.reply);
      },
    });
    expect((await askAll(server, ['example.com.'], patientMs)).lines).toEqual([both]);
  });

  test.each<[string, DnsServerScript]>([
    ['SERVFAIL', { flags: { rcode: rcodes.SERVFAIL } }],
    ['FORMERR without a question', { flags: { rcode: rcodes.FORMERR, questions: [], edns: null } }],
    ['a truncated answer', { flags: { isTruncated: true } }],
    ['a referral', { flags: { answers: [], authorities: zoneLines('com. 60 NS ns.example.') } }],
    ['an alias without its end', { flags: { answers: zoneLines('example.com. 60 CNAME b.example.') } }],
    ['an alias of itself', { flags: { answers: zoneLines('example.com. 60 CNAME example.com.') } }],
  ])('%s is handed back', async (_, script) => {
    expect((await askAll(await serve(script), ['example.com.'], patientMs)).lines).toEqual(['other']);
  });

  test('records of another name in an answer are not taken for it', async () => {
    const server = await serve({ flags: { answers: zoneLines('example.org. 60 MX 10 evil.example.') } });
    // Nor for an absence.
    expect((await askAll(server, ['example.com.'], patientMs)).lines).toEqual(['other']);
  });
});

describe('a server that does not answer', () => {
  test('is not waited for longer than the timeout, and the places go to others', async () => {
    const server = await serve({ behave: () => {} });
    const names = Array.from({ length: 20 }, (_, at) => `d${at}.example.com.`);
    expect(new Set((await askAll(server, names, briefMs, 10)).lines)).toEqual(new Set(['other']));
  });

  test('because nothing listens there is found out at once', async () => {
    const gone = await startDnsServer();
    await gone.close();
    const { lines } = await askAll({ address: gone.address, port: gone.port }, ['example.com.'], patientMs);
    expect(lines).toEqual(['other']);
  });
});
