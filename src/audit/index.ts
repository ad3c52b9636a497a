// Judges a domain by every rule. Facts come in, findings go out: nothing is looked up here, and what is unknown is
// neither good nor bad.

import type {
  AuditContext,
  AuditSubject,
  DomainFacts,
  DomainResult,
  Finding,
  MxFacts,
  Rule,
  RuleFinding,
} from '../model/audit.ts';
import { sanitise } from '../model/text.ts';
import { authoritiesDisagree } from './rules/authorities-disagree.ts';
import { brokenDelegation } from './rules/broken-delegation.ts';
import { certificate } from './rules/certificate.ts';
import { dane } from './rules/dane.ts';
import { daneFailover } from './rules/dane-failover.ts';
import { duplicateExchange } from './rules/duplicate-exchange.ts';
import { exchangeCname } from './rules/exchange-cname.ts';
import { exchangeDangling } from './rules/exchange-dangling.ts';
import { exchangeLiteral } from './rules/exchange-literal.ts';
import { exchangeName } from './rules/exchange-name.ts';
import { exchangeNoAddress } from './rules/exchange-no-address.ts';
import { exchangeNotMail } from './rules/exchange-not-mail.ts';
import { exchangePrivate } from './rules/exchange-private.ts';
import { expectation } from './rules/expectation.ts';
import { expiredIgnore } from './rules/expired-ignore.ts';
import { foreignExchange } from './rules/foreign-exchange.ts';
import { hiddenBackup } from './rules/hidden-backup.ts';
import { lameServer } from './rules/lame-server.ts';
import { malformedMx } from './rules/malformed-mx.ts';
import { missingBackup } from './rules/missing-backup.ts';
import { noMx } from './rules/no-mx.ts';
import { nullMx } from './rules/null-mx.ts';
import { nullMxMixed } from './rules/null-mx-mixed.ts';
import { nxdomain } from './rules/nxdomain.ts';
import { preferenceOrder } from './rules/preference-order.ts';
import { sharedFate } from './rules/shared-fate.ts';
import { spfInclude } from './rules/spf-include.ts';
import { stsExchange } from './rules/sts-exchange.ts';
import { stsFailover } from './rules/sts-failover.ts';
import { stsId } from './rules/sts-id.ts';
import { stsPolicy } from './rules/sts-policy.ts';
import { tlsReporting } from './rules/tls-reporting.ts';
import { ttlMixed } from './rules/ttl-mixed.ts';
import { ttlTooLong } from './rules/ttl-too-long.ts';
import { unknownsOf } from './unknowns.ts';

/** In the order of docs/rules.md: what is declared, the records, the exchanges, time, name servers, TLS, the rest. */
export const rules: readonly Rule[] = [
  expectation,
  foreignExchange,
  missingBackup,
  preferenceOrder,
  duplicateExchange,
  nxdomain,
  noMx,
  nullMx,
  nullMxMixed,
  malformedMx,
  exchangeLiteral,
  exchangeName,
  exchangeCname,
  exchangeNoAddress,
  exchangeDangling,
  exchangePrivate,
  exchangeNotMail,
  hiddenBackup,
  sharedFate,
  ttlTooLong,
  ttlMixed,
  brokenDelegation,
  lameServer,
  authoritiesDisagree,
  stsPolicy,
  stsExchange,
  stsFailover,
  stsId,
  dane,
  daneFailover,
  certificate,
  spfInclude,
  tlsReporting,
  expiredIgnore,
];

const noFindings: readonly Finding[] = [];
const noUnknowns: DomainResult['unknowns'] = [];

type Judgement = Pick<DomainResult, 'findings' | 'unknowns' | 'outcome'>;
type Judge = (facts: DomainFacts, subject: AuditSubject) => Judgement;

const goodJudgement: Judgement = { findings: noFindings, unknowns: noUnknowns, outcome: 'good' };

/** What was judged good, and of what. */
interface KnownGood {
  readonly mx: MxFacts;
  readonly expectation: AuditSubject['expectation'];
}

/**
 * Judges as `judgeDomain` does, a million domains of one context. Most of them share their exchanges with others, and of the
 * very same facts the rules say the same, whatever the name of the domain: only `context` knows some by name. So good ones
 * are judged once; what was found is told of each domain anew.
 */
export function createJudge(context: AuditContext, digest: (text: string) => string): Judge {
  const good = new WeakMap<DomainFacts['exchanges'], KnownGood>();
  return (facts, subject) => {
    if (!isOfExchangesOnly(facts) || context.expiredIgnore(facts.domain) !== null)
      return judgeDomain(facts, subject, context, digest);
    const known = good.get(facts.exchanges);
    if (known?.mx === facts.mx && known.expectation === subject.expectation) return goodJudgement;
    const judgement = judgeDomain(facts, subject, context, digest);
    if (judgement.outcome === 'good')
      good.set(facts.exchanges, { mx: facts.mx, expectation: subject.expectation });
    return judgement;
  };
}

/** Nothing of it is the domain's own. */
function isOfExchangesOnly({ own, failover, authorities, sts, stsId, tlsRpt, spf }: DomainFacts): boolean {
  return (
    own === null &&
    failover.length === 0 &&
    authorities === null &&
    sts === null &&
    stsId === null &&
    tlsRpt === null &&
    spf === null
  );
}

/** `digest` makes a fingerprint, hex, out of rule, domain and what the finding is about; given in because hashing is not
 *  for pure code. */
export function judgeDomain(
  facts: DomainFacts,
  subject: AuditSubject,
  context: AuditContext,
  digest: (text: string) => string,
): Judgement {
  let found: Finding[] | null = null;
  for (const rule of rules) {
    const said = rule.judge(facts, subject, context);
    if (said.length > 0)
      (found ??= []).push(...once(said).map((one) => findingOf(one, rule, subject, digest)));
  }
  const findings = found ?? noFindings;
  const unknowns = unknownsOf(facts);
  const rest = unknowns.length > 0 ? 'unknown' : 'good';
  return { findings, unknowns, outcome: findings.length > 0 ? 'found' : rest };
}

/** An exchange that is published twice is judged twice and told once. */
function once(said: readonly RuleFinding[]): readonly RuleFinding[] {
  if (said.length === 1) return said;
  const byAbout = new Map<string | null, RuleFinding>();
  for (const one of said) if (!byAbout.has(one.about)) byAbout.set(one.about, one);
  return [...byAbout.values()];
}

function findingOf(
  { about, reason, instruction, severity }: RuleFinding,
  rule: Rule,
  { domain, source, audit }: AuditSubject,
  digest: (text: string) => string,
): Finding {
  return {
    rule: rule.id,
    severity: severity ?? rule.severity,
    domain,
    source,
    audit,
    about: about === null ? null : sanitise(about),
    reason: sanitise(reason),
    instruction: sanitise(instruction, longestInstruction),
    // Names hold no line breaks, so no two findings share a text.
    fingerprint: digest(`${rule.id}\n${domain}\n${about ?? ''}`),
  };
}

/** Room for a handful of records with the longest names (255 octets each). */
const longestInstruction = 2000;
