// The state store of a CLI world: the SQLite file beside its config, or a database on a real PostgreSQL. Can be kept as
// it is and put back, which is quicker than playing the calm that comes before a fault again.

import { copyFileSync, rmSync } from 'node:fs';
import type { CliWorld } from './cli-world.ts';
import { type RealPostgres, startPostgres } from './real-postgres.ts';

export interface CliStore {
  readonly url: string;
  /** Where a database listens; 0 = it is a file. */
  readonly port: number;
  /** Keeps what is there now. */
  keep(): Promise<void>;
  /** Puts it back; whoever is connected is cut off. */
  putBack(): Promise<void>;
}

export interface CliStores {
  /** The world's commands use it from now on. */
  openFor(flow: CliWorld): Promise<CliStore>;
  dispose(): Promise<void>;
}

const sqliteStores: CliStores = {
  openFor: ({ stateFile }) => {
    const keptFile = `${stateFile}.kept`;
    return Promise.resolve({
      url: `sqlite:${stateFile}`,
      port: 0,
      keep: () => {
        copyFileSync(stateFile, keptFile);
        return Promise.resolve();
      },
      putBack: () => {
        for (const suffix of ['-wal', '-shm']) rmSync(stateFile + suffix, { force: true });
        copyFileSync(keptFile, stateFile);
        return Promise.resolve();
      },
    });
  },
  dispose: () => Promise.resolve(),
};

function postgresStores(server: RealPostgres): CliStores {
  return {
    openFor: async (flow) => {
      const name = await server.createDatabase();
      const url = server.url(name, '?sslmode=disable');
      flow.useConfig((yaml) => yaml.replace(/url: "sqlite:[^"]*"/, 'url: {env: TEST_STATE_URL}'));
      flow.useEnvironment({ TEST_STATE_URL: url });
      flow.mustNotTell(new URL(url).password);
      const copy = async (from: string, to: string): Promise<void> => {
        await server.query(`create database ${to} template ${from}`);
      };
      return {
        url,
        port: server.port,
        keep: () => copy(name, `${name}_kept`),
        putBack: async () => {
          await server.query(`drop database ${name} with (force)`);
          await copy(`${name}_kept`, name);
        },
      };
    },
    dispose: () => server.dispose(),
  };
}

export const storeKinds = ['SQLite', 'PostgreSQL'] as const;

/** On a server of its own where none is given. */
export async function openCliStores(kind: (typeof storeKinds)[number] | RealPostgres): Promise<CliStores> {
  if (kind === 'SQLite') return sqliteStores;
  return postgresStores(kind === 'PostgreSQL' ? await startPostgres() : kind);
}
