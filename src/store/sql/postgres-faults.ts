// What PostgreSQL, the network and TLS say, as errors that tell a person what to do and the caller whether to try again.
// What is nobody's fault but ours is left as it is: that is a bug. Codes: PostgreSQL 18, appendix A.

import { exitCodes, StoreError, type AppErrorOptions } from '../../errors.ts';
import { sanitise } from '../../model/text.ts';

interface Meaning {
  readonly what: string;
  readonly hint: string;
  readonly options?: AppErrorOptions;
  readonly code?: 'store-corrupt';
}

/** The same call may succeed later with nothing changed by a person; nothing was rejected, nobody answered. */
const passing = { retryable: true, exitCode: exitCodes.undecided } as const;
const toConfigure = { exitCode: exitCodes.config } as const;
const again = 'try again; DNS is untouched';
const loginHint = 'check the user and the password in state.url, and what pg_hba.conf of the server allows';

/** Class 28, by what the server says with it; in another language the hint above has to do. */
const loginHints: readonly (readonly [RegExp, string])[] = [
  [
    /no encryption/,
    'the server wants TLS from this machine: sslmode=verify-full&sslrootcert=FILE in state.url',
  ],
  [
    /client certificate|certificate authentication/i,
    'it knows this user by a client certificate with the name of the user as its CN: sslcert=FILE&sslkey=FILE in state.url',
  ],
];

/** Whole codes first, then classes (their first two characters). */
const sqlStates: Readonly<Record<string, Meaning>> = {
  '3D000': {
    what: 'does not have this database',
    hint: 'make it (createdb), or name the right one in state.url',
    options: toConfigure,
  },
  '3F000': {
    what: 'does not have this schema',
    hint: 'make it (create schema), or mend search_path in options of state.url',
    options: toConfigure,
  },
  '25006': {
    what: 'takes no writes now (a standby, or set to read-only)',
    hint: 'name the primary in state.url; after a failover of the database try again',
    options: { retryable: true },
  },
  '42501': {
    what: 'does not allow this',
    hint: 'the user needs a schema of its own, or: grant create, usage on schema public to USER',
  },
  '53100': { what: 'has no disk space left', hint: 'make room on the database server; DNS is untouched' },
  '53300': {
    what: 'has no connection left for us',
    hint: 'raise max_connections, or end what holds them; mxctl opens at most four a process',
    options: passing,
  },
  '53': { what: 'is short of resources', hint: again, options: passing },
  '57014': { what: 'took too long', hint: again, options: passing },
  '57P04': { what: 'dropped this database', hint: 'name the right one in state.url', options: toConfigure },
  '57': { what: 'is shutting down or starting', hint: again, options: passing },
  '25P03': { what: 'ended a transaction that stood still', hint: again, options: passing },
  '55P03': {
    what: 'is locked by somebody else',
    hint:
      'try again; if it stays so, look there for a transaction left open, oldest first: ' +
      'select pid, usename, application_name, xact_start from pg_stat_activity order by xact_start',
    options: passing,
  },
  '40': { what: 'is busy: other transactions came first each time', hint: again, options: passing },
  '08P01': {
    what: 'did not take our settings',
    hint: 'PgBouncer: ignore_startup_parameters = statement_timeout, lock_timeout, idle_in_transaction_session_timeout, options',
    options: toConfigure,
  },
  '08': { what: 'cannot be reached', hint: again, options: passing },
  '58': { what: 'has a fault of its disk', hint: 'see the log of the database server' },
  XX001: { what: 'has damaged data', hint: 'see the log of the database server', code: 'store-corrupt' },
  XX002: { what: 'has a damaged index', hint: 'reindex database', code: 'store-corrupt' },
};

/** The schema is not what the table of migrations says. */
const wrongSchema = new Set(['42P01', '42703', '42804', '42883']);

const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOENT',
  'EAI_AGAIN',
  'ENOTFOUND',
]);
/** What `pg` says without any code. */
const lostWords =
  /^(Connection terminated|Client has encountered a connection error|timeout expired|Query read timeout)/;

function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}

/** Of the error or of what it stands for; null where the server said nothing. */
function sqlStateOf(error: unknown): string | null {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    const code = codeOf(at);
    if (code !== null && /^[0-9A-Z]{5}$/.test(code) && 'severity' in at) return code;
  }
  return null;
}

/** True where the transaction was surely rolled back, because another one came first: it may be tried again. */
export function isOvertaken(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state === '40001' || state === '40P01';
}

/** True where the connection is of no use any more; whatever was not committed is gone. */
export function isConnectionLost(error: unknown): boolean {
  const state = sqlStateOf(error);
  if (state !== null) return state.startsWith('08') || /^57P/.test(state) || state === '25P03';
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    if (networkCodes.has(codeOf(at) ?? '') || lostWords.test(at.message)) return true;
  }
  return false;
}

