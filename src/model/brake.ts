// A brake that has tripped: it binds `auto`, and only a person lets it go.

/**
 * flip-limit        a route moved as often as it may
 * domains-per-run   a run would have moved more owner names than it may
 * domains-per-hour  all controllers together would have
 * failing-share     so many routes met silence at once that the machine that saw it suspects itself
 */
export const brakeKinds = ['flip-limit', 'domains-per-run', 'domains-per-hour', 'failing-share'] as const;
export type BrakeKind = (typeof brakeKinds)[number];

export interface Brake {
  readonly kind: BrakeKind;
  /** Null = every route. */
  readonly route: string | null;
  /** The vantage whose `auto` it binds; null = all of them. */
  readonly vantage: string | null;
  /** When it tripped; ms. */
  readonly at: number;
  /** Who tripped it, as in `by` of an action. */
  readonly by: string;
  /** One line for people. */
  readonly reason: string;
  /** When a person let it go, and who; null while it holds. What it counts begins anew there. */
  readonly releasedAt: number | null;
  readonly releasedBy: string | null;
}

/** True where it holds back this vantage's `auto` on this route. */
export function bindsRoute(brake: Brake, route: string, vantage: string): boolean {
  return (
    brake.releasedAt === null &&
    (brake.route === null || brake.route === route) &&
    (brake.vantage === null || brake.vantage === vantage)
  );
}
