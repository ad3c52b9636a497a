// RFC 8461 §3.1, §3.2, §3.3: how a policy is announced, written and fetched.

import type { Rule } from '../../model/audit.ts';
import { displayName } from '../../model/domain-name.ts';
import type { StsFault } from '../../model/sts.ts';
import { nothing } from '../published.ts';

export const stsPolicy: Rule = {
  id: 'sts-policy',
  severity: 'warn',
  title: 'MTA-STS policy unreachable or malformed',
  why: 'A policy is announced that senders cannot fetch or read. Those that know it from before keep to the old one, hosts that are long gone included; all others deliver without it, so it protects nothing. Timeouts from here are not found: they may be ours.',
  reference: 'RFC 8461 §3.3',
  example: `
    _mta-sts.example.com. 300 IN TXT "v=STSv1; id=20260101"
    ; policy http mta-sts.example.com: HTTP 404 instead of 200
    example.com. 3600 IN MX 10 mx1.example.net.`,
  judge({ domain, sts }) {
    if (sts === null || sts.fault === null) return nothing;
    const reason =
      sts.fault === 'record'
        ? 'what stands at _mta-sts announces no policy: exactly one record with an id counts'
        : `a policy is announced, but ${sts.reason ?? 'cannot be had'}`;
    return [{ about: null, reason, instruction: instructions[sts.fault](displayName(domain)) }];
  },
};

const instructions: Readonly<Record<StsFault, (domain: string) => string>> = {
  record: (domain) => `publish one record: _mta-sts.${domain}. TXT "v=STSv1; id=SERIAL"`,
  'no-host': (domain) => `publish mta-sts.${domain}. A ADDRESS of a web server that serves HTTPS`,
  certificate: (domain) => `give mta-sts.${domain} a certificate of a public CA that names it`,
  http: (domain) => `serve https://mta-sts.${domain}/.well-known/mta-sts.txt with status 200 and no redirect`,
  malformed: (domain) =>
    `serve at https://mta-sts.${domain}/.well-known/mta-sts.txt the lines version: STSv1, mode, mx and max_age`,
};
