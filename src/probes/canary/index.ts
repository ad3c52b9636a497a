// The canary probe of one route: makes and knows tokens, hands messages over, opens the mailbox. Holds no memory of
// what was sent; that is the store's. Secrets are read when it is made, those of the mailbox at the first look.

import { createHash } from 'node:crypto';

import type { ArrivalSource, CanaryPolicy } from '../../model/canary.ts';
import type { Secret, SecretSource } from '../../model/secret.ts';
import { sanitise } from '../../model/text.ts';
import type { SmtpClock } from '../../smtp/wait.ts';
import type { CanaryProbe } from '../canary.ts';
import { openArrival } from './arrival/index.ts';
import { createDkimSigner } from './dkim.ts';
import { handOver, type SessionPolicy } from './hand-over.ts';
import { composeCanary } from './message.ts';
import { createTokenMint } from './token.ts';

export interface CanaryProbeDeps {
  readonly clock: SmtpClock;
  /** Throws ConfigError. */
  readonly readSecret: (source: SecretSource) => Promise<Secret>;
  /** How the route's hops are spoken to: of its `probe` policy. */
  readonly session: SessionPolicy;
  /** Where that names none: should resolve, with a PTR that agrees (RFC 5321 §4.1.4). */
  readonly ehloName: string;
  /** Bounds sessions per address and over all: the same one for every route, which may share hops. */
  readonly sessions: {
    admit<T>(address: string, signal: AbortSignal, work: () => Promise<T>): Promise<T>;
  };
}

/** Throws ConfigError for a key or a DKIM key that cannot be read or used. */
export async function createCanaryProbe(policy: CanaryPolicy, deps: CanaryProbeDeps): Promise<CanaryProbe> {
  const { clock, readSecret, session, ehloName, sessions } = deps;
  const mint = createTokenMint(await readSecret(policy.key));
  const { dkim } = policy;
  const sign = dkim === null ? null : createDkimSigner(dkim, await readSecret(dkim.privateKey));
  const envelope = { from: policy.from, to: policy.to };
  return {
    mailboxKey: mailboxKeyOf(policy.arrival),
    tokenOf: (id) => mint.tokenOf(id),
    idOf: (token) => mint.idOf(token),

    async handOver(order, signal) {
      signal.throwIfAborted();
      // Made before a session is asked for: a hop must not wait while we compose.
      const message = await composeCanary(order, envelope, sign);
      const task = { hop: order.hop, envelope, message, session, ehloName, clock };
      return detached(signal, (own) =>
        sessions.admit(order.hop.address ?? '', own, () => handOver(task, own)),
      );
    },

    openMailbox: () =>
      openArrival(policy.arrival, {
        now: () => clock.now(),
        readSecret,
        sleep: (ms, signal) => clock.sleep(ms, signal),
      }),
  };
}

/** Runs `work` under a signal of its own that follows `signal`: the many listeners of hundreds of hand-overs on the one
 *  signal of a run would make adding one a search through them all. */
async function detached<T>(signal: AbortSignal, work: (own: AbortSignal) => Promise<T>): Promise<T> {
  const own = new AbortController();
  const follow = (): void => own.abort(signal.reason);
  if (signal.aborted) follow();
  signal.addEventListener('abort', follow, { once: true });
  try {
    return await work(own.signal);
  } finally {
    signal.removeEventListener('abort', follow);
  }
}

/** What people can know it by, and a digest of the rest: arguments, a query and where a password is kept tell two
 *  places apart, and may hold a secret. */
function mailboxKeyOf(source: ArrivalSource): string {
  const digest = createHash('sha256').update(stableJson(source)).digest('hex').slice(0, 32);
  return JSON.stringify({ kind: source.kind, place: sanitise(placeOf(source)), digest });
}

function placeOf(source: ArrivalSource): string {
  switch (source.kind) {
    case 'imap':
      return `${source.user}@${source.host}:${source.port}/${source.mailbox}`;
    case 'maildir':
      return source.directory;
    case 'https': {
      const { origin, pathname } = new URL(source.url);
      return `${origin}${pathname}`;
    }
    case 'command':
      return source.argv[0] ?? '';
  }
}

/** With the keys of objects in order, so that the order of a config file does not part what is the same. */
function stableJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
