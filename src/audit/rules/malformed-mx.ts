// RFC 1035 §3.3.9: a preference and a name.

import type { Rule } from '../../model/audit.ts';
import { nothing } from '../published.ts';

export const malformedMx: Rule = {
  id: 'malformed-mx',
  severity: 'error',
  title: 'MX record that is none',
  why: 'What stands as an MX record cannot be read as a preference and a name. Senders skip it, or give up on the whole answer. Most resolvers do so before: then the domain is unknown.',
  reference: 'RFC 1035 §3.3.9',
  example: `
    example.com. 3600 IN MX 10 mx1..example.net.`,
  judge({ mx, domain }) {
    if (mx.malformed.length === 0 || mx.outcome === 'unknown') return nothing;
    return mx.malformed.map((value) => ({
      about: value,
      reason: `MX ${value} cannot be read`,
      instruction: `replace it with ${domain} MX PREFERENCE EXCHANGE, or delete it`,
    }));
  },
};
