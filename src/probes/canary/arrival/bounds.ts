// What every place of arrival has in common: how much one look takes, and how far back it goes.

/** 500 routes with two paths, every five minutes: two runs' worth. The rest is for the next look. */
export const maxLettersPerLook = 2000;

/** A mailbox's clock may be off by an hour (a wrong zone), and by some minutes more, and nothing is missed; ms. */
export const clockMarginMs = 2 * 3_600_000;

/** Of a place that cannot tell when something comes: often enough for a person who waits; ms. */
export const pollMs = 5000;
