// Many domains of one context: what is good is judged once for all that share its facts, and no more than that.

import { expect, it } from 'vitest';
import { createJudge } from '../../../src/audit/index.ts';
import type { AuditContext, AuditSubject, DomainFacts } from '../../../src/model/audit.ts';
import { domainNameOf } from '../../../src/model/domain-name.ts';
import { auditOf } from '../../support/audit-facts.ts';

const { facts, subject, context } = auditOf(`
  example.com. 300 IN MX 10 mx1.example.net.
  example.com. 300 IN MX 20 mx2.example.org.
  mx1.example.net. 300 IN A 9.9.9.9
  mx2.example.org. 300 IN A 149.112.112.112`);
const shared: DomainFacts = {
  ...facts,
  ...{ own: null, failover: [], authorities: null, sts: null, stsId: null, tlsRpt: null, spf: null },
};
const digest = (text: string) => text;

/** Judges a good domain first; `asked`: how often a rule has looked at the addresses of an exchange. */
function opened(over: Partial<AuditContext> = {}) {
  let asked = 0;
  const maxAddressTtl = () => {
    asked += 1;
    return null;
  };
  const judge = createJudge({ ...context, maxAddressTtl, ...over }, digest);
  const say = (name: string, its: Partial<DomainFacts> = {}, more: Partial<AuditSubject> = {}) => {
    const domain = domainNameOf(name);
    const judgement = judge({ ...shared, ...its, domain }, { ...subject, domain, ...more });
    return judgement.findings.map(({ rule }) => rule).join(' ') || judgement.outcome;
  };
  expect(say('first.example')).toBe('good');
  return { say, asked: () => asked };
}

it('a good domain of the same facts is not judged again', () => {
  const { say, asked } = opened();
  expect(say('second.example')).toBe('good');
  expect(say('third.example')).toBe('good');
  expect(asked()).toBe(shared.exchanges.length);
});

it('another expectation is judged', () => {
  const expectation = { mx: [domainNameOf('mx9.example.net')], match: 'exact' } as const;
  const { say } = opened();
  expect(say('second.example', {}, { expectation })).toContain('expectation');
  expect(say('third.example')).toBe('good');
});

it('another TTL is judged', () => {
  const { say } = opened({ maxTtl: 3600 });
  expect(say('second.example', { mx: { ...shared.mx, ttl: 86_400 } })).toBe('ttl-too-long');
});

it('other exchanges are judged', () => {
  const exchanges = shared.exchanges.map((one) => ({
    ...one,
    addresses: { ...one.addresses, outcome: 'unknown', addresses: [] } as const,
  }));
  expect(opened().say('second.example', { exchanges })).toBe('unknown');
});

it('an ignore that is over is told of its own domain', () => {
  const late = domainNameOf('late.example');
  const expiredIgnore = (domain: string) => (domain === late ? { until: '2026-01-01', reason: 'x' } : null);
  const { say } = opened({ expiredIgnore });
  expect(say('late.example')).toBe('expired-ignore');
  expect(say('second.example')).toBe('good');
});

it.each<[string, Partial<DomainFacts>]>([
  ['sts-policy', { sts: { domain: 'x', mode: 'absent', patterns: [], reason: null, fault: 'record' } }],
  ['unknown', { tlsRpt: { outcome: 'unknown', values: [], reason: 'timeout' } }],
  ['unknown', { spf: { outcome: 'unknown', values: [], reason: 'timeout' } }],
  [
    'broken-delegation',
    {
      authorities: [
        { server: 'ns', outcome: 'lame', ttl: null, highestTtl: null, rdata: [], reason: 'REFUSED' },
      ],
    },
  ],
])('%s: what is the domain\u2019s own is judged', (said, own) => {
  expect(opened().say('second.example', own)).toBe(said);
});
