// A hop: an SMTP server on its own loopback address, whose fault is switched while it runs. smtp-server speaks SMTP;
// the faults it cannot act (refusal, silence, a half banner, 421 as greeting) are a raw socket in front of it. What
// becomes of the letters it takes is custody.ts.
// RFC 5321 §3.1, §3.8, §4.4 (trace), RFC 3463 (enhanced codes), RFC 6647 (greylisting).

import { type Server, type Socket, createServer } from 'node:net';
import { SMTPServer, type SMTPServerOptions, type SMTPServerSession } from 'smtp-server';
import { type DomainName, displayName } from '../model/domain-name.ts';
import type { PathRole } from '../model/mail-path.ts';
import type { Clock } from '../runtime/clock.ts';
import type { CertificateAuthority, CertificateKind } from './certificates.ts';
import { Custody, type CustodyRecord, makeQueueId } from './custody.ts';
import type { HopFault } from './hop-fault.ts';
import type { Letter } from './letter.ts';
import { listenTcp } from './listen.ts';

export interface HopOptions {
  /** Short name for people, e.g. `mx1.filter`. */
  readonly name: string;
  readonly exchange: DomainName;
  readonly role: PathRole | 'reference';
  readonly address: string;
  /** 0 = a free one. */
  readonly port: number;
  readonly certificates: CertificateAuthority;
  readonly clock: Clock;
  /** Source addresses whose connections are reset at once: asked at every connection. */
  readonly isCutOff: (source: string) => boolean;
  /** Source addresses `proxy-only` admits. */
  readonly admits: readonly string[];
  /** How late a tarpit answers; ms. */
  readonly tarpitMs: number;
  /** Gets what the hop passes on. Called before the 250, or when a held letter goes on. */
  readonly accept: (letter: Letter) => void;
  /** Gets the notifications of letters it took and returned. */
  readonly giveBack: (notification: Letter) => void;
}

type Callback = (error?: Error | null, message?: string) => void;

/** What smtp-server turns into a reply line. */
function refusal(responseCode: number, text: string): Error {
  return Object.assign(new Error(text), { responseCode });
}

const badCertificates: Partial<Record<HopFault, CertificateKind>> = {
  'expired-cert': 'expired',
  'wrong-name-cert': 'wrong-name',
};
/** Letters of the sandbox are a few hundred octets; more is a mistake. */
const maxLetterOctets = 65_536;

export class SandboxHop {
  readonly name: string;
  readonly exchange: DomainName;
  readonly role: PathRole | 'reference';
  readonly address: string;
  readonly #options: HopOptions;
  readonly #sockets = new Set<Socket>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #custody: Custody;
  /** Source, sender and recipient of attempts that were greylisted. */
  readonly #greylisted = new Set<string>();
  #front: Server | null = null;
  #smtp: SMTPServer | null = null;
  #port: number;
  #fault: HopFault = 'ok';
  /** Connections taken from anybody, faulty ones too. */
  connectionCount = 0;

