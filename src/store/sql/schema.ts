// The tables as Kysely sees them. What they hold is untrusted all the same: rows go through Fields on the way out.

export interface Tables {
  readonly observation: {
    readonly route: string;
    readonly at: number;
    /** Breaks ties of `at` in the order of writing. */
    readonly seq: number;
    /** The observation as JSON. */
    readonly body: string;
  };
  readonly health: {
    readonly route: string;
    readonly vantage: string;
    readonly hop: string;
    readonly status: string;
    readonly since: number;
    readonly failures: number;
    readonly rejections: number;
    readonly successes: number;
    readonly last_at: number;
    readonly fate: string;
    readonly summary: string;
    readonly is_slow: number;
    readonly greets_with_5xx: number;
    readonly failing_since: number | null;
  };
  readonly route_state: {
    readonly route: string;
    readonly phase: string;
    readonly phase_since: number;
    readonly active_path: string | null;
    readonly active_since: number;
    readonly runs: number;
    readonly last_run_at: number;
    readonly last_decision: string;
    readonly last_reasons: string;
    readonly down_paths: string;
    readonly notices: string;
  };
  readonly sighting: {
    readonly owner: string;
    readonly type: string;
    readonly server: string;
    readonly ttl: number;
    readonly rdata: string;
    readonly first_seen_at: number;
    readonly last_seen_at: number;
    readonly replaced_at: number | null;
  };
  readonly lease: {
    readonly route: string;
    readonly holder: string;
    readonly token: number;
    readonly expires_at: number;
  };
  readonly action: {
    readonly id: string;
    readonly route: string;
    readonly kind: string;
    readonly plan_digest: string;
    readonly plan: string;
    readonly actor: string;
    readonly reason: string;
    readonly overrides: string;
    readonly lease_token: number;
    readonly state: string;
    readonly change_states: string;
    readonly intended_at: number;
    readonly applied_at: number | null;
    readonly confirmed_at: number | null;
    readonly clear_at: number | null;
    readonly rollback_of: string | null;
    readonly note: string | null;
  };
  readonly pause: {
    readonly scope: string;
    readonly route: string | null;
    readonly actor: string;
    readonly reason: string;
    readonly at: number;
    readonly until: number;
  };
  readonly event: {
    readonly id: string;
    readonly at: number;
    readonly route: string | null;
    readonly kind: string;
    readonly text: string;
    readonly data: string;
  };
  readonly run: {
    readonly id: string;
    readonly command: string;
    readonly started_at: number;
    readonly finished_at: number;
    readonly exit_code: number;
  };
  readonly canary: {
    readonly id: string;
    readonly token: string;
    readonly route: string;
    readonly path: string;
    readonly vantage: string;
    /** The hop as JSON. */
    readonly hop: string;
    readonly sent_at: number;
    readonly attempts: number;
    readonly next_attempt_at: number | null;
    readonly state: string;
    readonly handed_at: number | null;
    /** The reply as JSON. */
    readonly reply: string | null;
    readonly queue_id: string | null;
    readonly summary: string;
    readonly arrived_at: number | null;
    readonly is_spam: number;
    readonly copies: number;
    readonly is_by_subject: number;
    /** A list of hops as JSON. */
    readonly trace: string;
    readonly bounce: string | null;
    readonly replayed_at: number | null;
  };
  readonly mailbox_look: {
    readonly route: string;
    readonly read_at: number | null;
    readonly tried_at: number;
    readonly fault: string | null;
    readonly skew_ms: number | null;
    readonly forged: number;
  };
  readonly latency_hour: {
    readonly route: string;
    readonly hour_at: number;
    readonly path: string;
    readonly handed: number;
    readonly arrived: number;
    readonly p50_ms: number | null;
    readonly p95_ms: number | null;
    readonly max_ms: number | null;
  };
  readonly vantage: {
    readonly name: string;
    readonly machine: string;
    readonly holder: string;
    readonly version: string;
    readonly turn: number;
    readonly since_turn: number;
    readonly seen_at: number;
    readonly prev_turn: number | null;
    readonly prev_seen_at: number | null;
    readonly fault_since: number | null;
    readonly rival: string | null;
    readonly rival_at: number | null;
  };
  readonly brake: {
    readonly kind: string;
    readonly scope: string;
    readonly route: string | null;
    readonly vantage: string | null;
    readonly at: number;
    readonly actor: string;
    readonly reason: string;
    readonly released_at: number | null;
    readonly released_by: string | null;
  };
  readonly domain_use: {
    readonly id: string;
    readonly route: string;
    readonly at: number;
    readonly domains: number;
  };
  readonly counter: { readonly name: string; readonly value: number };
  readonly publish_time: {
    readonly id: string;
    readonly provider: string;
    readonly zone: string;
    readonly at: number;
    readonly source: string;
    readonly accepted_ms: number;
    readonly first_ms: number | null;
    readonly all_ms: number | null;
  };
  readonly schema_migration: { readonly name: string; readonly timestamp: string };
}
