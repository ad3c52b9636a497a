// What holds for the rules whatever was gathered: they do not throw, the same facts give the same findings, and what is
// unknown is never found.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { createJudge, judgeDomain, rules } from '../../src/audit/index.ts';
import type { DomainFacts, ExchangeFacts } from '../../src/model/audit.ts';
import { domainNameOf } from '../../src/model/domain-name.ts';
import { anAudit } from '../support/arbitrary-audits.ts';
import { judged } from '../support/audit-facts.ts';

const numRuns = Number(process.env['MXCTL_PROPERTY_RUNS'] ?? 200);

type Forget = (facts: DomainFacts) => DomainFacts;

const eachExchange = (forget: (one: ExchangeFacts) => ExchangeFacts): Forget => {
  return (facts) => ({
    ...facts,
    exchanges: facts.exchanges.map(forget),
    failover: facts.failover.map(forget),
  });
};

/** What stands beside `unknown` stays: a rule that reads it all the same is caught. */
const forgetting: Readonly<Record<string, Forget>> = {
  mx: (facts) => ({ ...facts, mx: { ...facts.mx, outcome: 'unknown' } }),
  'own addresses': (facts) =>
    facts.own === null ? facts : { ...facts, own: { ...facts.own, outcome: 'unknown' } },
  addresses: eachExchange((one) => ({ ...one, addresses: { ...one.addresses, outcome: 'unknown' } })),
  registrable: eachExchange((one) =>
    one.registrable === null ? one : { ...one, registrable: { ...one.registrable, outcome: 'unknown' } },
  ),
  TLSA: eachExchange((one) =>
    one.dane === null ? one : { ...one, dane: { ...one.dane, outcome: 'unknown' } },
  ),
  observations: eachExchange((one) => ({
    ...one,
    observations: one.observations.map((hop) => ({ ...hop, verdict: 'inconclusive', fate: 'unknown' })),
  })),
  'name servers': (facts) => ({
    ...facts,
    authorities: facts.authorities?.map((one) => ({ ...one, outcome: 'failed' as const })) ?? null,
  }),
  'one name server': (facts) => ({
    ...facts,
    authorities:
      facts.authorities?.map((one, at) => (at > 0 ? one : { ...one, outcome: 'failed' as const })) ?? null,
  }),
  policy: (facts) =>
    facts.sts === null ? facts : { ...facts, sts: { ...facts.sts, mode: 'unknown', fault: null } },
  TLSRPT: (facts) =>
    facts.tlsRpt === null ? facts : { ...facts, tlsRpt: { ...facts.tlsRpt, outcome: 'unknown' } },
  SPF: (facts) => (facts.spf === null ? facts : { ...facts, spf: { ...facts.spf, outcome: 'unknown' } }),
};

/** Rules that have nothing left to go by. */
const silenced: Readonly<Record<string, readonly string[]>> = {
  mx: rules
    .map((rule) => rule.id)
    .filter((id) => !/^(broken|lame|authorities|ttl-mixed|sts-policy|sts-id|spf|tls-reporting)/.test(id)),
  addresses: [
    'exchange-cname',
    'exchange-no-address',
    'exchange-dangling',
    'exchange-private',
    'hidden-backup',
  ],
  registrable: ['exchange-dangling'],
  TLSA: ['dane', 'dane-failover'],
  observations: ['certificate'],
  'name servers': ['broken-delegation', 'lame-server', 'authorities-disagree', 'ttl-mixed'],
  policy: ['sts-policy', 'sts-exchange', 'sts-failover', 'sts-id', 'tls-reporting'],
  TLSRPT: ['tls-reporting'],
  SPF: ['spf-include'],
};

/** A fault that is told by a rule of its own is told by the more common one where that fact is missing. */
const lesser: Readonly<Record<string, string>> = {
  'exchange-no-address': 'exchange-dangling',
  'lame-server': 'broken-delegation',
};

