// Every rule finds something in its own example, which docs/rules.md shows, and nothing where all is well.

import { expect, it } from 'vitest';

import { rules } from '../../../src/audit/index.ts';
import { auditOf, exampleOf, findingLines, judged } from '../../support/audit-facts.ts';

it.each(rules.map((rule) => [rule.id, rule] as const))('%s finds something in its example', (id) => {
  const findings = judged(exampleOf(id)).findings.filter((one) => one.rule === id);
  expect(findings).toHaveLength(1);
  expect(findings[0]?.instruction).not.toBe('');
});

it.each(rules.map((rule) => [rule.id, rule] as const))('%s is fit to be listed', (id, rule) => {
  expect(id).toMatch(/^[a-z]+(-[a-z]+)*$/);
  expect(rule.title).not.toMatch(/\.$/);
  expect(rule.why).toMatch(/\.$/);
  expect(rule.reference ?? 'RFC 1 §1').toMatch(/^RFC \d+ §[\d.]+$/);
});

it('ids are unique', () => {
  expect(new Set(rules.map((one) => one.id)).size).toBe(rules.length);
});

const good = `
  ; expect exact mx1.example.net mx2.example.net spool.example.org
  ; ours mx1.example.net mx2.example.net spool.example.org
  ; backup spool.example.org
  ; failover mx9.example.org
  ; max-ttl 3600
  ; max-address-ttl 300
  ; spf-include _spf.example.net
  example.com. 3600 IN MX 10 mx1.example.net.
  example.com. 3600 IN MX 20 mx2.example.net.
  example.com. 3600 IN MX 90 spool.example.org.
  example.com. 3600 IN TXT "v=spf1 include:_spf.example.net -all"
  mx1.example.net. 300 IN A 192.0.2.1
  mx1.example.net. 300 IN AAAA 2001:db8:1::1
  mx2.example.net. 300 IN A 198.51.100.1
  spool.example.org. 300 IN A 203.0.113.1
  example.net. 3600 IN NS ns1.dns.example.
  example.org. 3600 IN NS ns1.other.example.
  _25._tcp.mx1.example.net. 3600 IN TLSA 3 1 1 c0ffee00
  _25._tcp.mx9.example.org. 3600 IN TLSA 3 1 1 c0ffee00
  ; probe mx1.example.net 192.0.2.1 shows c0ffee00
  ; probe mx1.example.net 2001:db8:1::1 shows c0ffee00
  ; probe mx2.example.net 198.51.100.1 shows c0ffee00
  ; probe mx9.example.org 203.0.100.25 shows c0ffee00
  ; server ns1.dns.example [192.0.2.53] answers 3600 10 mx1.example.net., 20 mx2.example.net., 90 spool.example.org.
  ; server ns2.dns.example [192.0.2.54] answers 3600 10 mx1.example.net., 20 mx2.example.net., 90 spool.example.org.
  ; policy enforce mx1.example.net mx2.example.net *.example.org
  ; before 1 mx1.example.net mx2.example.net *.example.org
  _mta-sts.example.com. 300 IN TXT "v=STSv1; id=1"
  _smtp._tls.example.com. 300 IN TXT "v=TLSRPTv1; rua=mailto:tls@example.com"`;

it('nothing is found where all is well, and every rule had something to look at', () => {
  expect(findingLines(good)).toEqual([]);
  expect(judged(auditOf(good))).toEqual({ findings: [], unknowns: [], outcome: 'good' });
});

it('nothing is found where only the MX is known and good', () => {
  expect(
    findingLines('example.com. 3600 IN MX 10 mx1.example.net.\nexample.com. 3600 IN MX 20 mx2.example.net.'),
  ).toEqual([]);
});
