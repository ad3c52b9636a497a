// What a check of `doctor` says, and what it stands on: the opened program, and a few things that only the system can
// say. Types and their makers; asks nobody.

import type { Config } from '../config/config.ts';
import type { AppError, ExitCode } from '../errors.ts';
import type { ServerAddress } from '../model/route.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Deps } from './deps.ts';
import type { ProviderPromise } from './validate.ts';

/** Public: scripts match on these. Names are only ever added. */
export type CheckName =
  | 'config'
  | 'node'
  | 'files'
  | 'store'
  | 'auto'
  | 'vantage'
  | 'lease'
  | 'clock'
  | 'resolver'
  | 'port-25'
  | 'families'
  | 'ehlo'
  | 'provider'
  | 'rivals'
  | 'recovery';

/** unknown: could not be found out from here; says nothing against the machine. */
export type CheckStatus = 'ok' | 'warn' | 'fail' | 'unknown';

export interface Finding {
  readonly check: CheckName;
  /** Route, provider, resolver or file it is about; null = the machine. */
  readonly subject: string | null;
  readonly status: CheckStatus;
  readonly text: string;
  /** What to do or type; null where nothing has to be done. */
  readonly next: string | null;
  /** Of a failure; `found` without it. */
  readonly exitCode?: ExitCode;
}

/** A file as the system has it; `fault` where it cannot be looked at. */
export type FileFacts = { readonly mode: number } | { readonly fault: string };

/** What an HTTP server said the time was. */
export type HttpTime =
  | { readonly serverAt: number; readonly sentAt: number; readonly receivedAt: number }
  | { readonly fault: string; readonly isCertificateTime: boolean };

/** What only the system can say. */
export interface Machine {
  /** E.g. `24.1.0`. */
  readonly nodeVersion: string;
  readonly hostname: string;
  /** Families of which it has an address that is not for itself or its link alone. */
  readonly families: { readonly ipv4: boolean; readonly ipv6: boolean };
  readonly stat: (file: string) => Promise<FileFacts>;
  readonly hasEnvironment: (name: string) => boolean;
  /** Of systemd's LoadCredential; null where the process has none. */
  readonly credentialFile: (name: string) => string | null;
  /** Octets free where the file is; null where that cannot be told. */
  readonly freeBytes: (file: string) => Promise<number | null>;
  readonly httpTime: (url: string, signal: AbortSignal) => Promise<HttpTime>;
}

export interface DoctorDeps {
  readonly machine: Machine;
  readonly clock: Clock;
  /** Instant that the run began; ms. */
  readonly startedAt: number;
  readonly config: Config | null;
  /** Why there is none. */
  readonly configFault: AppError | null;
  /** Null where it could not be opened. Its store is a passing one where `storeFault` says why. */
  readonly program: Deps | null;
  readonly storeFault: AppError | null;
  /** True where there is no state store yet; the program has a passing one. */
  readonly isStoreNew: boolean;
  /** Those that are asked: of the configuration, or of the system. */
  readonly resolvers: readonly ServerAddress[];
  readonly promiseOf: (type: ProviderType) => ProviderPromise;
}

export type ProviderType =
  Config['providers'] extends ReadonlyMap<string, infer Block extends { type: string }>
    ? Block['type']
    : never;

/** A configuration and what was opened from it. */
export interface Opened extends DoctorDeps {
  readonly config: Config;
  readonly program: Deps;
}

export function ok(check: CheckName, subject: string | null, text: string): Finding {
  return { check, subject, status: 'ok', text, next: null };
}

export function warn(check: CheckName, subject: string | null, text: string, next: string | null): Finding {
  return { check, subject, status: 'warn', text, next };
}

export function fail(check: CheckName, subject: string | null, text: string, next: string | null): Finding {
  return { check, subject, status: 'fail', text, next };
}

export function unknown(
  check: CheckName,
  subject: string | null,
  text: string,
  next: string | null = null,
): Finding {
  return { check, subject, status: 'unknown', text, next };
}

/** A failure in its own words and with its own exit code. */
export function failureOf(check: CheckName, subject: string | null, error: AppError): Finding {
  const { message, hint, exitCode } = error;
  return { check, subject, status: 'fail', text: message, next: hint, exitCode };
}
