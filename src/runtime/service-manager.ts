// What systemd is told: ready, reloading, stopping, a status line, and that rounds make progress (sd_notify(3)). The
// messages go to a datagram socket in the file system, which Node cannot open; systemd's own `systemd-notify` sends them.
// The price: a process a message, which the unit must let speak for the service (NotifyAccess=all), and nothing where
// that program is missing, which is said once. Telling never delays a round.

import { spawn } from 'node:child_process';
import { sanitise } from '../model/text.ts';
import type { Logger } from './logger.ts';

export interface ServiceManager {
  /** The configuration is good and everything is open. After a reload too. */
  ready(): void;
  reloading(): void;
  stopping(): void;
  /** A line for `systemctl status`. */
  status(text: string): void;
  /** Resolves when all was told, or given up. Ends the watchdog. */
  settle(): Promise<void>;
}

export interface ServiceManagerOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  readonly logger: Pick<Logger, 'warn'>;
  /** The watchdog is fed while this is null. */
  readonly stuck: () => string | null;
  /** CLOCK_MONOTONIC in µs, as RELOADING=1 wants it; Node's own clock is that on Linux. */
  readonly monotonicUsec?: () => bigint;
}

/** It takes milliseconds; where systemd does not read, it is not waited for; ms. */
const patienceMs = 5000;
/** Messages that wait behind one that hangs; what is older is not news any more. */
const mostWaiting = 16;

/** Variables by which systemd says where and how often; not for the programs that we start. */
const variables = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'] as const;

/** Null where nobody wants to be told: no NOTIFY_SOCKET. */
export function createServiceManager(options: ServiceManagerOptions): ServiceManager | null {
  const socket = options.env['NOTIFY_SOCKET'] ?? '';
  // A path or an abstract name; the forms for virtual machines are for init alone.
  return /^[/@]/.test(socket) ? new NotifyingManager(socket, options) : null;
}

class NotifyingManager implements ServiceManager {
  readonly #options: ServiceManagerOptions;
  readonly #env: Record<string, string>;
  readonly #waiting: string[][] = [];
  readonly #watchdog: NodeJS.Timeout | null;
  #work: Promise<void> | null = null;
  #hasComplained = false;

  constructor(socket: string, options: ServiceManagerOptions) {
    this.#options = options;
    this.#env = { PATH: options.env['PATH'] ?? '', NOTIFY_SOCKET: socket };
    const everyMs = watchdogMs(options);
    this.#watchdog = everyMs === null ? null : setInterval(() => this.#feed(), everyMs);
    this.#watchdog?.unref();
  }

  ready(): void {
    this.#send(['READY=1']);
  }

  reloading(): void {
    const usec = this.#options.monotonicUsec ?? (() => process.hrtime.bigint() / 1000n);
    this.#send(['RELOADING=1', `MONOTONIC_USEC=${usec()}`]);
  }

  stopping(): void {
    this.#send(['STOPPING=1']);
  }

  status(text: string): void {
    this.#send([`STATUS=${sanitise(text)}`]);
  }

  async settle(): Promise<void> {
    if (this.#watchdog !== null) clearInterval(this.#watchdog);
    await this.#work;
  }

  #feed(): void {
    if (this.#options.stuck() === null) this.#send(['WATCHDOG=1']);
  }

  /** In order, one at a time. */
  #send(message: string[]): void {
    this.#waiting.push(message);
    if (this.#waiting.length > mostWaiting) this.#waiting.shift();
    this.#work ??= this.#sendAll();
  }

  async #sendAll(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      const fault = await run(next, this.#env);
      if (fault === null || this.#hasComplained) continue;
      this.#hasComplained = true;
      this.#options.logger.warn(`systemd cannot be told how the service is: systemd-notify: ${fault}`);
    }
    this.#work = null;
  }
}

/** Half of what systemd waits, as sd_watchdog_enabled(3) advises; null where it does not watch this process. */
function watchdogMs({ env, pid }: ServiceManagerOptions): number | null {
  const usec = Number(env['WATCHDOG_USEC']);
  const isOurs = env['WATCHDOG_PID'] === undefined || Number(env['WATCHDOG_PID']) === pid;
  return Number.isSafeInteger(usec) && usec > 0 && isOurs ? Math.max(1, Math.floor(usec / 2000)) : null;
}

/** Null where it was told. */
function run(message: readonly string[], env: Record<string, string>): Promise<string | null> {
  return new Promise((resolve) => {
    const child = spawn('systemd-notify', message, { env, stdio: 'ignore', timeout: patienceMs });
    child.once('error', (error: NodeJS.ErrnoException) =>
      resolve(
        error.code === 'ENOENT' ? 'there is no such program in PATH' : (error.code ?? 'unknown failure'),
      ),
    );
    child.once('close', (code) => resolve(code === 0 ? null : `exit code ${code ?? 'none: it hung'}`));
  });
}

/** So that secret commands and others do not speak for us. */
export function withdrawVariables(env: Record<string, string | undefined>): void {
  for (const name of variables) Reflect.deleteProperty(env, name);
}
