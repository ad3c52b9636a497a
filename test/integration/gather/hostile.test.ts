// What a domain, a resolver or a policy host may say to an audit to lead it astray, to fill its memory or to make it
// wait: it stays bounded, and what is not known stays unknown.

import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { judgeDomain } from '../../../src/audit/index.ts';
import { encodeMessage, makeResponse } from '../../../src/dns/encode.ts';
import type { ResourceRecord } from '../../../src/dns/message.ts';
import { createGatherer } from '../../../src/gather/create.ts';
import type { GatherWants } from '../../../src/gather/gather.ts';
import type { DomainFacts } from '../../../src/model/audit.ts';
import { domainNameOf } from '../../../src/model/domain-name.ts';
import { createStsReader } from '../../../src/probes/mta-sts/index.ts';
import { makeCa } from '../../support/certificates.ts';
import { type Call, type DnsServer, startDnsServer } from '../../support/dns-server.ts';
import { zoneLines } from '../../support/zone-lines.ts';

const domain = domainNameOf('example.com');
const soa = 'com. 60 SOA ns.com. root.com. 1 2 3 4 60';
const good = `${soa}\nexample.com. 300 MX 10 mx.example.com.\nmx.example.com. 300 A 192.0.2.1`;
const only: GatherWants = {
  sts: false,
  dane: false,
  tlsRpt: false,
  spf: false,
  authorities: false,
  deep: false,
};

/** For what never comes, and for what comes on a busy machine; ms. */
const briefMs = 200;
const patientMs = 20_000;

interface Scene {
  readonly zone?: string;
  readonly behave?: (call: Call) => void;
  readonly wants?: Partial<GatherWants>;
  readonly timeoutMs?: number;
  readonly policy?: { readonly port: number; readonly ca: string };
}

async function gather({ zone = good, behave, wants = {}, timeoutMs = patientMs, policy }: Scene) {
  const dns: DnsServer = await startDnsServer({ zone, ...(behave === undefined ? {} : { behave }) });
  const gatherer = createGatherer({
    ...{ resolvers: [dns], qps: null, concurrency: null, readDane: null, probe: null, threads: 0 },
    clock: { now: () => Date.now() },
    timeoutMs,
    readSts:
      policy === undefined
        ? null
        : (resolver) =>
            createStsReader({ resolver, caCertificates: [policy.ca], port: policy.port, timeoutMs: 1000 }),
  });
  onTestFinished(async () => {
    await gatherer.close();
    await dns.close();
  });
  const facts = await gatherer.gather(domain, { ...only, ...wants }, AbortSignal.timeout(30_000));
  return { facts, dns };
}

const rulesOf = (facts: DomainFacts) =>
  judgeDomain(
    facts,
    { domain, source: { file: null, line: null }, audit: null, expectation: null },
    {
      now: 0,
      ours: new Set(),
      backups: new Set(),
      failoverHosts: () => [],
      maxTtl: null,
      maxAddressTtl: () => null,
      spfInclude: null,
      expiredIgnore: () => null,
      before: () => null,
    },
    (text) => text,
  );

const typeOf = ({ query }: Call) => query.questions[0]?.type;
/** For the MX alone; what comes after it is answered honestly. */
const ofMx =
  (lie: (call: Call) => void) =>
  (call: Call): void => {
    if (typeOf(call) === 'MX') lie(call);
    else call.send(call.reply);
  };
/** The honest answer, octets changed. */
const spoilt = (change: (octets: Buffer) => Buffer) =>
  ofMx(({ reply, sendOctets }) => sendOctets(change(Buffer.from(encodeMessage(reply)))));

