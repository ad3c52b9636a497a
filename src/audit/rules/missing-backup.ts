// RFC 5321 §5.1: a sender that finds no exchange waits; one more exchange is where mail can go meanwhile.

import type { DomainFacts, Rule, RuleFinding } from '../../model/audit.ts';
import { displayName, type DomainName } from '../../model/domain-name.ts';
import { addressesOf, deliverableOf, exchangesIn, mxLine, nothing } from '../published.ts';

export const missingBackup: Rule = {
  id: 'missing-backup',
  severity: 'warn',
  title: 'No backup',
  why: 'While the only exchange is down, mail stays with its senders, who try again less and less often and send it back after days, some after hours. Where a backup is declared and not published, nothing of it is there when it is needed. One exchange with one address and nothing declared is only noted.',
  reference: 'RFC 5321 §5.1',
  example: `
    ; ours mx1.example.net spool.example.org
    ; backup spool.example.org
    example.com. 3600 IN MX 10 mx1.example.net.`,
  judge(facts, { expectation }, { ours, backups }) {
    const mx = deliverableOf(facts);
    const last = mx.at(-1);
    if (last === undefined) return nothing;
    const isOurs = mx.some((one) => ours.has(one.exchange) && !backups.has(one.exchange));
    if (isOurs && backups.size > 0) {
      // Exactly what was declared is what was wanted.
      if (expectation?.match === 'exact' || mx.some((one) => backups.has(one.exchange))) return nothing;
      return [undeclared(facts.domain, last.preference, [...backups][0] as DomainName)];
    }
    return expectation === null ? judgeAlone(facts, last.exchange) : nothing;
  },
};

function undeclared(domain: DomainName, lastPreference: number, backup: DomainName): RuleFinding {
  const preference = Math.min(lastPreference + 10, 65_535);
  return {
    about: null,
    reason: `publishes no backup, though ${displayName(backup)} is declared as one`,
    instruction: `publish ${mxLine(domain, { preference, exchange: backup })}`,
  };
}

function judgeAlone(facts: DomainFacts, last: DomainName): readonly RuleFinding[] {
  const exchanges = exchangesIn(facts);
  const [only] = exchanges;
  if (only === undefined || exchanges.length > 1 || facts.mx.mx.length > 1) return nothing;
  const addresses = addressesOf(only.addresses);
  const isOne = addresses.length === 1 || (addresses.length === 2 && isOfBothFamilies(addresses));
  if (!isOne) return nothing;
  return [
    {
      about: null,
      reason: `all mail hangs on ${displayName(last)} at ${addresses.join(' and ')}`,
      instruction: `publish a second exchange that stands elsewhere and keeps mail while ${displayName(last)} is down`,
      severity: 'note',
    },
  ];
}

/** One of each is one host as a rule. */
function isOfBothFamilies(addresses: readonly string[]): boolean {
  return addresses.filter((one) => one.includes(':')).length === 1;
}
