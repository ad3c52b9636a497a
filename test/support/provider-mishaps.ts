// The contract of a provider where something goes wrong: wrong secrets, lost replies, throttling, interruption. What the
// zone holds is then all of a batch or nothing of it, and the outcome says which.

import { describe, expect, it } from 'vitest';

import { displayName, domainNameOf } from '../../src/model/domain-name.ts';
import { rrsetOf } from '../../src/model/rrset.ts';
import type { ZoneChange } from '../../src/providers/provider.ts';
import { type Bench, caseOf, changeOf, codeOf, failureOf, never, statesOf } from './provider-world.ts';

export function describeMishaps(bench: Bench): void {
  describeFailures(bench);
  describeLostReplies(bench);
  describeAborts(bench);
}

function describeFailures(bench: Bench): void {
  const { cannot } = bench;
  const create = () => changeOf(null, bench.direct());

  describe('a failure', () => {
    it('is a zone it does not have', async () => {
      const at = bench.world.unknownZone;
      const wanted = changeOf(null, rrsetOf(at, 'MX', 60, ['10 mx.example.org.']));
      for (let round = 1; round <= 2; round++) {
        const error = await failureOf(bench.provider.replaceRrsets(at, [wanted], never));
        expect(error.code).toBe('zone-unknown');
        expect(error.message).toContain(displayName(at));
      }
    });

    it('is a secret that it does not take', async () => {
      const wrong = bench.world.withWrongCredentials();
      for (let round = 1; round <= 2; round++) {
        const error = await failureOf(wrong.replaceRrsets(bench.world.zone, [create()], never));
        expect(error).toMatchObject({ code: 'provider-credentials', retryable: false });
        expect(await bench.read()).toBeNull();
      }
    });

    caseOf(cannot.careForClock, 'is a clock that is off', async () => {
      const { withClockOff } = bench.world;
      if (withClockOff === null) throw new Error('no clock, and no `cannot.careForClock` that says why');
      for (const seconds of [-3600, 3600]) {
        const off = withClockOff(seconds);
        expect(await codeOf(off.replaceRrsets(bench.world.zone, [create()], never))).toBe('clock-skew');
      }
      expect(await bench.read()).toBeNull();
    });

    it('is nobody there, and may be tried again', async () => {
      const nobody = bench.world.withNobodyThere();
      for (let round = 1; round <= 2; round++) {
        const error = await failureOf(nobody.replaceRrsets(bench.world.zone, [create()], never));
        expect(error).toMatchObject({ code: 'provider-unreachable', retryable: true });
      }
    });
  });

  describe('a write turned away for asking too fast', () => {
    caseOf(cannot.throttle ?? cannot.fail, 'is made later, once', async () => {
      const { faults } = bench;
      const throttle = () => {
        if (faults.throttle === undefined)
          throw new Error('no throttling, and no `cannot.throttle` that says why');
        faults.throttle();
      };
      await bench.hold(bench.proxy());
      throttle();
      await bench.applies(bench.flip());
      throttle();
      await bench.applies(changeOf(bench.direct(), bench.proxy()));
    });
  });
}

/** Three RRsets, so that half of them could be there. */
function batchOf(bench: Bench): ZoneChange[] {
  const others = ['a', 'b'].map((label) =>
    changeOf(null, rrsetOf(domainNameOf(`${label}.${bench.owner}`), 'MX', 60, ['10 mx.example.org.'])),
  );
  return [bench.flip(), ...others];
}

/** Of a batch that is atomic: every RRset as it is to be, or as it was. */
async function expectHeld(bench: Bench, batch: readonly ZoneChange[], which: 'expected' | 'desired') {
  for (const change of batch)
    expect(await bench.world.read(change.owner, change.type)).toEqual(change[which]);
}

const states = (batch: readonly ZoneChange[], state: string) => batch.map(() => state);

