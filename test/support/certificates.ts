// Throwaway certificates for tests: a CA, and what a hop may show: a good, an expired, a wrong-name and a self-signed
// one. Made once a process, with EC keys because RSA ones take seconds.
import { generate } from 'selfsigned';

import type { KeyAndCertificate } from './smtp-script.ts';

export interface TestCertificates {
  /** PEM of the CA that signed all but `selfsigned`. */
  readonly ca: string;
  readonly pairs: Readonly<Record<'good' | 'expired' | 'wrong' | 'selfsigned', KeyAndCertificate>>;
}

export interface TestCa {
  /** PEM. */
  readonly ca: string;
  /** For these names, good for so many days from now. */
  readonly issue: (names: readonly string[], days: number, isSigned?: boolean) => Promise<KeyAndCertificate>;
}

const day = 86_400_000;

export async function makeCa(now = Date.now()): Promise<TestCa> {
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
  const issue: TestCa['issue'] = async (names, days, isSigned = true) => {
    const made = await generate([{ name: 'commonName', value: names[0] ?? '' }], {
      ...base,
      ...until(days),
      extensions: [
        { name: 'basicConstraints', cA: false },
        { name: 'subjectAltName', altNames: names.map((value) => ({ type: 2, value })) },
      ],
      ...(isSigned ? { ca: { key: ca.private, cert: ca.cert } } : {}),
    });
    return { key: made.private, cert: made.cert };
  };
  return { ca: ca.cert, issue };
}

export async function makeCertificates(exchange: string, now = Date.now()): Promise<TestCertificates> {
  const { ca, issue } = await makeCa(now);
  const [good, expired, wrong, selfsigned] = await Promise.all([
    issue([exchange], 64),
    issue([exchange], -3),
    issue(['other.example'], 64),
    issue([exchange], 64, false),
  ]);
  return { ca, pairs: { good, expired, wrong, selfsigned } };
}
