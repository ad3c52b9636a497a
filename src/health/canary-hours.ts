// Latencies of a path by the hour in which canaries were handed over.

import type { Canary, LatencyHour } from '../model/canary.ts';
import { latencyOf } from './canary.ts';

const hourMs = 3_600_000;

export function hourOf(at: number): number {
  return Math.floor(at / hourMs) * hourMs;
}

/** The hours of `canaries` from `sinceAt` on, as whole as what is given. */
export function latencyHours(canaries: readonly Canary[], sinceAt: number): LatencyHour[] {
  const handed = canaries.filter((one) => one.handedAt !== null && hourOf(one.handedAt) >= hourOf(sinceAt));
  const groups = Map.groupBy(handed, (one) =>
    JSON.stringify([one.route, one.path, hourOf(one.handedAt ?? 0)]),
  );
  return [...groups.values()].map((group) => hourFrom(group));
}

function hourFrom(group: readonly Canary[]): LatencyHour {
  const latencies = group.flatMap((one) => latencyOf(one) ?? []).sort((a, b) => a - b);
  const [first] = group;
  return {
    route: first?.route ?? '',
    path: first?.path ?? '',
    hourAt: hourOf(first?.handedAt ?? 0),
    handed: group.length,
    arrived: latencies.length,
    p50Ms: percentile(latencies, 0.5),
    p95Ms: percentile(latencies, 0.95),
    maxMs: latencies.at(-1) ?? null,
  };
}

/** Nearest rank, of ascending values; null of none. */
function percentile(ascending: readonly number[], share: number): number | null {
  return ascending[Math.max(0, Math.ceil(share * ascending.length) - 1)] ?? null;
}
