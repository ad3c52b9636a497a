import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  type HealthServer,
  type ListenAddress,
  startHealthServer,
} from '../../../src/runtime/health-server.ts';

async function start(listen: ListenAddress = { host: '127.0.0.1', port: 0 }, fault: string | null = null) {
  const server = await startHealthServer(listen, { '/healthz': () => fault, '/readyz': () => null });
  onTestFinished(() => server.close());
  return server;
}

function ask({ address }: Pick<HealthServer, 'address'>, target: string, method = 'GET') {
  const where = 'socketFile' in address ? { socketPath: address.socketFile } : address;
  return new Promise<{ status: number; body: string }>((resolve, reject) => {
    request({ ...where, path: target, method }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
    })
      .on('error', reject)
      .end();
  });
}

function socketFile(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'mxctl-health-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return path.join(folder, 'health.sock');
}

describe('the health endpoint', () => {
  it('says yes with 200, and no with 503 and the reason', async () => {
    const well = await start();
    const ill = await start(undefined, 'the last 3 rounds were missed: store-unavailable\u001b[2J');
    expect(await ask(well, '/healthz')).toEqual({ status: 200, body: 'ok\n' });
    expect(await ask(well, '/readyz?verbose')).toEqual({ status: 200, body: 'ok\n' });
    expect(await ask(ill, '/healthz')).toEqual({
      status: 503,
      body: 'the last 3 rounds were missed: store-unavailable\\u001b[2J\n',
    });
    expect(await ask(ill, '/healthz', 'HEAD')).toEqual({ status: 503, body: '' });
  });

  it.each([
    ['GET', '/', 404],
    ['GET', '/metrics', 404],
    ['GET', '/constructor', 404],
    ['GET', '/__proto__', 404],
    ['POST', '/healthz', 405],
    ['DELETE', '/healthz', 405],
  ])('answers %s %s with %i', async (method, target, status) => {
    expect(await ask(await start(), target, method)).toMatchObject({ status });
  });

  it('keeps no connection, however slowly somebody speaks, and no more than a few', async () => {
    const { address } = await start();
    if ('socketFile' in address) throw new Error('not TCP');
    const { port } = address;
    const sockets = await Promise.all(
      Array.from(
        { length: 40 },
        () =>
          new Promise<net.Socket>((resolve) => {
            const socket = net.connect(port, '127.0.0.1', () => resolve(socket));
            socket.on('error', () => {});
          }),
      ),
    );
    const closed = await Promise.race(
      sockets.map((one) => new Promise((resolve) => one.on('close', () => resolve(true)))),
    );
    expect(closed).toBe(true);
    for (const one of sockets) one.destroy();
  });

  it('refuses a request that is larger than any probe', async () => {
    const { address } = await start();
    if ('socketFile' in address) throw new Error('not TCP');
    const socket = net.connect(address.port, '127.0.0.1');
    socket.write(`GET /healthz HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`);
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 431 /);
  });

  it('listens on a file, over one that a killed run left, and removes it', async () => {
    const file = socketFile();
    const left = net.createServer();
    await new Promise<void>((resolve) => left.listen(file, resolve));
    // What SIGKILL leaves: the file, and nobody behind it.
    const handle = (left as unknown as { _handle: { close(): void } })._handle;
    const { renameSync } = await import('node:fs');
    renameSync(file, `${file}.kept`);
    handle.close();
    renameSync(`${file}.kept`, file);
    const server = await start({ socketFile: file });
    expect(await ask(server, '/healthz')).toEqual({ status: 200, body: 'ok\n' });
    await server.close();
    expect(existsSync(file)).toBe(false);
  });

  it('does not take an address from somebody who answers there', async () => {
    const file = socketFile();
    const first = await start({ socketFile: file });
    await expect(start({ socketFile: file })).rejects.toMatchObject({ code: 'usage', exitCode: 64 });
    expect(await ask(first, '/healthz')).toMatchObject({ status: 200 });
    const tcp = await start();
    await expect(start(tcp.address)).rejects.toThrow('somebody else listens there');
  });
});
