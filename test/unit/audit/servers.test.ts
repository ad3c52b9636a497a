// Findings at name servers, in TLS and in the texts beside the MX, told as zone lines.

import { describe, expect, it } from 'vitest';

import { auditOf, findingLines, judged } from '../../support/audit-facts.ts';

const two = `
  example.com. 3600 IN MX 10 mx1.example.net.
  example.com. 3600 IN MX 20 mx2.example.net.`;
const ids = (text: string) => findingLines(text).map((line) => line.split(':')[0]);
const answers = 'answers 3600 10 mx1.example.net., 20 mx2.example.net.';

describe('name servers', () => {
  it.each([
    [[answers, answers], []],
    [[answers, 'lame REFUSED'], ['warn lame-server ns1.dns.example [192.0.2.1]']],
    [['lame REFUSED', 'lame REFUSED'], ['error broken-delegation']],
    [['lame REFUSED', 'failed timeout'], ['warn lame-server ns0.dns.example [192.0.2.0]']],
    [['failed timeout', 'failed timeout'], []],
    [[answers, 'absent'], ['error authorities-disagree']],
    [[answers, 'answers 3600 10 mx1.example.net.'], ['error authorities-disagree']],
    [[answers, 'failed timeout'], []],
    [[answers, answers.replace('3600', '300')], ['warn ttl-mixed']],
    [[answers.replace('3600', '300/3600')], ['warn ttl-mixed']],
  ])('%j: %j', (servers, findings) => {
    const lines = servers.map((one, at) => `; server ns${at}.dns.example [192.0.2.${at}] ${one}`);
    expect(ids([two, ...lines].join('\n'))).toEqual(findings);
  });
});

describe('MTA-STS', () => {
  const record = '_mta-sts.example.com. 300 IN TXT "v=STSv1; id=1"';
  it.each([
    ['enforce mx1.example.net mx2.example.net', []],
    ['enforce *.example.net', []],
    ['enforce mx1.example.net', ['error sts-exchange mx2.example.net']],
    ['testing mx1.example.net', ['warn sts-exchange mx2.example.net']],
    ['none mx1.example.net', []],
    ['unknown no answer in time', []],
    ['http mta-sts.example.com: HTTP 404 instead of 200', ['warn sts-policy']],
    ['certificate mta-sts.example.com: expired', ['warn sts-policy']],
    ['no-host mta-sts.example.com has no address', ['warn sts-policy']],
    ['malformed mta-sts.example.com serves no valid policy', ['warn sts-policy']],
    ['record no policy is announced', ['warn sts-policy']],
  ])('policy %s: %j', (policy, findings) => {
    expect(ids(`; policy ${policy}\n${record}${two}`)).toEqual(findings);
  });

  it.each([
    ['enforce', ['warn sts-failover spool.example.org']],
    ['testing', ['note sts-failover spool.example.org']],
    ['none', []],
  ])('a failover host that the policy (%s) does not list', (mode, findings) => {
    expect(
      ids(`; policy ${mode} *.example.net\n; failover mx2.example.net spool.example.org\n${record}${two}`),
    ).toEqual(findings);
  });

  it.each([
    ['1 *.example.net', []],
    ['1 mx1.example.net', ['warn sts-id']],
    ['0 mx1.example.net', []],
  ])('before: %s: %j', (before, findings) => {
    expect(ids(`; policy enforce *.example.net\n; before ${before}\n${record}${two}`)).toEqual(findings);
  });

  it.each([
    ['"v=TLSRPTv1; rua=mailto:tls@example.com"', []],
    ['"v=TLSRPTv1;"', ['note tls-reporting']],
    ['"something else"', ['note tls-reporting']],
  ])('_smtp._tls TXT %s: %j', (text, findings) => {
    expect(ids(`; policy enforce *.example.net\n_smtp._tls.example.com. 300 IN TXT ${text}${two}`)).toEqual(
      findings,
    );
    expect(ids(`_smtp._tls.example.com. 300 IN TXT ${text}${two}`)).toEqual([]);
  });
});

