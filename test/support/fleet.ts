// One route over five zones at four providers: the sandbox's own update port, and the fakes of Route 53, Cloudflare and
// PowerDNS in this process, each behind a plug that a test can pull. One name server answers for what the fakes hold,
// so that the built program finds published what it wrote.

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

import { makeResponse } from '../../src/dns/encode.ts';
import { classes, type ResourceRecord, type WireType } from '../../src/dns/message.ts';
import {
  displayName,
  type DomainName,
  domainNameOf,
  isWithin,
  labelsOf,
  parentOf,
} from '../../src/model/domain-name.ts';
import { type Rrset, rrsetOf, type RrType } from '../../src/model/rrset.ts';
import type { WorldConfigOptions } from '../../src/sandbox/world-config.ts';
import { type CliWorld, proxyMx, startCliWorld } from './cli-world.ts';
import { type Call, startDnsServer } from './dns-server.ts';
import { CloudflareFake, goodToken } from './fakes/cloudflare.ts';
import { FakePowerdns } from './fakes/powerdns.ts';
import { fakeKey, FakeRoute53 } from './fakes/route53.ts';

/** A cable to a server on loopback. What is on its way when it is pulled is lost. */
export class Plug {
  /** Pulls itself before it hands on what this is true of. */
  pullsAt: ((request: string) => boolean) | null = null;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  #port = 0;

  constructor(target: URL) {
    this.#target = { host: target.hostname, port: Number(target.port) };
  }

  get port(): number {
    return this.#port;
  }

