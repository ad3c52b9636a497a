// A hop that plays a transcript on a loopback socket, and a clock that moves only when the transcript says so.
//
//   S: 220 mx.example ESMTP      says a line; consecutive ones leave in one segment
//   S raw: "220 mx.exa"          says exactly these octets (a JSON string, one octet a character)
//   C: EHLO *                    expects a line; * stands for anything
//   (tls good)                   handshake with the certificate of that name
//   (11 s later)                 moves the clock
//   (until the clock has 3 sleepers started)  waits for the client to have begun its third wait
//   (close) (reset) (stall)      ends the connection; or waits until the client does
//
// What the client said is kept, also what the transcript did not expect: `deviations` must be empty.
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';

import type { SmtpClock } from '../../src/smtp/wait.ts';

/** Stands still unless told. Sleepers wake in order of their instants. */
export class ManualClock implements SmtpClock {
  started = 0;
  #now: number;
  #sleepers: { readonly dueAt: number; readonly wake: () => void }[] = [];
  #watchers: { readonly count: number; readonly tell: () => void }[] = [];

  constructor(now = Date.parse('2026-11-22T03:12:00Z')) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const sleeper = { dueAt: this.#now + ms, wake: () => resolve(undefined) };
    this.#sleepers.push(sleeper);
    signal.addEventListener('abort', () => {
      this.#sleepers = this.#sleepers.filter((one) => one !== sleeper);
      reject(signal.reason as Error);
    });
    this.started += 1;
    for (const watcher of this.#watchers) if (watcher.count <= this.started) watcher.tell();
    return promise;
  }

  /** Resolves when `count` sleeps have begun since the start. */
  async untilStarted(count: number): Promise<void> {
    if (this.started >= count) return;
    await new Promise<void>((tell) => this.#watchers.push({ count, tell }));
  }

  advance(ms: number): void {
    this.#now += ms;
    const due = this.#sleepers.filter((one) => one.dueAt <= this.#now).sort((a, b) => a.dueAt - b.dueAt);
    this.#sleepers = this.#sleepers.filter((one) => one.dueAt > this.#now);
    for (const one of due) one.wake();
  }
}

export interface KeyAndCertificate {
  readonly key: string;
  readonly cert: string;
}

export interface ScriptOptions {
  readonly host?: string;
  readonly clock?: ManualClock;
  readonly certificates?: Readonly<Record<string, KeyAndCertificate>>;
}

export interface ScriptedHop extends AsyncDisposable {
  readonly address: string;
  readonly port: number;
  /** Every line any client said, in order. */
  readonly said: readonly string[];
  /** Addresses clients came from, in order. */
  readonly clients: readonly string[];
  /** Names clients asked for in their TLS handshakes (SNI), `-` where none. */
  readonly asked: readonly string[];
  /** What went against the transcript, pregreeting included. */
  readonly deviations: readonly string[];
  /** Most transcripts in play at once so far. */
  readonly peak: number;
  /** Resolves when no session is open. */
  idle(): Promise<void>;
}

type Step =
  | { readonly kind: 'say'; readonly octets: Buffer }
  | { readonly kind: 'expect'; readonly pattern: string }
  | { readonly kind: 'tls'; readonly name: string }
  | { readonly kind: 'later'; readonly ms: number }
  | { readonly kind: 'sleepers'; readonly count: number }
  | { readonly kind: 'close' | 'reset' | 'stall' };

function parseScript(text: string): Step[] {
  const steps: Step[] = [];
  for (const line of text.split('\n').map((one) => one.trim())) {
    if (line === '' || line.startsWith('#')) continue;
    const step = parseStep(line);
    const last = steps.at(-1);
    if (step.kind === 'say' && last?.kind === 'say') {
      steps[steps.length - 1] = { kind: 'say', octets: Buffer.concat([last.octets, step.octets]) };
    } else {
      steps.push(step);
    }
  }
  return steps;
}

function parseStep(line: string): Step {
  const raw = /^S raw: (".*")$/.exec(line)?.[1];
  if (raw !== undefined) return { kind: 'say', octets: Buffer.from(JSON.parse(raw) as string, 'latin1') };
  if (line.startsWith('S: ')) return { kind: 'say', octets: Buffer.from(`${line.slice(3)}\r\n`) };
  if (line.startsWith('C: ')) return { kind: 'expect', pattern: line.slice(3) };
  const tlsName = /^\(tls (\w+)\)$/.exec(line)?.[1];
  if (tlsName !== undefined) return { kind: 'tls', name: tlsName };
  const seconds = /^\((\d+) s later\)$/.exec(line)?.[1];
  if (seconds !== undefined) return { kind: 'later', ms: Number(seconds) * 1000 };
  const count = /^\(until the clock has (\d+) sleepers started\)$/.exec(line)?.[1];
  if (count !== undefined) return { kind: 'sleepers', count: Number(count) };
  const end = /^\((close|reset|stall)\)$/.exec(line)?.[1];
  if (end !== undefined) return { kind: end as 'close' | 'reset' | 'stall' };
  throw new Error(`not a line of a transcript: ${line}`);
}

/** Lines a socket delivers, one at a time; null at its end. */
class LineReader {
  readonly #lines: string[] = [];
  #rest = '';
  #isEnded = false;
  #wake: () => void = () => {};
  readonly #onData = (chunk: Buffer) => {
    const parts = (this.#rest + chunk.toString('latin1')).split('\r\n');
    this.#rest = parts.pop() ?? '';
    this.#lines.push(...parts);
    this.#wake();
  };

  constructor(socket: net.Socket) {
    socket.on('data', this.#onData);
    socket.once('close', () => {
      this.#isEnded = true;
      this.#wake();
    });
    this.#socket = socket;
  }

  readonly #socket: net.Socket;

  get hasAny(): boolean {
    return this.#lines.length > 0 || this.#rest !== '';
  }

  release(): void {
    this.#socket.off('data', this.#onData);
  }

  async next(): Promise<string | null> {
    while (this.#lines.length === 0 && !this.#isEnded) {
      await new Promise<void>((wake) => (this.#wake = wake));
    }
    return this.#lines.shift() ?? null;
  }
}

/** One transcript for every connection, or one for each in turn, the last one repeated; or one by client address. */
export async function playSmtp(
  scripts: string | readonly string[] | ((client: string) => string),
  options: ScriptOptions = {},
): Promise<ScriptedHop> {
  const said: string[] = [];
  const clients: string[] = [];
  const deviations: string[] = [];
  const asked: string[] = [];
  const open = new Set<Promise<void>>();
  let current = 0;
  const sockets = new Set<net.Socket>();
  let peak = 0;
  const scriptFor = (client: string): string => {
    if (typeof scripts === 'function') return scripts(client);
    const list = typeof scripts === 'string' ? [scripts] : scripts;
    return list[Math.min(clients.length, list.length) - 1] ?? '';
  };
  const server = net.createServer((socket) => {
    const client = socket.remoteAddress ?? '';
    clients.push(client);
    sockets.add(socket);
    current += 1;
    peak = Math.max(peak, current);
    const over = () => (current -= 1);
    const session = play(socket, parseScript(scriptFor(client)), options, { said, asked, deviations, over })
      .catch((error: unknown) => void deviations.push(String(error)))
      .finally(() => {
        sockets.delete(socket);
        open.delete(session);
      });
    open.add(session);
  });
  server.listen(0, options.host ?? '127.0.0.1');
  await once(server, 'listening');
  const { address, port } = server.address() as net.AddressInfo;
  const idle = async () => {
    await Promise.all(open);
  };
  return {
    address,
    port,
    said,
    clients,
    asked,
    deviations,
    get peak() {
      return peak;
    },
    idle,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await idle();
    },
  };
}

async function play(
  raw: net.Socket,
  steps: readonly Step[],
  options: ScriptOptions,
  record: {
    readonly said: string[];
    readonly asked: string[];
    readonly deviations: string[];
    readonly over: () => void;
  },
): Promise<void> {
  const { said, deviations } = record;
  let socket = raw;
  const closed = new Promise<void>((resolve) => raw.once('close', () => resolve()));
  raw.on('error', () => {});
  raw.setNoDelay(true);
  let reader = new LineReader(raw);
  let hasSpoken = false;
  let isEnded = false;
  for (const step of steps) {
    if (step.kind === 'say') {
      if (!hasSpoken && reader.hasAny) deviations.push('client spoke before the greeting');
      hasSpoken = true;
      // Nothing listens for a failed write: a client that has gone shows at the next expectation.
      socket.write(step.octets);
    } else if (step.kind === 'expect') {
      const line = await reader.next();
      if (line !== null) said.push(line);
      if (line === null || !matches(line, step.pattern)) {
        deviations.push(`expected ${step.pattern}, got ${line ?? 'the end'}`);
        break;
      }
    } else if (step.kind === 'tls') {
      reader.release();
      const secure = await accept(raw, options, step.name);
      socket = secure;
      record.asked.push(secure.servername || '-');
      if (socket.destroyed) break;
      reader = new LineReader(socket);
    } else if (step.kind === 'later') {
      await delivered();
      options.clock?.advance(step.ms);
    } else if (step.kind === 'sleepers') {
      await options.clock?.untilStarted(step.count);
    } else {
      if (step.kind === 'reset') raw.resetAndDestroy();
      if (step.kind === 'close') socket.end();
      isEnded = step.kind !== 'stall';
      break;
    }
  }
  if (isEnded) record.over();
  for (let line = await reader.next(); line !== null; line = await reader.next()) {
    said.push(line);
    // A goodbye may cross our own.
    if (!(isEnded && line === 'QUIT')) deviations.push(`unexpected: ${line}`);
  }
  if (!isEnded) record.over();
  await closed;
}

async function accept(raw: net.Socket, options: ScriptOptions, name: string): Promise<tls.TLSSocket> {
  const pair = options.certificates?.[name];
  if (pair === undefined) throw new Error(`no certificate named ${name}`);
  const secure = new tls.TLSSocket(raw, { isServer: true, key: pair.key, cert: pair.cert });
  secure.on('error', () => {});
  await Promise.race([once(secure, 'secure'), once(secure, 'close')]);
  return secure;
}

/** Client and server share one event loop: after some turns of it the client has read what was written. */
async function delivered(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
}

function matches(line: string, pattern: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(line);
}
