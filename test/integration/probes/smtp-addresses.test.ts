// From an exchange to its hops: found, none and unknown told apart.
import { expect, test } from 'vitest';

import { domainNameOf } from '../../../src/model/domain-name.ts';
import { rrsetOf } from '../../../src/model/rrset.ts';
import type { Lookup } from '../../../src/dns/reader.ts';
import { ManualClock } from '../../support/smtp-script.ts';
import { exchange, policy, probeWith, resolverOf } from './setup.ts';

const never = AbortSignal.timeout(20_000);
const target = { exchange, port: 25, policy, addresses: null };

const found = (type: 'A' | 'AAAA', ...values: string[]): Partial<Lookup> => ({
  outcome: 'found',
  rrset: rrsetOf(exchange, type, 60, values),
});
const alias = { aliases: [domainNameOf('real.example.net')] };

function resolve(a: Partial<Lookup>, aaaa: Partial<Lookup>) {
  const resolver = resolverOf({ 'mx.example.com. A': a, 'mx.example.com. AAAA': aaaa });
  return probeWith(new ManualClock(), { resolver }).resolve(target, never);
}

test.each<[string, Partial<Lookup>, Partial<Lookup>, unknown]>([
  [
    'A and AAAA',
    found('A', '192.0.2.1', '192.0.2.2'),
    found('AAAA', '2001:db8::1'),
    { outcome: 'found', addresses: ['192.0.2.1', '192.0.2.2', '2001:db8::1'] },
  ],
  ['A only', found('A', '192.0.2.1'), { outcome: 'absent' }, { outcome: 'found', addresses: ['192.0.2.1'] }],
  [
    'A, and AAAA failed: what is known is probed',
    found('A', '192.0.2.1'),
    {},
    { outcome: 'found', addresses: ['192.0.2.1'] },
  ],
  [
    'an alias, followed and told (RFC 2181 §10.3)',
    { ...found('A', '192.0.2.1'), ...alias },
    { outcome: 'absent' },
    { outcome: 'found', addresses: ['192.0.2.1'], reason: 'an alias of real.example.net' },
  ],
  ['no records', { outcome: 'absent' }, { outcome: 'absent' }, { outcome: 'none', reason: 'no A or AAAA' }],
  [
    'no name',
    { outcome: 'nxdomain' },
    { outcome: 'nxdomain' },
    { outcome: 'none', reason: 'name does not exist' },
  ],
  [
    'an alias of nothing',
    { outcome: 'nxdomain', ...alias },
    { outcome: 'nxdomain', ...alias },
    { outcome: 'none', reason: 'name does not exist; an alias of real.example.net' },
  ],
  [
    'one family failed, the other absent: nobody can say',
    { outcome: 'absent' },
    { reason: 'SERVFAIL from 192.0.2.53' },
    { outcome: 'unknown', reason: 'SERVFAIL from 192.0.2.53' },
  ],
])('%s', async (_title, a, aaaa, expected) => {
  expect(await resolve(a, aaaa)).toEqual(expected);
});

test('declared addresses are taken without asking', async () => {
  const probe = probeWith(new ManualClock());
  expect(await probe.resolve({ ...target, addresses: ['192.0.2.7'] }, never)).toEqual({
    outcome: 'found',
    addresses: ['192.0.2.7'],
  });
});

test('an exchange without addresses fails as deferred: senders skip it to the next', () => {
  const probe = probeWith(new ManualClock());
  expect(probe.withoutAddress(target, { outcome: 'none', reason: 'no A or AAAA' })).toMatchObject({
    verdict: 'fail',
    fate: 'deferred',
    stage: 'resolve',
    address: null,
    summary: 'no address: no A or AAAA',
    stages: [{ stage: 'resolve', ok: false, fault: 'no address: no A or AAAA' }],
  });
});

test('an exchange nobody could resolve is inconclusive', () => {
  const probe = probeWith(new ManualClock());
  expect(probe.withoutAddress(target, { outcome: 'unknown', reason: 'SERVFAIL\n\x1b[2J' })).toMatchObject({
    verdict: 'inconclusive',
    fate: 'unknown',
    summary: 'cannot be resolved: SERVFAIL\\n\\u001b[2J',
  });
});
