// A throwaway CA and the certificates of the hops: good ones, expired ones, and ones for another name. Nothing here
// outlives the world, and only the CA's certificate is ever written to a file.
// RFC 5280 §4.2.1.9 (basicConstraints), RFC 6125 §6.4 (the name is in the SAN).

export interface KeyAndCertificate {
  /** PEM. */
  readonly key: string;
  readonly cert: string;
}

export type CertificateKind = 'good' | 'expired' | 'wrong-name';

export interface CertificateAuthority {
  /** PEM; what a client must trust to find the good ones good. */
  readonly caPem: string;
  issue(hostName: string, kind: CertificateKind): Promise<KeyAndCertificate>;
}

const dayMs = 86_400_000;
/** Longer than any sandbox runs, and beyond the month in which certificates are usually warned about. */
const lifeDays = 64;
/** Backdated, so that a clock a little behind still finds them valid. */
const backdateMs = 3_600_000;
/** P-256: a key in a few ms, and what mail servers are issued today. */
const keyOptions = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' } as const;

function lifetime(kind: CertificateKind, now: number): { notBeforeDate: Date; notAfterDate: Date } {
  return kind === 'expired'
    ? { notBeforeDate: new Date(now - lifeDays * dayMs), notAfterDate: new Date(now - dayMs) }
    : { notBeforeDate: new Date(now - backdateMs), notAfterDate: new Date(now + lifeDays * dayMs) };
}

/** `now`: instant from which lifetimes count; ms. */
export async function createCertificateAuthority(now: number): Promise<CertificateAuthority> {
  // Loaded here: it brings a whole PKI library, which only a world that really starts should pay for.
  const { generate } = await import('selfsigned');
  const ca = await generate([{ name: 'commonName', value: 'mxctl sandbox throwaway CA' }], {
    ...keyOptions,
    ...lifetime('good', now),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  return {
    caPem: ca.cert,
    issue: async (hostName, kind) => {
      const name = kind === 'wrong-name' ? `not-${hostName}` : hostName;
      const issued = await generate([{ name: 'commonName', value: name }], {
        ...keyOptions,
        ...lifetime(kind, now),
        ca: { key: ca.private, cert: ca.cert },
        extensions: [
          { name: 'basicConstraints', cA: false },
          { name: 'extKeyUsage', serverAuth: true },
          { name: 'subjectAltName', altNames: [{ type: 2, value: name }] },
        ],
      });
      return { key: issued.private, cert: issued.cert };
    },
  };
}
