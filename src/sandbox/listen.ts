// Listening on an address and port as a promise.

import type { Server } from 'node:net';
import { AppError } from '../errors.ts';

/** Throws AppError where the address cannot be had. */
export function listenTcp(server: Server, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (cause: NodeJS.ErrnoException) => reject(explain(cause, address, port));
    server.once('error', onError);
    server.listen({ port, host: address }, () => {
      server.off('error', onError);
      resolve();
    });
  });
}

function explain(cause: NodeJS.ErrnoException, address: string, port: number): Error {
  if (cause.code === 'EADDRNOTAVAIL') {
    return new AppError('usage', `cannot listen on ${address}: this system has no such loopback address`, {
      hint: `give it one, e.g. on macOS: sudo ifconfig lo0 alias ${address}`,
      exitCode: 64,
      cause,
    });
  }
  return new AppError('usage', `cannot listen on ${address}:${port}: ${cause.code ?? 'failed'}`, {
    hint: 'stop the other process or choose another port',
    exitCode: 64,
    cause,
  });
}
