// A vantage: a machine that measures, under a name. Its name is one vote, however many machines use it.

/** One machine under one name, as the state store knows it. */
export interface Vantage {
  readonly name: string;
  /** The machine, and the container where it is in one: what a holder of leases begins with. */
  readonly machine: string;
  /** Its last process: `MACHINE:PID:RUN`. */
  readonly holder: string;
  readonly version: string;
  /** Grows by one at each check-in of any machine: an order that needs no clock. */
  readonly turn: number;
  /** Turn from which it has used this name without a break. */
  readonly sinceTurn: number;
  /** Its last check-in by its own clock; ms. */
  readonly seenAt: number;
  /** Its check-in before that one; null where it is the first. */
  readonly previousTurn: number | null;
  readonly previousSeenAt: number | null;
  /** Since when its references fail, by its own clock; ms; null while they do not. */
  readonly faultSince: number | null;
  /** Another machine that was seen to use the same name beside it; null where none was. */
  readonly rival: string | null;
  /** When that was last seen, by its own clock; ms. */
  readonly rivalAt: number | null;
}

/** The machine in a holder of leases `MACHINE:PID:RUN`. */
export function machineOf(holder: string): string {
  return /^(.*):[^:]*:[^:]*$/s.exec(holder)?.[1] ?? holder;
}
