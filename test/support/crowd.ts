// A crowd for benches, in a process of its own so that its work is not counted as ours: one zone of many owners on two
// authorities, a resolver, a primary that takes signed UPDATEs, and on every loopback address a mail hop that holds
// whatever it takes. As little work as servers can do. `startCrowd` forks it; the file run by itself is the crowd.

import { type ChildProcess, fork } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { decodeMessage } from '../../src/dns/decode.ts';
import { encodeMessage, makeResponse } from '../../src/dns/encode.ts';
import { classes, opcodes, rcodes, type ResourceRecord } from '../../src/dns/message.ts';
import { answerAsPrimary } from '../../src/dns/primary.ts';
import { FrameReader } from '../../src/dns/tcp.ts';
import { type DomainName, domainNameOf } from '../../src/model/domain-name.ts';
import type { RrType } from '../../src/model/rrset.ts';

export const crowdZone = domainNameOf('bench.example');
export const crowdSecret = Buffer.from('a secret of the bench, 32 octets').toString('base64');

export interface CrowdPlan {
  readonly routes: number;
  /** Distinct exchanges; three a route where it is thrice the routes. */
  readonly exchanges: number;
}

export interface CrowdPorts {
  readonly resolver: number;
  readonly authorities: readonly number[];
  readonly update: number;
  /** Of the hops of every proxy, and of every direct path. */
  readonly proxy: number;
  readonly direct: number;
}

/** What reached the crowd since it was last asked; instants in ms, null where nothing did. */
export interface CrowdSight {
  readonly questions: number;
  readonly sessions: number;
  readonly updates: number;
  readonly firstAt: number | null;
  readonly lastSessionAt: number | null;
}

export interface Crowd {
  readonly ports: CrowdPorts;
  /** Hops of every proxy refuse connections, or take them again. */
  setProxies(state: 'down' | 'up'): Promise<void>;
  sight(): Promise<CrowdSight>;
  close(): void;
}

/** Exchanges of a route: two of its proxy, one of its direct path. Neighbours share hops where there are fewer. */
export function exchangesOf(plan: CrowdPlan, route: number): [string, string, string] {
  const name = (role: string, at: number) => `${role}${(route * 3 + at) % plan.exchanges}.hops.${crowdZone}`;
  return [name('p', 0), name('p', 1), name('d', 2)];
}

export async function startCrowd(plan: CrowdPlan): Promise<Crowd> {
  const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(plan)]);
  const [ports] = (await once(child, 'message')) as [CrowdPorts];
  return {
    ports,
    setProxies: async (state) => {
      await ask(child, state);
    },
    sight: async () => (await ask(child, 'sight')) as CrowdSight,
    close: () => child.kill(),
  };
}

async function ask(child: ChildProcess, word: 'down' | 'up' | 'sight'): Promise<unknown> {
  child.send(word);
  const [answer] = (await once(child, 'message')) as [unknown];
  return answer;
}

type Records = Map<string, readonly ResourceRecord[]>;

function recordsOf(plan: CrowdPlan): Records {
  const records: Records = new Map();
  const add = (owner: DomainName, type: RrType, ttl: number, ...rdata: readonly string[]): void => {
    const added = rdata.map((one): ResourceRecord => ({ owner, type, class: classes.in, ttl, rdata: one }));
    records.set(owner, [...(records.get(owner) ?? []), ...added]);
  };
  add(crowdZone, 'SOA', 3600, `ns.${crowdZone} hostmaster.${crowdZone} 1 3600 600 86400 60`);
  add(crowdZone, 'NS', 3600, `ns.${crowdZone}`);
  for (let at = 0; at < plan.exchanges; at++) {
    const tail = `${at >> 8}.${at & 255}`;
    add(domainNameOf(`p${at}.hops.${crowdZone}`), 'A', 300, `127.64.${tail}`);
    add(domainNameOf(`d${at}.hops.${crowdZone}`), 'A', 300, `127.65.${tail}`);
  }
  for (let at = 0; at < plan.routes; at++) {
    const [first, second] = exchangesOf(plan, at);
    add(domainNameOf(`r${at}.${crowdZone}`), 'MX', 3600, `10 ${first}`, `20 ${second}`);
  }
  return records;
}

class CrowdProcess {
  readonly #records: Records;
  #proxies: net.Server | null = null;
  #proxyPort = 0;
  #letters = 0;
  #seen: Record<keyof CrowdSight, number> = nothingSeen();

  constructor(plan: CrowdPlan) {
    this.#records = recordsOf(plan);
  }

