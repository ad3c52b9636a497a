import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { decodeMessage } from '../../../src/dns/decode.ts';
import { rcodes, type ResourceRecord } from '../../../src/dns/message.ts';
import { signMessage, type TsigKey, verifyTsig } from '../../../src/dns/tsig.ts';
import { applyUpdate } from '../../../src/dns/update-server.ts';
import { makeUpdate } from '../../../src/dns/update.ts';
import { domainNameOf } from '../../../src/model/domain-name.ts';
import { hasSameRdata, isSameRrset, type Rrset, rrsetOf } from '../../../src/model/rrset.ts';
import { anyMessage } from '../../support/dns-messages.ts';
import { formatZoneLines, zoneLines } from '../../support/zone-lines.ts';

const numRuns = Number(process.env['MXCTL_PROPERTY_RUNS'] ?? 200);
const zone = domainNameOf('example.com.');
const apex = zoneLines(`
  example.com. 3600 SOA ns1.example.com. admin.example.com. 7 3600 600 86400 300
  example.com. 3600 NS  ns1.example.com.
`);
const key: TsigKey = {
  name: domainNameOf('mxctl.'),
  algorithm: 'hmac-sha512',
  secret: Buffer.from('sesame'),
};

const owner = fc.constantFrom('example.com.', 'in.example.com.').map(domainNameOf);
const values = fc.uniqueArray(
  fc.tuple(fc.nat({ max: 3 }), fc.constantFrom('a', 'b')).map(([n, host]) => `${n} ${host}.example.net.`),
  { maxLength: 3 },
);
const setAt = (at: Rrset['owner']) =>
  fc
    .tuple(values, fc.constantFrom(60, 300))
    .map(([rdata, ttl]) => (rdata.length === 0 ? null : rrsetOf(at, 'MX', ttl, rdata)));
const change = owner.chain((at) =>
  fc.record({
    owner: fc.constant(at),
    type: fc.constant('MX' as const),
    expected: setAt(at),
    desired: setAt(at),
  }),
);
const live = fc.tuple(setAt(domainNameOf('example.com.')), setAt(domainNameOf('in.example.com.')));

const recordsOf = (sets: readonly (Rrset | null)[]) => [
  ...apex,
  ...sets.flatMap((set) =>
    (set?.rdata ?? []).map((rdata) => ({
      ...apex[0]!,
      owner: set!.owner,
      type: 'MX' as const,
      ttl: set!.ttl,
      rdata,
    })),
  ),
];
const setIn = (records: readonly ResourceRecord[], at: Rrset['owner']): Rrset | null => {
  const found = records.filter((one) => one.owner === at && one.type === 'MX');
  return found.length === 0
    ? null
    : rrsetOf(
        at,
        'MX',
        found[0]!.ttl,
        found.map((one) => one.rdata ?? ''),
      );
};

describe('an UPDATE made by makeUpdate and applied by applyUpdate', () => {
  it('takes a zone to what is desired where every value is as expected, and otherwise leaves it as it was', () => {
    fc.assert(
      fc.property(
        live,
        fc.uniqueArray(change, { selector: (one) => one.owner, minLength: 1 }),
        (sets, changes) => {
          const before = recordsOf(sets);
          const { octets } = signMessage(makeUpdate({ id: 1, zone, changes }), key, 0);
          const decoded = decodeMessage(octets);
          if (!decoded.ok) throw new Error(decoded.fault);
          const { rcode, records } = applyUpdate(zone, before, decoded.message);
          const isAsExpected = changes.every((one) => hasSameRdata(one.expected, setIn(before, one.owner)));
          expect(rcode === rcodes.NOERROR).toBe(isAsExpected);
          if (!isAsExpected) expect(records).toBe(before);
          for (const at of ['example.com.', 'in.example.com.'].map(domainNameOf)) {
            const wanted = isAsExpected ? changes.find((one) => one.owner === at) : undefined;
            const expected = wanted === undefined ? setIn(before, at) : wanted.desired;
            expect(isSameRrset(setIn(records, at), expected)).toBe(true);
          }
          // RFC 2136 §3.6: the serial moves exactly when something else did.
          const others = (all: readonly ResourceRecord[]) =>
            formatZoneLines(all.filter((one) => one.type !== 'SOA')).sort();
          const isMoved = others(before).join('\n') !== others(records).join('\n');
          expect(records[0]?.rdata === before[0]?.rdata).toBe(!isMoved);
        },
      ),
      { numRuns },
    );
  });
});

describe('a TSIG', () => {
  it('verifies over any message, and not over one with another bit', () => {
    fc.assert(
      fc.property(anyMessage, fc.nat(), fc.nat(), (message, at, bit) => {
        const { octets } = signMessage(message, key, 1000);
        const verify = (changed: Uint8Array) => {
          const decoded = decodeMessage(changed);
          return decoded.ok && verifyTsig(changed, decoded, key, { requestMac: null, nowSeconds: 1000 }).ok;
        };
        expect(verify(octets)).toBe(true);
        // Not the id, which forwarders replace; not the letter case of a name, which the wire does not keep.
        const position = 2 + (at % (octets.length - 2));
        const changed = octets.slice();
        changed[position]! ^= 1 << (bit % 8);
        const keyNameAt = octets.length - tsigLength(octets);
        if (position < keyNameAt) expect(verify(changed)).toBe(false);
      }),
      { numRuns },
    );
  });
});

function tsigLength(octets: Uint8Array): number {
  const decoded = decodeMessage(octets);
  return decoded.ok ? octets.length - (decoded.tsigOffset ?? 0) : 0;
}