describe('unknown is not drift', () => {
  it('nothing is found where everything is unknown, whatever stands beside', () => {
    fc.assert(
      fc.property(anAudit, (one) => {
        const facts = Object.values(forgetting).reduce((known, forget) => forget(known), one.facts);
        expect(judged({ ...one, facts }).findings).toEqual([]);
      }),
      { numRuns },
    );
  });

  it.each(Object.entries(silenced))('without the %s, %j find nothing', (fact, ids) => {
    fc.assert(
      fc.property(anAudit, (one) => {
        const facts = forgetting[fact]!(one.facts);
        const found = judged({ ...one, facts }).findings.map((finding) => finding.rule);
        expect(found.filter((rule) => ids.includes(rule))).toEqual([]);
      }),
      { numRuns },
    );
  });

  it.each(Object.entries(forgetting))('forgetting the %s adds no finding', (_, forget) => {
    fc.assert(
      fc.property(anAudit, (one) => {
        const before = judged(one).findings;
        const after = judged({ ...one, facts: forget(one.facts) }).findings;
        const fingerprints = before.map((known) => known.fingerprint);
        const added = after.filter(
          (finding) =>
            !fingerprints.includes(finding.fingerprint) &&
            !before.some((known) => known.rule === lesser[finding.rule]),
        );
        expect(added).toEqual([]);
      }),
      { numRuns },
    );
  });
});

/** As of an audit of MX and addresses alone, which is what may be judged once for many. */
const onlyExchanges = (facts: DomainFacts): DomainFacts => ({
  ...facts,
  ...{ own: null, failover: [], authorities: null, sts: null, stsId: null, tlsRpt: null, spf: null },
});
const names = ['one.example', 'two.example', 'mx1.example.net', 'a.very.long.name.of.a.customer.example'];
const digest = (text: string) => text;

describe('domains of the same facts', () => {
  it('are judged as each alone', () => {
    fc.assert(
      fc.property(anAudit, ({ facts: given, subject: some, context }) => {
        const judge = createJudge(context, digest);
        const domains = [given.domain, ...names.map(domainNameOf)];
        for (const facts of [given, onlyExchanges(given), onlyExchanges(given), given]) {
          for (const domain of domains) {
            for (const expectation of [some.expectation, null]) {
              const [its, subject] = [
                { ...facts, domain },
                { ...some, domain, expectation },
              ];
              expect(judge(its, subject)).toEqual(judgeDomain(its, subject, context, digest));
            }
          }
        }
      }),
      { numRuns },
    );
  });
});

describe('findings', () => {
  it('are the same for the same facts, and the facts stay as they were', () => {
    fc.assert(
      fc.property(anAudit, (one) => {
        const facts = structuredClone(one.facts);
        const [first, second] = [judged(one), judged(one)];
        expect(second).toEqual(first);
        expect(one.facts).toEqual(facts);
      }),
      { numRuns },
    );
  });

  it('have distinct fingerprints, rules that exist and one printable line each', () => {
    fc.assert(
      fc.property(anAudit, (one) => {
        const { findings, unknowns } = judged(one);
        expect(new Set(findings.map((finding) => finding.fingerprint)).size).toBe(findings.length);
        for (const finding of findings) {
          expect(rules.map((rule) => rule.id)).toContain(finding.rule);
          for (const text of [finding.about ?? '-', finding.reason, finding.instruction]) {
            expect(text).toMatch(/^[^\p{Cc}\u2028\u2029]*$/u);
          }
          expect(finding.reason).not.toBe('');
          expect(finding.instruction).not.toBe('');
        }
        for (const text of unknowns) expect(text).toMatch(/^[^\p{Cc}\u2028\u2029]+$/u);
      }),
      { numRuns },
    );
  });

  it('do not hang on the file and line', () => {
    fc.assert(
      fc.property(anAudit, fc.nat(), (one, line) => {
        const subject = { ...one.subject, source: { file: 'other.csv', line }, audit: 'other' };
        const of = (result: ReturnType<typeof judged>) =>
          result.findings.map((finding) => finding.fingerprint);
        expect(of(judged({ ...one, subject }))).toEqual(of(judged(one)));
      }),
      { numRuns },
    );
  });

  it('and the outcome agree', () => {
    fc.assert(
      fc.property(anAudit, (one) => {
        const { findings, unknowns, outcome } = judged(one);
        const wanted = findings.length > 0 ? 'found' : unknowns.length > 0 ? 'unknown' : 'good';
        expect(outcome).toBe(wanted);
      }),
      { numRuns },
    );
  });
});
