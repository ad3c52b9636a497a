// RFC 5321 §5.1: the lowest preference is tried first.

import type { DomainFacts, Expectation, Rule, RuleFinding } from '../../model/audit.ts';
import { displayName, type DomainName } from '../../model/domain-name.ts';
import type { Mx } from '../../model/mx.ts';
import { deliverableOf, mxLine, mxLines, nothing } from '../published.ts';

export const preferenceOrder: Rule = {
  id: 'preference-order',
  severity: 'warn',
  title: 'Wrong preference order',
  why: 'Senders try the lowest preference first. Where a backup stands before or level with what it should back up, it takes the mail of every day: it arrives late, and unfiltered where the backup does not filter. Declared exchanges are read in the order of preference, unless any of them will do.',
  reference: 'RFC 5321 §5.1',
  example: `
    ; expect exact mx1.example.net mx2.example.net
    example.com. 3600 IN MX 20 mx1.example.net.
    example.com. 3600 IN MX 10 mx2.example.net.`,
  judge(facts, { expectation }, { ours, backups }) {
    const mx = deliverableOf(facts);
    if (mx.length < 2) return nothing;
    if (expectation !== null && expectation.match !== 'any') {
      const wrong = judgeDeclared(facts, mx, expectation);
      if (wrong !== null) return [wrong];
    }
    return backups.size === 0 ? nothing : judgeBackups(facts.domain, mx, ours, backups);
  },
};

function judgeDeclared({ domain }: DomainFacts, mx: readonly Mx[], wanted: Expectation): RuleFinding | null {
  let before: Mx | null = null;
  for (const exchange of wanted.mx) {
    const found = mx.find((one) => one.exchange === exchange);
    if (found === undefined) continue;
    if (before !== null && found.preference < before.preference) {
      const [first, second] = [displayName(before.exchange), displayName(exchange)];
      return {
        about: null,
        reason: `${second} (${found.preference}) is tried before ${first} (${before.preference})`,
        instruction: `publish ${mxLines(domain, wanted.mx)}`,
      };
    }
    before = found;
  }
  return null;
}

function judgeBackups(
  domain: DomainName,
  mx: readonly Mx[],
  ours: ReadonlySet<DomainName>,
  backups: ReadonlySet<DomainName>,
): readonly RuleFinding[] {
  const first = mx.find((one) => ours.has(one.exchange) && !backups.has(one.exchange));
  if (first === undefined) return nothing;
  const wrong = mx.filter((one) => backups.has(one.exchange) && one.preference <= first.preference);
  return wrong.map((one) => {
    const how = one.preference === first.preference ? 'level with' : 'before';
    const preference = Math.min(first.preference + 80, 65_535);
    return {
      about: displayName(one.exchange),
      reason: `the backup ${displayName(one.exchange)} is tried ${how} ${displayName(first.exchange)}`,
      instruction: `publish ${mxLine(domain, { preference, exchange: one.exchange })} instead of preference ${one.preference}`,
    };
  });
}
