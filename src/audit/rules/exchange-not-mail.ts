// RFC 5321 §5.1: the exchange must be a host that speaks SMTP.

import type { ExchangeFacts, Rule } from '../../model/audit.ts';
import { displayName } from '../../model/domain-name.ts';
import { proxyOf } from '../http-proxies.ts';
import { addressesOf, exchangesIn, judgeEach, listed } from '../published.ts';

export const exchangeNotMail: Rule = {
  id: 'exchange-not-mail',
  severity: 'error',
  title: 'Exchange behind an HTTP proxy, or that refuses SMTP',
  why: 'A record that goes through an HTTP proxy (Cloudflare, Fastly) leads to servers that take no mail: connections time out, and mail is returned after days. With --deep an exchange is found too where every address refuses the connection. Not found where a probe got an answer, and not for the mail services of these providers.',
  reference: 'RFC 5321 §5.1',
  example: `
    example.com. 3600 IN MX 10 mail.example.com.
    mail.example.com. 300 IN A 104.16.132.229`,
  judge(facts) {
    return judgeEach(exchangesIn(facts), (one) => {
      if (isRefused(one)) {
        const host = displayName(one.exchange);
        return {
          about: host,
          reason: `${host} refuses connections at ${listed(addressesOf(one.addresses))}`,
          instruction: `start the mail server at ${host}, open port 25, or take it out of the MX`,
        };
      }
      const proxy = proxyOf(one);
      if (proxy === null || mayAnswer(one)) return null;
      const host = displayName(one.exchange);
      return {
        about: host,
        reason: `${host} is at ${proxy.address}, an HTTP proxy of ${proxy.provider} that takes no mail`,
        instruction: `publish ${one.exchange} A ADDRESS with that of the mail server itself, not proxied`,
      };
    });
  },
};

/** By every address, each of which was probed: one that answers, or could not be judged from here, may take mail. */
function isRefused({ addresses, observations }: ExchangeFacts): boolean {
  if (observations.length === 0 || observations.length < addressesOf(addresses).length) return false;
  return observations.every(
    ({ verdict, stage, stages }) =>
      verdict === 'fail' && stage === 'connect' && stages.some((one) => one.fault === 'connection refused'),
  );
}

/** Spectrum and the like pass SMTP on from the same blocks: what was seen to answer, or not to be seen, is no finding. */
function mayAnswer({ observations }: ExchangeFacts): boolean {
  return observations.some((one) => one.verdict !== 'fail' || one.stage !== 'connect');
}
