// Arbitrary facts of an audit for property tests: as gathering could give them, hostile answers included, and with
// junk beside what is unknown.

import fc from 'fast-check';

import type {
  AddressFacts,
  AuditContext,
  AuditSubject,
  AuthorityFacts,
  DomainFacts,
  ExchangeFacts,
  MxFacts,
  Outcome,
  TextFacts,
} from '../../src/model/audit.ts';
import type { DaneFacts } from '../../src/model/dane.ts';
import { type DomainName, domainNameOf } from '../../src/model/domain-name.ts';
import { byPreference } from '../../src/model/mx.ts';
import type { StsFacts } from '../../src/model/sts.ts';
import type { AuditCase } from './audit-facts.ts';
import { observe } from './worlds.ts';

/** Few, so that they meet. */
const names = [
  ...[
    'example.com',
    'mx1.example.net',
    'mx2.example.net',
    'spool.example.org',
    'a.b.example',
    'mail_1.example',
  ],
  ...[
    '192.0.2.1',
    'xn--mller-kva.example',
    '\\000\\027.example',
    'route1.mx.cloudflare.net',
    '*.example',
    '.',
  ],
].map(domainNameOf);
const aName = fc.constantFrom(...names);
const addresses = [
  ...['192.0.2.1', '192.0.2.2', '198.51.100.1', '203.0.113.1', '10.0.0.1', '127.0.0.1', '104.16.0.1'],
  ...['2001:db8::1', '::1', '2606:4700::1', '999.1.1.1', 'not an address', ':::', ''],
];
const outcome = fc.constantFrom<Outcome>('found', 'absent', 'nxdomain', 'unknown');
const line = fc.oneof(fc.constant(null), fc.string({ maxLength: 40 }));
const ttl = fc.constantFrom(0, 60, 300, 3600, 86_400, 2 ** 31 - 1);

const anAddressFacts: fc.Arbitrary<AddressFacts> = fc.record({
  outcome,
  addresses: fc.array(fc.constantFrom(...addresses), { maxLength: 7 }),
  ttl,
  aliases: fc.array(aName, { maxLength: 2 }),
  reason: line,
});

const aText: fc.Arbitrary<TextFacts> = fc.record({
  outcome,
  values: fc.array(
    fc.oneof(fc.constantFrom('v=spf1 -all', 'v=TLSRPTv1; rua=mailto:a@b'), fc.string({ maxLength: 30 })),
    { maxLength: 3 },
  ),
  reason: line,
});

const aDane = (exchange: DomainName): fc.Arbitrary<DaneFacts> =>
  fc.record({
    exchange: fc.constant(exchange),
    port: fc.constant(25),
    outcome: fc.constantFrom('insecure', 'none', 'usable', 'unusable', 'failed', 'unknown'),
    records: fc.constant([{ usage: 'dane-ee', selector: 'spki', hash: 'sha256', digest: 'c0ffee' }] as const),
    reason: line,
  });

const anObservation = (exchange: DomainName) =>
  fc
    .record({
      mark: fc.constantFrom('+', '-', 'x', '?'),
      address: fc.constantFrom(null, ...addresses),
      offersStarttls: fc.constantFrom(true, false, null),
    })
    .map(({ mark, ...rest }) => observe(mark, 0, { exchange, ...rest }));

const anExchange = (exchange: DomainName): fc.Arbitrary<ExchangeFacts> =>
  fc.record({
    exchange: fc.constant(exchange),
    addresses: anAddressFacts,
    nameServers: fc.option(fc.array(aName, { maxLength: 3 })),
    registrable: fc.option(fc.record({ domain: aName, outcome })),
    dane: fc.option(aDane(exchange)),
    observations: fc.array(anObservation(exchange), { maxLength: 3 }),
  });

const anMx: fc.Arbitrary<MxFacts> = fc
  .record({
    outcome,
    ttl,
    mx: fc.array(fc.record({ preference: fc.constantFrom(0, 10, 20, 65_535), exchange: aName }), {
      maxLength: 6,
    }),
    malformed: fc.array(fc.string({ maxLength: 20 }), { maxLength: 2 }),
    aliases: fc.array(aName, { maxLength: 1 }),
    isAuthenticated: fc.boolean(),
    reason: line,
  })
  .map((facts) => ({ ...facts, mx: [...facts.mx].sort(byPreference) }));

const anAuthority: fc.Arbitrary<AuthorityFacts> = fc.record({
  server: fc.oneof(fc.constantFrom('ns1.example [192.0.2.53]', 'ns2.example [192.0.2.54]'), fc.string()),
  outcome: fc.constantFrom('answer', 'absent', 'lame', 'failed'),
  ttl: fc.option(ttl),
  highestTtl: fc.option(ttl),
  rdata: fc.array(fc.constantFrom('10 mx1.example.net.', '20 mx2.example.net.'), { maxLength: 2 }),
  reason: line,
});

const anSts: fc.Arbitrary<StsFacts> = fc
  .record({
    domain: fc.constant('example.com'),
    mode: fc.constantFrom('enforce', 'testing', 'none', 'absent', 'unknown'),
    patterns: fc.array(fc.constantFrom('mx1.example.net', '*.example.net', '*', ''), { maxLength: 3 }),
    reason: line,
    fault: fc.constantFrom(null, 'record', 'http'),
  })
  .map((facts) => ({
    ...facts,
    fault: facts.mode === 'absent' || facts.mode === 'unknown' ? facts.fault : null,
  }));

const facts: fc.Arbitrary<DomainFacts> = anMx.chain((mx) =>
  fc.record({
    domain: fc.constant(domainNameOf('example.com')),
    mx: fc.constant(mx),
    own: fc.option(anAddressFacts),
    exchanges: fc.tuple(...mx.mx.map((one) => anExchange(one.exchange))),
    failover: fc.array(aName.chain(anExchange), { maxLength: 2 }),
    authorities: fc.option(fc.array(anAuthority, { maxLength: 3 })),
    sts: fc.option(anSts),
    stsId: fc.constantFrom(null, '1', '2'),
    tlsRpt: fc.option(aText),
    spf: fc.option(aText),
  }),
);

const subject: fc.Arbitrary<AuditSubject> = fc.record({
  domain: fc.constant(domainNameOf('example.com')),
  source: fc.constant({ file: null, line: null }),
  audit: fc.constant(null),
  expectation: fc.option(
    fc.record({
      mx: fc.uniqueArray(aName, { maxLength: 3 }),
      match: fc.constantFrom('exact', 'contains', 'any'),
    }),
  ),
});

const context: fc.Arbitrary<AuditContext> = fc
  .record({
    ours: fc.uniqueArray(aName, { maxLength: 4 }),
    backups: fc.uniqueArray(aName, { maxLength: 2 }),
    failover: fc.uniqueArray(aName, { maxLength: 2 }),
    maxTtl: fc.option(ttl),
    maxAddressTtl: fc.option(ttl),
    before: fc.option(fc.constant({ stsId: '1', patterns: ['mx1.example.net'] })),
  })
  .map(({ ours, backups, failover, maxTtl, maxAddressTtl, before }) => ({
    now: 0,
    ours: new Set(ours),
    backups: new Set(backups),
    failoverHosts: () => failover,
    maxTtl,
    maxAddressTtl: () => maxAddressTtl,
    // Said of the configuration, whatever is known of DNS.
    expiredIgnore: () => null,
    spfInclude: '_spf.example.net',
    before: () => before,
  }));

export const anAudit: fc.Arbitrary<AuditCase> = fc.record({ facts, subject, context });