  /** On the port of the first time. */
  async plugIn(): Promise<void> {
    this.pullsAt = null;
    this.#server = createServer((socket) => this.#join(socket));
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  pull(): void {
    this.#server?.close();
    this.#server = null;
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(near: Socket): void {
    const far = connect(this.#target);
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.on('data', (chunk) => {
      if (this.pullsAt?.(chunk.toString('latin1')) === true) this.pull();
      else far.write(chunk);
    });
    far.on('data', (chunk) => near.write(chunk));
  }
}

/** Zone by zone; the first is the sandbox's. */
export const fleetOwners = [
  'shop.example.',
  'alpha.example.',
  'in.alpha.example.',
  'beta.example.',
  'gamma.example.',
  'delta.example.',
].map(domainNameOf);

export type FleetProvider = 'r53' | 'cf' | 'pdns';

export class Fleet {
  readonly flow: CliWorld;
  readonly route53: FakeRoute53;
  readonly cloudflare: CloudflareFake;
  readonly powerdns: FakePowerdns;
  /** By the provider's name in the config. */
  readonly plugs: Readonly<Record<FleetProvider, Plug>>;
  readonly #closers: readonly (() => unknown)[];

  constructor(parts: FleetParts, plugs: Fleet['plugs'], closers: readonly (() => unknown)[]) {
    this.flow = parts.flow;
    this.route53 = parts.route53;
    this.cloudflare = parts.cloudflare;
    this.powerdns = parts.powerdns;
    this.plugs = plugs;
    this.#closers = closers;
  }

  /** What each owner's MX RRset holds: TTL, then the values. */
  get mx(): Readonly<Record<string, readonly (string | number)[]>> {
    return Object.fromEntries(
      fleetOwners.map((owner) => {
        const rrset = readFrom(this, owner, 'MX');
        return [displayName(owner), rrset === null ? [] : [rrset.ttl, ...rrset.rdata]];
      }),
    );
  }

  /** By another tool, past mxctl. */
  publish(owner: string, ttl: number, ...rdata: string[]): void {
    writeTo(this, rrsetOf(domainNameOf(owner), 'MX', ttl, rdata));
  }

  /** Back to the beginning: the proxy everywhere, every provider in order, nothing remembered. */
  async reset(): Promise<void> {
    await this.flow.reset();
    for (const plug of Object.values(this.plugs)) {
      plug.pull();
      await plug.plugIn();
    }
    const token = this.cloudflare.tokens.get(goodToken);
    if (token !== undefined)
      this.cloudflare.tokens.set(goodToken, { ...token, rights: ['zone read', 'dns read', 'dns edit'] });
    this.route53.denied.clear();
    for (const owner of fleetOwners) this.publish(owner, fleetTtl(owner), ...proxyMx);
  }

  async close(): Promise<void> {
    for (const plug of Object.values(this.plugs)) plug.pull();
    for (const close of this.#closers) await close();
    await this.flow.close();
  }
}

interface FleetParts {
  readonly flow: CliWorld;
  readonly route53: FakeRoute53;
  readonly cloudflare: CloudflareFake;
  readonly powerdns: FakePowerdns;
}

/** In normal times; seconds. */
export const fleetTtl = (owner: string) => (owner.startsWith('gamma.') ? leastOfCloudflare : normalTtl);
/** What Cloudflare takes at the least. */
export const leastOfCloudflare = 60;
const normalTtl = 6;

function readFrom(parts: FleetParts, owner: DomainName, type: RrType): Rrset | null {
  switch (labelOf(owner)) {
    case 'alpha':
    case 'beta': {
      const zone = parts.route53.zones.find((one) => isWithin(owner, domainNameOf(one.name)));
      const set = zone?.find(owner, type);
      return set?.values === undefined ? null : rrsetOf(owner, type, set.ttl ?? 0, set.values);
    }
    case 'gamma':
      return parts.cloudflare.read(owner, type);
    case 'delta':
      return parts.powerdns.zoneOf(owner).get(`${owner} ${type}`) ?? null;
    default:
      return parts.flow.world.data.rrset(owner, type);
  }
}

function writeTo(parts: FleetParts, rrset: Rrset): void {
  const { owner, type, ttl, rdata } = rrset;
  switch (labelOf(owner)) {
    case 'alpha':
    case 'beta':
      parts.route53.zones
        .find((one) => isWithin(owner, domainNameOf(one.name)))
        ?.put({ name: owner, type, ttl, values: rdata });
      return;
    case 'gamma':
      parts.cloudflare.write(owner, type, rrset);
      return;
    case 'delta':
      parts.powerdns.zoneOf(owner).set(`${owner} ${type}`, rrset);
      return;
    default:
      parts.flow.world.data.put(rrset);
  }
}

const labelOf = (owner: DomainName) => labelsOf(owner).at(-2);

/** Authority for what the fakes hold, and the resolver of the whole world. */
function answerFor(parts: FleetParts, { query, send }: Call): void {
  const [question] = query.questions;
  if (question === undefined) return;
  const rrset = readFrom(parts, question.name, question.type as RrType);
  const answers = (rrset?.rdata ?? []).map((rdata) =>
    recordOf(question.name, question.type, rrset?.ttl, rdata),
  );
  const soa = recordOf(parentOf(question.name), 'SOA', 1, 'ns.example. ops.example. 1 7200 900 1209600 1');
  send(
    makeResponse(query, {
      isAuthoritative: true,
      recursionAvailable: true,
      answers,
      authorities: answers.length > 0 ? [] : [soa],
    }),
  );
}

function recordOf(owner: DomainName, type: WireType, ttl: number | undefined, rdata: string): ResourceRecord {
  return { owner, type, class: classes.in, ttl: ttl ?? 0, rdata };
}

export async function startFleet(config: Partial<WorldConfigOptions> = {}): Promise<Fleet> {
  const flow = await startCliWorld({ ttl: normalTtl }, config);
  const route53 = new FakeRoute53();
  for (const [name, id] of Object.entries({ 'alpha.example': 'Z0ALPHA', 'beta.example': 'Z0BETA' }))
    route53.addZone(name, { id });
  route53.pendingLooks = 0;
  const cloudflare = new CloudflareFake();
  cloudflare.addZone({ name: 'gamma.example' });
  const powerdns = await FakePowerdns.start([domainNameOf('delta.example')]);
  const parts: FleetParts = { flow, route53, cloudflare, powerdns };
  const server = await startDnsServer({ behave: (call) => answerFor(parts, call) });
  const plugs = {
    r53: new Plug(new URL(await route53.listen())),
    cf: new Plug(new URL(await cloudflare.listen())),
    pdns: new Plug(new URL(powerdns.url)),
  };
  const closers = [
    () => route53.close(),
    () => cloudflare.close(),
    () => powerdns.close(),
    () => server.close(),
  ];
  const fleet = new Fleet(parts, plugs, closers);
  await fleet.reset();
  flow.useEnvironment({
    AWS_ACCESS_KEY_ID: fakeKey.id,
    AWS_SECRET_ACCESS_KEY: fakeKey.secret,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_ACCOUNT_ID: '123456789012',
    CF_TOKEN: goodToken,
    PDNS_KEY: FakePowerdns.apiKey,
  });
  flow.useConfig((yaml) =>
    yaml
      .replace(/resolvers: .*/, `resolvers: ["127.0.0.1:${server.port}"]`)
      .replace('routes:\n', `${providersYaml(plugs)}routes:\n`)
      .replace('    ttl: 6\n', `${recordsYaml(server.port)}    ttl: 6\n`),
  );
  return fleet;
}

function providersYaml({ r53, cf, pdns }: Fleet['plugs']): string {
  return `  r53: {type: route53, endpoint: "http://127.0.0.1:${r53.port}", timeout: 2s}
  cf: {type: cloudflare, endpoint: "http://127.0.0.1:${cf.port}/client/v4", token: {env: CF_TOKEN}, timeout: 2s}
  pdns: {type: powerdns, url: "http://127.0.0.1:${pdns.port}", api_key: {env: PDNS_KEY}, timeout: 2s}
`;
}

function recordsYaml(port: number): string {
  const places = [
    ['r53', 'alpha', '"@", in'],
    ['r53', 'beta', '"@"'],
    ['cf', 'gamma', '"@"'],
    ['pdns', 'delta', '"@"'],
  ] as const;
  return places
    .map(
      ([provider, zone, names]) =>
        `      - {provider: ${provider}, zone: ${zone}.example, names: [${names}], authorities: ["127.0.0.1:${port}"]}\n`,
    )
    .join('');
}