const damaged: Meaning = {
  what: 'is damaged',
  hint:
    'move its tables aside (alter schema … rename) and run again; DNS is untouched. Lost: history, probe counters, ' +
    'pauses and what caches may still hold, so watch before the next flip',
  code: 'store-corrupt',
};
const noTls: Meaning = {
  what: 'offers no TLS',
  hint: 'switch it on at the server; or, where the network is yours alone, write sslmode=disable in state.url',
  options: toConfigure,
};

/** By the code of Node or OpenSSL; the first that fits. */
const tlsFaults: readonly (readonly [RegExp, Meaning])[] = [
  [
    /^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/,
    {
      what: 'shows a certificate whose time is not now',
      hint: 'renew it at the server; if it is good, the clock of this machine is wrong: mxctl doctor',
      options: toConfigure,
    },
  ],
  [
    /^(ERR_TLS_CERT_ALTNAME_|HOSTNAME_MISMATCH)/,
    {
      what: 'shows a certificate for another name',
      hint: 'write the host in state.url as the certificate has it; or let any of your authority do: sslmode=verify-ca&sslrootcert=FILE',
      options: toConfigure,
    },
  ],
  [
    /^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_)/,
    {
      what: 'shows a certificate of nobody this machine trusts',
      hint: 'name the authority that signed it: sslrootcert=FILE in state.url',
      options: toConfigure,
    },
  ],
  [
    // RFC 8446 §6.2: what a server says of the certificate that it was shown.
    /_ALERT_(BAD_|UNSUPPORTED_|NO_)?CERT|_ALERT_(UNKNOWN_CA|DECRYPT_ERROR|ACCESS_DENIED)/,
    {
      what: 'refused our client certificate',
      hint: 'let sslcert in state.url be one that has not expired, of an authority in ssl_ca_file of the server',
      options: toConfigure,
    },
  ],
  [
    /^ERR_(TLS|SSL|OSSL)_/,
    {
      what: 'cannot be spoken to over TLS',
      hint: 'see the log of the database server; versions before TLS 1.2 are not spoken here',
      options: toConfigure,
    },
  ],
];
const wantsPassword: Meaning = {
  what: 'wants a password, and state.url has none',
  hint: 'write state: {url: {file: FILE}}, with the whole url in that file',
};
const unreachable: Meaning = {
  what: 'cannot be reached',
  hint: 'check that the database server runs and that this machine may connect to it; DNS is untouched',
  options: passing,
};

function meaningOf(error: Error): Meaning | null {
  const state = sqlStateOf(error);
  if (state?.startsWith('28') === true) return refusedLogin(error.message);
  if (state !== null) {
    return sqlStates[state] ?? sqlStates[state.slice(0, 2)] ?? (wrongSchema.has(state) ? damaged : null);
  }
  if (/does not support SSL/i.test(error.message)) return noTls;
  if (/password must be a (non-empty )?string/.test(error.message)) return wantsPassword;
  const tls = tlsFaults.find(([codes]) => codes.test(codeOf(error) ?? ''));
  if (tls !== undefined) return tls[1];
  return isConnectionLost(error) ? unreachable : null;
}

function refusedLogin(said: string): Meaning {
  return {
    what: 'refused to log in',
    hint: loginHints.find(([words]) => words.test(said))?.[1] ?? loginHint,
  };
}

/** What OpenSSL says is its stack with the file names of its sources; Node has the sentence apart. */
function wordsOf(error: Error): string {
  if ('reason' in error && typeof error.reason === 'string' && error.reason !== '') return error.reason;
  return error.message === '' ? (codeOf(error) ?? 'no reason given') : error.message;
}

/** A StoreError for faults of the server, the network or what was configured; anything else comes back unchanged. */
export function postgresFault(error: unknown, location: string): unknown {
  if (!(error instanceof Error) || error instanceof StoreError) return error;
  const meaning = meaningOf(error);
  if (meaning === null) return error;
  const { what, hint, options, code = 'store-unavailable' } = meaning;
  const said = sanitise(wordsOf(error), 300);
  const message = `state store ${location} ${what}: ${said}`;
  return new StoreError(code, message, { hint, cause: error, ...options });
}

/** The connection went away while a transaction was being committed. */
export function unknownCommit(error: unknown, location: string): StoreError {
  const message = `state store ${location} went away in the middle of a commit: it may or may not have been written`;
  return new StoreError('store-unavailable', message, {
    hint: 'the next run reads what is so; DNS is untouched',
    cause: error,
    exitCode: exitCodes.undecided,
    retryable: true,
  });
}

/** Tables that come into being under the feet of whoever makes them too. */
export function isSchemaRace(error: unknown): boolean {
  const state = sqlStateOf(error);
  // unique_violation is of PostgreSQL's own catalogue, internal_error its "tuple concurrently updated".
  return isOvertaken(error) || ['42P07', '42701', '42710', '23505', 'XX000'].includes(state ?? '');
}
