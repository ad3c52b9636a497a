// Vantages in words: what is wrong with one, who is missing for a quorum, who sees what.

import type { Sight } from '../health/quorum.ts';
import type { Seat } from '../health/vantage.ts';
import { formatDuration, formatInstant, iso } from './duration.ts';
import { type Cell, renderTable } from './table.ts';
import type { Style } from './terminal.ts';

/** Names in a sentence; of more the number. */
const namedVantages = 5;
/** One that was not heard of for longer is not missed any more: pods that were replaced leave such names. ms. */
const missedForMs = 86_400_000;

function isMissed({ state, seenAt }: Seat, now: number): boolean {
  return state !== 'silent' || now - seenAt <= missedForMs;
}

/** What is wrong with a vantage, for people; null where nothing is. */
function seatTrouble(seat: Seat, now: number): string | null {
  switch (seat.state) {
    case 'fault':
      return `left out: its references fail since ${formatInstant(seat.faultSince ?? now)}`;
    case 'clock': {
      const skewMs = seat.skewMs ?? 0;
      const word = skewMs > 0 ? 'ahead of ours' : "behind another vantage's";
      return `left out: its clock is ${formatDuration(Math.abs(skewMs))} ${word}`;
    }
    case 'silent':
      return `last heard of ${formatDuration(now - seat.seenAt)} ago`;
    case 'fresh':
      return null;
  }
}

/** Who is missing where fewer vantages than the quorum can say how a path is. */
export function describeShort(
  sight: Sight,
  quorum: number,
  seats: ReadonlyMap<string, Seat>,
  now: number,
): string {
  const seeing = [...sight.up, ...sight.down];
  const known = [...seats.values()].filter((one) => isMissed(one, now)).map((one) => one.name);
  const missing = [...new Set([...known, ...sight.unknown])]
    .filter((name) => !seeing.includes(name))
    .filter((name) => known.includes(name) || !seats.has(name))
    .map((name) => {
      const seat = seats.get(name);
      const trouble = seat === undefined ? null : seatTrouble(seat, now);
      return `${name}: ${trouble ?? 'nothing settled yet'}`;
    });
  const who = missing.length === 0 ? ['no other vantage has ever checked in'] : missing;
  return `${quorum} vantages must agree, and only ${listed(seeing)} can tell; ${listed(who, '; ')}`;
}

/** Who sees what, where vantages differ; null where they do not. */
export function describeSplit(path: string, { up, down }: Sight): string | null {
  if (up.length === 0 || down.length === 0) return null;
  return `vantages differ on ${path}: down for ${listed(down)}; up for ${listed(up)}`;
}

function listed(names: readonly string[], separator = ', '): string {
  const shown = names.slice(0, namedVantages).join(separator);
  return names.length <= namedVantages ? shown : `${shown} and ${names.length - namedVantages} more`;
}

/** What a screen must say of a vantage: it is left out, or another machine uses its name; null where all is well. A
 *  silent one is said only where it is missed. */
export function seatWarning(seat: Seat, now: number): string | null {
  const trouble = seat.state === 'silent' ? null : seatTrouble(seat, now);
  const rival =
    seat.rival === null
      ? null
      : `two machines use this name: ${seat.machine} and ${seat.rival}, which is left out`;
  const said = [trouble, rival].filter((one) => one !== null);
  return said.length === 0 ? null : `vantage ${seat.name}: ${said.join('; ')}`;
}

/** Those of the last day, with their age: for `status --verbose`. */
export function renderSeats(seats: readonly Seat[], now: number, style: Style): string[] {
  const shown = seats.filter((one) => isMissed(one, now));
  if (shown.length === 0) return [];
  const rows = shown.map((one): Cell[] => [
    one.name,
    one.machine,
    one.version,
    one.seenAt > now ? 'in the future' : `${formatDuration(now - one.seenAt)} ago`,
    seatTrouble(one, now) ?? 'counts',
  ]);
  return renderTable(
    ['VANTAGE', 'MACHINE', 'VERSION', 'SEEN', 'RESULTS'].map((header) => ({ header })),
    rows,
    style,
  );
}

export function seatDocument(seat: Seat): Record<string, unknown> {
  const { name, machine, version, state, rival } = seat;
  return {
    vantage: name,
    machine,
    version,
    state,
    seen_at: iso(seat.seenAt),
    fault_since: iso(seat.faultSince),
    clock_skew_seconds: seat.skewMs === null ? null : Math.round(seat.skewMs / 1000),
    rival,
  };
}
