// The faults a hop can be given while it runs, as words. Pure data: commands list them without loading a server.

/**
 * ok               takes mail; what was held goes on at once, in one burst
 * down             port closed: connections are refused, sessions are cut
 * silent           accepts the connection and never says a word
 * 421              `421 4.3.2` in place of the greeting, then closes
 * 451-rcpt         defers every recipient
 * 550-rcpt         rejects every recipient: senders bounce at once
 * tarpit           takes mail, every answer late
 * expired-cert     certificate of the right name, expired
 * wrong-name-cert  valid certificate of another name
 * half-banner      begins a greeting and never ends the line
 * proxy-only       takes recipients from the proxies' addresses alone, `554 5.7.1` for anybody else
 * hold             says 250 and keeps the letter until it is ok again: a delay that no SMTP dialogue shows
 * hold-some        does so with every other letter of a sender
 * discard          says 250 and the letter is gone
 * bounce           says 250 and returns the letter to its author
 * spam             takes mail and marks it: it arrives in the spam folder
 * greylist         `450 4.2.0` to the first attempt of a source, sender and recipient, not to a later one (RFC 6647)
 */
export const hopFaults = [
  'ok',
  'down',
  'silent',
  '421',
  '451-rcpt',
  '550-rcpt',
  'tarpit',
  'expired-cert',
  'wrong-name-cert',
  'half-banner',
  'proxy-only',
  'hold',
  'hold-some',
  'discard',
  'bounce',
  'spam',
  'greylist',
] as const;
export type HopFault = (typeof hopFaults)[number];

export function isHopFault(text: string): text is HopFault {
  return (hopFaults as readonly string[]).includes(text);
}
