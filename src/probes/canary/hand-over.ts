// Hands one message to one hop, as an opportunistic sender would, and says how that ended. Never retries: what is
// deferred is tried again in a later run. RFC 5321 §3.3, §4.2, §6.1; RFC 3207; RFC 7435.
//
// Spoken with our own client and not with nodemailer's, which composes and signs: that one closes without QUIT where a
// greeting or EHLO is refused, reports a connection lost before and after the final dot as the same error, keeps what
// a hop sends up to a megabyte, and waits by timers of its own instead of the clock it is given.

import tls, { type SecureContext } from 'node:tls';
import { isIPv6 } from 'node:net';

import type { Hop } from '../../model/hop.ts';
import type { SmtpReply } from '../../model/observation.ts';
import type { ProbePolicy } from '../../model/route.ts';
import { sanitise } from '../../model/text.ts';
import { connectSmtp, type SmtpConnection } from '../../smtp/connection.ts';
import type { Outcome } from '../../smtp/fault.ts';
import { ehloKeywords, formatReply, type ParsedReply } from '../../smtp/reply.ts';
import type { SmtpClock } from '../../smtp/wait.ts';
import type { HandOver } from '../canary.ts';
import type { Envelope } from './message.ts';
import { queueIdOf } from './queue-id.ts';
import { deadlineMs, formatFault, quitMs, stageBoundMs, type SendingStage } from './stages.ts';

/** How to speak to the hops of a route. */
export type SessionPolicy = Pick<ProbePolicy, 'timeoutMs' | 'ehloName' | 'sourceAddresses'>;

export interface SendingTask {
  readonly hop: Hop;
  readonly envelope: Envelope;
  /** As `composeCanary` made it. */
  readonly message: Uint8Array;
  readonly session: SessionPolicy;
  /** Where the policy names none. */
  readonly ehloName: string;
  readonly clock: SmtpClock;
}

/** A settled session; `tlsFault` where it was TLS that could not be had. */
interface Ending {
  readonly outcome: HandOver['outcome'];
  readonly reply: ParsedReply | null;
  readonly fault: string | null;
  readonly stage: SendingStage;
  readonly tlsFault: string | null;
}

/** Throws the signal's reason on abort, also where the message is on its way by then. */
export async function handOver(task: SendingTask, signal: AbortSignal): Promise<HandOver> {
  const { address } = task.hop;
  if (address === null) {
    return {
      outcome: 'unreachable',
      at: task.clock.now(),
      reply: null,
      queueId: null,
      summary: 'no address to connect to',
    };
  }
  const deadlineAt = task.clock.now() + deadlineMs(task.session.timeoutMs);
  const first = await send(new Sending(task, address, deadlineAt, signal), true);
  if (first.ending.tlsFault === null) return first.handOver;
  // RFC 7435 §3: what cannot be encrypted is still sent. After a failed handshake that takes a new connection, as in
  // Postfix at security level `may`. The SMTP probe is what tells of bad TLS.
  const { handOver } = await send(new Sending(task, address, deadlineAt, signal), false);
  const summary = sanitise(`${handOver.summary}; in clear text: ${first.ending.tlsFault}`);
  return { ...handOver, summary };
}

async function send(
  sending: Sending,
  mayEncrypt: boolean,
): Promise<{ readonly ending: Ending; readonly handOver: HandOver }> {
  try {
    const ending = await sending.dialogue(mayEncrypt);
    const settled = sending.settle(ending);
    await sending.quit();
    return { ending, handOver: settled };
  } finally {
    sending.close();
  }
}

class Sending {
  readonly #task: SendingTask;
  readonly #address: string;
  readonly #deadlineAt: number;
  readonly #signal: AbortSignal;
  #connection: SmtpConnection | null = null;
  /** False before the greeting, and where the hop waits for a message that we shall not send. */
  #maySayQuit = false;

  constructor(task: SendingTask, address: string, deadlineAt: number, signal: AbortSignal) {
    this.#task = task;
    this.#address = address;
    this.#deadlineAt = deadlineAt;
    this.#signal = signal;
  }

