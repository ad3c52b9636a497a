// A world to audit whole, on loopback: a resolver that knows all and sets AD where a zone is signed, the registry's
// server, two name servers of the customers, a web server for the policies and a mail server for every exchange.

import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createSecureContext } from 'node:tls';
import { makeResponse } from '../../src/dns/encode.ts';
import { rcodes } from '../../src/dns/message.ts';
import { displayName, type DomainName, domainNameOf, isWithin } from '../../src/model/domain-name.ts';
import { makeCa, type TestCa } from './certificates.ts';
import { type Call, type DnsServer, startDnsServer } from './dns-server.ts';
import { startHops } from './fault-hops.ts';
import { type FaultScene, faultScenes, type PolicyHost } from './fault-scenes.ts';
import { zoneLines } from './zone-lines.ts';

/** Name servers ns1 and ns2 of every customer, and that of the registry. */
const serverAddresses = ['127.0.53.1', '127.0.53.2', '127.0.53.9'] as const;

const zones = [
  ...['host', 'spare', 'proxy', 'signed', 'safe', 'third', 'stale', 'pkix', 'half', 'bare', 'misnamed'],
  ...['clear', 'wide', 'twin', 'sib', 'move'],
].map((one) => `${one}.example.`);

const common = `
  . 60 SOA a.root. root.root. 1 3600 600 86400 60
  example. 60 SOA a.registry.test. root.example. 1 3600 600 86400 60
  example. 3600 NS a.registry.test.
  test. 60 SOA a.registry.test. root.test. 1 3600 600 86400 60
  a.registry.test. 3600 A ${serverAddresses[2]}
  ns1.dns.test. 3600 A ${serverAddresses[0]}
  ns2.dns.test. 3600 A ${serverAddresses[1]}
  old.test. 3600 NS ns1.dns.test.
  alias.old.test. 300 CNAME mx.old.test.
  bare.old.test. 300 TXT "nobody"
  ${zones.map((zone) => `${zone} 3600 NS ns1.${zone}`).join('\n')}`;

/** Of `faultScenes`. Audits with a route are those whose rules need one. */
export const faultConfig = (copies: number): string => `version: 1
providers: {bind: {type: rfc2136, server: 192.0.2.53, tsig: {name: k, secret: {env: K}}}}
routes:
  customers: ${routeOf(['mx1.host.example', 'spool.spare.example', 'filter.proxy.example'], 2)}
  signed: ${routeOf(['mx1.signed.example', 'mx2.safe.example', 'mx3.third.example'], 2)}
  half: ${routeOf(['mx1.half.example', 'mx9.bare.example'], 0)}
  siblings: ${routeOf(['mx1.sib.example', 'spool.sib.example'], 2)}
  movable:
    strategy: address
    records: [{provider: bind, zone: move.example, names: [mx1]}]
    ttl: 300
    paths:
      here: {role: primary, addresses: {mx1: [192.0.2.80]}}
      there: {role: backup, addresses: {mx1: [198.51.100.80]}}
    prefer: here
audits:
  customers:
    ${auditOf('customers', 'exact', 'mx1.host.example', 'spool.spare.example')}
    spf_include: _spf.host.example
    ignore: [${ignoresOf(copies).join(', ')}]
  partners: {${auditOf('partners', 'contains', 'mx1.host.example')}}
  signed: {${auditOf('signed', 'exact', 'mx1.signed.example', 'mx2.safe.example')}}
  wide: {${auditOf('wide', 'exact', 'mx1.wide.example', 'spool.spare.example')}}
  twins: {${auditOf('twins', 'exact', 'mx1.twin.example', 'mx2.twin.example')}}
  siblings: {${auditOf('siblings', 'exact', 'mx1.sib.example', 'spool.sib.example')}}
  movable: {${auditOf('movable', 'exact', 'mx1.move.example')}}
  stale: {${auditOf('stale', 'exact', 'mx1.stale.example')}}
  unusable: {${auditOf('unusable', 'exact', 'mx1.pkix.example')}}
  half: {${auditOf('half', 'exact', 'mx1.half.example')}}
  misnamed: {${auditOf('misnamed', 'exact', 'mx1.misnamed.example')}}
  clear: {${auditOf('clear', 'exact', 'mx1.clear.example')}}
`;

function ignoresOf(copies: number): string[] {
  const over = plant(copies).filter(({ scene }) => scene.isIgnoreOver === true);
  return over.map(({ domain }) => `{domain: ${domain}, until: "2026-01-31", reason: "OPS-1182"}`);
}

/** `kept`: how many of the exchanges are published in normal times, the second as a backup. */
function routeOf(hosts: readonly string[], kept: number): string {
  const paths = hosts.map((host, at) => {
    const isBackup = kept > at && at > 0;
    const [role, preference] = isBackup ? ['backup', 90] : ['primary', 10];
    return `path${at}: {role: ${role}, mx: [{preference: ${preference}, exchange: ${host}}]}`;
  });
  const keep = kept > 1 ? 'keep: [path1], ' : '';
  const records = `records: [{provider: bind, zone: example, names: [nobody-${hosts[0]?.split('.')[1]}]}]`;
  return `{strategy: mx, ${records}, ttl: 3600, paths: {${paths.join(', ')}}, ${keep}prefer: path0}`;
}

function auditOf(name: string, match: string, ...hosts: string[]): string {
  const separator = name === 'customers' ? '\n    ' : ', ';
  return `domains: {file: ${name}.csv, column: domain}${separator}expect: {mx: [${hosts.join(', ')}], match: ${match}}`;
}

export interface Planted {
  readonly domain: DomainName;
  readonly scene: FaultScene;
  readonly name: string;
}