  async open(): Promise<CrowdPorts> {
    this.#proxies = await this.#openHops(0);
    this.#proxyPort = portOf(this.#proxies);
    return {
      resolver: await this.#openDns(),
      authorities: [await this.#openDns(), await this.#openDns()],
      update: portOf(
        await listen(
          net.createServer((socket) => this.#serveUpdates(socket)),
          0,
        ),
      ),
      proxy: this.#proxyPort,
      direct: portOf(await this.#openHops(0)),
    };
  }

  async setProxies(state: 'down' | 'up'): Promise<void> {
    this.#proxies?.close();
    this.#proxies = state === 'down' ? null : await this.#openHops(this.#proxyPort);
  }

  sight(): CrowdSight {
    const { firstAt, lastSessionAt, ...counts } = this.#seen;
    this.#seen = nothingSeen();
    return { ...counts, firstAt: firstAt || null, lastSessionAt: lastSessionAt || null };
  }

  async #openDns(): Promise<number> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 22 });
    socket.on('message', (octets, from) => {
      this.#seen.questions += 1;
      this.#seen.firstAt ||= Date.now();
      const decoded = decodeMessage(octets);
      const [question] = decoded.ok ? decoded.message.questions : [];
      if (!decoded.ok || question === undefined) return;
      const known = this.#records.get(question.name);
      const answers = (known ?? []).filter((one) => one.type === question.type);
      const soa = (this.#records.get(crowdZone) ?? []).filter((one) => one.type === 'SOA');
      const response = makeResponse(decoded.message, {
        isAuthoritative: true,
        recursionAvailable: true,
        rcode: known === undefined ? rcodes.NXDOMAIN : rcodes.NOERROR,
        answers,
        authorities: answers.length === 0 ? soa : [],
      });
      socket.send(encodeMessage(response), from.port, from.address);
    });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return socket.address().port;
  }

  #openHops(port: number): Promise<net.Server> {
    const server = net.createServer((socket) => {
      this.#seen.sessions += 1;
      socket.setNoDelay(true).write('220 mx.example.com ESMTP\r\n');
      socket.on('error', () => {});
      socket.on('close', () => (this.#seen.lastSessionAt = Date.now()));
      let isLetter = false;
      socket.on('data', (chunk) => {
        const text = chunk.toString('latin1');
        if (isLetter) {
          isLetter = !text.endsWith('\r\n.\r\n');
          if (!isLetter) socket.write(`250 2.0.0 Ok: queued as ${++this.#letters}\r\n`);
          return;
        }
        isLetter = text.startsWith('DATA');
        if (text.startsWith('QUIT')) socket.end('221 bye\r\n');
        else socket.write(isLetter ? '354 go on\r\n' : '250 ok\r\n');
      });
    });
    return listen(server, port);
  }

  #serveUpdates(socket: net.Socket): void {
    const frames = new FrameReader();
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      for (const octets of frames.push(chunk)) this.#answerUpdate(socket, Uint8Array.from(octets));
    });
  }

  /** Sees of the zone only what the message is about, so that a large one costs no more than a small one. */
  #answerUpdate(socket: net.Socket, octets: Uint8Array): void {
    const decoded = decodeMessage(octets);
    if (!decoded.ok) return void socket.destroy();
    const { opcode, questions, authorities } = decoded.message;
    const owner = opcode === opcodes.update ? authorities[0]?.owner : questions[0]?.name;
    const names = new Set<string>([crowdZone, ...(owner === undefined ? [] : [owner])]);
    const answer = answerAsPrimary(octets, {
      zones: [{ name: crowdZone, records: [...names].flatMap((name) => this.#records.get(name) ?? []) }],
      keys: [
        { name: domainNameOf('bench'), algorithm: 'hmac-sha256', secret: Buffer.from(crowdSecret, 'base64') },
      ],
      nowSeconds: Math.floor(Date.now() / 1000),
    });
    if (answer.changed !== null) {
      this.#seen.updates += 1;
      const byOwner = Map.groupBy(answer.changed.records, (one) => one.owner);
      for (const name of names) this.#records.set(name, byOwner.get(name as DomainName) ?? []);
    }
    if (answer.octets === null) return void socket.destroy();
    socket.write(
      Buffer.concat([Uint8Array.of(answer.octets.length >> 8, answer.octets.length & 255), answer.octets]),
    );
  }
}

const nothingSeen = (): Record<keyof CrowdSight, number> => ({
  questions: 0,
  sessions: 0,
  updates: 0,
  firstAt: 0,
  lastSessionAt: 0,
});

const portOf = (server: net.Server): number => (server.address() as net.AddressInfo).port;

async function listen(server: net.Server, port: number): Promise<net.Server> {
  server.listen({ port, host: '0.0.0.0', backlog: 4096 });
  await once(server, 'listening');
  return server;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const crowd = new CrowdProcess(JSON.parse(process.argv[2] ?? '') as CrowdPlan);
  process.on('message', (word: 'down' | 'up' | 'sight') => {
    if (word === 'sight') process.send?.(crowd.sight());
    else void crowd.setProxies(word).then(() => process.send?.(word));
  });
  process.on('disconnect', () => process.exit());
  process.send?.(await crowd.open());
}
