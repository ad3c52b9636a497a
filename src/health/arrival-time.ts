// When a canary came to its mailbox, as exactly as is known. The mailbox's own clock is believed as long as it does not
// contradict what we saw: the letter was not there at the look before, and is there now.

/** When the letter can have come, by our clock; ms. */
export interface ArrivalWindow {
  /** Hand-over, or the last look that did not show it, whichever is later. */
  readonly earliestAt: number;
  /** The look that shows it. */
  readonly latestAt: number;
}

export interface PlacedArrival {
  readonly arrivedAt: number;
  /** How far the mailbox's clock is ahead; ms; 0 where nothing speaks against it. */
  readonly skewMs: number;
}

/** Clocks kept by NTP, and file systems that round to seconds; ms. */
const toleranceMs = 5000;

/** `storedAt`: what the mailbox says, null where it says nothing; `knownSkewMs`: what earlier letters showed. A clock
 *  that is off, and not known by how much, tells nothing: then the letter is taken to have come as early as it can
 *  have, for lateness must be seen. */
export function placeArrival(
  storedAt: number | null,
  window: ArrivalWindow,
  knownSkewMs: number | null,
): PlacedArrival {
  const { earliestAt } = window;
  const latestAt = Math.max(earliestAt, window.latestAt);
  if (storedAt === null) return { arrivedAt: earliestAt, skewMs: 0 };
  for (const skewMs of [0, knownSkewMs ?? 0]) {
    const at = storedAt - skewMs;
    if (at >= earliestAt - toleranceMs && at <= latestAt + toleranceMs)
      return { arrivedAt: Math.min(Math.max(at, earliestAt), latestAt), skewMs };
  }
  return { arrivedAt: earliestAt, skewMs: storedAt - earliestAt };
}