function describeLostReplies(bench: Bench): void {
  const { fail } = bench.cannot;

  describe('a lost reply', () => {
    caseOf(fail, 'to a write that was applied is found out by reading back', async () => {
      const batch = batchOf(bench);
      await bench.hold(bench.proxy());
      bench.faults.loseReplyAfterApply();
      expect(statesOf(await bench.replace(...batch))).toEqual(states(batch, 'applied'));
      await expectHeld(bench, batch, 'desired');
      expect(statesOf(await bench.replace(...batch))).toEqual(states(batch, 'unchanged'));
      bench.faults.loseReplyAfterApply();
      const back = changeOf(bench.direct(), bench.proxy());
      expect(statesOf(await bench.replace(back))).toEqual(['applied']);
    });

    caseOf(
      fail,
      'to a write that was not applied is an error that says so, and may be tried again',
      async () => {
        const batch = batchOf(bench);
        await bench.hold(bench.proxy());
        for (let round = 1; round <= 2; round++) {
          bench.faults.loseReplyBeforeApply();
          const error = await failureOf(bench.replace(...batch));
          expect(error).toMatchObject({ code: 'provider-unreachable', retryable: true });
          expect(error.message).toContain('not applied');
          await expectHeld(bench, batch, 'expected');
        }
        expect(statesOf(await bench.replace(...batch))).toEqual(states(batch, 'applied'));
      },
    );

    caseOf(fail, 'with nobody left to read back from is unknown, never a guess', async () => {
      bench.faults.loseReplyAndFallSilent();
      expect(statesOf(await bench.replace(changeOf(null, bench.direct())))).toEqual(['unknown']);
    });
  });
}

function describeAborts(bench: Bench): void {
  const { fail } = bench.cannot;
  const reason = new Error('Ctrl-C');
  const replaceUntil = (changes: readonly ZoneChange[], { signal }: AbortController) =>
    bench.provider.replaceRrsets(bench.world.zone, changes, signal);
  /** Aborts when the write is out and nothing is answered. */
  const abortHalfWay = () => {
    const abort = new AbortController();
    bench.faults.beforeWrite(() => {
      abort.abort(reason);
    });
    return abort;
  };

  describe('an abort', () => {
    it('before the write leaves everything as it was', async () => {
      const abort = new AbortController();
      abort.abort(reason);
      for (let round = 1; round <= 2; round++) {
        await expect(replaceUntil([changeOf(null, bench.direct())], abort)).rejects.toBe(reason);
        const reading = bench.provider.readRrset(bench.world.zone, bench.owner, 'MX', abort.signal);
        await expect(reading).rejects.toBe(reason);
        expect(await bench.read()).toBeNull();
      }
    });

    it('half way through two zones keeps what was done and leaves the rest as it was', async () => {
      const { world, provider } = bench;
      const abort = new AbortController();
      const theirs = rrsetOf(world.otherZone, 'MX', 60, ['10 mx.example.org.']);
      await replaceUntil([changeOf(null, bench.direct())], abort);
      abort.abort(reason);
      const rest = provider.replaceRrsets(world.otherZone, [changeOf(null, theirs)], abort.signal);
      await expect(rest).rejects.toBe(reason);
      expect(await bench.read()).toEqual(bench.direct());
      expect(await world.read(world.otherZone, 'MX')).toBeNull();
    });

    // An error would hide from the journal what is live now.
    caseOf(
      fail,
      'half way through a batch that is then answered tells that all of it was applied',
      async () => {
        const batch = batchOf(bench);
        await bench.hold(bench.proxy());
        expect(statesOf(await replaceUntil(batch, abortHalfWay()))).toEqual(states(batch, 'applied'));
        await expectHeld(bench, batch, 'desired');
        expect(statesOf(await bench.replace(...batch))).toEqual(states(batch, 'unchanged'));
      },
    );

    caseOf(
      fail,
      'half way through a batch whose reply is lost tells it too, where it was applied',
      async () => {
        const batch = batchOf(bench);
        await bench.hold(bench.proxy());
        bench.faults.loseReplyAfterApply();
        expect(statesOf(await replaceUntil(batch, abortHalfWay()))).toEqual(states(batch, 'applied'));
        await expectHeld(bench, batch, 'desired');
      },
    );

    caseOf(
      fail,
      'half way through a batch that never arrives is an abort, and nothing was changed',
      async () => {
        const batch = batchOf(bench);
        await bench.hold(bench.proxy());
        for (let round = 1; round <= 2; round++) {
          bench.faults.loseReplyBeforeApply();
          await expect(replaceUntil(batch, abortHalfWay())).rejects.toBe(reason);
          await expectHeld(bench, batch, 'expected');
        }
        expect(statesOf(await bench.replace(...batch))).toEqual(states(batch, 'applied'));
      },
    );
  });
}
