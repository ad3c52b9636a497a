// Dovecot on high loopback ports in a throwaway directory: an IMAP server that is not ours, with Maildirs that a test
// fills by writing files, as a delivering MTA does.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

import { makeCertificates } from './certificates.ts';
import type { KeyAndCertificate } from './smtp-script.ts';
import { freePort, searchPath } from './real-primary.ts';

export interface DovecotOptions {
  /** Name to password. */
  readonly users: Readonly<Record<string, string>>;
  /** Of `localhost`; another than a good one for tests of bad ones. */
  readonly certificate?: 'good' | 'expired' | 'wrong' | 'selfsigned';
  readonly greeting?: string;
  /** `none`: neither STARTTLS nor a port with TLS. */
  readonly tls?: 'required' | 'none';
  /** Instead of all that Dovecot can. */
  readonly capabilities?: string;
  /** Lines of its configuration. */
  readonly more?: string;
}

export interface RealDovecot {
  readonly host: string;
  /** TLS from the first octet. */
  readonly port: number;
  readonly starttlsPort: number;
  /** PEM file of the CA that signed its certificate. */
  readonly caFile: string;
  /** For doveadm. */
  readonly configFile: string;
  /** Directory of a user's Maildir; its folders are `.Junk` and so on in it. */
  maildir(user: string): string;
  /** Writes a letter as an MTA would; the file it is in. */
  deliver(user: string, letter: string, options?: Delivery): string;
  close(): Promise<void>;
}

interface Delivery {
  readonly folder?: string;
  /** ms; now without it. */
  readonly at?: number;
}

/** For `missingCommand`. */
export const dovecotCommands = ['dovecot'] as const;

let delivered = 0;

export async function startDovecot(options: DovecotOptions): Promise<RealDovecot> {
  const directory = mkdtempSync(join(tmpdir(), 'mxctl-dovecot-'));
  chmodSync(directory, 0o755);
  const [port, starttlsPort] = [await freePort(), await freePort()];
  const made = await makeCertificates('localhost');
  const caFile = join(directory, 'ca.pem');
  writeFileSync(caFile, made.ca);
  writePair(directory, made.pairs[options.certificate ?? 'good']);
  const owner = mailOwner();
  const users = Object.entries(options.users).map(([name, password]) => `${name}:{PLAIN}${password}\n`);
  writeFileSync(join(directory, 'users'), users.join(''), { mode: 0o644 });
  const maildir = (user: string) => join(directory, 'mail', user, 'Maildir');
  for (const user of Object.keys(options.users)) makeMaildir(join(directory, 'mail', user), owner);
  const configFile = join(directory, 'dovecot.conf');
  writeFileSync(configFile, configOf(directory, { port, starttlsPort, owner, options }));
  const child = spawn('dovecot', ['-F', '-c', configFile], {
    env: searchPath(),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = once(child, 'exit');
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = exited.then(() => {
    throw new Error(`dovecot did not start:\n${said}\n${logOf(directory)}`);
  });
  await Promise.race([untilListening(starttlsPort), ended]);
  ended.catch(() => undefined);
  return {
    host: 'localhost',
    port,
    starttlsPort,
    caFile,
    configFile,
    maildir,
    deliver: (user, letter, how = {}) => deliver(maildir(user), letter, how, owner),
    close: async () => {
      child.kill('SIGTERM');
      await exited;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

interface Owner {
  readonly name: string;
  readonly group: string;
  readonly uid: number;
  readonly gid: number;
}

/** Dovecot reads no mail as root; `mail` is in every Debian. */
function mailOwner(): Owner {
  const own = userInfo();
  const name = own.uid === 0 ? 'mail' : own.username;
  const id = (flag: string) => execFileSync('id', [flag, name], { encoding: 'utf8' }).trim();
  return { name, group: id('-gn'), uid: Number(id('-u')), gid: Number(id('-g')) };
}

function configOf(
  directory: string,
  {
    port,
    starttlsPort,
    owner,
    options,
  }: {
    readonly port: number;
    readonly starttlsPort: number;
    readonly owner: Owner;
    readonly options: DovecotOptions;
  },
): string {
  const tls = options.tls ?? 'required';
  const login = userInfo().uid === 0 ? 'dovenull' : owner.name;
  return `
base_dir = ${directory}/run
state_dir = ${directory}/run
log_path = ${directory}/log
protocols = imap
listen = 127.0.0.1
login_greeting = ${options.greeting ?? 'ready'}
default_login_user = ${login}
default_internal_user = ${userInfo().uid === 0 ? 'dovecot' : owner.name}
default_internal_group = ${userInfo().uid === 0 ? 'dovecot' : owner.group}
first_valid_uid = 1
mail_location = maildir:${directory}/mail/%u/Maildir
mail_uid = ${owner.name}
mail_gid = ${owner.group}
ssl = ${tls === 'required' ? 'required' : 'no'}
ssl_cert = <${directory}/cert.pem
ssl_key = <${directory}/key.pem
auth_failure_delay = 0
${options.capabilities === undefined ? '' : `imap_capability = ${options.capabilities}`}
service imap-login {
  chroot =
  inet_listener imap {
    port = ${starttlsPort}
  }
  inet_listener imaps {
    port = ${tls === 'required' ? port : 0}
    ssl = yes
  }
}
service anvil {
  chroot =
}
passdb {
  driver = passwd-file
  args = ${directory}/users
}
userdb {
  driver = static
  args = uid=${owner.uid} gid=${owner.gid} home=${directory}/mail/%u
}
namespace inbox {
  inbox = yes
}
${options.more ?? ''}
`;
}

function writePair(directory: string, { key, cert }: KeyAndCertificate): void {
  writeFileSync(join(directory, 'key.pem'), key, { mode: 0o600 });
  writeFileSync(join(directory, 'cert.pem'), cert);
}

function makeMaildir(home: string, owner: Owner): void {
  for (const folder of ['Maildir', 'Maildir/.Junk'])
    for (const part of ['new', 'cur', 'tmp']) mkdirSync(join(home, folder, part), { recursive: true });
  writeFileSync(join(home, 'Maildir/.Junk/maildirfolder'), '');
  if (owner.uid !== userInfo().uid) execFileSync('chown', ['-R', `${owner.uid}:${owner.gid}`, home]);
}

function deliver(
  maildir: string,
  letter: string,
  { folder, at = Date.now() }: Delivery,
  owner: Owner,
): string {
  delivered += 1;
  const seconds = Math.floor(at / 1000);
  const name = `${seconds}.M${delivered}P${process.pid}.localhost`;
  const file = join(maildir, folder === undefined ? '' : `.${folder}`, 'new', name);
  // RFC 5322 §2.1.1: lines end with CRLF on the wire; Maildirs have bare LF.
  writeFileSync(file, letter.replaceAll('\r\n', '\n'));
  utimesSync(file, seconds, seconds);
  if (owner.uid !== userInfo().uid) chownSync(file, owner.uid, owner.gid);
  return file;
}

function logOf(directory: string): string {
  try {
    return readFileSync(join(directory, 'log'), 'utf8').split('\n').slice(-20).join('\n');
  } catch {
    return '';
  }
}

async function untilListening(port: number): Promise<void> {
  // Ten seconds, as for the other servers.
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const isThere = await new Promise<boolean>((resolve) => {
      const socket = createConnection({ host: '127.0.0.1', port });
      socket.once('data', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
      socket.once('close', () => resolve(false));
    });
    if (isThere) return;
    await wait(50);
  }
  throw new Error(`dovecot does not listen on ${port}`);
}
