// The guard `dane`, told in lines: TLSA of each host, and what each hop was seen to present.

import { describe, expect, it } from 'vitest';

import type { GuardContext } from '../../../src/change/guards/context.ts';
import { dane } from '../../../src/change/guards/dane.ts';
import { pathHealth } from '../../../src/health/path.ts';
import type { DaneFacts, TlsaRecord } from '../../../src/model/dane.ts';
import { domainNameOf } from '../../../src/model/domain-name.ts';
import type { Observation, TlsFacts } from '../../../src/model/observation.ts';
import { pathOf, type Route } from '../../../src/model/route.ts';
import { noon, observe, routeOf, textLines } from '../../support/worlds.ts';

const records: Readonly<Record<string, Pick<TlsaRecord, 'usage' | 'digest'>>> = {
  '3-1-1': { usage: 'dane-ee', digest: 'leaf' },
  '3-1-1-stale': { usage: 'dane-ee', digest: 'last year' },
  '2-1-1': { usage: 'dane-ta', digest: 'issuer' },
};

/** `HOST OUTCOME`, or `HOST RECORD…` where usable. */
function factsOf(line: string): DaneFacts {
  const [host = '', ...words] = line.split(' ');
  const usable = words.flatMap((word) => records[word] ?? []);
  const outcome = usable.length > 0 ? 'usable' : (words[0] as DaneFacts['outcome']);
  return {
    exchange: domainNameOf(host),
    port: 25,
    outcome,
    records: usable.map((one) => ({ ...one, selector: 'spki', hash: 'sha256' })),
    reason: outcome === 'failed' || outcome === 'unknown' ? 'SERVFAIL from 192.0.2.53#53' : null,
  };
}

const link = (key: string) => {
  const digests = { sha256: key, sha512: '' };
  return { cert: digests, spki: digests, startsAt: noon - 1, expiresAt: noon + 1 };
};
const tls = (isNamed: boolean): TlsFacts => ({
  protocol: 'TLSv1.3',
  isNameGood: false,
  isChainTrusted: false,
  fault: 'issued by an unknown CA',
  expiresAt: noon + 1,
  names: [],
  presented: { isNamed, links: [link('leaf'), link('issuer')] },
});

const seen: Readonly<Record<string, { mark: string; over: Partial<Observation> }>> = {
  tls: { mark: '+', over: { offersStarttls: true, tls: tls(true) } },
  'tls-misnamed': { mark: '+', over: { offersStarttls: true, tls: tls(false) } },
  'tls-then-550': { mark: 'x', over: { offersStarttls: true, tls: tls(true) } },
  plain: { mark: '+', over: { offersStarttls: false } },
  'plain-then-550': { mark: 'x', over: { offersStarttls: false } },
  '454': { mark: '-', over: { offersStarttls: true, stage: 'starttls', summary: '454 4.7.0 no TLS' } },
  handshake: { mark: '-', over: { offersStarttls: true, stage: 'tls', summary: 'no shared cipher' } },
  '421-at-ehlo': { mark: '-', over: { offersStarttls: false, stage: 'ehlo' } },
  'not-asked': { mark: '+', over: { offersStarttls: true } },
  down: { mark: '-', over: { stage: 'connect' } },
};

/** `HOST ADDRESS WORD`. */
function hopOf(line: string): Observation {
  const [host = '', address = '', word = ''] = line.split(' ');
  const known = seen[word];
  if (known === undefined) throw new RangeError(`no such sight: ${word}`);
  return observe(known.mark, noon, { exchange: domainNameOf(host), address, ...known.over });
}

const mx = routeOf(`
  proxy: 10 p1.example.net, 20 p2.example.net
  direct: 10 a.example.com, 20 b.example.com
  keep spool: 90 spool.example.org`);

function judged(tlsa: string | null, hops = '', route: Route = mx, to = 'direct') {
  const context: GuardContext = {
    route,
    kind: 'failover',
    to: pathOf(route, to)!,
    now: noon,
    isAuto: true,
    live: { kind: 'path', path: route.prefer, ttl: { least: 60, most: 60 } },
    revert: null,
    disagreement: null,
    changes: [],
    target: pathHealth([]),
    active: null,
    observations: textLines(hops).map(hopOf),
    vantage: 'ok',
    votes: { activeDown: 1, targetUp: 1 },
    actions: [],
    pauses: [],
    brakes: [],
    vantageName: 'here',
    movedThisRun: 0,
    failingShare: 0,
    sts: null,
    dane: tlsa === null ? null : textLines(tlsa).map(factsOf),
  };
  const { verdict, reason } = dane(context);
  return `${verdict}: ${reason}`;
}

const proxyWithout = `
  p1.example.net none
  p2.example.net none`;

it('is skipped, and says so, where nothing was looked up', () => {
  expect(judged(null)).toBe('skipped: TLSA records were not looked up');
});

