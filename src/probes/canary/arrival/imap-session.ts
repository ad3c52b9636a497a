// One connection to an IMAP server: TLS from the first octet or STARTTLS, never in clear, certificate verified, every
// wait bounded, nothing logged. RFC 9051, RFC 8314 §3, RFC 7817 (whose certificate it must be).

import type { ImapFlow } from 'imapflow';

import type { Secret } from '../../../model/secret.ts';
import type { ArrivalDeps } from './deps.ts';
import { ImapRefusal, type ImapSource } from './imap-fault.ts';
import { trustedCertificates } from './trust.ts';

/** Of TCP with TLS, and of the greeting: servers on the way's other end take milliseconds. */
const defaultTimeoutMs = 15_000;
/** Of all of one look: a cold search through 100,000 letters takes seconds. A run from cron has other mailboxes too. */
const wholeFactor = 4;
/** Of one letter we ask for 64 KiB; the rest is room for the response around them. */
const maxLiteralBytes = 256 * 1024;
/** All UIDs of 100,000 letters in one SEARCH response are 700 KB. */
const maxLineBytes = 4 * 1024 * 1024;

export interface ImapSession {
  /** Runs `work` on a connection that is there, made new where it is not. Rejects with the signal's reason on abort, with
   *  ConfigError for a secret, else with what `imapReason` tells. */
  use<T>(work: (client: ImapFlow) => Promise<T>, signal: AbortSignal): Promise<T>;
  /** The password of the last login: to be cut out of texts. */
  secret(): string | null;
  /** null where none is open. */
  current(): ImapFlow | null;
  close(): Promise<void>;
}

export function createImapSession(source: ImapSource, deps: ArrivalDeps): ImapSession {
  const timeoutMs = deps.timeoutMs ?? defaultTimeoutMs;
  let client: ImapFlow | null = null;
  let password: Secret | null = null;
  /** What ended the connection, where the command that was under way does not say. */
  let cause: Error | null = null;

  async function connected(onClient: (client: ImapFlow) => void): Promise<ImapFlow> {
    if (client?.usable === true) {
      onClient(client);
      return client;
    }
    client?.close();
    password = await deps.readSecret(source.password);
    client = await createClient(source, password, timeoutMs);
    cause = null;
    // Without a listener it would end the process.
    client.on('error', (error) => (cause ??= error));
    onClient(client);
    await client.connect();
    // RFC 9051 §7.1.4: PREAUTH goes past STARTTLS, and so would whoever wants us to stay in clear.
    if (!client.secureConnection) {
      throw new ImapRefusal(
        'greeted with PREAUTH before STARTTLS, and nothing is said in clear',
        'use security: tls with port 993',
      );
    }
    return client;
  }

  return {
    secret: () => password?.reveal() ?? null,
    current: () => (client?.usable === true ? client : null),
    async use(work, signal) {
      signal.throwIfAborted();
      let mine: ImapFlow | null = null;
      // Closing is what makes every pending command reject.
      const onAbort = () => mine?.close();
      const timeout = AbortSignal.timeout(timeoutMs * wholeFactor);
      const bounded = AbortSignal.any([signal, timeout]);
      bounded.addEventListener('abort', onAbort, { once: true });
      try {
        const ready = await connected((made) => (mine = made));
        return await work(ready);
      } catch (error) {
        signal.throwIfAborted();
        client?.close();
        client = null;
        if (timeout.aborted) {
          const seconds = (timeoutMs * wholeFactor) / 1000;
          throw new ImapRefusal(`did not answer all that was asked in ${seconds} s`, 'see its log and load');
        }
        throw cause ?? error;
      } finally {
        bounded.removeEventListener('abort', onAbort);
      }
    },
    async close() {
      const last = client;
      client = null;
      if (last?.usable !== true) return;
      // A server that hangs is left alone after a while.
      const timer = setTimeout(() => last.close(), Math.min(timeoutMs, 2000));
      await last.logout().catch(() => undefined);
      clearTimeout(timer);
      last.close();
    },
  };
}

async function createClient(source: ImapSource, password: Secret, timeoutMs: number): Promise<ImapFlow> {
  const ca = trustedCertificates(source.caFile);
  // Half a megabyte of modules that only routes with such a mailbox need.
  const { ImapFlow } = await import('imapflow');
  return new ImapFlow({
    host: source.host,
    port: source.port,
    secure: source.security === 'tls',
    ...(source.security === 'starttls' ? { doSTARTTLS: true } : {}),
    auth: { user: source.user, pass: password.reveal() },
    // RFC 8996: older TLS is for no password.
    tls: { rejectUnauthorized: true, minVersion: 'TLSv1.2', ...(ca === null ? {} : { ca }) },
    logger: false,
    clientInfo: { name: 'mxctl', version: false, vendor: false, 'support-url': false },
    disableAutoIdle: true,
    disableCompression: true,
    disableBinary: true,
    // Fewer ways for a server to answer; all that is asked is in RFC 3501.
    disableIMAP4rev2: true,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs * wholeFactor,
    maxLiteralSize: maxLiteralBytes,
    maxLineLength: maxLineBytes,
    maxResponseSize: maxLineBytes + maxLiteralBytes,
    maxLockHoldTime: false,
  });
}
