// What every provider must do, whatever is behind it: `providers/provider.ts` as tests. Each write is done twice, the
// second changing nothing. An adapter's own test file makes a world and adds what only that provider has.

import { describe, expect, it } from 'vitest';

import { displayName, domainNameOf } from '../../src/model/domain-name.ts';
import { rrsetOf } from '../../src/model/rrset.ts';
import { describeMishaps } from './provider-mishaps.ts';
import {
  Bench,
  type Cannot,
  caseOf,
  changeOf,
  codeOf,
  failureOf,
  never,
  type ProviderWorld,
  statesOf,
} from './provider-world.ts';

export function describeProviderContract(
  title: string,
  makeWorld: () => Promise<ProviderWorld>,
  cannot: Cannot = {},
): void {
  describe(title, () => {
    const bench = new Bench(makeWorld, cannot);
    describeReading(bench);
    describeReplacing(bench);
    describeConflicts(bench);
    describeRefusals(bench);
    describeMishaps(bench);
  });
}

function describeReading(bench: Bench): void {
  describe('reading', () => {
    it('gives the RRset with its TTL, values sorted', async () => {
      const { world, owner } = bench;
      await bench.hold(bench.proxy());
      for (let round = 1; round <= 2; round++)
        expect(await bench.provider.readRrset(world.zone, owner, 'MX', never)).toEqual(bench.proxy());
    });

    it('gives null where a name has no such type and where there is no such name', async () => {
      const { world, owner, provider } = bench;
      await bench.hold(bench.proxy());
      const nowhere = domainNameOf(`nowhere.${world.zone}`);
      for (let round = 1; round <= 2; round++) {
        expect(await provider.readRrset(world.zone, owner, 'AAAA', never)).toBeNull();
        expect(await provider.readRrset(world.zone, nowhere, 'MX', never)).toBeNull();
      }
    });

    it('gives many RRsets of a zone in the order asked, absent ones as null', async () => {
      const { world, provider } = bench;
      const labels = ['b', 'a.b', 'a', 'absent', 'c', ...Array.from({ length: 30 }, (_, n) => `n${n}`)];
      const names = labels.map((label) => domainNameOf(`${label}.${world.zone}`));
      const rrsets = names.map((at, n) =>
        n === 3 || n > 5 ? null : rrsetOf(at, 'MX', 60, [`${n} mx.example.org.`]),
      );
      for (const rrset of rrsets) if (rrset !== null) await world.write(rrset.owner, 'MX', rrset);
      const questions = names.map((at) => ({ owner: at, type: 'MX' }) as const);
      for (let round = 1; round <= 2; round++)
        expect(await provider.readRrsets(world.zone, questions, never)).toEqual(rrsets);
      expect(await provider.readRrsets(world.zone, [], never)).toEqual([]);
    });

    it('fails where there is no such zone, where nobody answers and where the secret is wrong', async () => {
      const { world, owner } = bench;
      const { unknownZone } = world;
      for (let round = 1; round <= 2; round++) {
        const unknown = await failureOf(bench.provider.readRrset(unknownZone, unknownZone, 'MX', never));
        expect(unknown.code).toBe('zone-unknown');
        expect(unknown.message).toContain(displayName(unknownZone));
      }
      const nobody = world.withNobodyThere().readRrset(world.zone, owner, 'MX', never);
      expect(await codeOf(nobody)).toBe('provider-unreachable');
      const wrong = world.withWrongCredentials().readRrset(world.zone, owner, 'MX', never);
      expect(await codeOf(wrong)).toBe('provider-credentials');
    });
  });
}

