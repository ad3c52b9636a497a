// RFC 8020 §2: NXDOMAIN means that there is nothing at the name or below it.

import type { Rule } from '../../model/audit.ts';
import { displayName } from '../../model/domain-name.ts';
import { nothing } from '../published.ts';

export const nxdomain: Rule = {
  id: 'nxdomain',
  severity: 'error',
  title: 'Domain does not exist',
  why: 'DNS knows no such name: it has expired, was never registered, or is misspelt. Mail to it is returned at once (RFC 5321 §5.1), and whoever registers it gets what is sent.',
  reference: 'RFC 8020 §2',
  example: `
    ; nxdomain example.com`,
  judge({ domain, mx }) {
    if (mx.outcome !== 'nxdomain') return nothing;
    const name = displayName(domain);
    return [
      {
        about: null,
        reason: `${name} does not exist: mail to it is returned at once`,
        instruction: `renew the registration of ${name}, correct the name, or take it off the list`,
      },
    ];
  },
};
