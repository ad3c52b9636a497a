//   openssl s_client -dane_tlsa_rrdata ==TLS==> a server with a certificate: does it fit the records?
//   our handshake, records and comparison ==TLS==> the same server: the same word

import { spawn } from 'node:child_process';
import { createHash, createPublicKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import { beforeAll, describe, expect, it } from 'vitest';

import { fitsTlsa, type PresentedChain } from '../../src/model/dane.ts';
import { domainNameOf } from '../../src/model/domain-name.ts';
import { usableTlsa } from '../../src/probes/dane/tlsa.ts';
import { tlsFactsOf } from '../../src/smtp/certificate.ts';
import { makeCertificates, type TestCertificates } from '../support/certificates.ts';
import type { KeyAndCertificate } from '../support/smtp-script.ts';
import { missingCommand } from '../support/real-primary.ts';

const host = 'mx.example.com';
const missing = missingCommand('openssl');

let made: TestCertificates;
beforeAll(async () => {
  made = await makeCertificates(host);
});

const sha = (octets: Buffer, bits: 256 | 512) => createHash(`sha${bits}`).update(octets).digest('hex');

/** All twelve usable records of a certificate. */
function recordsOf(pem: string): string[] {
  const whole = {
    0: new X509Certificate(pem).raw,
    1: createPublicKey(pem).export({ type: 'spki', format: 'der' }),
  };
  return [2, 3].flatMap((usage) =>
    ([0, 1] as const).flatMap((selector) => {
      const octets = Buffer.from(whole[selector]);
      const data = [octets.toString('hex'), sha(octets, 256), sha(octets, 512)];
      return data.map((hex, matching) => `${usage} ${selector} ${matching} ${hex}`);
    }),
  );
}

async function serving<T>({ key, cert }: KeyAndCertificate, work: (port: number) => Promise<T>): Promise<T> {
  const server = tls.createServer({ key, cert }).on('tlsClientError', () => {});
  await once(server.listen(0, '127.0.0.1'), 'listening');
  try {
    return await work((server.address() as AddressInfo).port);
  } finally {
    server.close();
  }
}

async function presentedAt(port: number): Promise<PresentedChain> {
  const address = { host: '127.0.0.1', port, servername: host, rejectUnauthorized: false };
  const socket = tls.connect({ ...address, checkServerIdentity: () => undefined });
  await once(socket, 'secureConnect');
  const { presented } = tlsFactsOf(socket, domainNameOf(host));
  socket.destroy();
  return presented!;
}

async function opensslFits(port: number, records: readonly string[]): Promise<boolean> {
  const where = ['-connect', `127.0.0.1:${port}`, '-servername', host, '-dane_tlsa_domain', host];
  // As SMTP has it: RFC 7672 §3.1.1.
  const how = ['-dane_ee_no_namechecks', '-verify_return_error'];
  const what = records.flatMap((record) => ['-dane_tlsa_rrdata', record]);
  const client = spawn('openssl', ['s_client', ...where, ...how, ...what], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let said = '';
  client.stdout.on('data', (chunk: Buffer) => (said += chunk.toString('latin1')));
  await once(client, 'close');
  return said.includes('Verification: OK') && said.includes('DANE TLSA');
}

if (missing !== null)
  describe('TLSA with OpenSSL', () => {
    it.skip(`${missing} is not installed`, () => {});
  });
else {
  describe('TLSA with OpenSSL', () => {
    const shown = (['good', 'expired', 'wrong', 'selfsigned'] as const).flatMap((name) =>
      [true, false].map((isCaSent) => ({ name, isCaSent })),
    );
    it.each(shown)('fits alike: certificate $name, CA sent: $isCaSent', async ({ name, isCaSent }) => {
      const { key, cert } = made.pairs[name];
      const stale = '00'.repeat(64);
      const [leafSha256 = ''] = recordsOf(cert).filter((one) => one.startsWith('3 1 1 '));
      const sets = [
        ...[cert, made.ca].flatMap(recordsOf).map((record) => [record]),
        [leafSha256, `3 1 1 ${stale.slice(64)}`],
        [leafSha256, `3 1 2 ${stale}`],
      ];
      await serving({ key, cert: isCaSent ? `${cert}\n${made.ca}` : cert }, async (port) => {
        const presented = await presentedAt(port);
        const differing: string[] = [];
        let fitting = 0;
        for (const records of sets) {
          const ours = fitsTlsa(usableTlsa(records), presented, Date.now());
          if (ours) fitting += 1;
          if (ours !== (await opensslFits(port, records))) differing.push(records.join().slice(0, 5));
        }
        expect(fitting).toBeGreaterThan(0);
        // OpenSSL also takes an anchor out of the record itself; RFC 7672 §3.1.2 wants it sent, and so do we.
        const known = {
          good: isCaSent ? [] : ['2 0 0', '2 1 0'],
          selfsigned: ['2 1 0'],
          expired: [],
          wrong: [],
        };
        expect(differing).toEqual(known[name]);
      });
    });
  });
}
