// RFC 2181 §5.2: all records of a set have one TTL.

import type { Rule } from '../../model/audit.ts';
import { displayName } from '../../model/domain-name.ts';
import { answersOf } from '../authorities.ts';
import { listed, nothing } from '../published.ts';

export const ttlMixed: Rule = {
  id: 'ttl-mixed',
  severity: 'warn',
  title: 'TTLs differ inside the MX set',
  why: 'The records of a set must have one TTL. Where they differ, or each name server gives another, caches drop them at different times: during a move some senders see half of the old set, and nobody can say when the new one is everywhere.',
  reference: 'RFC 2181 §5.2',
  example: `
    ; server ns1.example.net [192.0.2.53] answers 300/86400 10 mx1.example.net.
    example.com. 300 IN MX 10 mx1.example.net.`,
  judge(facts) {
    const answers = answersOf(facts);
    if (answers.length === 0) return nothing;
    const ttls = new Set(answers.flatMap(({ ttl, highestTtl }) => [ttl ?? 0, highestTtl ?? ttl ?? 0]));
    if (ttls.size < 2) return nothing;
    const sorted = [...ttls].sort((a, b) => a - b);
    return [
      {
        about: null,
        reason: `TTLs of ${listed(sorted.map((one) => `${one} s`))} in one set`,
        instruction: `publish every MX record of ${displayName(facts.domain)} with one TTL, at every name server`,
      },
    ];
  },
};