describe('DANE and certificates', () => {
  const tlsa = '_25._tcp.mx1.example.net. 300 IN TLSA 3 1 1 c0ffee00';
  it.each([
    ['shows c0ffee00', tlsa, []],
    ['shows 0badc0de', tlsa, ['error dane mx1.example.net']],
    ['plain', tlsa, ['error dane mx1.example.net', 'warn certificate mx1.example.net']],
    // RFC 7672 §3.1.1: a key that fits needs neither name nor CA.
    ['self-signed', tlsa, []],
    ['self-signed', `${tlsa}\n; policy enforce *.example.net`, ['error certificate mx1.example.net']],
    ['self-signed', '; tlsa mx1.example.net none', ['warn certificate mx1.example.net']],
    ['self-signed', '; tlsa mx1.example.net failed', []],
    ['misnamed', '', ['warn certificate mx1.example.net']],
    ['misnamed', '; policy enforce *.example.net', ['error certificate mx1.example.net']],
    ['plain', '', ['warn certificate mx1.example.net']],
    ['ends-in 3', '', ['warn certificate mx1.example.net']],
    ['ends-in 30', '', []],
    ['silent', '', []],
    ['shows c0ffee00', '; tlsa mx1.example.net unusable', ['warn dane mx1.example.net']],
    ['shows c0ffee00', '; tlsa mx1.example.net failed', []],
    ['shows c0ffee00', '; tlsa mx1.example.net unknown', []],
  ])('%s, %s: %j', (probe, zone, findings) => {
    expect(ids(`${zone}\n; probe mx1.example.net 203.0.0.25 ${probe}${two}`)).toEqual(findings);
  });

  it.each([
    ['none', ['warn dane-failover spool.example.org']],
    ['insecure', ['warn dane-failover spool.example.org']],
    ['unusable', ['warn dane-failover spool.example.org']],
    ['failed', []],
    ['unknown', []],
  ])('a failover host with TLSA %s, where the active one has DANE: %j', (outcome, findings) => {
    expect(ids(`${tlsa}\n; failover spool.example.org\n; tlsa spool.example.org ${outcome}${two}`)).toEqual(
      findings,
    );
  });

  it('a failover host whose records do not fit', () => {
    expect(
      ids(`
        ; failover spool.example.org
        _25._tcp.spool.example.org. 300 IN TLSA 3 1 1 0badc0de
        ; probe spool.example.org 203.0.100.25 shows c0ffee00${two}`),
    ).toEqual(['warn dane-failover spool.example.org']);
  });

  it('DANE nowhere is nothing to give up', () => {
    expect(ids(`; failover spool.example.org\n; tlsa spool.example.org none${two}`)).toEqual([]);
  });
});

describe('SPF', () => {
  it.each([
    ['"v=spf1 include:_spf.example.net -all"', []],
    ['"v=spf1 +include:_SPF.example.net. ~all"', []],
    ['"v=spf1 redirect=_spf.example.net"', []],
    ['"v=spf1 -include:_spf.example.net -all"', ['warn spf-include']],
    ['"v=spf1 include:spf.example.net -all"', ['warn spf-include']],
    ['"v=spf10 include:_spf.example.net"', ['warn spf-include']],
    ['"v=spf1 include:_spf.example.net"\nexample.com. 300 IN TXT "v=spf1 -all"', ['error spf-include']],
  ])('TXT %s: %j', (text, findings) => {
    expect(ids(`; spf-include _spf.example.net\nexample.com. 300 IN TXT ${text}${two}`)).toEqual(findings);
  });
});

describe('what is unknown', () => {
  it.each([
    ['; unknown example.com', ['MX of example.com: SERVFAIL from 192.0.2.53#53']],
    [`; unknown mx1.example.net timeout${two}`, ['A/AAAA of mx1.example.net: timeout']],
    [`; tlsa mx1.example.net failed${two}`, ['TLSA of _25._tcp.mx1.example.net: not found out']],
    [`; policy unknown no answer in time${two}`, ['MTA-STS policy of example.com: no answer in time']],
    [
      `; server ns1.example.net [192.0.2.53] failed no answer${two}`,
      ['MX at ns1.example.net [192.0.2.53]: no answer'],
    ],
    [
      `; probe mx1.example.net 192.0.2.1 inconclusive${two}`,
      ['probe of mx1.example.net [192.0.2.1]: no route from this machine'],
    ],
    [
      `; unknown _smtp._tls.example.com${two}`,
      ['TXT of _smtp._tls.example.com: SERVFAIL from 192.0.2.53#53'],
    ],
  ])('%s is listed and is no finding', (text, unknowns) => {
    expect(judged(auditOf(text))).toEqual({ findings: [], unknowns, outcome: 'unknown' });
  });

  it('stands beside what was found', () => {
    const result = judged(auditOf(`; unknown mx2.example.net\n; nodata mx1.example.net${two}`));
    expect(result).toMatchObject({ outcome: 'found', findings: [{ rule: 'exchange-no-address' }] });
    expect(result.unknowns).toHaveLength(1);
  });

  it('a policy that no sender can fetch is found, not unknown', () => {
    expect(judged(auditOf(`; policy http HTTP 404 instead of 200${two}`)).unknowns).toEqual([]);
  });
});
