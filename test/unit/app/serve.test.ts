import { describe, expect, it } from 'vitest';
import type { CycleResult } from '../../../src/app/cycle.ts';
import { Liveness } from '../../../src/app/liveness.ts';
import { serve, type Service } from '../../../src/app/serve.ts';
import { AppError, exitCodes } from '../../../src/errors.ts';
import { listenForReload } from '../../../src/runtime/signals.ts';
import { FakePace, settled } from '../../support/fake-pace.ts';

const minute = 60_000;
const result: CycleResult = {
  startedAt: 0,
  finishedAt: 0,
  probes: 0,
  routes: [],
  brakes: [],
  troubles: [],
};

/** A service of which each round takes what the script says, in ms; 'hangs' = until it is aborted; 'deaf' = for ever. */
class Scene {
  readonly pace = new FakePace();
  readonly #stop = new AbortController();
  readonly log: string[] = [];
  readonly liveness: Liveness;
  readonly ended: Promise<void>;
  error: unknown = null;
  atOnce = 0;
  mostAtOnce = 0;
  #hangUp: () => void = () => {};

  constructor(script: readonly (number | 'hangs' | 'deaf' | AppError)[], maxRuntimeMs = 10 * minute) {
    this.liveness = new Liveness(maxRuntimeMs, 0);
    const reloads = listenForReload({
      on: (_, listen) => (this.#hangUp = listen),
      off: () => {},
      exit: () => {},
    });
    let at = 0;
    const service: Service = {
      round: async (signal) => {
        const takes = script[Math.min(at++, script.length - 1)] ?? 0;
        this.say('round');
        this.mostAtOnce = Math.max(this.mostAtOnce, ++this.atOnce);
        try {
          if (takes instanceof AppError) throw takes;
          if (takes === 'deaf') await new Promise(() => {});
          await this.pace.sleep(typeof takes === 'number' ? takes : 1e9, signal);
        } finally {
          this.atOnce -= 1;
        }
        return result;
      },
      onBegin: () => {},
      onRound: () => this.say('done'),
      onMissed: (error) => this.say(`missed ${error.code}`),
      reload: () => {
        this.say('reload');
        return Promise.resolve();
      },
    };
    const { pace, liveness } = this;
    this.ended = serve(service, {
      intervalMs: minute,
      maxRuntimeMs,
      pace,
      signal: this.#stop.signal,
      liveness,
      reloads,
    }).then(
      () => this.say('ended'),
      (error: unknown) => {
        this.error = error;
      },
    );
  }

  say(what: string): void {
    this.log.push(`${this.pace.elapsedMs() / 1000}s ${what}`);
  }

  hangUp(): void {
    this.#hangUp();
  }

  stop(): void {
    this.#stop.abort(new AppError('interrupted', 'stopped', { exitCode: exitCodes.interrupted }));
  }

  /** Instants at which rounds began, in s. */
  get rounds(): number[] {
    return this.log.filter((one) => one.endsWith(' round')).map((one) => Number.parseFloat(one));
  }
}

describe('the pace of rounds', () => {
  it('is a grid: what each round takes does not add up', async () => {
    const scene = new Scene([7000, 100, 59_999]);
    await scene.pace.advance(5 * minute);
    expect(scene.rounds).toEqual([0, 60, 120, 180, 240, 300]);
  });

  it('lets no round begin before the one before has ended, and begins at once where it took too long', async () => {
    const scene = new Scene([90_000, 1000, 1000]);
    await scene.pace.advance(4 * minute);
    expect(scene.rounds).toEqual([0, 90, 150, 210]);
    expect(scene.mostAtOnce).toBe(1);
  });

  it('makes one round, not sixty, where the machine slept for an hour', async () => {
    const scene = new Scene([1000]);
    await scene.pace.advance(90_000);
    await scene.pace.skip(60 * minute);
    await scene.pace.advance(2 * minute);
    const [, , ...after] = scene.rounds;
    expect(after).toEqual([3690, 3750, 3810]);
  });

  it('aborts a round that hangs, says so, and begins the next in time', async () => {
    const scene = new Scene(['hangs', 1000], 45_000);
    await scene.pace.advance(2 * minute - 1);
    expect(scene.log).toEqual(['0s round', '45s missed undecided', '60s round', '61s done']);
  });

  it('ends where a round does not even end when it is told to: the next must not run beside it', async () => {
    const scene = new Scene(['deaf'], 45_000);
    await scene.pace.advance(44_000);
    expect(scene.liveness.stuck(scene.pace.elapsedMs())).toBeNull();
    await scene.pace.advance(61_001);
    await scene.ended;
    expect(scene.error).toMatchObject({ code: 'bug', exitCode: 1 });
    expect(scene.rounds).toEqual([0]);
  });

  it('goes on after rounds that were locked out or found no store, and ends with a bug', async () => {
    const away = new AppError('store-unavailable', 'away', { exitCode: exitCodes.credentials });
    const bug = new AppError('bug', 'ours');
    const scene = new Scene([away, away, 1000, bug]);
    await scene.pace.advance(3 * minute);
    await scene.ended;
    expect(scene.log.filter((one) => !one.endsWith('round'))).toEqual([
      '0s missed store-unavailable',
      '60s missed store-unavailable',
      '121s done',
    ]);
    expect(scene.error).toBe(bug);
  });
});

describe('SIGHUP', () => {
  it('waits for the end of the round, is done at once in a pause, and once for many', async () => {
    const scene = new Scene([10_000]);
    await scene.pace.advance(5000);
    for (let times = 0; times < 5; times++) scene.hangUp();
    await scene.pace.advance(25_000);
    expect(scene.log).toEqual(['0s round', '10s done', '10s reload']);
    scene.hangUp();
    await settled();
    scene.hangUp();
    await scene.pace.advance(31_000);
    // It moves no round.
    expect(scene.log.slice(3)).toEqual(['30s reload', '30s reload', '60s round']);
  });
});

describe('the end', () => {
  it('comes at once in a pause', async () => {
    const scene = new Scene([1000]);
    await scene.pace.advance(30_000);
    scene.stop();
    await scene.ended;
    expect(scene.log).toEqual(['0s round', '1s done', '30s ended']);
  });

  it('ends the round under way by its signal', async () => {
    const scene = new Scene(['hangs']);
    await scene.pace.advance(30_000);
    scene.stop();
    await scene.ended;
    expect(scene.log).toEqual(['0s round', '30s ended']);
  });
});

describe('what is told of a service', () => {
  const at = (scene: Scene) => {
    const now = scene.pace.elapsedMs();
    return [scene.liveness.stuck(now), scene.liveness.unhealthy(now), scene.liveness.unready(now)];
  };

  it('is ready after its first round, and alive through all of a long one', async () => {
    const scene = new Scene(['hangs', 100_000], 5 * minute);
    await scene.pace.advance(1000);
    expect(at(scene)).toEqual([null, null, 'the first round is not completed yet']);
    await scene.pace.advance(4 * minute);
    expect(at(scene)[0]).toBeNull();
    await scene.pace.advance(3 * minute);
    expect(at(scene)).toEqual([null, null, null]);
    scene.stop();
    scene.liveness.stopping();
    expect(at(scene)).toEqual([null, null, 'stopping']);
  });

  it('is ill once three rounds in a row were missed, alive all the same, and well with the next', async () => {
    const away = new AppError('store-unavailable', 'postgres://secret@host is away', {
      exitCode: exitCodes.credentials,
    });
    const scene = new Scene([1000, away, away, away, 1000]);
    await scene.pace.advance(2.5 * minute);
    expect(at(scene)).toEqual([null, null, null]);
    await scene.pace.advance(minute);
    const ill = 'the last 3 rounds were missed: store-unavailable';
    expect(at(scene)).toEqual([null, ill, ill]);
    await scene.pace.advance(minute);
    expect(at(scene)).toEqual([null, null, null]);
  });

  it('takes a run that holds the lease for the one that does the work', async () => {
    const locked = new AppError('locked', 'held', { exitCode: exitCodes.locked });
    const scene = new Scene([locked]);
    await scene.pace.advance(5 * minute);
    expect(at(scene)).toEqual([null, null, null]);
  });

  it('is stuck where a round outlives all that it may take', () => {
    const liveness = new Liveness(minute, 0);
    liveness.roundBegan(0);
    expect(liveness.stuck(2 * minute)).toBeNull();
    expect(liveness.stuck(2 * minute + 1)).toMatch(/^no round has begun or ended for 1 s longer/);
    liveness.roundEnded(3 * minute, null);
    expect(liveness.stuck(4 * minute)).toBeNull();
    expect(liveness.stuck(5 * minute)).not.toBeNull();
  });
});
