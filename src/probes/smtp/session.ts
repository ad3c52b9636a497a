// One session with one hop from one source address, a function a stage. Stops after the last stage the policy asks
// for, says QUIT whenever the hop has greeted, and never says anything before it has. Never sends DATA.
// RFC 5321 §3.1 to §3.3, §4.5.3.2; RFC 3207.

import type { SecureContext } from 'node:tls';

import type { DomainName } from '../../model/domain-name.ts';
import type { SmtpReply, Stage, StageResult, TlsFacts } from '../../model/observation.ts';
import type { ProbePolicy } from '../../model/route.ts';
import type { Command } from '../../smtp/command.ts';
import { connectSmtp, type Endpoint, type SmtpConnection } from '../../smtp/connection.ts';
import type { Outcome } from '../../smtp/fault.ts';
import { ehloKeywords, type ParsedReply } from '../../smtp/reply.ts';
import type { SmtpClock } from '../../smtp/wait.ts';
import { judgeFault, judgeReply, type Settled } from './fate.ts';
import { sessionBoundMs, stageBoundMs } from './timeouts.ts';
import { formatExhausted, formatFault } from './words.ts';

export interface SessionTask {
  readonly exchange: DomainName;
  readonly endpoint: Endpoint;
  readonly policy: ProbePolicy;
  readonly ehloName: string;
  readonly clock: SmtpClock;
  /** Made when first needed: it costs tens of ms. */
  readonly tlsContext: () => SecureContext;
}

/** What a session left behind. */
export interface SessionReport {
  /** ms from connecting to the verdict; QUIT not counted. */
  readonly elapsedMs: number;
  readonly stages: readonly StageResult[];
  /** Null where every stage asked for passed. */
  readonly settled: Settled | null;
  readonly tls: TlsFacts | null;
  readonly offersStarttls: boolean | null;
  readonly takesCanary: boolean | null;
}

/** Undefined = go on with the next stage. */
type Ending = Settled | undefined;

export async function runSession(task: SessionTask, signal: AbortSignal): Promise<SessionReport> {
  const session = new Session(task, signal);
  try {
    return await session.run();
  } finally {
    session.close();
  }
}

class Session {
  readonly #task: SessionTask;
  readonly #signal: AbortSignal;
  readonly #wanted: ReadonlySet<Stage>;
  readonly #startedAt: number;
  readonly #stages: StageResult[] = [];
  #connection: SmtpConnection | null = null;
  #hasGreeted = false;
  #tls: TlsFacts | null = null;
  #offersStarttls: boolean | null = null;
  #takesCanary: boolean | null = null;

  constructor(task: SessionTask, signal: AbortSignal) {
    this.#task = task;
    this.#signal = signal;
    this.#wanted = new Set(task.policy.stages);
    this.#startedAt = task.clock.now();
  }

  async run(): Promise<SessionReport> {
    const settled = await this.#dialogue();
    const elapsedMs = this.#sinceMs(this.#startedAt);
    await this.#quit();
    return {
      elapsedMs,
      stages: this.#stages,
      settled: settled ?? null,
      tls: this.#tls,
      offersStarttls: this.#offersStarttls,
      takesCanary: this.#takesCanary,
    };
  }

  close(): void {
    this.#connection?.destroy();
  }

  /** Earlier stages are run where a later one is asked for; TLS only where asked for. */
  async #dialogue(): Promise<Ending> {
    const { rcpt } = this.#task.policy;
    const isWanted = (...stages: readonly Stage[]): boolean => stages.some((one) => this.#wanted.has(one));
    const wantsTls = isWanted('starttls', 'tls', 'ehlo2');
    const wantsMail = rcpt !== null && isWanted('mail', 'rcpt');
    const wantsEhlo = wantsTls || wantsMail || isWanted('ehlo');
    let ending = await this.#connect();
    if (ending === undefined && (wantsEhlo || isWanted('banner'))) ending = await this.#banner();
    if (ending === undefined && wantsEhlo) ending = await this.#ehlo();
    if (ending === undefined && wantsTls && this.#offersStarttls === true) ending = await this.#startTls();
    if (ending === undefined && wantsMail) ending = await this.#mail(rcpt.from);
    if (ending === undefined && wantsMail && isWanted('rcpt')) ending = await this.#rcpt(rcpt.to);
    return ending;
  }

  async #connect(): Promise<Ending> {
    const { clock, endpoint } = this.#task;
    const ask = (timeoutMs: number) => connectSmtp(endpoint, clock, timeoutMs, this.#signal);
    const outcome = await this.#timed('connect', ask, () => null);
    if (outcome.value !== null) this.#connection = outcome.value;
    return outcome.ending;
  }

  /** Waits for the whole 220, all lines of it: postscreen and its like refuse for good who speaks earlier. */
  async #banner(): Promise<Ending> {
    const read = (timeoutMs: number) => this.#open.readReply(timeoutMs, this.#signal);
    const { value, ending } = await this.#timed('banner', read, plain);
    this.#hasGreeted = value !== null;
    return ending;
  }

