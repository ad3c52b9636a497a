// A real PostgreSQL server that speaks TLS: what each sslmode takes and refuses, and what a person is told.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '../../../src/errors.ts';
import { openPostgresEngine } from '../../../src/store/sql/postgres-engine.ts';
import { makeCa, type TestCa } from '../../support/certificates.ts';
import { postgresMissing, type RealPostgres, startPostgres } from '../../support/real-postgres.ts';

const hba = `
host    all mxctl    127.0.0.1/32 scram-sha-256
hostssl all tls_only 127.0.0.1/32 scram-sha-256
hostssl all by_cert  127.0.0.1/32 cert
`;

describe.skipIf(postgresMissing !== null)(`PostgreSQL over TLS ${postgresMissing ?? ''}`.trim(), () => {
  let server: RealPostgres;
  let directory: string;
  let ours: TestCa;
  const file = (name: string) => join(directory, name);

  /** The server shows a certificate for these names from now on. */
  async function show(names: readonly string[], days: number): Promise<void> {
    const { cert, key } = await ours.issue(names, days);
    await server.stop();
    await server.put('server.crt', cert);
    await server.put('server.key', key);
    await server.start();
  }

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'mxctl-tls-'));
    ours = await makeCa();
    const theirs = await makeCa();
    const shown = await ours.issue(['localhost'], 64);
    const flags = ['ssl=on', 'ssl_ca_file=ca.crt'].flatMap((setting) => ['-c', setting]);
    server = await startPostgres(flags, {
      'server.crt': shown.cert,
      'server.key': shown.key,
      'ca.crt': ours.ca,
      'pg_hba.conf': hba,
    });
    await server.query(`create role by_cert login; create role tls_only login password 'Tr0ub4dor&3'`);
    await writeFile(file('ours.pem'), ours.ca);
    await writeFile(file('theirs.pem'), theirs.ca);
    for (const [name, made] of Object.entries({
      client: await ours.issue(['by_cert'], 64),
      other: await ours.issue(['somebody'], 64),
      old: await ours.issue(['by_cert'], -3),
      stranger: await theirs.issue(['by_cert'], 64),
    })) {
      await writeFile(file(`${name}.crt`), made.cert);
      await writeFile(file(`${name}.key`), made.key);
    }
    await writeFile(file('noise.key'), '-----BEGIN PRIVATE KEY-----\nc2VzYW1l\n-----END PRIVATE KEY-----\n');
  });
  afterAll(async () => {
    await server.dispose();
    await rm(directory, { recursive: true });
  });

  /** `@NAME` in parameters is a file of this test. */
  function urlOf(parameters: string, host = 'localhost', user = 'mxctl'): string {
    return server
      .url(
        'postgres',
        parameters.replaceAll(/@([\w.]+)/g, (_, name: string) => encodeURIComponent(file(name))),
      )
      .replace('127.0.0.1', host)
      .replace('//mxctl', `//${user}`);
  }

  /** What the server says of the connection, or what a person is told. */
  async function ask(url: string): Promise<string> {
    try {
      const engine = await openPostgresEngine({ url, readOnly: false, lockWaitMs: 1000 });
      try {
        const answer = await sql<{ version: string | null }>`
          select version from pg_stat_ssl where pid = pg_backend_pid()`.execute(engine.db);
        return answer.rows[0]?.version ?? 'in clear text';
      } finally {
        await engine.close();
      }
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      const { code, exitCode, retryable, message, hint } = error;
      const told = `${code} ${exitCode}${retryable ? ' retryable' : ''}: ${message} -> ${hint ?? ''}`;
      expect(told).not.toMatch(/Tr0ub4dor|PRIVATE KEY|sesame/);
      return told;
    }
  }

  const untrusted = /^store-unavailable 78: state store postgres:\S+ shows a certificate /;

  describe('with a certificate of our authority for this name', () => {
    it.each([
      ['', 'localhost', 'in clear text'],
      ['?sslmode=disable', 'localhost', 'in clear text'],
      ['?sslmode=require', 'localhost', 'TLSv1.3'],
      ['?sslmode=require', '127.0.0.1', 'TLSv1.3'],
      ['?sslmode=require&sslrootcert=@ours.pem', '127.0.0.1', 'TLSv1.3'],
      ['?sslmode=verify-ca&sslrootcert=@ours.pem', '127.0.0.1', 'TLSv1.3'],
      ['?sslmode=verify-full&sslrootcert=@ours.pem', 'localhost', 'TLSv1.3'],
    ])('%s at %s is %s', async (parameters, host, expected) => {
      expect(await ask(urlOf(parameters, host))).toBe(expected);
    });

    it.each([
      ['?sslmode=verify-full', 'localhost', /nobody this machine trusts.* -> .*sslrootcert=FILE/],
      ['?sslmode=verify-full&sslrootcert=system', 'localhost', /nobody this machine trusts/],
      ['?sslmode=verify-full&sslrootcert=@theirs.pem', 'localhost', /nobody this machine trusts/],
      ['?sslmode=verify-ca&sslrootcert=@theirs.pem', 'localhost', /nobody this machine trusts/],
      ['?sslmode=require&sslrootcert=@theirs.pem', 'localhost', /nobody this machine trusts/],
      [
        '?sslmode=verify-full&sslrootcert=@ours.pem',
        '127.0.0.1',
        /for another name.* -> .*host .*sslmode=verify-ca/,
      ],
    ])('%s at %s is refused', async (parameters, host, told) => {
      const answer = await ask(urlOf(parameters, host));
      expect(answer).toMatch(untrusted);
      expect(answer).toMatch(told);
    });
  });

  describe('where the server wants more', () => {
    const full = '?sslmode=verify-full&sslrootcert=@ours.pem';
    const withClient = (name: string) => `${full}&sslcert=@${name}.crt&sslkey=@${name}.key`;

    it('takes a client certificate instead of a password', async () => {
      const url = urlOf(withClient('client'), 'localhost', 'by_cert').replace(/by_cert:[^@]+/, 'by_cert');
      expect(await ask(url)).toBe('TLSv1.3');
    });

    it.each([
      [
        'tls_only',
        '?sslmode=disable',
        /^store-unavailable 4: .*refused to log in.* -> .*sslmode=verify-full/,
      ],
      ['by_cert', full, /^store-unavailable 4: .*refused to log in.* -> .*sslcert=FILE&sslkey=FILE/],
      ['by_cert', withClient('other'), /^store-unavailable 4: .*refused to log in.* -> .*sslcert/],
      [
        'by_cert',
        withClient('old'),
        /^store-unavailable 78: .*refused our client certificate.* -> .*sslcert/,
      ],
      [
        'by_cert',
        withClient('stranger'),
        /^store-unavailable 78: .*refused our client certificate.* -> .*sslcert/,
      ],
      ['by_cert', `${full}&sslcert=@client.crt&sslkey=@other.key`, /^config-invalid 78: .*sslkey.* -> /],
      ['by_cert', `${full}&sslcert=@client.crt&sslkey=@noise.key`, /^config-invalid 78: .*sslkey.* -> /],
      ['by_cert', `${full}&sslcert=@client.crt`, /^config-invalid 78: .*sslkey.* -> /],
      ['mxctl', '?sslmode=verify-full&sslrootcert=@noise.key', /^config-invalid 78: .*sslrootcert.* -> /],
      ['by_cert', `${full}&sslkey=@client.key`, /^config-invalid 78: .*sslcert.* -> /],
    ])('%s with %s is told what', async (user, parameters, told) => {
      expect(await ask(urlOf(parameters, 'localhost', user))).toMatch(told);
    });
  });

  it('with an expired certificate is refused by all who look at it', async () => {
    await show(['localhost'], -3);
    expect(await ask(urlOf('?sslmode=require'))).toBe('TLSv1.3');
    for (const mode of ['require', 'verify-ca', 'verify-full']) {
      const answer = await ask(urlOf(`?sslmode=${mode}&sslrootcert=@ours.pem`));
      expect(answer).toMatch(untrusted);
      expect(answer).toMatch(/has expired -> renew .*clock/);
    }
  });

  it('with a certificate for another host is refused by who looks at the name', async () => {
    await show(['db.example'], 64);
    expect(await ask(urlOf('?sslmode=verify-ca&sslrootcert=@ours.pem'))).toBe('TLSv1.3');
    const answer = await ask(urlOf('?sslmode=verify-full&sslrootcert=@ours.pem'));
    expect(answer).toMatch(untrusted);
    expect(answer).toMatch(/for another name: .*altnames/);
  });
});