export interface FaultWorld extends AsyncDisposable {
  readonly domains: readonly Planted[];
  readonly resolver: DnsServer;
  /** Of every name server. */
  readonly authorityPort: number;
  readonly policyPort: number;
  readonly ca: string;
  /** Where the mail server of an address is on loopback. */
  readonly hopOf: (address: string) => { readonly address: string; readonly port: number };
}

/** `copies` of every scene, in their order. */
function plant(copies: number): Planted[] {
  return Object.entries(faultScenes).flatMap(([name, scene], at) =>
    Array.from({ length: copies }, (_, copy) => ({
      name,
      scene,
      domain: domainNameOf(`s${at}-${copy}.example`),
    })),
  );
}

export async function startFaultWorld(copies: number): Promise<FaultWorld> {
  const domains = plant(copies);
  const ca = await makeCa();
  const hops = await startHops(ca);
  const zone = [common, ...domains.map(zoneOf), ...hops.records].join('\n');
  const cutOff = new Set(domains.filter(({ scene }) => scene.isCutOff === true).map((one) => one.domain));
  const resolver = await startDnsServer({
    zone,
    flags: { recursionAvailable: true, isAuthoritative: false },
    behave: ({ query, reply, send }) => {
      const name = query.questions[0]?.name as DomainName;
      if ([...cutOff].some((domain) => isWithin(name, domain)))
        send(makeResponse(query, { rcode: rcodes.SERVFAIL }));
      else send({ ...reply, authenticData: hops.signed.some((host) => isWithin(name, host)) });
    },
  });
  const servers = await startServers(domains);
  const web = await startPolicyHost(domains, ca);
  return {
    domains,
    resolver,
    authorityPort: servers[0]?.port ?? 0,
    policyPort: web.port,
    ca: ca.ca,
    hopOf: (address) => hops.byAddress.get(address) ?? { address: '127.0.0.1', port: web.port },
    async [Symbol.asyncDispose]() {
      await Promise.all([resolver, ...servers, web].map((one) => one.close()));
      await Promise.all(hops.all.map((one) => one[Symbol.asyncDispose]()));
    },
  };
}

const linesOf = (text: string, domain: DomainName) => text.replaceAll('@', domain);

const usualDelegation = '@ 3600 NS ns1.dns.test.\n@ 3600 NS ns2.dns.test.';

function delegationOf({ domain, scene }: Planted): string {
  return scene.zone === '' ? '' : linesOf(scene.delegation ?? usualDelegation, domain);
}

function zoneOf(one: Planted): string {
  return `${delegationOf(one)}\n${linesOf(one.scene.zone, one.domain)}`;
}

/** The name servers of the customers, each with its own idea of the zones, and the registry, which refers to them. */
async function startServers(domains: readonly Planted[]): Promise<DnsServer[]> {
  const rcodeOf = new Map(Object.entries(rcodes));
  const sceneOf = new Map(domains.map((one) => [one.domain, one.scene]));
  const said = (one: Planted, at: number) => one.scene.servers?.[at] ?? one.scene.zone;
  const started: DnsServer[] = [];
  for (const [at, address] of serverAddresses.entries()) {
    const isRegistry = at === 2;
    const own = domains.map((one) => {
      if (isRegistry) return delegationOf(one);
      return rcodeOf.has(said(one, at)) ? '' : linesOf(said(one, at), one.domain);
    });
    const behave = ({ query, reply, send }: Call) => {
      const name = query.questions[0]?.name as DomainName;
      const rcode = rcodeOf.get(sceneOf.get(name)?.servers?.[at] ?? '');
      const isReferred = isRegistry && reply.answers.length > 0;
      if (rcode !== undefined) send(makeResponse(query, { rcode }));
      // RFC 1034 §4.3.2, step 3b: no AA bit, the NS in the authority section.
      else if (isReferred) {
        const additionals = glue.filter((record) => isWithin(record.owner, name));
        send(makeResponse(query, { answers: [], authorities: reply.answers, additionals }));
      } else send(reply);
    };
    const soa = 'example. 60 SOA a.registry.test. root.example. 1 3600 600 86400 60';
    const zone = [soa, ...own].join('\n');
    const glue = zoneLines(zone).filter((record) => isRegistry && record.type === 'A');
    started.push(await startDnsServer({ address, port: started[0]?.port ?? 0, zone, behave }));
  }
  return started;
}

interface Closable {
  readonly port: number;
  close(): Promise<void>;
}

async function startPolicyHost(domains: readonly Planted[], { issue }: TestCa): Promise<Closable> {
  const policies = new Map<string, PolicyHost>();
  for (const { domain, scene } of domains) {
    if (scene.policy !== undefined) policies.set(`mta-sts.${displayName(domain)}`, scene.policy);
  }
  const right = createSecureContext(await issue([...policies.keys()], 60));
  const wrong = createSecureContext(await issue(['www.host.example'], 60));
  const web = createServer(
    { SNICallback: (name, done) => done(null, policies.get(name)?.kind === 'misnamed' ? wrong : right) },
    (request, response) => {
      const policy = policies.get(request.headers.host ?? '');
      if (policy?.kind === 'serves' && request.url === '/.well-known/mta-sts.txt') response.end(policy.text);
      else response.writeHead(policy?.kind === 'status' ? policy.status : 500, { location: '/' }).end();
    },
  );
  web.on('tlsClientError', () => {});
  await once(web.listen(0, '127.0.0.1'), 'listening');
  const close = async () => {
    web.closeAllConnections();
    web.close();
    await once(web, 'close');
  };
  return { port: (web.address() as AddressInfo).port, close };
}