  async dialogue(mayEncrypt: boolean): Promise<Ending> {
    const { envelope } = this.#task;
    const refused =
      (await this.#connect()) ??
      (await this.#greet()) ??
      (await this.#introduce(mayEncrypt)) ??
      (await this.#say('MAIL', { verb: 'MAIL', from: envelope.from })).ending ??
      (await this.#say('RCPT', { verb: 'RCPT', to: envelope.to })).ending;
    return refused ?? this.#deliver();
  }

  settle(ending: Ending): HandOver {
    const { outcome, reply, stage } = ending;
    const at = this.#task.clock.now();
    if (reply === null) {
      const summary = sanitise(ending.fault ?? 'failed');
      return { outcome, at, reply: null, queueId: null, summary };
    }
    const plain: SmtpReply = { code: reply.code, enhanced: reply.enhanced, text: reply.text };
    const isHanded = outcome === 'handed';
    return {
      outcome,
      at,
      reply: plain,
      queueId: isHanded ? queueIdOf(reply.text) : null,
      summary: sanitise(isHanded ? formatReply(plain) : `${formatReply(plain)} at ${stage}`),
    };
  }

  /** RFC 5321 §4.1.1.10: no client closes before it has sent QUIT, whatever it was told. */
  async quit(): Promise<void> {
    const connection = this.#connection;
    if (connection === null || connection.isOver || !this.#maySayQuit) return;
    const { clock } = this.#task;
    const endsAt = clock.now() + quitMs;
    const { ok } = await connection.say({ verb: 'QUIT' }, quitMs, this.#signal);
    // The server closes first: leaving earlier would let our next session meet one that still counts this one.
    if (ok) await connection.readReply(Math.max(1, endsAt - clock.now()), this.#signal);
  }

  close(): void {
    this.#connection?.destroy();
  }

  async #connect(): Promise<Ending | null> {
    const { clock, hop, session } = this.#task;
    const address = this.#address;
    // Of the hop's address family; where none is, the system chooses, as it does without any.
    const sourceAddress = session.sourceAddresses.find((one) => isIPv6(one) === isIPv6(address)) ?? null;
    const endpoint = { address, port: hop.port, sourceAddress };
    const connect = (timeoutMs: number) => connectSmtp(endpoint, clock, timeoutMs, this.#signal);
    const answer = await this.#bounded('connect', connect);
    if (!answer.ok) return answer.ending;
    this.#connection = answer.value;
    return null;
  }

  async #greet(): Promise<Ending | null> {
    const answer = await this.#bounded('banner', (ms) => this.#open.readReply(ms, this.#signal));
    if (!answer.ok) return answer.ending;
    this.#maySayQuit = true;
    return judge('banner', answer.value);
  }

  /** EHLO, STARTTLS where it is offered, and EHLO again (RFC 3207 §4.2). */
  async #introduce(mayEncrypt: boolean): Promise<Ending | null> {
    const domain = this.#task.session.ehloName ?? this.#task.ehloName;
    const { reply, ending } = await this.#say('EHLO', { verb: 'EHLO', domain });
    if (reply === null) return ending;
    // RFC 5321 §3.2: a server that does not know EHLO is asked with HELO, which has no extensions.
    if (reply.code >= 500) return (await this.#say('EHLO', { verb: 'HELO', domain })).ending;
    if (ending !== null || !mayEncrypt || !ehloKeywords(reply).has('STARTTLS')) return ending;
    const asked = await this.#say('STARTTLS', { verb: 'STARTTLS' });
    if (asked.reply === null || asked.reply.code === 421) return asked.ending;
    // RFC 3207 §4.1: refused, for now or for good, and the client decides; an opportunistic one goes on in clear.
    if (asked.ending !== null) return null;
    const { exchange } = this.#task.hop;
    const shake = (ms: number) => this.#open.startTls(exchange, lenientContext(), ms, this.#signal);
    const shaken = await this.#bounded('TLS handshake', shake);
    if (!shaken.ok) return { ...shaken.ending, tlsFault: shaken.ending.fault };
    return (await this.#say('EHLO after TLS', { verb: 'EHLO', domain })).ending;
  }

  async #deliver(): Promise<Ending> {
    const asked = await this.#bounded('DATA', (ms) => this.#open.askData(ms, this.#signal));
    if (!asked.ok) return asked.ending;
    if (asked.value.code !== 354) return judge('DATA', asked.value) ?? premature(asked.value);
    const isSent = this.#open.sendContent(this.#task.message);
    // Where it was not, QUIT would be a line of the message.
    this.#maySayQuit = isSent;
    const answer = await this.#bounded('end of data', (ms) => this.#open.readReply(ms, this.#signal));
    // RFC 5321 §4.5.3.2.6: it was all said, and nobody heard whether it was taken.
    if (!answer.ok) return isSent ? { ...answer.ending, outcome: 'unknown' } : answer.ending;
    const refused = judge('end of data', answer.value);
    if (refused !== null) return refused;
    if (!isSent) return premature(answer.value);
    return { outcome: 'handed', reply: answer.value, fault: null, stage: 'end of data', tlsFault: null };
  }

  /** Stages after connect run with a connection; without one is our own bug. */
  get #open(): SmtpConnection {
    if (this.#connection === null) throw new TypeError('stage before connect');
    return this.#connection;
  }

  /** `reply` is null where none came; `ending` is null where the dialogue may go on. */
  async #say(
    stage: SendingStage,
    command: Parameters<SmtpConnection['say']>[0],
  ): Promise<{ readonly reply: ParsedReply | null; readonly ending: Ending | null }> {
    const answer = await this.#bounded(stage, (ms) => this.#open.say(command, ms, this.#signal));
    return answer.ok
      ? { reply: answer.value, ending: judge(stage, answer.value) }
      : { reply: null, ending: answer.ending };
  }

  /** One stage within its bound and that of the whole. */
  async #bounded<T>(
    stage: SendingStage,
    ask: (timeoutMs: number) => Promise<Outcome<T>>,
  ): Promise<Answer<T>> {
    const { clock, session } = this.#task;
    const leftMs = this.#deadlineAt - clock.now();
    const boundMs = stageBoundMs(stage, session.timeoutMs, leftMs);
    const outcome = await ask(boundMs);
    if (outcome.ok) return outcome;
    const isWhole = boundMs >= leftMs && stage !== 'end of data';
    const ms = isWhole ? deadlineMs(session.timeoutMs) : boundMs;
    const fault = formatFault(stage, outcome.fault, { isWhole, ms });
    return { ok: false, ending: { outcome: 'unreachable', reply: null, fault, stage, tlsFault: null } };
  }
}

type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly ending: Ending };

/** By the first digit (RFC 5321 §4.3.2); null for 2yz. 3yz where nothing asks for it is taken as 4yz is. */
function judge(stage: SendingStage, reply: ParsedReply): Ending | null {
  if (reply.code >= 200 && reply.code < 300) return null;
  // RFC 5321 §4.5.3.1.10: 552 to RCPT is to be read as 452, too many recipients.
  const isForGood = reply.code >= 500 && !(stage === 'RCPT' && reply.code === 552);
  return { outcome: isForGood ? 'refused' : 'deferred', reply, fault: null, stage, tlsFault: null };
}

/** 2yz before there was a message takes none: whatever it answers, it is not ours. */
function premature(reply: ParsedReply): Ending {
  const fault = `${formatReply(reply)} before the message was sent`;
  return { outcome: 'unreachable', reply: null, fault, stage: 'DATA', tlsFault: null };
}

let context: SecureContext | null = null;

/** Made when first needed, one for the process: it costs some ms, and holds neither a setting nor a secret. */
function lenientContext(): SecureContext {
  // RFC 7435 §3: old TLS beats clear text; OpenSSL speaks 1.0 and 1.1 at security level 0 only.
  context ??= tls.createSecureContext({ minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' });
  return context;
}