function describeReplacing(bench: Bench): void {
  const applies = (...changes: Parameters<Bench['applies']>) => bench.applies(...changes);

  describe('replacing', () => {
    it('creates an RRset that is not there', async () => {
      await applies(changeOf(null, bench.direct()));
    });

    it('replaces one RRset by another and puts it back as it was', async () => {
      await bench.hold(bench.proxy());
      await applies(changeOf(bench.proxy(), bench.direct()));
      await applies(changeOf(bench.direct(), bench.proxy()));
    });

    it('changes the TTL alone', async () => {
      const short = { ...bench.proxy(), ttl: 60 };
      await bench.hold(bench.proxy());
      await applies(changeOf(bench.proxy(), short));
      await applies(changeOf(short, bench.proxy()));
    });

    it('takes the least and the greatest TTL that it says it takes', async () => {
      const { minTtl, maxTtl } = bench.provider.capabilities;
      const [least, most] = [
        { ...bench.proxy(), ttl: minTtl },
        { ...bench.proxy(), ttl: maxTtl },
      ];
      await applies(changeOf(null, least));
      await applies(changeOf(least, most));
    });

    it('swaps preferences of the same exchanges', async () => {
      await bench.hold(bench.proxy());
      const swapped = bench.mx(3600, '20 mx1.filter.example.net.', '10 mx2.filter.example.net.');
      await applies(changeOf(bench.proxy(), swapped));
    });

    it('removes an RRset that is not MX', async () => {
      const addresses = rrsetOf(domainNameOf(`mx.${bench.owner}`), 'A', 60, ['192.0.2.1', '192.0.2.2']);
      await bench.world.write(addresses.owner, 'A', addresses);
      await applies(changeOf(addresses, null));
    });

    it('makes a TXT record as a drill does, quotes and all, and removes it', async () => {
      const at = domainNameOf(`_mxctl-drill.${bench.world.zone}`);
      const text = rrsetOf(at, 'TXT', 60, ['"mxctl drill 01KAJ0 2026-11-22T03:12:00.000Z"']);
      await applies(changeOf(null, text));
      await applies(changeOf(text, null));
    });

    it('leaves other types and other names alone', async () => {
      const { world, owner } = bench;
      const at = domainNameOf(`other.${world.zone}`);
      const text = rrsetOf(owner, 'TXT', 300, ['"v=spf1 -all"']);
      const elsewhere = rrsetOf(at, 'MX', 300, ['10 mx.example.org.']);
      await bench.hold(bench.proxy());
      await world.write(owner, 'TXT', text);
      await world.write(at, 'MX', elsewhere);
      await applies(bench.flip());
      expect(await world.read(owner, 'TXT')).toEqual(text);
      expect(await world.read(at, 'MX')).toEqual(elsewhere);
    });

    it('takes many values and long names', async () => {
      const long = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(40)}.example.org.`;
      const many = Array.from({ length: 40 }, (_, n) => `${n} mx${n}.example.org.`);
      await applies(changeOf(null, bench.mx(60, ...many, `100 ${long}`)));
    });

    it('takes many RRsets at once, of which some are as wanted already', async () => {
      const { world } = bench;
      const wanted = Array.from({ length: 12 }, (_, n) =>
        rrsetOf(domainNameOf(`n${n}.${world.zone}`), 'MX', 60, [`10 mx${n}.example.org.`]),
      );
      for (const one of [wanted[3]!, wanted[7]!]) await world.write(one.owner, 'MX', one);
      const changes = wanted.map((one) => changeOf(null, one));
      const states = statesOf(await bench.replace(...changes));
      expect(states).toEqual(wanted.map((_, n) => (n === 3 || n === 7 ? 'unchanged' : 'applied')));
      for (const one of wanted) expect(await world.read(one.owner, 'MX')).toEqual(one);
      expect(new Set(statesOf(await bench.replace(...changes)))).toEqual(new Set(['unchanged']));
    });

    it('takes internationalised names as A-labels', async () => {
      const at = domainNameOf(`bücher.${bench.owner}`);
      expect(at).toBe(`xn--bcher-kva.${bench.owner}`);
      const exchange = domainNameOf('mx.straße.example');
      await applies(changeOf(null, rrsetOf(at, 'MX', 60, [`10 ${exchange}`])));
    });

    it('takes the longest name that there is', async () => {
      const longestIn = (above: string) => {
        const labels = Array.from({ length: 4 }, (_, n) => 'abcd'.charAt(n).repeat(63)).join('.');
        // RFC 1035 §2.3.4: 255 octets on the wire are 254 characters with the last dot.
        return domainNameOf(`${labels.slice(0, 253 - above.length).replace(/\.$/, 'x')}.${above}`);
      };
      const at = longestIn(bench.owner);
      expect(at).toHaveLength(254);
      // Its exchange lies outside: BIND wants addresses for those within.
      await applies(changeOf(null, rrsetOf(at, 'MX', 60, [`10 ${longestIn('example.org.')}`])));
    });

    it('takes A and AAAA of one name together', async () => {
      const at = domainNameOf(`mx1.${bench.owner}`);
      const four = rrsetOf(at, 'A', 60, ['192.0.2.10']);
      const six = rrsetOf(at, 'AAAA', 60, ['2001:db8:f::10']);
      await applies(changeOf(null, four), changeOf(null, six));
      const moved = [rrsetOf(at, 'A', 60, ['198.51.100.10']), rrsetOf(at, 'AAAA', 60, ['2001:db8:a::10'])];
      await applies(changeOf(four, moved[0]!), changeOf(six, moved[1]!));
    });

    it('takes a null MX where it is declared: wanted by itself; and takes it back', async () => {
      const none = bench.mx(60, '0 .');
      await applies(changeOf(null, none));
      await applies(changeOf(none, bench.direct()));
    });

    it('keeps two zones apart, also where both are written at once', async () => {
      const { world, owner, provider } = bench;
      await bench.hold(bench.proxy());
      await applies(bench.flip());
      expect(await world.read(world.otherZone, 'MX')).toBeNull();
      const theirs = changeOf(null, rrsetOf(world.otherZone, 'MX', 60, ['10 mx.example.org.']));
      for (const state of ['applied', 'unchanged']) {
        const back = state === 'applied' ? [changeOf(bench.direct(), bench.proxy())] : [];
        const both = await Promise.all([
          bench.replace(...back),
          provider.replaceRrsets(world.otherZone, [theirs], never),
        ]);
        expect(both.map(statesOf)).toEqual([back.map(() => 'applied'), [state]]);
        expect(await world.read(world.otherZone, 'MX')).toEqual(theirs.desired);
        expect(await world.read(owner, 'MX')).toEqual(bench.proxy());
      }
    });

    it('does nothing for no changes', async () => {
      expect(await bench.replace()).toEqual([]);
    });
  });
}

function describeConflicts(bench: Bench): void {
  describe('a conflict', () => {
    it.each([
      ['another value', () => bench.mx(3600, '10 else.example.org.')],
      ['one value more', () => bench.mx(3600, ...bench.proxy().rdata, '30 mx3.filter.example.net.')],
      ['one value less', () => bench.mx(3600, '10 mx1.filter.example.net.')],
      ['another TTL', () => ({ ...bench.proxy(), ttl: 1800 })],
      ['nothing there', () => null],
    ])('is %s than expected: nothing is written, and what is live is told', async (_, live) => {
      await bench.hold(live());
      for (let round = 1; round <= 2; round++) {
        expect(await bench.replace(bench.flip())).toEqual([{ state: 'conflict', live: live() }]);
        expect(await bench.read()).toEqual(live());
      }
    });

    it('is an RRset where none was expected', async () => {
      await bench.hold(bench.proxy());
      for (let round = 1; round <= 2; round++) {
        const outcomes = await bench.replace(changeOf(null, bench.direct()));
        expect(outcomes).toEqual([{ state: 'conflict', live: bench.proxy() }]);
        expect(await bench.read()).toEqual(bench.proxy());
      }
    });

    it('is another RRset than the one to be removed', async () => {
      const addresses = rrsetOf(domainNameOf(`mx.${bench.owner}`), 'A', 60, ['192.0.2.1']);
      const theirs = { ...addresses, rdata: ['192.0.2.2'] };
      await bench.world.write(theirs.owner, 'A', theirs);
      for (let round = 1; round <= 2; round++) {
        expect(await bench.replace(changeOf(addresses, null))).toEqual([{ state: 'conflict', live: theirs }]);
        expect(await bench.world.read(theirs.owner, 'A')).toEqual(theirs);
      }
    });

    it('in one RRset keeps the whole batch from being written', async () => {
      const { world } = bench;
      expect(bench.provider.capabilities.hasAtomicBatch).toBe(true);
      const at = domainNameOf(`in.${world.zone}`);
      const theirs = rrsetOf(at, 'MX', 300, ['10 else.example.org.']);
      await bench.hold(bench.proxy());
      await world.write(at, 'MX', theirs);
      for (let round = 1; round <= 2; round++) {
        const outcomes = await bench.replace(
          bench.flip(),
          changeOf(null, rrsetOf(at, 'MX', 60, ['10 a.example.'])),
        );
        expect(outcomes).toEqual([
          { state: 'skipped', reason: expect.any(String) as string },
          { state: 'conflict', live: theirs },
        ]);
        expect(await bench.read()).toEqual(bench.proxy());
      }
    });

    describe('that arises between reading and writing is seen', () => {
      const { cannot } = bench;
      for (const [what, theirs] of [
        ['other values', () => bench.mx(3600, '10 else.example.org.')],
        ['another TTL', () => ({ ...bench.proxy(), ttl: 1800 })],
      ] as const)
        caseOf(cannot.seeRaces ?? cannot.fail, what, async () => {
          for (let round = 1; round <= 2; round++) {
            await bench.hold(bench.proxy());
            bench.faults.beforeWrite(() => bench.hold(theirs()));
            expect(await bench.replace(bench.flip())).toEqual([{ state: 'conflict', live: theirs() }]);
            expect(await bench.read()).toEqual(theirs());
          }
        });
    });
  });
}

function describeRefusals(bench: Bench): void {
  describe('refused before anything is sent', () => {
    it.each([
      ['an MX RRset without values', () => [changeOf(bench.proxy(), { ...bench.direct(), rdata: [] })]],
      ['an MX RRset that would be gone', () => [changeOf(bench.proxy(), null)]],
      [
        'a null MX that nobody declared: it stands among others',
        () => [changeOf(bench.proxy(), bench.mx(60, '0 .', '10 mx.example.org.'))],
      ],
      ['one RRset changed twice', () => [bench.flip(), bench.flip()]],
      [
        'a TTL below the least',
        () => [changeOf(bench.proxy(), { ...bench.direct(), ttl: bench.provider.capabilities.minTtl - 1 })],
      ],
      [
        'a TTL above the greatest',
        () => [changeOf(bench.proxy(), { ...bench.direct(), ttl: bench.provider.capabilities.maxTtl + 1 })],
      ],
    ])('%s', async (_, changes) => {
      await bench.hold(bench.proxy());
      for (let round = 1; round <= 2; round++) {
        expect(await failureOf(bench.replace(...changes()))).toMatchObject({
          code: 'provider-refused',
          exitCode: 3,
        });
        expect(await bench.read()).toEqual(bench.proxy());
      }
    });

    it('a name outside the zone', async () => {
      const { world } = bench;
      const outside = rrsetOf(world.otherZone, 'MX', 60, ['10 mx.example.org.']);
      const error = await failureOf(bench.replace(changeOf(null, outside)));
      expect(error.code).toBe('name-outside-zone');
      expect(error.message).toContain(displayName(world.otherZone));
      expect(await world.read(world.otherZone, 'MX')).toBeNull();
    });
  });
}
