//                         +-- failover --yes, status, rollback --yes (the built CLI)
//                         v
//   mxctl ==UPDATE or API==> named | knotd | pdns_server   zone example.com: MX of shop.example.com, A of the exchanges
//   mxctl --EHLO, RCPT-----> proxy (127.0.1.1), direct (127.0.2.1)
//   nsupdate or the API by hand: somebody else's edit in between
//   dig: what the world sees

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { domainNameOf, type DomainName } from '../../src/model/domain-name.ts';
import { rrsetOf, type Rrset, type RrType } from '../../src/model/rrset.ts';
import { runCli } from '../support/cli.ts';
import { missingCommand, realKey, startBind, startKnot } from '../support/real-primary.ts';
import { realApiKey, startPowerdns } from '../support/real-powerdns.ts';

interface RealServer {
  readonly port: number;
  /** The provider block of the config. */
  readonly block: string;
  readonly environment: Readonly<Record<string, string>>;
  read(owner: DomainName, type: RrType): Promise<Rrset | null>;
  write(owner: DomainName, type: RrType, rrset: Rrset | null): Promise<void>;
  close(): Promise<void>;
}

async function primary(start: typeof startBind): Promise<RealServer> {
  const server = await start();
  const { port } = server.server;
  return {
    ...server,
    port,
    environment: { TSIG_SECRET: realKey.secret },
    block: `{type: rfc2136, server: "127.0.0.1:${port}", tsig: {name: ${realKey.name}, secret: {env: TSIG_SECRET}}}`,
  };
}

async function powerdns(): Promise<RealServer> {
  const server = await startPowerdns();
  return {
    ...server,
    environment: { PDNS_KEY: realApiKey },
    block: `{type: powerdns, url: "${server.url}", api_key: {env: PDNS_KEY}}`,
  };
}

const kinds: readonly [string, readonly string[], () => Promise<RealServer>][] = [
  ['BIND', ['named', 'nsupdate', 'dig'], () => primary(startBind)],
  ['Knot', ['knotd', 'nsupdate', 'dig'], () => primary(startKnot)],
  ['PowerDNS', ['pdns_server', 'pdnsutil', 'sqlite3', 'dig'], powerdns],
];

/** Takes every recipient; speaks no TLS. */
function startHop(address: string, port: number): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.write('220 hop ESMTP\r\n');
    socket.on('data', (line) => {
      const isQuit = line.toString().toUpperCase().startsWith('QUIT');
      socket.write(isQuit ? '221 bye\r\n' : '250 ok\r\n');
      if (isQuit) socket.end();
    });
  });
  return new Promise((done, fail) => {
    server.once('error', fail);
    server.listen(port, address, () => done(server));
  });
}

interface Ended {
  readonly code: number;
  readonly data: Record<string, unknown>;
  readonly error: { code: string; message: string } | null;
}

const owner = domainNameOf('shop.example.com');
const proxy = rrsetOf(owner, 'MX', 600, ['10 mx1.example.com.', '90 spool.example.com.']);
const direct = rrsetOf(owner, 'MX', 30, ['10 mx2.example.com.', '90 spool.example.com.']);

