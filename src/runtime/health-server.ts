// What Kubernetes and monitors ask a service over HTTP: is it alive, is it well, is it ready. Says yes, or no and one
// sentence; takes nothing, tells no secret, no name and no address. RFC 9110 §9.3.1, §15.

import { lstatSync, unlinkSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { AppError, exitCodes } from '../errors.ts';
import { sanitise } from '../model/text.ts';

export type ListenAddress =
  { readonly host: string; readonly port: number } | { readonly socketFile: string };

/** By path: null = yes, else why not. */
export type HealthAnswers = Readonly<Record<string, () => string | null>>;

export interface HealthServer {
  /** Port 0 made true. */
  readonly address: ListenAddress;
  close(): Promise<void>;
}

/** Probes are one request each; the rest is not ours to serve. */
const maxConnections = 32;
/** A probe sends a few hundred octets. */
const maxHeaderBytes = 8 * 1024;
/** A probe sends them at once; ms. */
const patienceMs = 5000;

/** Throws AppError `usage` where the address cannot be listened on. */
export async function startHealthServer(
  listen: ListenAddress,
  answers: HealthAnswers,
): Promise<HealthServer> {
  const server = createServer(
    {
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: patienceMs,
      requestTimeout: patienceMs,
      connectionsCheckingInterval: patienceMs,
    },
    ({ method, url }, response) => {
      const ask = Object.hasOwn(answers, pathOf(url)) ? answers[pathOf(url)] : undefined;
      if (method !== 'GET' && method !== 'HEAD') reply(response, 405, 'GET only');
      else if (ask === undefined) reply(response, 404, 'not here');
      else {
        const fault = ask();
        reply(response, fault === null ? 200 : 503, fault === null ? 'ok' : sanitise(fault));
      }
    },
  );
  server.maxConnections = maxConnections;
  server.setTimeout(patienceMs);
  if ('socketFile' in listen) await removeLeftover(listen.socketFile);
  await open(server, listen);
  return { address: addressOf(server, listen), close: () => close(server) };
}

function pathOf(url = ''): string {
  return url.split('?', 1)[0] ?? '';
}

function reply(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    connection: 'close',
    ...(status === 405 ? { allow: 'GET, HEAD' } : {}),
  });
  response.end(`${text}\n`);
}

function open(server: Server, listen: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(cannotListen(listen, error)));
    server.listen('socketFile' in listen ? { path: listen.socketFile } : { ...listen }, () => {
      server.removeAllListeners('error');
      // A connection that fails to be accepted must not end a service.
      server.on('error', () => {});
      resolve();
    });
  });
}

function cannotListen(listen: ListenAddress, error: NodeJS.ErrnoException): AppError {
  const where = 'socketFile' in listen ? listen.socketFile : `${listen.host} port ${listen.port}`;
  const why = error.code === 'EADDRINUSE' ? 'somebody else listens there' : (error.code ?? 'unknown failure');
  return new AppError('usage', `cannot listen on ${sanitise(where)} for --health-listen: ${why}`, {
    exitCode: exitCodes.usage,
    hint: 'give it another address, such as 127.0.0.1:8025 or unix:/run/mxctl/health.sock',
    cause: error,
  });
}

/** The socket of a run that was killed stays in the file system and nobody answers it. */
async function removeLeftover(file: string): Promise<void> {
  if (lstatSync(file, { throwIfNoEntry: false })?.isSocket() !== true) return;
  const isAnswered = await new Promise<boolean>((resolve) => {
    const socket = connect(file);
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
  if (!isAnswered) unlinkSync(file);
}

function addressOf(server: Server, listen: ListenAddress): ListenAddress {
  const bound = server.address();
  return typeof bound === 'object' && bound !== null ? { host: bound.address, port: bound.port } : listen;
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}
