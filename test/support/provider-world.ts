// What a provider's test file gives to the contract suite, and what its cases share.

import { afterEach, beforeEach, expect, it } from 'vitest';

import { AppError, type ErrorCode } from '../../src/errors.ts';
import type { DomainName } from '../../src/model/domain-name.ts';
import { type Rrset, rrsetOf, type RrType } from '../../src/model/rrset.ts';
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
  /** The same provider seen by a machine whose clock is off; null where the suite is told why not. */
  withClockOff: ((seconds: number) => Provider) | null;
  /** The same provider where nothing listens. */
  withNobodyThere(): Provider;
  /** Faults that a test may order; null where the suite is told why not. */
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
  /** Runs when the write has arrived and is not yet judged; goes with one of the above. */
  beforeWrite(run: () => void | Promise<void>): void;
  /** It is turned away for asking too fast. */
  throttle?(): void;
}

/** What a provider, or this way of running it, cannot be put to, each with the reason: it stands in the case's name. */
export interface Cannot {
  /** Faults ordered: the provider is real, with nothing before it that could make some. */
  readonly fail?: string;
  readonly throttle?: string;
  readonly careForClock?: string;
  /** A change between reading and writing. */
  readonly seeRaces?: string;
}

export const never = new AbortController().signal;

/** What a failure makes the program exit with; refusals have more than one. */
const exitCodeOf: Partial<Record<ErrorCode, number>> = {
  'provider-credentials': 4,
  'clock-skew': 4,
  'provider-unreachable': 8,
  'provider-protocol': 8,
  'zone-unknown': 78,
  'name-outside-zone': 78,
};

/** The AppError that it ends with, of one line and with a hint, or a failing expectation. */
export async function failureOf(work: Promise<unknown>): Promise<AppError> {
  const error = await work.then(
    (value: unknown) => new Error(`nothing was thrown, but returned ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof AppError)) throw error;
  expect(error.message).toMatch(/^[^\n]{10,600}$/);
  expect(error.hint).toMatch(/^[^\n]{10,}$/);
  expect(error.exitCode).toBe(exitCodeOf[error.code] ?? error.exitCode);
  return error;
}

export const codeOf = async (work: Promise<unknown>) => (await failureOf(work)).code;

export const statesOf = (outcomes: readonly ReplaceOutcome[]) => outcomes.map((one) => one.state);

export const changeOf = (expected: Rrset | null, desired: Rrset | null): ZoneChange => {
  const one = desired ?? expected;
  if (one === null) throw new RangeError('a change of nothing to nothing');
  return { owner: one.owner, type: one.type, expected, desired };
};

/** A case that runs, or one that says in its name why it does not. */
export function caseOf(reason: string | undefined, title: string, run: () => Promise<void>): void {
  if (reason === undefined) it(title, run);
  else it.skip(`${title} -- not here: ${reason}`, run);
}

/** One case's world, new for each. */
export class Bench {
  world!: ProviderWorld;
  readonly cannot: Cannot;

  constructor(makeWorld: () => Promise<ProviderWorld>, cannot: Cannot) {
    this.cannot = cannot;
    beforeEach(async () => {
      this.world = await makeWorld();
    });
    afterEach(async () => {
      await this.provider.close();
      await this.world.close();
    });
  }

  get provider(): Provider {
    return this.world.provider;
  }

  get owner(): DomainName {
    return this.world.zone;
  }

  get faults(): ProviderFaults {
    if (this.world.faults === null) throw new Error('no faults, and no `cannot.fail` that says why');
    return this.world.faults;
  }

  mx(ttl: number, ...rdata: string[]): Rrset {
    return rrsetOf(this.owner, 'MX', ttl, rdata);
  }

  proxy(): Rrset {
    return this.mx(3600, '10 mx1.filter.example.net.', '20 mx2.filter.example.net.');
  }

  direct(): Rrset {
    return this.mx(60, '10 mx.example.org.', '90 spool.example.org.');
  }

  flip(): ZoneChange {
    return changeOf(this.proxy(), this.direct());
  }

  replace(...changes: ZoneChange[]): Promise<readonly ReplaceOutcome[]> {
    return this.provider.replaceRrsets(this.world.zone, changes, never);
  }

  read(): Promise<Rrset | null> {
    return this.world.read(this.owner, 'MX');
  }

  hold(rrset: Rrset | null): Promise<void> {
    return this.world.write(this.owner, 'MX', rrset);
  }

  /** Applies, finds it there, and applies again to no effect. */
  async applies(...changes: ZoneChange[]): Promise<void> {
    const { provider, world } = this;
    expect(statesOf(await this.replace(...changes))).toEqual(changes.map(() => 'applied'));
    for (const round of ['first', 'second']) {
      for (const { owner, type, desired } of changes) {
        expect([round, await world.read(owner, type)]).toEqual([round, desired]);
        expect([round, await provider.readRrset(world.zone, owner, type, never)]).toEqual([round, desired]);
      }
      expect(statesOf(await this.replace(...changes))).toEqual(changes.map(() => 'unchanged'));
    }
  }
}