for (const [title, commands, start] of kinds) {
  const missing = missingCommand(...commands);
  if (missing !== null) {
    it.skip(`a route on ${title}: ${missing} is not installed`, () => {});
    continue;
  }
  describe(`a route on ${title}`, () => {
    let server: RealServer;
    let hops: Server[] = [];
    const directory = mkdtempSync(join(tmpdir(), 'mxctl-flip-'));

    const mxctl = async (...args: string[]): Promise<Ended> => {
      const env = { ...server.environment, MXCTL_CONFIG: join(directory, 'mxctl.yaml') };
      const { exitCode, stdout } = await runCli([...args, '--json'], { env });
      const envelope = JSON.parse(stdout) as { data: Ended['data']; error: Ended['error'] };
      return { ...envelope, code: exitCode };
    };

    beforeAll(async () => {
      server = await start();
      const first = await startHop('127.0.1.1', 0);
      const { port } = first.address() as AddressInfo;
      hops = [first, await startHop('127.0.2.1', port), await startHop('127.0.3.1', port)];
      const addresses = { mx1: '127.0.1.1', mx2: '127.0.2.1', spool: '127.0.3.1' };
      for (const [name, address] of Object.entries(addresses)) {
        const host = domainNameOf(`${name}.example.com`);
        await server.write(host, 'A', rrsetOf(host, 'A', 60, [address]));
      }
      await server.write(owner, 'MX', proxy);
      const mx = (preference: number, name: string) =>
        `mx: [{preference: ${preference}, exchange: ${name}.example.com, port: ${port}}]`;
      writeFileSync(
        join(directory, 'mxctl.yaml'),
        `
version: 1
state: {url: "sqlite:${join(directory, 'state.sqlite')}"}
vantage: e2e
resolvers: ["127.0.0.1:${server.port}"]
providers: {real: ${server.block}}
routes:
  shop:
    strategy: mx
    records: [{provider: real, zone: example.com, names: [shop], authorities: ["127.0.0.1:${server.port}"]}]
    ttl: 600
    failover_ttl: 30
    paths:
      proxy:  {role: proxy, ${mx(10, 'mx1')}}
      direct: {role: primary, ${mx(10, 'mx2')}}
      spool:  {role: backup, ${mx(90, 'spool')}}
    prefer: proxy
    failover_to: [direct]
    keep: [spool]
    probe: {timeout: 5s, slow_after: 4s}
`,
      );
    });

    afterAll(async () => {
      for (const hop of hops) hop.close();
      await server.close();
      rmSync(directory, { recursive: true, force: true });
    });

    const active = async () => {
      const { data } = await mxctl('status');
      return (data['routes'] as { active: string | null; live: string }[])[0];
    };

    it('moves, is seen to have moved, and moves back to the very records of before', async () => {
      expect(await active()).toMatchObject({ active: 'proxy' });
      expect((await mxctl('failover', 'shop', '--yes')).code).toBe(0);
      expect(await server.read(owner, 'MX')).toEqual(direct);
      expect(await active()).toMatchObject({ active: 'direct' });
      expect((await mxctl('rollback', '--yes')).code).toBe(0);
      expect(await server.read(owner, 'MX')).toEqual(proxy);
      expect(await active()).toMatchObject({ active: 'proxy' });
    });

    it('stands back from an edit that somebody else made, and writes nothing', async () => {
      const theirs = rrsetOf(owner, 'MX', 300, ['10 elsewhere.example.net.']);
      await server.write(owner, 'MX', theirs);
      expect(await active()).toMatchObject({ active: null, live: 'drift' });
      const refused = await mxctl('failover', 'shop', '--yes');
      expect(refused.code).toBe(3);
      expect(refused.error?.message).toContain('live-drift');
      expect(await server.read(owner, 'MX')).toEqual(theirs);
      await server.write(owner, 'MX', proxy);
    });

    it('drills: rehearsed, a TXT record made, timed and removed, and nothing left of it', async () => {
      await server.write(owner, 'MX', proxy);
      expect((await mxctl('drill', 'shop')).code).toBe(0);
      const { code, data } = await mxctl('drill', 'shop', '--depth', 'canary', '--yes');
      expect(code).toBe(0);
      const took = { accepted_ms: expect.any(Number) as number, all_ms: expect.any(Number) as number };
      expect(data['zones']).toMatchObject([{ zone: 'example.com', written: took, removed: took }]);
      expect(await server.read(domainNameOf('_mxctl-drill.example.com'), 'TXT')).toBeNull();
      expect(await server.read(owner, 'MX')).toEqual(proxy);
    });

    it('refuses a saved plan that was overtaken', async () => {
      const file = join(directory, 'shop.plan.json');
      expect((await mxctl('plan', 'shop', '--out', file)).code).toBe(0);
      const theirs = rrsetOf(owner, 'MX', 600, ['10 mx1.example.com.']);
      await server.write(owner, 'MX', theirs);
      expect(await mxctl('apply', file, '--yes')).toMatchObject({ code: 3, error: { code: 'plan-stale' } });
      expect(await server.read(owner, 'MX')).toEqual(theirs);
    });
  });
}
