// MX asked for in a thread of its own: says what this thread would say, whatever the answer is.

import { afterEach, expect, test } from 'vitest';
import { createDnsClient } from '../../../src/dns/client.ts';
import { createResolver } from '../../../src/dns/resolver.ts';
import { createMxSource } from '../../../src/gather/mx-source.ts';
import { createThreadedMxSource } from '../../../src/gather/mx-threads.ts';
import { domainNameOf } from '../../../src/model/domain-name.ts';
import { rcodes } from '../../../src/dns/message.ts';
import { startDnsServer } from '../../support/dns-server.ts';
import { readMx } from '../../support/mx-source.ts';

const zone = `
  example.com. 3600 SOA ns1.example.com. hostmaster.example.com. 1 7200 900 1209600 300
  example.com. 3600 MX 10 mx1.example.net.
  example.com. 3600 MX 5 mx2.example.net.
  null.example.com. 3600 MX 0 .
  www.example.com. 3600 A 192.0.2.1
  alias.example.com. 60 CNAME example.com.
  big.example.com. 60 MX 10 mx.example.net.
`;
const names = [
  'example.com.',
  'null.example.com.',
  'www.example.com.',
  'nobody.example.com.',
  'alias.example.com.',
];
const rare = ['big.example.com.', 'refused.example.com.', 'odd\\.label.example.com.'];

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

test('a thread says what this one would, of answers plain and rare, in any order', async () => {
  const server = await startDnsServer({
    zone,
    behave: ({ query, reply, via, send }) => {
      const name = query.questions[0]?.name ?? '';
      if (name.startsWith('refused.')) send({ ...reply, rcode: rcodes.REFUSED, answers: [] });
      else if (name.startsWith('big.') && via === 'udp') send({ ...reply, isTruncated: true, answers: [] });
      else send(reply);
    },
  });
  opened.push(server);
  const servers = [{ address: server.address, port: server.port }];
  const timeoutMs = 20_000;
  const client = createDnsClient({ retryDelayMs: 1 });
  opened.push(client);
  const never = new AbortController().signal;
  const resolver = createResolver({ servers, timeoutMs, attempts: 1, clock: Date, client });
  const own = createMxSource(resolver, never);
  // Knows nothing, so that who answers can be told.
  const unknown = { ...(await readMx(own, domainNameOf('refused.example.com.'))), reason: 'the first' };
  let fromFirst = 0;
  const threaded = createThreadedMxSource(
    1,
    { servers, timeoutMs, attempts: 1, concurrency: 16 },
    {
      read: (_domain, taker) => {
        fromFirst += 1;
        taker.takeMx(unknown);
      },
      close: () => Promise.resolve(),
    },
  );
  opened.push(threaded);
  const first = domainNameOf('example.com.');
  // It is started where a list turns out to be long, and used when it runs.
  while ((await readMx(threaded, first)).reason === 'the first') await new Promise(setImmediate);
  expect(fromFirst).toBeGreaterThan(1000);
  const asked = Array.from({ length: 40 }, () => [...names, ...rare])
    .flat()
    .map(domainNameOf);
  const found = await Promise.all(asked.map((name) => readMx(threaded, name)));
  for (const [at, name] of [...names, ...rare].map(domainNameOf).entries()) {
    const expected = await readMx(own, name);
    for (let round = at; round < found.length; round += names.length + rare.length)
      expect(found[round]).toEqual(expected);
  }
  const pending = expect(readMx(threaded, first)).rejects.toThrow('closed');
  await threaded.close();
  await pending;
});
