// What is known of each kind of provider before one is opened, and so without its secret: for `validate`, which reads
// the configuration alone.

export interface ProviderKind {
  /** What a plan assumes a write takes until every authority answers it; seconds. */
  readonly publishSeconds: number;
  /** False = the block parses, and opening it ends with `not-built-yet`. */
  readonly isBuilt: boolean;
}

/** By `type` of the provider block. */
export const providerKinds = {
  // NOTIFY and a transfer take a second or two; BIND may hold NOTIFYs back for five.
  rfc2136: { publishSeconds: 10, isBuilt: true },
  // "Generally within 60 seconds", says the documentation of GetChange about INSYNC.
  route53: { publishSeconds: 60, isBuilt: true },
  // Each record spreads by itself and nothing reports when it has; five seconds is usual, this is on the safe side.
  cloudflare: { publishSeconds: 10, isBuilt: true },
  // As rfc2136: the primary has it at once, its secondaries follow by NOTIFY.
  powerdns: { publishSeconds: 10, isBuilt: true },
} as const satisfies Readonly<Record<string, ProviderKind>>;
