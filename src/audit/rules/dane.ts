// RFC 7672 §2.2: where TLSA records are validated, a host that does not fit them gets no mail.

import type { Rule } from '../../model/audit.ts';
import { judgeDane } from '../../model/dane-fit.ts';
import { displayName } from '../../model/domain-name.ts';
import { smtpPort } from '../../model/hop.ts';
import { exchangesIn, judgeEach } from '../published.ts';

export const dane: Rule = {
  id: 'dane',
  severity: 'error',
  title: 'TLSA records do not fit the exchange',
  why: 'Senders with DANE insist on TLS with a certificate that the TLSA records name; otherwise they pass the host by and keep the mail. A certificate that was renewed before its records is the usual cause. Compared with --deep, where a certificate was seen.',
  reference: 'RFC 7672 §2.2',
  example: `
    example.com. 3600 IN MX 10 mx1.example.net.
    mx1.example.net. 3600 IN A 192.0.2.1
    _25._tcp.mx1.example.net. 3600 IN TLSA 3 1 1 0badc0de
    ; probe mx1.example.net 192.0.2.1 shows c0ffee00`,
  judge(facts, _subject, { now }) {
    return judgeEach(exchangesIn(facts), (one) => {
      const fit = one.dane === null ? null : judgeDane(one.dane, one.observations, now);
      if (fit === null || (fit.kind !== 'broken' && fit.kind !== 'unusable')) return null;
      return {
        about: displayName(one.exchange),
        reason: fit.reason,
        instruction: `publish _${one.dane?.port ?? smtpPort}._tcp.${one.exchange} TLSA 3 1 1 with the SHA-256 of the key that ${displayName(one.exchange)} shows, and keep the old record for one TTL`,
        severity: fit.kind === 'broken' ? 'error' : 'warn',
      };
    });
  },
};