  constructor(options: HopOptions) {
    this.name = options.name;
    this.exchange = options.exchange;
    this.role = options.role;
    this.address = options.address;
    this.#options = options;
    this.#port = options.port;
    this.#custody = new Custody({
      passOn: options.accept,
      giveBack: options.giveBack,
      clock: options.clock,
      exchange: displayName(options.exchange),
    });
  }

  get port(): number {
    return this.#port;
  }

  get fault(): HopFault {
    return this.#fault;
  }

  /** Every letter it answered 250 to, in order. */
  get taken(): readonly CustodyRecord[] {
    return this.#custody.records;
  }

  /** Letters it keeps. */
  get heldCount(): number {
    return this.#custody.heldCount;
  }

  async open(): Promise<void> {
    const certificate = await this.#options.certificates.issue(displayName(this.exchange), 'good');
    this.#smtp = new SMTPServer(this.#smtpOptions(certificate));
    // Clients that leave in the middle are what a fault is about, not an error of ours.
    this.#smtp.on('error', () => {});
    await this.#listen();
  }

  /** Takes effect for the next connection; sessions that hang in the old fault are cut. */
  async setFault(fault: HopFault): Promise<void> {
    const before = this.#fault;
    if (fault === before) return;
    const kind = badCertificates[fault] ?? (badCertificates[before] === undefined ? null : 'good');
    if (kind !== null) {
      this.#smtp?.updateSecureContext(
        await this.#options.certificates.issue(displayName(this.exchange), kind),
      );
    }
    this.#fault = fault;
    this.#greylisted.clear();
    if (fault === 'ok') this.#custody.release();
    if (fault === 'down') await this.#unlisten();
    else if (before === 'down') await this.#listen();
    else if (before === 'silent' || before === 'half-banner' || before === 'tarpit') this.#cut(() => true);
  }

  /** Cuts the running sessions from one source address. */
  cutSessionsFrom(source: string): void {
    this.#cut((socket) => socket.remoteAddress === source);
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#unlisten();
  }

  async #listen(): Promise<void> {
    const front = createServer((socket) => this.#onConnection(socket));
    await listenTcp(front, this.#port, this.address);
    const bound = front.address();
    if (bound !== null && typeof bound === 'object') this.#port = bound.port;
    this.#front = front;
  }

  async #unlisten(): Promise<void> {
    const front = this.#front;
    this.#front = null;
    const closed = new Promise<void>((resolve) => {
      if (front === null) resolve();
      else front.close(() => resolve());
    });
    this.#cut(() => true);
    await closed;
  }

  #cut(which: (socket: Socket) => boolean): void {
    for (const socket of this.#sockets) if (which(socket)) socket.resetAndDestroy();
  }

  #onConnection(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    if (this.#options.isCutOff(socket.remoteAddress ?? '')) {
      socket.resetAndDestroy();
      return;
    }
    this.connectionCount++;
    const name = displayName(this.exchange);
    switch (this.#fault) {
      case 'silent':
        socket.resume();
        return;
      case 'half-banner':
        socket.resume();
        socket.write(`220-${name} ESM`);
        return;
      case '421':
        socket.resume();
        socket.end(`421 4.3.2 ${name} Service not available, try again later\r\n`);
        return;
      default:
        // smtp-server's own listener never opens: this hands it the connection as if it had.
        this.#smtp?.server.emit('connection', socket);
    }
  }

  #smtpOptions(certificate: { key: string; cert: string }): SMTPServerOptions {
    return {
      ...certificate,
      name: displayName(this.exchange),
      // Its PTR look-up would leave the loopback.
      disableReverseLookup: true,
      disabledCommands: ['AUTH'],
      // Replies below bring their own enhanced codes; smtp-server would put its own before them.
      hideENHANCEDSTATUSCODES: true,
      logger: false,
      size: maxLetterOctets,
      onConnect: (_session, callback) => this.#reply(callback),
      onMailFrom: (_address, _session, callback) => this.#reply(callback),
      onRcptTo: (address, session, callback) => this.#reply(callback, this.#judge(address.address, session)),
      onData: (stream, session, callback) => {
        const chunks: Buffer[] = [];
        stream.on('error', () => {});
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          if (stream.sizeExceeded) {
            callback(refusal(552, '5.3.4 message too big'));
            return;
          }
          const queueId = makeQueueId();
          const letter = this.#stamped(Buffer.concat(chunks).toString('latin1'), session, queueId);
          this.#custody.take(letter, queueId, this.#fault);
          this.#reply(callback, null, `2.0.0 Ok: queued as ${queueId}`);
        });
      },
    };
  }

  /** In a tarpit the answer comes late. */
  #reply(callback: Callback, error: Error | null = null, message?: string): void {
    if (this.#fault !== 'tarpit') {
      callback(error, message);
      return;
    }
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      callback(error, message);
    }, this.#options.tarpitMs);
    this.#timers.add(timer);
  }

  #judge(recipient: string, session: SMTPServerSession): Error | null {
    switch (this.#fault) {
      case '451-rcpt':
        return refusal(451, `4.3.0 <${recipient}>: temporary lookup failure`);
      case '550-rcpt':
        return refusal(550, `5.1.1 <${recipient}>: user unknown`);
      case 'proxy-only':
        // At RCPT, not at the greeting: Postfix delays client rejections until there (smtpd_delay_reject=yes),
        // and a 5xx here bounces where a 5xx greeting would not.
        return this.#options.admits.includes(session.remoteAddress)
          ? null
          : refusal(554, `5.7.1 <[${session.remoteAddress}]>: client host rejected: access denied`);
      case 'greylist':
        return this.#isFirstAttempt(recipient, session)
          ? refusal(450, `4.2.0 <${recipient}>: greylisted, try again later`)
          : null;
      default:
        return null;
    }
  }

  /** RFC 6647 §2.2: by source, sender and recipient. */
  #isFirstAttempt(recipient: string, { remoteAddress, envelope }: SMTPServerSession): boolean {
    const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
    const triple = `${remoteAddress} ${from} ${recipient}`;
    const isFirst = !this.#greylisted.has(triple);
    this.#greylisted.add(triple);
    return isFirst;
  }

  /** RFC 5321 §4.4: every hop puts its trace on top. */
  #stamped(text: string, session: SMTPServerSession, queueId: string): Letter {
    const from = `${session.hostNameAppearsAs || 'unknown'} ([${session.remoteAddress}])`;
    const by = displayName(this.exchange);
    const date = new Date(this.#options.clock.now()).toUTCString().replace('GMT', '+0000');
    const { mailFrom, rcptTo } = session.envelope;
    return {
      from: mailFrom === false ? '' : mailFrom.address,
      to: rcptTo.map((one) => one.address),
      text: `Received: from ${from} by ${by} with ESMTP id ${queueId}; ${date}\r\n${text}`,
    };
  }
}

export async function startHop(options: HopOptions): Promise<SandboxHop> {
  const hop = new SandboxHop(options);
  await hop.open();
  return hop;
}
