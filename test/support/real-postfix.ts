// Postfix on one loopback address and a high port, in throwaway directories: a mail server that is not ours, with a real
// queue and a real log. It asks no DNS: what it does not deliver itself goes to its relayhost.

import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';

import { makeCertificates } from './certificates.ts';
import { freePort, missingCommand, searchPath } from './real-primary.ts';

/** Parameters of main.cf; null = back to what Postfix has without them. */
type Settings = Readonly<Record<string, string | null>>;

export interface PostfixOptions {
  /** In 127.0.0.0/8: it listens there, and sends from there. */
  readonly address: string;
  /** As it greets, and names itself in Received fields. */
  readonly hostName: string;
  readonly settings: Settings;
}

/** A letter as `postqueue -j` has it. */
export interface QueuedLetter {
  /** `hold`, `deferred`, `active` or `incoming`. */
  readonly queue_name: string;
  readonly queue_id: string;
  readonly sender: string;
  readonly recipients: readonly { readonly address: string; readonly delay_reason?: string }[];
}

export interface RealPostfix {
  readonly address: string;
  readonly port: number;
  readonly hostName: string;
  /** PEM of the CA that signed its certificate. */
  readonly ca: string;
  /** What it has logged. */
  log(): string;
  /** Queue ids by Message-ID, from its log: what an operator finds there. */
  queueIds(): ReadonlyMap<string, string>;
  queue(): Promise<readonly QueuedLetter[]>;
  /** Changes parameters while it runs; sessions under way end by the old ones. */
  set(settings: Settings): Promise<void>;
  /** Every letter in its queue is tried now. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** Why no Postfix can be started here; null = one can. In CI that is a failure, not a reason to skip. */
export function missingPostfix(): string | null {
  const missing = missingCommand('postfix', 'postqueue', 'postconf');
  if (missing !== null) return `${missing} is not installed`;
  // Its master process gives each of the others its user.
  if (userInfo().uid === 0) return null;
  if (process.env['CI'] !== undefined) throw new Error('Postfix starts as root only');
  return 'Postfix starts as root only';
}

export async function startPostfix(options: PostfixOptions): Promise<RealPostfix> {
  const { address, hostName } = options;
  const directory = mkdtempSync(join(tmpdir(), 'mxctl-postfix-'));
  chmodSync(directory, 0o755);
  const port = await freePort();
  const { ca, pairs } = await makeCertificates(hostName);
  writeFileSync(join(directory, 'key.pem'), pairs.good.key, { mode: 0o600 });
  writeFileSync(join(directory, 'cert.pem'), pairs.good.cert);
  const config = join(directory, 'config');
  for (const one of ['config', 'queue', 'data']) mkdirSync(join(directory, one), { mode: 0o755 });
  chownSync(join(directory, 'data'), Number(run('id', '-u', 'postfix')), Number(run('id', '-g', 'postfix')));
  writeFileSync(join(config, 'main.cf'), mainOf(directory, options));
  writeFileSync(join(config, 'master.cf'), masterOf(address, port));
  // Makes the directories of the queue, and says what is wrong with the rest.
  run('postfix', '-c', config, 'check');
  const master = join(run('postconf', '-c', config, '-h', 'daemon_directory'), 'master');
  const child = spawn(master, ['-c', config], { env: searchPath(), stdio: ['ignore', 'ignore', 'pipe'] });
  const exited = once(child, 'exit');
  const log = () => readFileSync(join(directory, 'log'), 'utf8');
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await untilGreeted(address, port, () => child.exitCode === null).catch((error: unknown) => {
    child.kill('SIGKILL');
    throw new Error(`postfix did not start: ${said}`, { cause: error });
  });
  const start = promisify(execFile);
  const command = (name: string, ...args: string[]) =>
    start(name, ['-c', config, ...args], { env: searchPath() }).then(({ stdout }) => stdout);
  return {
    address,
    port,
    hostName,
    ca,
    log,
    queueIds: () => queueIdsOf(log()),
    queue: async () => {
      const lines = (await command('postqueue', '-j')).split('\n').filter((line) => line !== '');
      return lines.map((line) => JSON.parse(line) as QueuedLetter);
    },
    set: async (settings) => {
      for (const [name, value] of Object.entries(settings))
        await command('postconf', ...(value === null ? ['-X', name] : ['-e', `${name}=${value}`]));
      await command('postfix', 'reload');
    },
    flush: () => command('postqueue', '-f').then(() => undefined),
    close: async () => {
      child.kill('SIGTERM');
      await exited;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function run(name: string, ...args: string[]): string {
  return execFileSync(name, args, { env: searchPath(), encoding: 'utf8' }).trim();
}

function mainOf(directory: string, { address, hostName, settings }: PostfixOptions): string {
  const parameters: Settings = {
    compatibility_level: '3.6',
    queue_directory: `${directory}/queue`,
    data_directory: `${directory}/data`,
    maillog_file: `${directory}/log`,
    maillog_file_prefixes: directory,
    // It looks for its addresses among those of the interfaces, where loopback has but this one.
    inet_interfaces: '127.0.0.1',
    inet_protocols: 'ipv4',
    smtp_bind_address: address,
    smtp_dns_support_level: 'disabled',
    smtpd_peername_lookup: 'no',
    myhostname: hostName,
    mydestination: '',
    mynetworks: '',
    alias_maps: '',
    alias_database: '',
    local_recipient_maps: '',
    // No notices to a postmaster who is not there.
    notify_classes: '',
    smtpd_relay_restrictions: 'reject_unauth_destination',
    smtpd_tls_security_level: 'may',
    smtpd_tls_cert_file: `${directory}/cert.pem`,
    smtpd_tls_key_file: `${directory}/key.pem`,
    smtp_tls_security_level: 'may',
    // A queue is gone through every five minutes otherwise, at the soonest.
    queue_run_delay: '2s',
    minimal_backoff_time: '2s',
    maximal_backoff_time: '4s',
    ...settings,
  };
  return Object.entries(parameters)
    .map(([name, value]) => `${name} = ${value ?? ''}\n`)
    .join('');
}

/** Columns: service, type, private, unprivileged, chroot, wake-up, most processes, command. */
const masterOf = (address: string, port: number) => `
${address}:${port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
virtual unix - n n - - virtual
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`;

/** `cleanup[7]: 4F2A31C0: message-id=<token@ops.example>`; the newest of letters that came more than once. */
function queueIdsOf(log: string): Map<string, string> {
  const lines = log.matchAll(/ ([0-9A-Za-z]+): message-id=<([^>]+)>/g);
  return new Map([...lines].map(([, id = '', messageId = '']) => [messageId, id] as const));
}

async function untilGreeted(address: string, port: number, isRunning: () => boolean): Promise<void> {
  // Ten seconds, as for the other servers.
  for (let attempt = 0; attempt < 200 && isRunning(); attempt += 1) {
    const isThere = await new Promise<boolean>((resolve) => {
      const socket = createConnection({ host: address, port });
      socket.once('data', () => {
        socket.end('QUIT\r\n');
        resolve(true);
      });
      socket.once('error', () => resolve(false));
      socket.once('close', () => resolve(false));
    });
    if (isThere) return;
    await wait(50);
  }
  throw new Error(`nobody greets on ${address}:${port}`);
}