describe('one host of the target', () => {
  const one = (tlsa: string, ...sights: string[]) =>
    judged(
      `${proxyWithout}\na.example.com ${tlsa}\nb.example.com insecure`,
      sights.map((word, at) => `a.example.com 192.0.2.${at + 1} ${word}`).join('\n'),
    );

  it.each([
    ['none', 'tls', 'ok: no DANE'],
    ['none', 'plain', 'ok: no DANE'],
    ['3-1-1', 'tls', 'ok: TLSA matches at 1 host'],
    ['3-1-1', 'tls-misnamed', 'ok: TLSA matches at 1 host'],
    ['3-1-1', 'tls-then-550', 'ok: TLSA matches at 1 host'],
    ['3-1-1-stale 3-1-1', 'tls', 'ok: TLSA matches at 1 host'],
    ['2-1-1', 'tls', 'ok: TLSA matches at 1 host'],
    [
      '2-1-1',
      'tls-misnamed',
      'forbid: a.example.com [192.0.2.1] presents no certificate that its TLSA records name',
    ],
    [
      '3-1-1-stale',
      'tls',
      'forbid: a.example.com [192.0.2.1] presents no certificate that its TLSA records name',
    ],
    [
      '3-1-1-stale',
      'tls-then-550',
      'forbid: a.example.com [192.0.2.1] presents no certificate that its TLSA records name',
    ],
    ['3-1-1', 'plain', 'forbid: a.example.com [192.0.2.1] has TLSA records but offers no STARTTLS'],
    ['3-1-1', 'plain-then-550', 'forbid: a.example.com [192.0.2.1] has TLSA records but offers no STARTTLS'],
    ['3-1-1', '454', 'forbid: a.example.com [192.0.2.1] has TLSA records but no TLS: 454 4.7.0 no TLS'],
    ['3-1-1', 'handshake', 'forbid: a.example.com [192.0.2.1] has TLSA records but no TLS: no shared cipher'],
    ['3-1-1', 'down', 'warn: a.example.com has TLSA records but no certificate was seen to compare'],
    ['3-1-1', '421-at-ehlo', 'warn: a.example.com has TLSA records but no certificate was seen to compare'],
    ['3-1-1', 'not-asked', 'warn: a.example.com has TLSA records but no certificate was seen to compare'],
    ['unusable', 'tls', 'warn: no TLSA record of a.example.com is usable: TLS without authentication'],
    ['unusable', 'plain', 'forbid: a.example.com [192.0.2.1] has TLSA records but offers no STARTTLS'],
    [
      'failed',
      'tls',
      'forbid: senders with DANE skip a.example.com, its TLSA lookup fails: SERVFAIL from 192.0.2.53#53',
    ],
    ['unknown', 'tls', 'warn: a.example.com: TLSA unknown: SERVFAIL from 192.0.2.53#53'],
  ])('%s and %s: %s', (tlsa, sight, result) => {
    expect(one(tlsa, sight)).toBe(result);
  });

  it('every address counts: a sender may meet any of them', () => {
    expect(one('3-1-1', 'tls', 'tls')).toBe('ok: TLSA matches at 1 host');
    expect(one('3-1-1', 'tls', 'plain')).toMatch(/^forbid: a\.example\.com \[192\.0\.2\.2\]/);
    // What does not answer is another guard's affair.
    expect(one('3-1-1', 'tls', 'down')).toBe('ok: TLSA matches at 1 host');
  });
});

it('one stale host among good ones forbids', () => {
  const hops = 'a.example.com 192.0.2.1 tls\nb.example.com 192.0.2.2 tls';
  expect(judged(`${proxyWithout}\na.example.com 3-1-1\nb.example.com 3-1-1`, hops)).toBe(
    'ok: TLSA matches at 2 hosts',
  );
  expect(judged(`${proxyWithout}\na.example.com 3-1-1\nb.example.com 3-1-1-stale`, hops)).toMatch(
    /^forbid: b\.example\.com/,
  );
});

it('what the active path publishes is not held against the target', () => {
  expect(judged('p1.example.net failed\np2.example.net failed\na.example.com none\nb.example.com none')).toBe(
    'ok: no DANE',
  );
});

it('an answer nobody vouches for is not taken for the absence of DANE', () => {
  expect(judged(`${proxyWithout}\na.example.com insecure\nb.example.com insecure`)).toBe(
    'ok: no DANE: the resolver vouches for no address (AD)',
  );
});

it('a host that was not looked up is told', () => {
  expect(judged(`${proxyWithout}\na.example.com none`)).toBe('warn: 1 host not looked up');
});

describe('a move to less DANE than the active path has is legal and told (RFC 7672 §2.2)', () => {
  const hops = 'a.example.com 192.0.2.1 tls\nb.example.com 192.0.2.2 tls';
  it.each([
    ['3-1-1', '3-1-1', 'none', 'none', 'warn: the active path has DANE, direct has it at no host'],
    ['3-1-1', '3-1-1', 'insecure', 'none', 'warn: the active path has DANE, direct has it at no host'],
    ['3-1-1', '3-1-1', '3-1-1', 'none', 'warn: the active path has DANE, direct has it at 1 of 2 hosts'],
    ['3-1-1', 'none', 'none', 'none', 'warn: the active path has DANE, direct has it at no host'],
    ['3-1-1', 'none', '3-1-1', 'none', 'ok: TLSA matches at 1 host'],
    ['none', 'insecure', '3-1-1', '3-1-1', 'ok: TLSA matches at 2 hosts'],
    ['3-1-1', '3-1-1', '3-1-1', '3-1-1', 'ok: TLSA matches at 2 hosts'],
  ])('from %s/%s to %s/%s: %s', (p1, p2, a, b, result) => {
    expect(
      judged(`p1.example.net ${p1}\np2.example.net ${p2}\na.example.com ${a}\nb.example.com ${b}`, hops),
    ).toBe(result);
  });
});

it('where only addresses move, the machines there must present what the old name promises', () => {
  const route = routeOf('fra: mx1.example.com=192.0.2.1\nams: mx1.example.com=192.0.2.2');
  const tlsa = 'mx1.example.com 3-1-1';
  expect(judged(tlsa, 'mx1.example.com 192.0.2.2 tls', route, 'ams')).toBe('ok: TLSA matches at 1 host');
  expect(judged('mx1.example.com 3-1-1-stale', 'mx1.example.com 192.0.2.2 tls', route, 'ams')).toMatch(
    /^forbid: mx1\.example\.com \[192\.0\.2\.2\]/,
  );
});
