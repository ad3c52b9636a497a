// What every provider must do, whatever is behind it: `providers/provider.ts` as tests. Each write is done twice, the
// second changing nothing. An adapter's own test file makes a world and adds what only that provider has.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { AppError } from '../../src/errors.ts';
import { type DomainName, domainNameOf } from '../../src/model/domain-name.ts';
import { formatRrset, type Rrset, rrsetOf, type RrType } from '../../src/model/rrset.ts';
import type { Provider, ReplaceOutcome, ZoneChange } from '../../src/providers/provider.ts';

export interface ProviderWorld {
  readonly provider: Provider;
  /** Two zones of the provider; each holds nothing but what a zone must have, and what `write` puts there. */
  readonly zone: DomainName;
  readonly otherZone: DomainName;
  /** A zone it does not have. */
  readonly unknownZone: DomainName;
  /** What the provider holds, not asked through the adapter. */
  read(owner: DomainName, type: RrType): Promise<Rrset | null>;
  /** Somebody else's write, past the adapter; null removes. */
  write(owner: DomainName, type: RrType, rrset: Rrset | null): Promise<void>;
  /** The same provider with a secret it does not take. */
  withWrongCredentials(): Provider;
  /** The same provider seen by a machine whose clock is off; null where time does not matter to it. */
  withClockOff: ((seconds: number) => Provider) | null;
  /** The same provider where nothing listens. */
  withNobodyThere(): Provider;
  /** Faults that a test may order; null where the provider is real and cannot be made to fail. */
  readonly faults: ProviderFaults | null;
  close(): Promise<void>;
}

/** Each concerns the next write and no other. */
export interface ProviderFaults {
  /** It is applied; the reply never comes. */
  loseReplyAfterApply(): void;
  /** It never gets there, and no reply comes. */
  loseReplyBeforeApply(): void;
  /** It is applied, no reply comes, and nothing answers any more. */
  loseReplyAndFallSilent(): void;
  /** Runs when the write has arrived and is not yet judged. */
  beforeWrite(run: () => void): void;
  /** It is turned away for asking too fast; absent where the provider has no such limit. */
  throttle?(): void;
}

const never = new AbortController().signal;

