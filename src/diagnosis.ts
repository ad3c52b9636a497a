// What `doctor` stands on: the configuration and the program where they can be had, and what only the system can say of
// this machine. Makes no file. Imported by compose.ts when a command needs it.

import { stat, statfs } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { hostname, networkInterfaces } from 'node:os';
import { dirname, join } from 'node:path';
import type { Deps } from './app/deps.ts';
import type { DoctorDeps, FileFacts, HttpTime, Machine } from './app/doctor-finding.ts';
import type { Config } from './config/config.ts';
import { systemServers } from './dns/resolver.ts';
import { AppError } from './errors.ts';
import { providerKinds } from './providers/kinds.ts';
import type { Runtime } from './runtime/run.ts';

/** How the rest is opened; compose.ts knows. */
export interface Doors {
  readonly readConfig: () => Promise<Config>;
  readonly stateUrl: (config: Config) => Promise<string>;
  readonly open: (isOffline: boolean) => Promise<Deps & { readonly storeFault: AppError | null }>;
}

/** What is wrong with the configuration or the store is no reason to end: it is what was asked for. */
export async function openDiagnosis(runtime: Runtime, doors: Doors): Promise<DoctorDeps> {
  const base = {
    machine: thisMachine(),
    clock: runtime.clock,
    startedAt: runtime.clock.now(),
    promiseOf: (type: keyof typeof providerKinds) => providerKinds[type],
    resolvers: [],
    config: null,
    configFault: null,
    program: null,
    storeFault: null,
    isStoreNew: false,
  };
  let config: Config;
  try {
    config = await doors.readConfig();
  } catch (error) {
    return { ...base, configFault: faultOf(error) };
  }
  const resolvers = config.resolvers.length > 0 ? config.resolvers : systemServers();
  try {
    // To look must not make a file: it would belong to whoever looked, and `auto` runs as another.
    const isStoreNew = await isMissing(await doors.stateUrl(config));
    const program = await doors.open(isStoreNew);
    return { ...base, config, resolvers, program, storeFault: program.storeFault, isStoreNew };
  } catch (error) {
    return { ...base, config, resolvers, storeFault: faultOf(error) };
  }
}

function faultOf(error: unknown): AppError {
  if (error instanceof AppError) return error;
  throw error;
}

const sqliteScheme = 'sqlite:';

async function isMissing(url: string): Promise<boolean> {
  if (!url.startsWith(sqliteScheme)) return false;
  const facts = await statFile(url.slice(sqliteScheme.length));
  return 'fault' in facts && facts.fault === 'ENOENT';
}

export function thisMachine(): Machine {
  const { env } = process;
  const credentials = env['CREDENTIALS_DIRECTORY'];
  return {
    nodeVersion: process.versions.node,
    hostname: hostname(),
    families: addressFamilies(),
    stat: statFile,
    hasEnvironment: (name) => (env[name] ?? '') !== '',
    credentialFile: (name) => (credentials === undefined ? null : join(credentials, name)),
    freeBytes,
    httpTime: readHttpTime,
  };
}

/** Of addresses that others could reach, and be reached from: neither loopback nor of one link (RFC 4291 §2.5.6). */
function addressFamilies(): Machine['families'] {
  const all = Object.values(networkInterfaces())
    .flatMap((one) => one ?? [])
    .filter((one) => !one.internal && !/^fe[89ab]/i.test(one.address));
  return {
    ipv4: all.some((one) => one.family === 'IPv4'),
    ipv6: all.some((one) => one.family === 'IPv6'),
  };
}

async function statFile(file: string): Promise<FileFacts> {
  try {
    const { mode } = await stat(file);
    return { mode };
  } catch (error) {
    return { fault: codeOf(error) };
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}

async function freeBytes(file: string): Promise<number | null> {
  try {
    const { bavail, bsize } = await statfs(dirname(file));
    return bavail * bsize;
  } catch {
    return null;
  }
}

/** A clock is no reason to wait; ms. */
const longestHttpMs = 5000;

/** OpenSSL's words for a certificate that is right at another time. */
const certificateTimeFaults = new Set(['CERT_NOT_YET_VALID', 'CERT_HAS_EXPIRED']);

/** A HEAD without credentials: whatever the answer is, it has a Date (RFC 9110 §6.6.1). */
function readHttpTime(url: string, signal: AbortSignal): Promise<HttpTime> {
  const isSecure = url.startsWith('https:');
  return new Promise((done) => {
    const sentAt = Date.now();
    const fault = (text: string, isCertificateTime = false) => done({ fault: text, isCertificateTime });
    const request = (isSecure ? httpsRequest : httpRequest)(
      url,
      { method: 'HEAD', signal, timeout: longestHttpMs, agent: false },
      (response) => {
        response.destroy();
        const { date, age } = response.headers;
        const serverAt = Date.parse(date ?? '');
        if (Number.isNaN(serverAt)) fault('its answer has no Date');
        else if (age !== undefined) fault('a cache answered');
        else done({ serverAt, sentAt, receivedAt: Date.now() });
      },
    );
    request.on('timeout', () => {
      fault(`no answer in ${longestHttpMs / 1000} s`);
      request.destroy();
    });
    request.on('error', (error) => fault(codeOf(error), certificateTimeFaults.has(codeOf(error))));
    request.end();
  });
}