  async #ehlo(): Promise<Ending> {
    const domain = this.#task.ehloName;
    const first = await this.#say('ehlo', { verb: 'EHLO', domain });
    this.#offersStarttls = first.value === null ? null : offersStarttls(first.value);
    // RFC 5321 §3.2: a server that does not know EHLO is asked with HELO, which has no extensions.
    if (first.value === null || first.value.code < 500) return first.ending;
    return (await this.#say('ehlo', { verb: 'HELO', domain })).ending;
  }

  async #startTls(): Promise<Ending> {
    const { exchange, tlsContext } = this.#task;
    const { ending } = await this.#say('starttls', { verb: 'STARTTLS' });
    if (ending !== undefined) return ending;
    const shake = (timeoutMs: number) => this.#open.startTls(exchange, tlsContext(), timeoutMs, this.#signal);
    const outcome = await this.#timed('tls', shake, () => null);
    this.#tls = outcome.value;
    if (outcome.ending !== undefined) return outcome.ending;
    // RFC 3207 §4.2: the client SHOULD send EHLO again as its first command.
    return (await this.#say('ehlo2', { verb: 'EHLO', domain: this.#task.ehloName })).ending;
  }

  async #mail(from: string): Promise<Ending> {
    return (await this.#say('mail', { verb: 'MAIL', from })).ending;
  }

  async #rcpt(to: string): Promise<Ending> {
    const { value, ending } = await this.#say('rcpt', { verb: 'RCPT', to });
    if (value !== null) this.#takesCanary = ending === undefined;
    return ending;
  }

  /** RFC 5321 §4.1.1.10: no client closes before it has sent QUIT, not even one that has seen enough. */
  async #quit(): Promise<void> {
    const connection = this.#connection;
    if (connection === null || connection.isOver) return;
    const boundMs = stageBoundMs('quit', this.#task.policy.timeoutMs, Infinity);
    if (!this.#hasGreeted) {
      // Only a probe that ends at `connect` has not asked for the banner; a hop that failed to greet gets no words.
      if (this.#stages.some((one) => one.stage === 'banner')) return;
      if (!(await connection.readReply(boundMs, this.#signal)).ok) return;
    }
    const beganAt = this.#task.clock.now();
    const say = () => connection.say({ verb: 'QUIT' }, boundMs, this.#signal);
    const { value } = await this.#timed('quit', say, plain);
    // RFC 5321 §4.1.1.10: the server closes. Leaving before it has would let the next session of ours meet a server
    // that still counts this one.
    if (value !== null)
      await connection.readReply(Math.max(1, boundMs - this.#sinceMs(beganAt)), this.#signal);
  }

  /** Stages after connect run with a connection; without one is our own bug. */
  get #open(): SmtpConnection {
    if (this.#connection === null) throw new TypeError('stage before connect');
    return this.#connection;
  }

  #say(stage: Stage, command: Command): Promise<Timed<ParsedReply>> {
    return this.#timed(stage, (timeoutMs) => this.#open.say(command, timeoutMs, this.#signal), plain);
  }

  /** Runs one stage within its bound and keeps its time, reply or fault. `value` is null where nothing came. */
  async #timed<T>(
    stage: Stage,
    ask: (timeoutMs: number) => Promise<Outcome<T>>,
    replyOf: (value: T) => SmtpReply | null,
  ): Promise<Timed<T>> {
    const { clock, policy } = this.#task;
    const beganAt = clock.now();
    const leftMs = this.#startedAt + sessionBoundMs(policy.timeoutMs) - beganAt;
    const timeoutMs = stageBoundMs(stage, policy.timeoutMs, stage === 'quit' ? Infinity : leftMs);
    const outcome = await ask(timeoutMs);
    const elapsedMs = this.#sinceMs(beganAt);
    if (!outcome.ok) {
      const isCutShort = stage !== 'quit' && leftMs <= timeoutMs;
      const fault =
        isCutShort && outcome.fault.kind === 'timeout'
          ? formatExhausted(stage, sessionBoundMs(policy.timeoutMs))
          : formatFault(stage, outcome.fault, timeoutMs);
      this.#stages.push({ stage, ok: false, elapsedMs, reply: null, fault });
      return { value: null, ending: judgeFault(stage, outcome.fault, fault) };
    }
    const reply = replyOf(outcome.value);
    const ending = reply === null ? undefined : (judgeReply(stage, reply) ?? undefined);
    this.#stages.push({ stage, ok: ending === undefined, elapsedMs, reply, fault: null });
    return { value: outcome.value, ending };
  }

  /** Never negative: the system's clock may be set back under us. */
  #sinceMs(instant: number): number {
    return Math.max(0, this.#task.clock.now() - instant);
  }
}

interface Timed<T> {
  readonly value: T | null;
  readonly ending: Ending;
}

/** As observations keep it: without the lines. */
function plain({ code, enhanced, text }: ParsedReply): SmtpReply {
  return { code, enhanced, text };
}

function offersStarttls(reply: ParsedReply): boolean {
  return reply.code < 300 && ehloKeywords(reply).has('STARTTLS');
}