/** The thrown error's code, or a failing expectation. */
async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    (value: unknown) => new Error(`nothing was thrown, but returned ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof AppError)) throw error;
  expect(error.message).not.toBe('');
  expect(error.hint).not.toBeNull();
  return error.code;
}

const statesOf = (outcomes: readonly ReplaceOutcome[]) => outcomes.map((one) => one.state);

export function describeProviderContract(title: string, makeWorld: () => Promise<ProviderWorld>): void {
  describe(title, () => {
    let world: ProviderWorld;
    let provider: Provider;
    let owner: DomainName;

    beforeEach(async () => {
      world = await makeWorld();
      ({ provider, zone: owner } = world);
    });
    afterEach(async () => {
      await provider.close();
      await world.close();
    });

    const mx = (ttl: number, ...rdata: string[]) => rrsetOf(owner, 'MX', ttl, rdata);
    const proxy = () => mx(3600, '10 mx1.filter.example.net.', '20 mx2.filter.example.net.');
    const direct = () => mx(60, '10 mx.example.org.', '90 spool.example.org.');
    const change = (expected: Rrset | null, desired: Rrset | null): ZoneChange => {
      const one = desired ?? expected ?? direct();
      return { owner: one.owner, type: one.type, expected, desired };
    };
    const replace = (...changes: ZoneChange[]) => provider.replaceRrsets(world.zone, changes, never);
    const lines = async (at: DomainName, type: RrType) => {
      const rrset = await world.read(at, type);
      return rrset === null ? null : formatRrset(rrset);
    };
    /** Applies, finds it there, and applies again to no effect. */
    const applies = async (...changes: ZoneChange[]) => {
      expect(statesOf(await replace(...changes))).toEqual(changes.map(() => 'applied'));
      for (const round of ['first', 'second']) {
        for (const { owner: at, type, desired } of changes) {
          expect([round, await world.read(at, type)]).toEqual([round, desired]);
          expect([round, await provider.readRrset(world.zone, at, type, never)]).toEqual([round, desired]);
        }
        expect(statesOf(await replace(...changes))).toEqual(changes.map(() => 'unchanged'));
      }
    };

    describe('reading', () => {
      it('gives the RRset with its TTL, values sorted', async () => {
        await world.write(owner, 'MX', proxy());
        expect(await provider.readRrset(world.zone, owner, 'MX', never)).toEqual(proxy());
      });

      it('gives null where a name has no such type and where there is no such name', async () => {
        await world.write(owner, 'MX', proxy());
        expect(await provider.readRrset(world.zone, owner, 'AAAA', never)).toBeNull();
        const nowhere = domainNameOf(`nowhere.${world.zone}`);
        expect(await provider.readRrset(world.zone, nowhere, 'MX', never)).toBeNull();
      });

      it('gives many RRsets of a zone in the order asked, absent ones as null', async () => {
        const names = ['b', 'a.b', 'a', 'absent', 'c'].map((label) => domainNameOf(`${label}.${world.zone}`));
        const rrsets = names.map((at, n) =>
          n === 3 ? null : rrsetOf(at, 'MX', 60, [`${n} mx.example.org.`]),
        );
        for (const rrset of rrsets) if (rrset !== null) await world.write(rrset.owner, 'MX', rrset);
        const questions = names.map((at) => ({ owner: at, type: 'MX' }) as const);
        expect(await provider.readRrsets(world.zone, questions, never)).toEqual(rrsets);
        expect(await provider.readRrsets(world.zone, [], never)).toEqual([]);
      });

      it('fails where there is no such zone, where nobody answers and where the secret is wrong', async () => {
        const { unknownZone } = world;
        expect(await codeOf(provider.readRrset(unknownZone, unknownZone, 'MX', never))).toBe('zone-unknown');
        const nobody = world.withNobodyThere().readRrset(world.zone, owner, 'MX', never);
        expect(await codeOf(nobody)).toBe('provider-unreachable');
        const wrong = world.withWrongCredentials().readRrset(world.zone, owner, 'MX', never);
        expect(await codeOf(wrong)).toBe('provider-credentials');
      });
    });

    describe('replacing', () => {
      it('creates an RRset that is not there', async () => {
        await applies(change(null, direct()));
      });

      it('replaces one RRset by another and puts it back as it was', async () => {
        await world.write(owner, 'MX', proxy());
        await applies(change(proxy(), direct()));
        await applies(change(direct(), proxy()));
      });

      it('changes the TTL alone', async () => {
        await world.write(owner, 'MX', proxy());
        await applies(change(proxy(), { ...proxy(), ttl: 60 }));
        await applies(change({ ...proxy(), ttl: 60 }, proxy()));
      });

      it('swaps preferences of the same exchanges', async () => {
        await world.write(owner, 'MX', proxy());
        await applies(change(proxy(), mx(3600, '20 mx1.filter.example.net.', '10 mx2.filter.example.net.')));
      });

      it('removes an RRset that is not MX', async () => {
        const addresses = rrsetOf(domainNameOf(`mx.${world.zone}`), 'A', 60, ['192.0.2.1', '192.0.2.2']);
        await world.write(addresses.owner, 'A', addresses);
        await applies(change(addresses, null));
      });

      it('leaves other types and other names alone', async () => {
        const at = domainNameOf(`other.${world.zone}`);
        const text = rrsetOf(owner, 'TXT', 300, ['"v=spf1 -all"']);
        const elsewhere = rrsetOf(at, 'MX', 300, ['10 mx.example.org.']);
        await world.write(owner, 'MX', proxy());
        await world.write(owner, 'TXT', text);
        await world.write(at, 'MX', elsewhere);
        await applies(change(proxy(), direct()));
        expect(await world.read(owner, 'TXT')).toEqual(text);
        expect(await world.read(at, 'MX')).toEqual(elsewhere);
      });

      it('takes many values and long names', async () => {
        const long = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(40)}.example.org.`;
        const many = Array.from({ length: 40 }, (_, n) => `${n} mx${n}.example.org.`);
        await applies(change(null, mx(60, ...many, `100 ${long}`)));
      });

      it('takes internationalised names as A-labels', async () => {
        const at = domainNameOf(`bücher.${world.zone}`);
        expect(at).toBe(`xn--bcher-kva.${world.zone}`);
        const exchange = domainNameOf('mx.straße.example');
        await applies(change(null, rrsetOf(at, 'MX', 60, [`10 ${exchange}`])));
      });

      it('takes the longest name that there is', async () => {
        const longestIn = (above: string) => {
          const labels = Array.from({ length: 4 }, (_, n) => 'abcd'.charAt(n).repeat(63)).join('.');
          // RFC 1035 §2.3.4: 255 octets on the wire are 254 characters with the last dot.
          return domainNameOf(`${labels.slice(0, 253 - above.length).replace(/\.$/, 'x')}.${above}`);
        };
        const at = longestIn(world.zone);
        expect(at).toHaveLength(254);
        // Its exchange lies outside: BIND wants addresses for those within.
        await applies(change(null, rrsetOf(at, 'MX', 60, [`10 ${longestIn('example.org.')}`])));
      });

      it('takes A and AAAA of one name together', async () => {
        const at = domainNameOf(`mx1.${world.zone}`);
        const four = rrsetOf(at, 'A', 60, ['192.0.2.10']);
        const six = rrsetOf(at, 'AAAA', 60, ['2001:db8:f::10']);
        await applies(change(null, four), change(null, six));
        const moved = [rrsetOf(at, 'A', 60, ['198.51.100.10']), rrsetOf(at, 'AAAA', 60, ['2001:db8:a::10'])];
        await applies(change(four, moved[0]!), change(six, moved[1]!));
      });

      it('takes a null MX by itself', async () => {
        await applies(change(null, mx(60, '0 .')));
      });

      it('keeps two zones apart', async () => {
        await world.write(owner, 'MX', proxy());
        await applies(change(proxy(), direct()));
        expect(await world.read(world.otherZone, 'MX')).toBeNull();
        const theirs = rrsetOf(world.otherZone, 'MX', 60, ['10 mx.example.org.']);
        await provider.replaceRrsets(world.otherZone, [change(null, theirs)], never);
        expect(await world.read(world.otherZone, 'MX')).toEqual(theirs);
        expect(await world.read(owner, 'MX')).toEqual(direct());
      });

      it('does nothing for no changes', async () => {
        expect(await replace()).toEqual([]);
      });
    });

    describe('a conflict', () => {
      it.each([
        ['another value', () => mx(3600, '10 else.example.org.')],
        ['one value more', () => mx(3600, ...proxy().rdata, '30 mx3.filter.example.net.')],
        ['one value less', () => mx(3600, '10 mx1.filter.example.net.')],
        ['another TTL', () => ({ ...proxy(), ttl: 1800 })],
        ['nothing there', () => null],
      ])('is %s than expected: nothing is written, and what is live is told', async (_, live) => {
        await world.write(owner, 'MX', live());
        for (let round = 1; round <= 2; round++) {
          expect(await replace(change(proxy(), direct()))).toEqual([{ state: 'conflict', live: live() }]);
          expect(await world.read(owner, 'MX')).toEqual(live());
        }
      });

      it('is an RRset where none was expected', async () => {
        await world.write(owner, 'MX', proxy());
        expect(await replace(change(null, direct()))).toEqual([{ state: 'conflict', live: proxy() }]);
        expect(await world.read(owner, 'MX')).toEqual(proxy());
      });

      it('in one RRset keeps the whole batch from being written where batches are atomic', async (context) => {
        if (!provider.capabilities.hasAtomicBatch) context.skip('batches of this provider are not atomic');
        const at = domainNameOf(`in.${world.zone}`);
        const theirs = rrsetOf(at, 'MX', 300, ['10 else.example.org.']);
        await world.write(owner, 'MX', proxy());
        await world.write(at, 'MX', theirs);
        const outcomes = await replace(
          change(proxy(), direct()),
          change(null, rrsetOf(at, 'MX', 60, ['10 a.example.'])),
        );
        expect(outcomes).toEqual([
          { state: 'skipped', reason: expect.any(String) as string },
          { state: 'conflict', live: theirs },
        ]);
        expect(await lines(owner, 'MX')).toEqual(formatRrset(proxy()));
      });

      it('that arises between reading and writing is seen', async (context) => {
        const { faults } = world;
        if (faults === null) return context.skip('a real server');
        if (provider.capabilities.compareAndSet === 'none') return context.skip('no compare-and-set');
        const theirs = mx(3600, '10 else.example.org.');
        await world.write(owner, 'MX', proxy());
        faults.beforeWrite(() => void world.write(owner, 'MX', theirs));
        expect(await replace(change(proxy(), direct()))).toEqual([{ state: 'conflict', live: theirs }]);
        expect(await world.read(owner, 'MX')).toEqual(theirs);
      });
    });

    describe('refused before anything is sent', () => {
      it.each([
        ['an MX RRset without values', () => [change(proxy(), { ...direct(), rdata: [] })]],
        ['an MX RRset that would be gone', () => [change(proxy(), null)]],
        ['a null MX among others', () => [change(proxy(), mx(60, '0 .', '10 mx.example.org.'))]],
        ['one RRset changed twice', () => [change(proxy(), direct()), change(proxy(), direct())]],
      ])('%s', async (_, changes) => {
        await world.write(owner, 'MX', proxy());
        expect(await codeOf(replace(...changes()))).toBe('provider-refused');
        expect(await world.read(owner, 'MX')).toEqual(proxy());
      });

      it('a name outside the zone', async () => {
        const outside = rrsetOf(world.otherZone, 'MX', 60, ['10 mx.example.org.']);
        expect(await codeOf(replace(change(null, outside)))).toBe('name-outside-zone');
        expect(await world.read(world.otherZone, 'MX')).toBeNull();
      });
    });

    describe('a failure', () => {
      it('is a zone it does not have', async () => {
        const at = world.unknownZone;
        const wanted = change(null, rrsetOf(at, 'MX', 60, ['10 mx.example.org.']));
        expect(await codeOf(provider.replaceRrsets(at, [wanted], never))).toBe('zone-unknown');
      });

      it('is a secret that it does not take', async () => {
        const wrong = world.withWrongCredentials();
        expect(await codeOf(wrong.replaceRrsets(world.zone, [change(null, direct())], never))).toBe(
          'provider-credentials',
        );
        expect(await world.read(owner, 'MX')).toBeNull();
      });

      it('is a clock that is off', async (context) => {
        if (world.withClockOff === null) return context.skip('this provider does not care');
        for (const seconds of [-3600, 3600]) {
          const off = world.withClockOff(seconds);
          expect(await codeOf(off.replaceRrsets(world.zone, [change(null, direct())], never))).toBe(
            'clock-skew',
          );
        }
        expect(await world.read(owner, 'MX')).toBeNull();
      });

      it('is nobody there, and may be tried again', async () => {
        const error: unknown = await world
          .withNobodyThere()
          .replaceRrsets(world.zone, [change(null, direct())], never)
          .catch((reason: unknown) => reason);
        expect(error).toMatchObject({ code: 'provider-unreachable', retryable: true });
      });
    });

    describe('a write turned away for asking too fast', () => {
      it('is made later, once', async (context) => {
        const { faults } = world;
        if (faults?.throttle === undefined) return context.skip('no such limit, or a real server');
        await world.write(owner, 'MX', proxy());
        faults.throttle();
        await applies(change(proxy(), direct()));
      });
    });

    describe('a lost reply', () => {
      it('to a write that was applied is found out by reading back', async (context) => {
        const { faults } = world;
        if (faults === null) return context.skip('a real server');
        await world.write(owner, 'MX', proxy());
        faults.loseReplyAfterApply();
        expect(statesOf(await replace(change(proxy(), direct())))).toEqual(['applied']);
        expect(statesOf(await replace(change(proxy(), direct())))).toEqual(['unchanged']);
      });

      it('to a write that was not applied is an error that says so, and may be tried again', async (context) => {
        const { faults } = world;
        if (faults === null) return context.skip('a real server');
        await world.write(owner, 'MX', proxy());
        faults.loseReplyBeforeApply();
        const error: unknown = await replace(change(proxy(), direct())).catch((reason: unknown) => reason);
        expect(error).toMatchObject({ code: 'provider-unreachable', retryable: true });
        expect((error as Error).message).toContain('not applied');
        expect(await world.read(owner, 'MX')).toEqual(proxy());
        expect(statesOf(await replace(change(proxy(), direct())))).toEqual(['applied']);
      });

      it('with nobody left to read back from is unknown, never a guess', async (context) => {
        const { faults } = world;
        if (faults === null) return context.skip('a real server');
        faults.loseReplyAndFallSilent();
        expect(statesOf(await replace(change(null, direct())))).toEqual(['unknown']);
      });
    });

    describe('an abort', () => {
      it('before the write leaves everything as it was', async () => {
        const abort = new AbortController();
        const reason = new Error('Ctrl-C');
        abort.abort(reason);
        await expect(provider.replaceRrsets(world.zone, [change(null, direct())], abort.signal)).rejects.toBe(
          reason,
        );
        await expect(provider.readRrset(world.zone, owner, 'MX', abort.signal)).rejects.toBe(reason);
        expect(await world.read(owner, 'MX')).toBeNull();
      });

      it('half way through two zones keeps what was done and leaves the rest as it was', async () => {
        const abort = new AbortController();
        const reason = new Error('Ctrl-C');
        const theirs = rrsetOf(world.otherZone, 'MX', 60, ['10 mx.example.org.']);
        await provider.replaceRrsets(world.zone, [change(null, direct())], abort.signal);
        abort.abort(reason);
        const rest = provider.replaceRrsets(world.otherZone, [change(null, theirs)], abort.signal);
        await expect(rest).rejects.toBe(reason);
        expect(await world.read(owner, 'MX')).toEqual(direct());
        expect(await world.read(world.otherZone, 'MX')).toBeNull();
      });

      it('while the write is out still tells what became of it', async (context) => {
        const { faults } = world;
        if (faults === null) return context.skip('a real server');
        const abort = new AbortController();
        faults.beforeWrite(() => {
          abort.abort(new Error('Ctrl-C'));
        });
        const outcomes = await provider.replaceRrsets(world.zone, [change(null, direct())], abort.signal);
        expect(statesOf(outcomes)).toEqual(['applied']);
        expect(await world.read(owner, 'MX')).toEqual(direct());
      });
    });
  });
}
