// A lease: one holder per route for a whole action. The token only grows; the store refuses a smaller one
// (a fencing token), so a holder that slept through its lease cannot write.

export interface Lease {
  readonly route: string;
  /** Who: host, process and run. */
  readonly holder: string;
  readonly token: number;
  /** Instant; ms. */
  readonly expiresAt: number;
}
