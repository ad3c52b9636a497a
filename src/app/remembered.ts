// Health as the store has it, without probing: for `status` and for a person's word on an incident.

import { healthAsOf } from '../health/hop.ts';
import { pathHealth } from '../health/path.ts';
import { poll, type Sight } from '../health/quorum.ts';
import { mayVote, type Seat, seatsOf } from '../health/vantage.ts';
import type { PathHealth, RankedHop } from '../model/hop-health.ts';
import type { MailPath } from '../model/mail-path.ts';
import type { Route } from '../model/route.ts';
import type { HealthRow } from '../store/store.ts';
import type { Deps } from './deps.ts';
import { probedExchangesOf } from './measure.ts';
import { pathSight, staleAfterMsOf, type VotedHop } from './panel.ts';

export interface Remembered {
  readonly health: ReadonlyMap<string, PathHealth>;
  readonly sights: ReadonlyMap<string, Sight>;
}

/** Hops are those the store knows of the path. */
export function rememberedHealth(
  route: Route,
  known: readonly HealthRow[],
  seats: ReadonlyMap<string, Seat>,
  now: number,
): Remembered {
  const counted = known.filter((row) => mayVote(row.vantage, seats));
  const hops = route.paths.map((path) => [path.name, rememberedHops(route, path, counted, now)] as const);
  return {
    health: new Map(hops.map(([name, list]) => [name, pathHealth(list)])),
    sights: new Map(hops.map(([name, list]) => [name, pathSight(list)])),
  };
}

/** Of one route, as all vantages that count have left it. */
export async function readRemembered(
  route: Route,
  { store, clock, config }: Pick<Deps, 'store' | 'clock' | 'config'>,
): Promise<Remembered> {
  const now = clock.now();
  const seats = seatsOf(await store.readVantages(), now, staleAfterMsOf(config));
  const byName = new Map(seats.map((one) => [one.name, one]));
  return rememberedHealth(route, await store.readHealth(route.name), byName, now);
}

function rememberedHops(
  route: Route,
  path: MailPath,
  known: readonly HealthRow[],
  now: number,
): (RankedHop & VotedHop)[] {
  return probedExchangesOf(path).flatMap((one) => {
    const prefix = `${one.exchange}[`;
    const rows = known.filter((row) => row.hop.startsWith(prefix) && row.hop.endsWith(`]:${one.port}`));
    // An address the exchange no longer has keeps its old row for a while: only what the last runs saw counts. Of a
    // row from the future nothing is known.
    const datedAt = rows.map((row) => row.health.lastAt).filter((at) => at - now <= route.probe.staleAfterMs);
    const newestAt = Math.max(0, ...datedAt);
    const present = rows.filter((row) => newestAt - row.health.lastAt <= route.probe.staleAfterMs);
    return [...new Set(present.map((row) => row.hop))].map((key) => {
      const { health, votes } = poll(
        present.filter((row) => row.hop === key),
        { quorum: route.failover.quorum, thresholds: route.probe },
        now,
      );
      const address = key.slice(prefix.length, key.lastIndexOf(']'));
      const hop = { exchange: one.exchange, address: address === '' ? null : address, port: one.port };
      return { hop, preference: one.preference, health: healthAsOf(health, now, route.probe), votes };
    });
  });
}
