// RFC 8460 §3: where senders report that TLS failed.

import type { Rule } from '../../model/audit.ts';
import { displayName } from '../../model/domain-name.ts';
import { nothing } from '../published.ts';

export const tlsReporting: Rule = {
  id: 'tls-reporting',
  severity: 'note',
  title: 'MTA-STS without reports',
  why: 'A policy that keeps mail out does so silently: only reports of the senders tell. They need a TLSRPT record, exactly one, with an address.',
  reference: 'RFC 8460 §3',
  example: `
    _mta-sts.example.com. 300 IN TXT "v=STSv1; id=20260101"
    ; policy enforce mx1.example.net
    ; nodata _smtp._tls.example.com
    example.com. 3600 IN MX 10 mx1.example.net.`,
  judge({ domain, sts, tlsRpt }) {
    if (tlsRpt === null || tlsRpt.outcome === 'unknown') return nothing;
    if (sts?.mode !== 'enforce' && sts?.mode !== 'testing') return nothing;
    const records =
      tlsRpt.outcome === 'found' ? tlsRpt.values.filter((one) => /^v=TLSRPTv1\s*;/.test(one)) : [];
    if (records.length === 1 && /;\s*rua\s*=\s*(?:mailto|https):/.test(records[0] ?? '')) return nothing;
    return [
      {
        about: null,
        reason: records.length === 0 ? 'nobody is told when TLS fails' : 'the TLSRPT record does not count',
        instruction: `publish _smtp._tls.${domain} TXT "v=TLSRPTv1; rua=mailto:tls-reports@${displayName(domain)}"`,
      },
    ];
  },
};
