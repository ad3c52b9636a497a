// A hop that answers anything at all: a probe comes back with an observation, whatever it was told.
import { once } from 'node:events';
import net from 'node:net';

import fc from 'fast-check';
import { expect, test } from 'vitest';

import { ManualClock } from '../../support/smtp-script.ts';
import { exchange, probeWith, upTo } from '../probes/setup.ts';

/** Each run is a TCP connection, so a tenth of what pure properties get. */
const numRuns = Math.ceil(Number(process.env['MXCTL_PROPERTY_RUNS'] ?? 200) / 10);

/** Says one piece after each thing it hears, then hangs up. */
async function babble(pieces: readonly Uint8Array[]): Promise<net.Server> {
  const server = net.createServer((socket) => {
    const left = [...pieces];
    const next = () => {
      const piece = left.shift();
      if (piece === undefined) socket.end();
      else if (piece.length === 0) next();
      else socket.write(piece);
    };
    socket.on('error', () => {}).on('data', next);
    next();
    // What is no whole reply gets no command back: go on by itself, once the probe has had time to read.
    const push = setInterval(next, 2);
    socket.on('close', () => clearInterval(push));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

const piece = fc.oneof(
  fc.uint8Array({ maxLength: 100 }),
  fc
    .constantFrom(
      '220 a\r\n',
      '250-a\r\n250 STARTTLS\r\n',
      '250 a\r\n',
      '250-',
      '421 4.3.2 bye\r\n',
      '550 5.7.1 no\r\n',
      '220 a\r\n250 b\r\n',
      '354 go on\r\n',
      '\r\n',
      '\x16\x03\x01\x00\x05hello',
    )
    .map((text) => Buffer.from(text)),
);

test('random octets at any stage end in an observation with a fate, and one safe line', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 8 }), async (pieces) => {
      const server = await babble(pieces);
      try {
        const { port } = server.address() as net.AddressInfo;
        const observation = await probeWith(new ManualClock()).probe(
          { exchange, address: '127.0.0.1', port },
          upTo('starttls', 'rcpt'),
          AbortSignal.timeout(20_000),
        );
        expect(['pass', 'fail']).toContain(observation.verdict);
        expect(observation.fate).not.toBe('unknown');
        // eslint-disable-next-line no-control-regex -- the property is about control characters
        expect(observation.summary).toMatch(/^[^\x00-\x1f\x7f-\x9f]{1,300}$/);
        expect(observation.stages[0]?.stage).toBe('connect');
      } finally {
        server.close();
      }
    }),
    { numRuns },
  );
});
