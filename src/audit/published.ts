// What rules read out of facts: only what is known. An unknown answer reads as nothing here, so that no rule finds
// anything in it.

import type { AddressFacts, DomainFacts, ExchangeFacts, RuleFinding } from '../model/audit.ts';
import { displayName, type DomainName, isHostName, root } from '../model/domain-name.ts';
import { formatMx, isNullMx, type Mx } from '../model/mx.ts';

/** One for all: most rules find nothing in most domains. */
export const nothing: readonly RuleFinding[] = [];

/** In the order of preference; empty where not found, whatever stands beside. */
export function mxOf({ mx }: DomainFacts): readonly Mx[] {
  return mx.outcome === 'found' ? mx.mx : [];
}

/** The same without null MX. */
export function deliverableOf(facts: DomainFacts): readonly Mx[] {
  const mx = mxOf(facts);
  return mx.some(isNullMx) ? mx.filter((one) => !isNullMx(one)) : mx;
}

export function addressesOf({ outcome, addresses }: AddressFacts): readonly string[] {
  return outcome === 'found' ? addresses : [];
}

/** Known not to be there. */
export function isMissing({ outcome }: Pick<AddressFacts, 'outcome'>): boolean {
  return outcome === 'absent' || outcome === 'nxdomain';
}

/** What is known of the exchanges that are published, without null MX. */
export function exchangesIn(facts: DomainFacts): readonly ExchangeFacts[] {
  if (facts.mx.outcome !== 'found') return [];
  return facts.exchanges.some((one) => one.exchange === root)
    ? facts.exchanges.filter((one) => one.exchange !== root)
    : facts.exchanges;
}

/** One finding an exchange at most. */
export function judgeEach(
  exchanges: readonly ExchangeFacts[],
  judge: (one: ExchangeFacts) => RuleFinding | null,
): readonly RuleFinding[] {
  let found: RuleFinding[] | null = null;
  for (const one of exchanges) {
    const finding = judge(one);
    if (finding !== null) (found ??= []).push(finding);
  }
  return found ?? nothing;
}

/** An IPv4 address in the place of a name, in brackets or not, or an IPv6 one, which DNS takes as well. */
const literal = /^\[?(?:\d{1,3}(?:\.\d{1,3}){3}|(?:ipv6:)?[0-9a-f]*:[0-9a-f:.]*)\]?\.$/;
/** Most names, told without taking them apart. */
const plainName = /^(?:[a-z0-9]+(?:-+[a-z0-9]+)*\.)+[a-z]{2,}\.$/;

export function kindOfName(exchange: DomainName): 'host' | 'literal' | 'other' {
  if (plainName.test(exchange)) return 'host';
  if (literal.test(exchange)) return 'literal';
  return isHostName(exchange) ? 'host' : 'other';
}

/** More than this is cut: a reason is one line. */
const mostNamed = 5;

/** `mx1.example.net, mx2.example.net and 3 more`. */
export function listed(texts: readonly string[]): string {
  const more = texts.length - mostNamed;
  return more > 0 ? `${texts.slice(0, mostNamed).join(', ')} and ${more} more` : texts.join(', ');
}

export function hosts(names: readonly DomainName[]): string {
  return listed(names.map(displayName));
}

/** `10 mx1.example.net, 20 mx2.example.net`. */
export function records(mx: readonly Mx[]): string {
  return listed(mx.map((one) => `${one.preference} ${displayName(one.exchange)}`));
}

/** One zone file line; what an instruction asks to publish. */
export function mxLine(owner: DomainName, mx: Mx): string {
  return `${owner} MX ${formatMx(mx)}`;
}

/** Lines for these exchanges in this order, ten apart as everybody does. */
export function mxLines(owner: DomainName, exchanges: readonly DomainName[]): string {
  if (exchanges.includes(root)) return mxLine(owner, { preference: 0, exchange: root });
  return listed(exchanges.map((exchange, at) => mxLine(owner, { preference: 10 * (at + 1), exchange })));
}
