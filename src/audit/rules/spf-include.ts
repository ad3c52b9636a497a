// RFC 7208 §5.2: include names another domain whose senders may send for this one.

import type { Rule, RuleFinding, TextFacts } from '../../model/audit.ts';
import type { DomainName } from '../../model/domain-name.ts';
import { nothing } from '../published.ts';

export const spfInclude: Rule = {
  id: 'spf-include',
  severity: 'warn',
  title: 'SPF does not include our senders',
  why: 'Mail that we send for the domain fails SPF where its record does not include ours. Two records are worse than none: then SPF ends in a permanent error for every sender.',
  reference: 'RFC 7208 §5.2',
  example: `
    ; spf-include _spf.example.net
    example.com. 3600 IN TXT "v=spf1 mx -all"
    example.com. 3600 IN MX 10 mx1.example.net.`,
  judge({ domain, spf }, _subject, context) {
    if (context.spfInclude === null || spf === null) return nothing;
    if (spf.outcome !== 'found' && spf.outcome !== 'absent') return nothing;
    const finding = judgeSpf(spf, context.spfInclude.replace(/^include:/i, ''), domain);
    return finding === null ? nothing : [finding];
  },
};

function judgeSpf({ outcome, values }: TextFacts, wanted: string, domain: DomainName): RuleFinding | null {
  const known = outcome === 'found' ? values.filter((one) => /^v=spf1(?: |$)/i.test(one)) : [];
  const [record] = known;
  if (record === undefined) {
    const instruction = `publish ${domain} TXT "v=spf1 include:${wanted} ~all"`;
    return { about: null, reason: 'publishes no SPF record', instruction };
  }
  // RFC 7208 §4.5: more than one is a permanent error.
  if (known.length > 1) {
    return {
      about: null,
      reason: `publishes ${known.length} SPF records: a permanent error`,
      instruction: 'join them into one record',
      severity: 'error',
    };
  }
  const target = wanted.toLowerCase().replace(/\.$/, '');
  const isIncluded = record
    .toLowerCase()
    .split(/ +/)
    .some((term) => /^(?:\+?include:|redirect=)(.*?)\.?$/.exec(term)?.[1] === target);
  if (isIncluded) return null;
  return {
    about: null,
    reason: `SPF does not include ${wanted}`,
    instruction: `add include:${wanted} to the record "${record}"`,
  };
}
