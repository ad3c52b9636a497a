// Time of the pure rules: domains that are well, and domains in which every tenth has something wrong. Prints; asserts
// nothing. Run: node test/bench/audit-rules.ts [DOMAINS]

import { createHash } from 'node:crypto';

import { judgeDomain } from '../../src/audit/index.ts';
import type { DomainFacts } from '../../src/model/audit.ts';
import { type DomainName, domainNameOf } from '../../src/model/domain-name.ts';
import { auditOf, type AuditCase } from '../support/audit-facts.ts';

const count = Number(process.argv[2] ?? 1_000_000);

const declared = `
  ; expect exact mx1.example.net mx2.example.net spool.example.org
  ; ours mx1.example.net mx2.example.net spool.example.org
  ; backup spool.example.org
  ; max-ttl 3600
  ; max-address-ttl 300`;
const addresses = `
  mx1.example.net. 300 IN A 192.0.2.1
  mx1.example.net. 300 IN AAAA 2001:db8:1::1
  mx2.example.net. 300 IN A 198.51.100.1
  mx2.example.net. 300 IN AAAA 2001:db8:2::1
  spool.example.org. 300 IN A 203.0.113.1`;
const records = `
  example.com. 3600 IN MX 10 mx1.example.net.
  example.com. 3600 IN MX 20 mx2.example.net.
  example.com. 3600 IN MX 90 spool.example.org.`;
const policy = `
  _mta-sts.example.com. 300 IN TXT "v=STSv1; id=1"
  _smtp._tls.example.com. 300 IN TXT "v=TLSRPTv1; rua=mailto:tls@example.com"
  ; policy enforce mx1.example.net mx2.example.net *.example.org`;

const good = auditOf(declared + addresses + records);
const withPolicy = auditOf(declared + addresses + records + policy);
const bad = auditOf(`${declared}${addresses}${records}\nexample.com. 3600 IN MX 5 old.example.com.`);

const digest = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 32);

/** A domain of its own, as gathering makes it: the exchanges are shared, the rest is not. */
function asDomain({ facts }: AuditCase, domain: DomainName): DomainFacts {
  return { ...facts, domain, mx: { ...facts.mx, mx: facts.mx.mx.map((one) => ({ ...one })) } };
}

function run(title: string, caseAt: (at: number) => AuditCase): void {
  // A batch at a time, so that what is measured is judging and not keeping a million facts.
  const batch = 10_000;
  let elapsedMs = 0;
  let cpuMs = 0;
  let findings = 0;
  for (let from = 0; from < count; from += batch) {
    const cases = Array.from({ length: Math.min(batch, count - from) }, (_, at) => {
      const one = caseAt(from + at);
      const domain = domainNameOf(`d${from + at}.example`);
      return { ...one, facts: asDomain(one, domain), subject: { ...one.subject, domain } };
    });
    const startedAt = performance.now();
    const cpu = process.cpuUsage();
    for (const { facts, subject, context } of cases) {
      findings += judgeDomain(facts, subject, context, digest).findings.length;
    }
    elapsedMs += performance.now() - startedAt;
    const { user, system } = process.cpuUsage(cpu);
    cpuMs += (user + system) / 1000;
  }
  const perSecond = Math.round((count / elapsedMs) * 1000);
  // CPU time beside: on a busy machine the clock on the wall says little.
  const each = ((cpuMs * 1000) / count).toFixed(1);
  console.log(`${title}: ${perSecond} domains/s, ${each} µs of CPU each, ${findings} findings`);
}

run('all well', () => good);
run('all well, with an MTA-STS policy', () => withPolicy);
run('every tenth wrong', (at) => (at % 10 === 0 ? bad : good));
