// Throwaway certificates for tests: a CA, and what a hop may show: a good, an expired, a wrong-name and a self-signed
// one. Made once a process, with EC keys because RSA ones take seconds.
import { generate } from 'selfsigned';

import type { KeyAndCertificate } from './smtp-script.ts';

export interface TestCertificates {
  /** PEM of the CA that signed all but `selfsigned`. */
  readonly ca: string;
  readonly pairs: Readonly<Record<'good' | 'expired' | 'wrong' | 'selfsigned', KeyAndCertificate>>;
}

const day = 86_400_000;

export async function makeCertificates(exchange: string, now = Date.now()): Promise<TestCertificates> {
  const base = { keyType: 'ec', algorithm: 'sha256', notBeforeDate: new Date(now - 90 * day) } as const;
  const until = (days: number) => ({ notAfterDate: new Date(now + days * day) });
  const ca = await generate([{ name: 'commonName', value: 'mxctl test CA' }], {
    ...base,
    ...until(365),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ],
  });
  const issue = async (name: string, days: number, isSigned: boolean): Promise<KeyAndCertificate> => {
    const made = await generate([{ name: 'commonName', value: name }], {
      ...base,
      ...until(days),
      extensions: [
        { name: 'basicConstraints', cA: false },
        { name: 'subjectAltName', altNames: [{ type: 2, value: name }] },
      ],
      ...(isSigned ? { ca: { key: ca.private, cert: ca.cert } } : {}),
    });
    return { key: made.private, cert: made.cert };
  };
  const [good, expired, wrong, selfsigned] = await Promise.all([
    issue(exchange, 64, true),
    issue(exchange, -3, true),
    issue('other.example', 64, true),
    issue(exchange, 64, false),
  ]);
  return { ca: ca.cert, pairs: { good, expired, wrong, selfsigned } };
}
