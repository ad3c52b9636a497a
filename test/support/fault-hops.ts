// The exchanges of the world of planted faults: a mail server on loopback for each that has one, and its address and TLSA
// records.

import { createHash, X509Certificate } from 'node:crypto';
import { type DomainName, domainNameOf } from '../../src/model/domain-name.ts';
import type { TestCa } from './certificates.ts';
import { playSmtp, type ScriptedHop } from './smtp-script.ts';

type Manner = 'good' | 'misnamed' | 'in clear' | 'refuses';
interface Exchange {
  readonly addresses: readonly string[];
  readonly ttl?: number;
  readonly manner?: Manner;
  readonly tlsa?: 'fits' | 'stale' | 'unusable';
}

const exchanges: Readonly<Record<string, Exchange>> = {
  'mx1.host.example': { addresses: ['192.0.2.10', '2001:db8:1::10'] },
  'spool.spare.example': { addresses: ['198.51.100.10'] },
  'filter.proxy.example': { addresses: ['203.0.113.20'] },
  'mx1.signed.example': { addresses: ['192.0.2.30'], tlsa: 'fits' },
  'mx2.safe.example': { addresses: ['198.51.100.30'], tlsa: 'fits' },
  'mx3.third.example': { addresses: ['203.0.113.30'], tlsa: 'fits' },
  'mx1.stale.example': { addresses: ['192.0.2.31'], tlsa: 'stale' },
  'mx1.pkix.example': { addresses: ['192.0.2.34'], tlsa: 'unusable' },
  'mx1.half.example': { addresses: ['192.0.2.32'], tlsa: 'fits' },
  'mx9.bare.example': { addresses: ['203.0.113.32'] },
  'mx1.misnamed.example': { addresses: ['192.0.2.33'], manner: 'misnamed' },
  'mx1.clear.example': { addresses: ['192.0.2.35'], manner: 'in clear' },
  'mx1.wide.example': { addresses: [1, 2, 3, 4, 5].map((one) => `203.0.113.${one}`) },
  'mx1.twin.example': { addresses: ['192.0.2.60'] },
  'mx2.twin.example': { addresses: ['192.0.2.61'] },
  'mx1.sib.example': { addresses: ['192.0.2.70'] },
  'spool.sib.example': { addresses: ['198.51.100.70'] },
  'mx1.move.example': { addresses: ['192.0.2.80'], ttl: 86_400 },
  'mx.old.test': { addresses: ['203.0.113.80'] },
  'mail_1.old.test': { addresses: ['203.0.113.81'] },
  'private.old.test': { addresses: ['10.1.2.3'] },
  'web.old.test': { addresses: ['104.16.132.229'], manner: 'refuses' },
  'down.old.test': { addresses: ['203.0.113.82'], manner: 'refuses' },
};

const overTls = (certificate: string) => `
  S: 220 mx ESMTP
  C: EHLO *
  S: 250-mx
  S: 250 STARTTLS
  C: STARTTLS
  S: 220 go ahead
  (tls ${certificate})
  C: EHLO *
  S: 250 mx
  C: QUIT
  S: 221 bye
  (close)`;
const inClear = `
  S: 220 mx ESMTP
  C: EHLO *
  S: 250 mx
  C: QUIT
  S: 221 bye
  (close)`;

/** A mail server for every exchange that has one, and the address and TLSA records of all. */
export async function startHops({ issue }: TestCa) {
  const all: ScriptedHop[] = [];
  const byAddress = new Map<string, { readonly address: string; readonly port: number }>();
  const records: string[] = [];
  const signed: DomainName[] = [];
  for (const [host, { addresses, ttl = 300, manner = 'good', tlsa }] of Object.entries(exchanges)) {
    const pair = await issue([manner === 'misnamed' ? 'www.host.example' : host], 60);
    for (const one of addresses) records.push(`${host}. ${ttl} ${one.includes(':') ? 'AAAA' : 'A'} ${one}`);
    if (tlsa !== undefined) {
      signed.push(domainNameOf(host));
      const usage = tlsa === 'unusable' ? 1 : 3;
      const digest = tlsa === 'stale' ? 'ab'.repeat(32) : keyDigestOf(pair.cert);
      records.push(`_25._tcp.${host}. 300 TLSA ${usage} 1 1 ${digest}`);
      signed.push(domainNameOf(`_25._tcp.${host}`));
    }
    const closed = { address: '127.0.25.25', port: 9 };
    const script = manner === 'in clear' ? inClear : overTls('own');
    const hop = manner === 'refuses' ? null : await playSmtp(script, { certificates: { own: pair } });
    if (hop !== null) all.push(hop);
    for (const one of addresses) byAddress.set(one, hop ?? closed);
  }
  return { all, byAddress, records, signed };
}

function keyDigestOf(certificate: string): string {
  const key = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(key).digest('hex');
}
