// The sandbox's switchboard for another terminal: HTTP on 127.0.0.1, a random token in a file only its owner may
// read. Two things can be done: read the state, set a fault. Never listens anywhere but loopback.

import { randomBytes, timingSafeEqual } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { AppError, UsageError } from '../errors.ts';
import { type HopFault, hopFaults, isHopFault } from './hop-fault.ts';
import { listenTcp } from './listen.ts';

export interface HopState {
  readonly name: string;
  readonly exchange: string;
  readonly address: string;
  readonly port: number;
  readonly fault: HopFault;
  /** Letters it answered 250 to and keeps. */
  readonly held: number;
  /** Letters it answered 250 to that are gone. */
  readonly discarded: number;
}

export interface Switchboard {
  hops(): readonly HopState[];
  /** False where there is no such hop. */
  setFault(hop: string, fault: HopFault): Promise<boolean>;
}

export interface Control {
  readonly port: number;
  close(): Promise<void>;
}

/** 128 bits: not to be guessed by another user of the machine. */
const tokenOctets = 16;
/** Local and tiny; a sandbox that takes longer has hung. */
const callTimeoutMs = 5000;
/** The state of a handful of hops is some hundred octets. */
const maxReplyOctets = 65_536;

function isToken(given: string | undefined, token: string): boolean {
  const [a, b] = [Buffer.from(given ?? ''), Buffer.from(`Bearer ${token}`)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
  response.end(JSON.stringify(body));
}

async function serve(board: Switchboard, token: string, incoming: IncomingMessage, response: ServerResponse) {
  incoming.resume();
  if (!isToken(incoming.headers.authorization, token)) {
    reply(response, 403, { error: 'wrong token' });
    return;
  }
  const url = new URL(incoming.url ?? '/', 'http://sandbox');
  const [hop, fault] = [url.searchParams.get('hop') ?? '', url.searchParams.get('fault') ?? ''];
  if (incoming.method === 'GET' && url.pathname === '/hops') reply(response, 200, { hops: board.hops() });
  else if (incoming.method !== 'POST' || url.pathname !== '/fault')
    reply(response, 404, { error: 'no such thing' });
  else if (!isHopFault(fault))
    reply(response, 400, { error: `no such fault; there are ${hopFaults.join(', ')}` });
  else if (await board.setFault(hop, fault)) reply(response, 200, { hops: board.hops() });
  else {
    const names = board.hops().map((one) => one.name);
    reply(response, 404, { error: `no such hop; there are ${names.join(', ')}` });
  }
}

/** Writes `controlFile` (mode 0600) and removes it on close. */
export async function openControl(board: Switchboard, controlFile: string): Promise<Control> {
  const token = randomBytes(tokenOctets).toString('hex');
  const server = createServer((incoming, response) => {
    serve(board, token, incoming, response).catch(() => {
      reply(response, 500, { error: 'the sandbox could not do it' });
    });
  });
  await listenTcp(server, 0, '127.0.0.1');
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  await rm(controlFile, { force: true });
  await writeFile(controlFile, JSON.stringify({ port, token }), { mode: 0o600, flag: 'wx' });
  return {
    port,
    close: async () => {
      await rm(controlFile, { force: true });
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function readControlFile(controlFile: string): Promise<{ port: number; token: string }> {
  try {
    const parsed = JSON.parse(await readFile(controlFile, 'utf8')) as { port?: unknown; token?: unknown };
    if (typeof parsed.port === 'number' && typeof parsed.token === 'string') {
      return { port: parsed.port, token: parsed.token };
    }
  } catch {
    // Reported below: missing, unreadable and garbled mean the same to the person.
  }
  throw new UsageError('usage', `no sandbox is running (no control file at ${controlFile})`, {
    hint: 'start one in another terminal: mxctl sandbox',
  });
}

async function call(controlFile: string, method: 'GET' | 'POST', path: string): Promise<readonly HopState[]> {
  const { port, token } = await readControlFile(controlFile);
  const { status, body } = await new Promise<{ status: number; body: string }>((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` };
    const outgoing = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        if (text.length < maxReplyOctets) text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
    });
    outgoing.setTimeout(callTimeoutMs, () => outgoing.destroy(new Error('no answer')));
    outgoing.on('error', reject);
    outgoing.end();
  }).catch((cause: unknown) => {
    throw new AppError('usage', 'the sandbox does not answer; it may have ended', {
      hint: `start it again with mxctl sandbox, or remove ${controlFile}`,
      exitCode: 64,
      cause,
    });
  });
  const parsed = JSON.parse(body) as { hops?: readonly HopState[]; error?: string };
  if (status === 200 && parsed.hops !== undefined) return parsed.hops;
  throw new UsageError('usage', parsed.error ?? `the sandbox answered ${status}`, {
    hint: 'for example: mxctl sandbox --set mx1.filter=down',
  });
}

/** Sets a fault in a sandbox that runs elsewhere; the hops as they are then. Throws UsageError. */
export function postFault(controlFile: string, hop: string, fault: string): Promise<readonly HopState[]> {
  const query = new URLSearchParams({ hop, fault });
  return call(controlFile, 'POST', `/fault?${query.toString()}`);
}

export function readHops(controlFile: string): Promise<readonly HopState[]> {
  return call(controlFile, 'GET', '/hops');
}
