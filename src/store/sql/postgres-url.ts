// `postgres://USER:PASSWORD@HOST:PORT/DATABASE?…` as the options of a connection. The words are libpq's where they mean
// the same: https://www.postgresql.org/docs/current/libpq-connect.html §34.1.2. Nothing of the url is ever repeated in
// an error but the names of its parameters: a password may stand anywhere in one that is not well formed.

import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import { type ConnectionOptions, createSecureContext } from 'node:tls';
import { ConfigError } from '../../errors.ts';
import { sanitise } from '../../model/text.ts';

export interface PostgresAddress {
  /** Name, address, or the directory of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /** Empty where the url has none: the server may trust this user, or know it by its certificate. */
  readonly password: string;
  /** False: in clear text. */
  readonly ssl: false | ConnectionOptions;
  /** Settings of the session as libpq has them, such as `-c search_path=mxctl`. */
  readonly options: string | null;
  /** For people; without any password. */
  readonly location: string;
}

const defaultPort = 5432;
/** A chain of some certificates; what is longer is another file. */
const largestPem = 1_000_000;
const knownParameters = ['host', 'port', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'options'] as const;
const sslModes = ['disable', 'require', 'verify-ca', 'verify-full'] as const;
type SslMode = (typeof sslModes)[number];

const form =
  'write postgres://USER@HOST:PORT/DATABASE?sslmode=verify-full&sslrootcert=FILE; encode @ : / # ? in a password as %40 %3A %2F %23 %3F';

function invalid(why: string, hint = form): ConfigError {
  return new ConfigError('config-invalid', `state.url: ${why}`, { hint });
}

/** Throws ConfigError `config-invalid`. */
export async function readPostgresUrl(text: string): Promise<PostgresAddress> {
  const url = URL.parse(text);
  // A `/`, `#` or `@` that is not encoded moves a password from its place into the path or the fragment.
  if (url === null || url.hash !== '' || !/^\/[^@/:]+$/.test(url.pathname)) {
    throw invalid('is not the url of one PostgreSQL database');
  }
  const parameters = parametersOf(url);
  const database = decoded(url.pathname.slice(1));
  const host = parameters.get('host') ?? decoded(url.hostname.replace(/^\[(.+)\]$/, '$1'));
  const port = portOf(parameters.get('port') ?? url.port);
  const user = url.username === '' ? userInfo().username : decoded(url.username);
  const address = host === '' ? 'localhost' : host;
  const shown = address.includes(':') ? `[${address}]` : address;
  return {
    host: address,
    port,
    database,
    user,
    password: decoded(url.password),
    ssl: await tlsOf(parameters, address),
    options: parameters.get('options') ?? null,
    location: sanitise(`postgres://${user}@${shown}:${port}/${database}`),
  };
}

function parametersOf(url: URL): Map<string, string> {
  const parameters = new Map(url.searchParams);
  for (const name of parameters.keys()) {
    if (!knownParameters.some((known) => known === name)) {
      throw invalid(
        `does not know the parameter ${sanitise(name, 40)}`,
        `it knows ${knownParameters.join(', ')}`,
      );
    }
  }
  return parameters;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid('has a % that encodes nothing; a % itself is written %25');
  }
}

function portOf(text: string): number {
  if (text === '') return defaultPort;
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65_535) throw invalid('has no port from 1 to 65535');
  return port;
}

/** Where nothing is said: TLS that proves the server's name, but to this machine itself. libpq's default is to go on in
 *  clear text without a word where the server, or whoever answers in its stead, says that it has no TLS. */
function sslModeOf(parameters: ReadonlyMap<string, string>, host: string): SslMode {
  const said = parameters.get('sslmode');
  if (said === undefined) return isThisMachine(host) ? 'disable' : 'verify-full';
  const mode = sslModes.find((one) => one === said);
  if (mode !== undefined) return mode;
  const hint = `write one of ${sslModes.join(', ')}; prefer and allow would go on in clear text without saying so`;
  throw invalid(`sslmode=${sanitise(said, 20)} is not known`, hint);
}

function isThisMachine(host: string): boolean {
  return host.startsWith('/') || host === 'localhost' || host === '::1' || /^127\./.test(host);
}

/** libpq §34.19.1: require with a root certificate means verify-ca, for the sake of old configurations. */
async function tlsOf(
  parameters: ReadonlyMap<string, string>,
  host: string,
): Promise<false | ConnectionOptions> {
  const mode = sslModeOf(parameters, host);
  if (mode === 'disable' || host.startsWith('/')) return false;
  const [ca, cert, key] = await Promise.all(
    ['sslrootcert', 'sslcert', 'sslkey'].map((name) => readPem(name, parameters.get(name))),
  );
  checkAuthority(ca);
  checkClientCertificate(cert, key);
  const given = {
    // Else Node would compare the certificate of a server named by its address with "localhost".
    host,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
  if (mode === 'require' && ca === undefined) return { ...given, rejectUnauthorized: false };
  if (mode === 'verify-full') return { ...given, rejectUnauthorized: true };
  if (mode === 'verify-ca' && ca === undefined) {
    const hint =
      'with public authorities anybody has a certificate: name yours with sslrootcert, or write verify-full';
    throw invalid('sslmode=verify-ca needs sslrootcert', hint);
  }
  return { ...given, rejectUnauthorized: true, checkServerIdentity: () => undefined };
}

/** Node takes any text for an authority, and then trusts nobody. */
function checkAuthority(ca: string | undefined): void {
  if (ca === undefined) return;
  try {
    new X509Certificate(ca);
  } catch {
    throw invalid('sslrootcert holds no certificate that can be read', 'name a file with the CA in PEM');
  }
}

function checkClientCertificate(cert: string | undefined, key: string | undefined): void {
  if (cert === undefined && key === undefined) return;
  if (cert === undefined || key === undefined) {
    const [has, lacks] = cert === undefined ? ['sslkey', 'sslcert'] : ['sslcert', 'sslkey'];
    throw invalid(`${has} is of no use without ${lacks}`, 'write both: sslcert=FILE&sslkey=FILE');
  }
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? sanitise(String(error.code), 60) : 'no reason';
    throw invalid(
      `sslcert and sslkey cannot be used together: ${code}`,
      'name the key that the certificate is of, in PEM and without a passphrase',
    );
  }
}

/** `system` is libpq's word for the authorities that the system trusts; Node's own, unless told. */
async function readPem(name: string, file: string | undefined): Promise<string | undefined> {
  if (file === undefined || (name === 'sslrootcert' && file === 'system')) return undefined;
  const path = resolve(file);
  try {
    const text = await readFile(path, 'latin1');
    if (text.length <= largestPem && text.includes('-----BEGIN ')) return text;
  } catch (error) {
    const said = sanitise(error instanceof Error ? error.message : String(error));
    throw invalid(`${name} cannot be read: ${said}`, 'name a file that this user may read');
  }
  throw invalid(`${name} ${sanitise(path)} holds no certificate or key in PEM`, 'name a file in PEM');
}
