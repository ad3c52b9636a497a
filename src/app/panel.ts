// Everybody's counters and whose of them count: read once a run, whatever the number of routes.

import { poll, sightOf, type Poll, type Sight, type Vote } from '../health/quorum.ts';
import { unmeasured } from '../health/hop.ts';
import { pathHealth } from '../health/path.ts';
import { mayVote, type Seat, seatsOf } from '../health/vantage.ts';
import { hopKey, type Hop } from '../model/hop.ts';
import type { HopHealth } from '../model/hop-health.ts';
import type { Route } from '../model/route.ts';
import type { HealthRow } from '../store/store.ts';
import type { Deps } from './deps.ts';

type PanelDeps = Pick<Deps, 'store' | 'clock' | 'config'>;

/** Results stay fresh for this long at the longest; ms. Vantages are looked at over all routes. */
export function staleAfterMsOf(config: Deps['config']): number {
  // Of a file without routes nothing is measured; any number would do.
  return Math.max(60_000, ...[...config.routes.values()].map((one) => one.probe.staleAfterMs));
}

export class Panel {
  readonly seats: ReadonlyMap<string, Seat>;
  readonly #rows: ReadonlyMap<string, readonly HealthRow[]>;
  readonly #own: string;

  /** `mistrustsOwn`: what stands under our name was counted by another machine too, and is begun anew. */
  constructor(own: string, seats: readonly Seat[], rows: readonly HealthRow[], mistrustsOwn = false) {
    this.#own = own;
    this.seats = new Map(seats.map((one) => [one.name, one]));
    const known = mistrustsOwn ? rows.filter((one) => one.vantage !== own) : rows;
    this.#rows = Map.groupBy(known, (one) => one.route);
  }

  /** Our own counters of a hop. */
  ownOf(route: string, hop: Hop): HopHealth {
    const key = hopKey(hop);
    const row = this.#rowsOf(route).find((one) => one.vantage === this.#own && one.hop === key);
    return row?.health ?? unmeasured;
  }

  /** The common judgement of a hop, with what we see of it ourselves now. */
  judge(route: Route, hop: Hop, own: HopHealth, now: number): Poll {
    const key = hopKey(hop);
    const others = this.#rowsOf(route.name).filter(
      (one) => one.hop === key && one.vantage !== this.#own && mayVote(one.vantage, this.seats),
    );
    const votes = [{ vantage: this.#own, health: own }, ...others];
    return poll(votes, { quorum: route.failover.quorum, thresholds: route.probe }, now);
  }

  #rowsOf(route: string): readonly HealthRow[] {
    return this.#rows.get(route) ?? [];
  }
}

/** Of one route, or of every route at once. */
export async function readPanel(route: string | null, deps: PanelDeps, mistrustsOwn = false): Promise<Panel> {
  const { store, clock, config } = deps;
  const [vantages, rows] = await Promise.all([
    store.readVantages(),
    route === null ? store.readAllHealth() : store.readHealth(route),
  ]);
  const seats = seatsOf(vantages, clock.now(), staleAfterMsOf(config));
  return new Panel(config.vantage, seats, rows, mistrustsOwn);
}

/** A hop of a path with what each vantage says of it. */
export interface VotedHop {
  readonly hop: Hop;
  readonly preference: number;
  readonly votes: readonly Vote[];
}

/** Who sees the path how: each vantage judges the whole of it by what it saw itself. */
export function pathSight(hops: readonly VotedHop[]): Sight {
  const names = new Set(hops.flatMap((one) => one.votes.map((vote) => vote.vantage)));
  const views = [...names].map((name) => {
    const own = hops.map(({ hop, preference, votes }) => ({
      hop,
      preference,
      health: votes.find((one) => one.vantage === name)?.health ?? unmeasured,
    }));
    return [name, pathHealth(own)] as const;
  });
  return sightOf(new Map(views));
}