describe('a resolver that says of the MX', () => {
  it.each<[string, (call: Call) => void, RegExp]>([
    ['nothing', ofMx(() => {}), /no answer/],
    ['noise', spoilt(() => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')), /no (usable )?answer/],
    ['one octet', spoilt(() => Buffer.of(0)), /no (usable )?answer/],
    ['half an answer', spoilt((octets) => octets.subarray(0, octets.length / 2)), /no (usable )?answer/],
    [
      'an answer to another question',
      ofMx(({ query, send }) => {
        const questions = [{ ...query.questions[0]!, name: domainNameOf('other.example') }];
        const answers = zoneLines('other.example. 300 MX 10 mx.evil.example.');
        send(makeResponse({ ...query, questions }, { answers }));
      }),
      /no (usable )?answer/,
    ],
    [
      'that it holds more records than it does',
      spoilt((octets) => {
        octets.writeUInt16BE(60_000, 6);
        return octets;
      }),
      /no (usable )?answer/,
    ],
    [
      'that a record is longer than the message',
      spoilt((octets) => {
        // The length of the last record: MX, preference, `mx` and a pointer.
        const at = octets.lastIndexOf(Buffer.from('\u0002mx')) - 4;
        octets.writeUInt16BE(65_535, at);
        return octets;
      }),
      /no (usable )?answer/,
    ],
    [
      'an MX that is none',
      ofMx(({ query, send }) =>
        send(makeResponse(query, { answers: zoneLines('example.com. 300 MX \\# 2 000a') })),
      ),
      /no (usable )?answer/,
    ],
    [
      'that the name is an alias of itself',
      ofMx(({ query, send }) =>
        send(makeResponse(query, { answers: zoneLines('example.com. 300 CNAME example.com.') })),
      ),
      /CNAME loop/,
    ],
    [
      'aliases in a circle, a message each',
      ({ query, send }) => {
        const name = query.questions[0]!.name;
        const next = name === domain ? 'a.example.com.' : 'example.com.';
        send(makeResponse(query, { answers: zoneLines(`${name} 300 CNAME ${next}`) }));
      },
      /CNAME loop/,
    ],
    [
      'aliases without end',
      ({ query, send, count }) => {
        const answers = zoneLines(`${query.questions[0]!.name} 300 CNAME a${count}.example.com.`);
        send(makeResponse(query, { answers }));
      },
      /more than \d+ CNAMEs/,
    ],
  ])('%s: it is unknown', async (_, behave, reason) => {
    const isWaitedFor = reason.source.includes('answer');
    const { facts } = await gather({ behave, timeoutMs: isWaitedFor ? briefMs : patientMs });
    expect(facts.mx.outcome).toBe('unknown');
    expect(facts.mx.reason ?? '').toMatch(reason);
    expect(rulesOf(facts)).toMatchObject({ findings: [], outcome: 'unknown' });
  });

  it('something about other names: it is not believed', async () => {
    const { facts } = await gather({
      behave: ofMx(({ query, send }) =>
        send(makeResponse(query, { answers: zoneLines('evil.example. 300 MX 10 mx.evil.example.') })),
      ),
    });
    expect(facts.mx).toMatchObject({ outcome: 'unknown', mx: [] });
    expect(rulesOf(facts)).toMatchObject({ findings: [], outcome: 'unknown' });
  });

  it('the truth, and more about others beside it: only what was asked for counts', async () => {
    const { facts } = await gather({
      behave: ofMx(({ query, reply, send }) =>
        send(
          makeResponse(query, {
            answers: [...reply.answers, ...zoneLines('mx.example.com. 300 A 203.0.113.66')],
          }),
        ),
      ),
    });
    expect(facts.mx.mx).toHaveLength(1);
    expect(facts.exchanges[0]?.addresses.addresses).toEqual(['192.0.2.1']);
  });

  it('500 exchanges: 100 are kept, 50 looked at', async () => {
    const mx = Array.from({ length: 500 }, (_, n) => `example.com. 300 MX ${n} mx${n}.example.com.`);
    const { facts, dns } = await gather({ zone: [soa, ...mx].join('\n') });
    expect([facts.mx.mx.length, facts.exchanges.length]).toEqual([100, 50]);
    expect(dns.asked.length).toBeLessThan(500);
  });

  it('an exchange at 2,000 addresses: 100 are kept', async () => {
    const addresses = Array.from(
      { length: 2000 },
      (_, n) => `mx.example.com. 300 A 192.0.${n >> 8}.${n & 255}`,
    );
    const { facts } = await gather({ zone: `${good}\n${addresses.join('\n')}` });
    expect(facts.exchanges[0]?.addresses.addresses).toHaveLength(100);
  });

  it('64 KB of text: some of it is kept', async () => {
    const long = Array.from({ length: 60 }, () => `"${'x'.repeat(250)}"`).join(' ');
    const texts = ['a', 'b', 'c', 'd'].map((one) => `example.com. 300 TXT "v=spf1 ${one} " ${long}`);
    const { facts } = await gather({ zone: `${good}\n${texts.join('\n')}`, wants: { spf: true } });
    expect(facts.spf?.values).toHaveLength(4);
    for (const value of facts.spf?.values ?? []) expect(value.length).toBeLessThanOrEqual(4096);
  });

  it('control characters in a text: they do not come through', async () => {
    const text: ResourceRecord[] = zoneLines(
      'example.com. 300 TXT "v=spf1\\032\\027[2J\\010\\226\\128\\174-all"',
    );
    const { facts } = await gather({
      wants: { spf: true },
      behave: (call) => {
        if (typeOf(call) === 'TXT') call.send(makeResponse(call.query, { answers: text }));
        else call.send(call.reply);
      },
    });
    expect(facts.spf?.outcome).toBe('found');
    expect(facts.spf?.values.join()).toMatch(/^[^\p{Cc}\p{Cf}]*$/u);
  });
});

describe('a policy host that', () => {
  const announced = `${good}\n_mta-sts.example.com. 300 TXT "v=STSv1; id=1"\nmta-sts.example.com. 300 A 127.0.0.1`;

  async function ask(answer: (response: ServerResponse) => void) {
    const { ca, issue } = await makeCa();
    const web = createServer(await issue(['mta-sts.example.com'], 60), (_, response) => answer(response));
    web.on('tlsClientError', () => {});
    await once(web.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => {
      web.closeAllConnections();
      web.close();
    });
    const policy = { ca, port: (web.address() as AddressInfo).port };
    return gather({ zone: announced, wants: { sts: true }, policy });
  }

  it('sends a gigabyte is cut off after some of it', async () => {
    const chunk = Buffer.alloc(1 << 20, 'mx: a.example\n');
    let sent = 0;
    const before = process.memoryUsage().rss;
    const { facts } = await ask((response) => {
      response.on('error', () => {});
      const more = () => {
        while (sent < 1024 && !response.destroyed && response.write(chunk)) sent += 1;
      };
      response.on('drain', more);
      more();
    });
    expect(facts.sts).toMatchObject({ mode: 'unknown', fault: 'malformed', patterns: [] });
    expect(sent).toBeLessThan(64);
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 * 1024);
  });

  it('sends an octet now and then is given up, and no finding', async () => {
    const { facts } = await ask((response) => {
      const timer = setInterval(() => response.write('v'), 50);
      response.on('close', () => clearInterval(timer));
    });
    expect(facts.sts).toMatchObject({ mode: 'unknown', fault: null });
    expect(facts.sts?.reason).toMatch(/no answer in time/);
    expect(rulesOf(facts).findings.filter(({ rule }) => rule.startsWith('sts'))).toEqual([]);
  });

  it('sends elsewhere is not followed', async () => {
    let requests = 0;
    const { facts } = await ask((response) => {
      requests += 1;
      response.writeHead(302, { location: 'https://127.0.0.1:1/' }).end();
    });
    expect([facts.sts?.fault, requests]).toEqual(['http', 1]);
  });

  it('sends 300 KB of headers is given up', async () => {
    const { facts } = await ask((response) => {
      for (let n = 0; n < 3000; n++) response.setHeader(`x-${n}`, 'y'.repeat(100));
      response.end('version: STSv1\n');
    });
    expect(facts.sts).toMatchObject({ mode: 'unknown', fault: null });
    expect(facts.sts?.reason).toMatch(/Header overflow/i);
  });
});
