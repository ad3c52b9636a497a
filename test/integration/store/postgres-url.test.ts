// What a PostgreSQL url means, and that none of it gets into an error but the names of its parameters.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '../../../src/errors.ts';
import { readPostgresUrl } from '../../../src/store/sql/postgres-url.ts';
import { makeCa } from '../../support/certificates.ts';

let directory: string;
let pem: string;
let ca: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mxctl-url-'));
  pem = join(directory, 'ca.pem');
  ({ ca } = await makeCa());
  await writeFile(pem, ca);
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

describe('a PostgreSQL url', () => {
  it('says where, who and what; the location that people see has no password', async () => {
    expect(
      await readPostgresUrl('postgres://mxctl:s%40cr%2Fet%25@db.example.net:6432/state?sslmode=disable'),
    ).toEqual({
      host: 'db.example.net',
      port: 6432,
      database: 'state',
      user: 'mxctl',
      password: 's@cr/et%',
      ssl: false,
      options: null,
      location: 'postgres://mxctl@db.example.net:6432/state',
    });
  });

  it.each([
    ['postgresql://127.0.0.1/state', `postgres://${userInfo().username}@127.0.0.1:5432/state`],
    ['postgres:///state', `postgres://${userInfo().username}@localhost:5432/state`],
    ['postgres://a@[::1]:5433/state', 'postgres://a@[::1]:5433/state'],
    ['postgres://a@%2Frun%2Fpostgresql/state', 'postgres://a@/run/postgresql:5432/state'],
    ['postgres:///state?host=/run/pg&port=7', `postgres://${userInfo().username}@/run/pg:7/state`],
  ])('may leave things out: %s', async (url, location) => {
    expect(await readPostgresUrl(url)).toMatchObject({ location, ssl: false });
  });

  it('passes settings of the session on', async () => {
    const url = 'postgres://a@localhost/state?options=-c%20search_path%3Dmxctl';
    expect(await readPostgresUrl(url)).toMatchObject({ options: '-c search_path=mxctl' });
  });

  it.each([
    ['', { rejectUnauthorized: true, host: 'db.example' }],
    ['?sslmode=verify-full', { rejectUnauthorized: true, host: 'db.example' }],
    ['?sslmode=verify-full&sslrootcert=system', { rejectUnauthorized: true }],
    ['?sslmode=require', { rejectUnauthorized: false }],
  ])('without a root certificate, %j', async (parameters, ssl) => {
    const read = await readPostgresUrl(`postgres://a@db.example/state${parameters}`);
    expect(read.ssl).toMatchObject(ssl);
    expect(read.ssl).not.toHaveProperty('checkServerIdentity');
    expect(read.ssl).not.toHaveProperty('ca');
  });

  it.each([
    ['require', false],
    ['verify-ca', false],
    ['verify-full', true],
  ])('with a root certificate, sslmode=%s checks the chain; the name too: %s', async (mode, checksName) => {
    const { ssl } = await readPostgresUrl(`postgres://a@db.example/state?sslmode=${mode}&sslrootcert=${pem}`);
    expect(ssl).toMatchObject({ rejectUnauthorized: true, ca });
    expect(ssl !== false && 'checkServerIdentity' in ssl).toBe(!checksName);
  });

  it.each([
    ['postgres://a:hunter2@db/', 'is not the url of one PostgreSQL database'],
    ['postgres://a:hunter2@db', 'is not the url of one PostgreSQL database'],
    // A password with / or # or @ in it that nobody encoded.
    ['postgres://a:1/hunter2@db/state', 'is not the url of one PostgreSQL database'],
    ['postgres://a:hunter2#x@db/state', 'is not the url of one PostgreSQL database'],
    ['postgres://a:hunter2@db1,db2:5432/state/', 'is not the url of one PostgreSQL database'],
    ['postgres://a:hunter2%@db/state', 'has a % that encodes nothing'],
    ['postgres://a:hunter2@db:0/state', 'has no port from 1 to 65535'],
    ['postgres://a@db/state?password=hunter2', 'does not know the parameter password'],
    ['postgres://a@db/state?sslmode=prefer', 'sslmode=prefer is not known'],
    ['postgres://a@db/state?sslmode=verify-ca', 'sslmode=verify-ca needs sslrootcert'],
    ['postgres://a@db/state?sslrootcert=/nowhere/ca.pem', 'sslrootcert cannot be read: ENOENT'],
    ['postgres://a@db/state?sslkey=/dev/null', 'sslkey /dev/null holds no certificate or key in PEM'],
  ])('is refused without a word of its password: %s', async (url, why) => {
    const fault: unknown = await readPostgresUrl(url).catch((error: unknown) => error);
    if (!(fault instanceof AppError)) throw new Error('nothing was refused');
    expect(fault).toMatchObject({ code: 'config-invalid', exitCode: 78 });
    expect(fault.message).toContain(`state.url: ${why}`);
    expect(`${fault.message} ${fault.hint ?? ''}`).not.toMatch(/hunter2/);
  });
});
