// The one error class family and the one table of exit codes (`mxctl help exit-codes`).
// Expected outcomes are values; what is thrown is an AppError or a bug (exit 1).

/** Exit codes of every command. One table, printed by `mxctl help exit-codes`. */
export const exitCodes = {
  ok: 0,
  bug: 1,
  found: 2,
  refused: 3,
  credentials: 4,
  unconfirmed: 5,
  partial: 6,
  locked: 7,
  undecided: 8,
  usage: 64,
  config: 78,
  /** 128 + SIGINT, as shells have it; also for SIGTERM, so that one code means one thing. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Public: scripts match on these. Names are only ever added. */
export type ErrorCode =
  | 'bug'
  | 'usage'
  | 'config-invalid'
  | 'config-not-found'
  | 'secret-unreadable'
  | 'not-built-yet'
  | 'route-unknown'
  | 'path-unknown'
  | 'change-unknown'
  | 'plan-invalid'
  | 'plan-stale'
  | 'refused'
  | 'no-terminal'
  | 'not-confirmed'
  | 'nothing-owed'
  | 'conflict'
  | 'partly-applied'
  | 'unconfirmed'
  | 'locked'
  | 'lease-lost'
  | 'undecided'
  | 'store-unavailable'
  | 'store-corrupt'
  | 'store-newer'
  | 'store-older'
  | 'store-not-empty'
  | 'import-invalid'
  | 'store-fenced'
  | 'provider-credentials'
  | 'provider-refused'
  | 'provider-unreachable'
  | 'provider-protocol'
  | 'zone-unknown'
  | 'name-outside-zone'
  | 'clock-skew'
  | 'dns-no-answer'
  | 'interrupted';

export interface AppErrorOptions {
  /** What to type or look at next. */
  hint?: string;
  cause?: unknown;
  exitCode?: ExitCode;
  /** True where the same call may succeed later with nothing changed by a person. */
  retryable?: boolean;
}

export class AppError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | null;
  readonly exitCode: ExitCode;
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = options.hint ?? null;
    this.exitCode = options.exitCode ?? exitCodes.bug;
    this.retryable = options.retryable ?? false;
  }
}

/** The person who wrote the config or the command line must act. */
export class ConfigError extends AppError {
  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(code, message, { exitCode: exitCodes.config, ...options });
  }
}

export class UsageError extends AppError {
  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(code, message, { exitCode: exitCodes.usage, ...options });
  }
}

/** Where a provider's failure is not a matter of credentials or rights. */
const providerExitCodes: Partial<Record<ErrorCode, ExitCode>> = {
  'provider-unreachable': exitCodes.undecided,
  'provider-protocol': exitCodes.undecided,
  'zone-unknown': exitCodes.config,
  'name-outside-zone': exitCodes.config,
};

/** The DNS provider or its credentials: whoever runs the zone must act, unless `retryable`. */
export class ProviderError extends AppError {
  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(code, message, { exitCode: providerExitCodes[code] ?? exitCodes.credentials, ...options });
  }
}

/** The state store: file, rights or schema. */
export class StoreError extends AppError {
  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(code, message, { exitCode: exitCodes.credentials, ...options });
  }
}

/** Another live run holds the route, or took it over. */
export class LeaseError extends AppError {
  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(code, message, { exitCode: exitCodes.locked, retryable: true, ...options });
  }
}

/** A guard or a missing answer said no; nothing was changed. */
export class RefusedError extends AppError {
  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(code, message, { exitCode: exitCodes.refused, ...options });
  }
}
