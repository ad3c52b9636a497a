// A route whose hops are two Postfix, whose mailbox is in Dovecot and whose zone is in BIND, and the built CLI that
// watches it. The proxy relays to the primary; the primary delivers into the mailbox.

import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { domainNameOf } from '../../src/model/domain-name.ts';
import { rrsetOf } from '../../src/model/rrset.ts';
import { runCli } from './cli.ts';
import { dovecotCommands, type RealDovecot, startDovecot } from './real-dovecot.ts';
import { missingPostfix, type RealPostfix, startPostfix } from './real-postfix.ts';
import { missingCommand, realKey, type RealPrimary, startBind } from './real-primary.ts';

/** A canary in `--json`. */
export interface CanaryDocument {
  readonly token: string;
  readonly path: string;
  readonly state: string;
  readonly attempts: number;
  readonly queue_id: string | null;
  readonly summary: string;
  readonly bounce: string | null;
  readonly trace: readonly { from: string | null; by: string | null; protocol: string | null }[];
}

interface SentDocument {
  readonly routes: readonly { readonly canaries: readonly CanaryDocument[] }[];
}

/** Of the route, in `mxctl status --json`. */
interface StatusDocument {
  readonly canary: {
    readonly findings: readonly {
      readonly kind: string;
      readonly path: string | null;
      readonly text: string;
    }[];
    readonly paths: readonly {
      readonly path: string;
      readonly status: string;
      readonly in_flight: number;
      readonly in_time_in_a_row: number;
      readonly owed: readonly CanaryDocument[];
      readonly lost: readonly CanaryDocument[];
    }[];
    readonly hours: readonly {
      readonly path: string;
      readonly handed: number;
      readonly arrived: number;
      readonly max_seconds: number | null;
    }[];
  };
}

/** `mxctl auto --once --json`. */
export interface RoundDocument {
  readonly flips: readonly { readonly from: string; readonly to: string; readonly at: string }[];
  readonly routes: readonly {
    readonly action: { readonly reason: string } | null;
    readonly paths: readonly { readonly hops: readonly HopDocument[] }[];
  }[];
}

interface HopDocument {
  readonly status: string;
  readonly failures: number;
  readonly summary: string;
}

/** Of canaries. A letter is through in under a second, and a run of the CLI takes one to three. */
export const timing = { everyMs: 2000, delayedAfterMs: 8000 } as const;

const password = 'sesame-open-this';
const domain = domainNameOf('shop.example');
const environment = {
  TSIG_SECRET: realKey.secret,
  IMAP_PASSWORD: password,
  CANARY_KEY: 'c2VzYW1lLW9wZW4tdGhpcy1hbmQtdGhhdC10b28tcGxlYXNl',
};
/** Longest wait for anything: some times what each takes on a machine that does nothing else. ms. */
const patienceMs = 90_000;

interface Servers {
  readonly bind: RealPrimary;
  readonly dovecot: RealDovecot;
  readonly primary: RealPostfix;
  readonly proxy: RealPostfix;
}

/** Why it cannot be started here; null = it can. */
export function missingForPostfixWorld(): string | null {
  const missing = missingCommand('named', 'nsupdate', 'dig', ...dovecotCommands);
  return missing === null ? missingPostfix() : `${missing} is not installed`;
}

export class PostfixWorld {
  readonly primary: RealPostfix;
  readonly proxy: RealPostfix;
  readonly #servers: Servers;
  readonly #directory: string;
  #slowestRunMs = 0;

  constructor(servers: Servers, directory: string) {
    this.#servers = servers;
    this.#directory = directory;
    this.primary = servers.primary;
    this.proxy = servers.proxy;
  }

  /** The longest that `auto --once` has taken so far. */
  get slowestRunMs(): number {
    return this.#slowestRunMs;
  }

  async text(...args: string[]): Promise<string> {
    return (await this.#run(args)).stdout;
  }

  async json(...args: string[]): Promise<{ readonly code: number; readonly data: unknown }> {
    const { exitCode, stdout, stderr } = await this.#run([...args, '--json']);
    const { data, error } = JSON.parse(stdout) as { data: unknown; error: { message: string } | null };
    if (error !== null) throw new Error(`${args.join(' ')}: ${error.message}\n${stderr}`);
    return { code: exitCode, data };
  }

  async canaries(): Promise<StatusDocument['canary']> {
    const { data } = await this.json('status');
    return found((data as { routes: readonly StatusDocument[] }).routes[0]).canary;
  }

  /** `mxctl probe --canary`: the canary of each path as it ended. */
  async probeByCanary(): Promise<{ code: number; proxy: CanaryDocument; direct: CanaryDocument }> {
    const { code, data } = await this.json('probe', 'shop', '--canary', '--wait', '30s');
    const canaries = (data as SentDocument).routes[0]?.canaries ?? [];
    const by = (path: string) => found(canaries.find((one) => one.path === path));
    return { code, proxy: by('proxy'), direct: by('direct') };
  }

  /**
   * Runs as cron would start them until something holds, and the last of them. Throws where a hop failed its SMTP probe
   * in any, and where it takes too long.
   */
  async runUntil(isSo: (round: RoundDocument) => boolean | Promise<boolean>): Promise<RoundDocument> {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const startedAt = Date.now();
      const round = (await this.json('auto', '--once')).data as RoundDocument;
      this.#slowestRunMs = Math.max(this.#slowestRunMs, Date.now() - startedAt);
      const hops = round.routes.flatMap(({ paths }) => paths.flatMap((one) => one.hops));
      const failing = hops.filter((one) => one.failures > 0 || one.status === 'down');
      if (hops.length !== 2 || failing.length > 0) throw new Error(JSON.stringify(hops));
      if (await isSo(round)) return round;
      if (Date.now() > deadline) throw new Error(`not in time: ${String(isSo)}\n${await this.#story()}`);
    }
  }

  /** What BIND answers, as dig sees it. */
  async publishedMx(): Promise<readonly string[] | undefined> {
    return (await this.#servers.bind.read(domain, 'MX'))?.rdata;
  }

  /** Files in the mailbox. */
  letters(): string[] {
    const maildir = this.#servers.dovecot.maildir('canary');
    return ['new', 'cur'].flatMap((part) => readdirSync(join(maildir, part)));
  }

  async close(): Promise<void> {
    const { proxy, primary, dovecot, bind } = this.#servers;
    for (const one of [proxy, primary, dovecot, bind]) await one.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #run(args: readonly string[]): ReturnType<typeof runCli> {
    return runCli(args, { env: { ...environment, MXCTL_CONFIG: join(this.#directory, 'mxctl.yaml') } });
  }

  async #story(): Promise<string> {
    return [await this.text('status'), this.proxy.log(), this.primary.log()].join('\n');
  }
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('it is not there');
  return value;
}

export const proxyMx = ['10 mx1.example.com.'];
export const directMx = ['10 mx.shop.example.'];

export async function startPostfixWorld(): Promise<PostfixWorld> {
  const directory = mkdtempSync(join(tmpdir(), 'mxctl-postfix-world-'));
  const bind = await startBind();
  const dovecot = await startDovecot({ users: { canary: password } });
  const primary = await startPrimary(dovecot.maildir('canary'));
  const proxy = await startPostfix({
    address: '127.0.1.1',
    hostName: 'mx1.example.com',
    settings: { relay_domains: 'shop.example', relayhost: `[${primary.address}]:${primary.port}` },
  });
  for (const { hostName, address } of [proxy, primary]) {
    const host = domainNameOf(hostName);
    await bind.write(host, 'A', rrsetOf(host, 'A', 60, [address]));
  }
  await bind.write(domain, 'MX', rrsetOf(domain, 'MX', 5, proxyMx));
  writeFileSync(join(directory, 'ca.pem'), proxy.ca + primary.ca);
  const servers = { bind, dovecot, primary, proxy };
  writeFileSync(join(directory, 'mxctl.yaml'), configOf(directory, servers));
  return new PostfixWorld(servers, directory);
}

/** Delivers to and from address of the canaries into the one Maildir, as its owner. */
function startPrimary(maildir: string): Promise<RealPostfix> {
  const { uid, gid } = statSync(maildir);
  return startPostfix({
    address: '127.0.2.1',
    hostName: 'mx.shop.example',
    settings: {
      virtual_mailbox_domains: 'shop.example, ops.example',
      virtual_mailbox_base: dirname(dirname(maildir)),
      virtual_mailbox_maps:
        'inline:{canary@shop.example=canary/Maildir/, canary@ops.example=canary/Maildir/}',
      virtual_uid_maps: `static:${uid}`,
      virtual_gid_maps: `static:${gid}`,
      virtual_minimum_uid: '1',
    },
  });
}

function configOf(directory: string, { bind, dovecot, proxy, primary }: Servers): string {
  const dns = `127.0.0.1:${bind.server.port}`;
  const mx = ({ hostName, port }: RealPostfix) =>
    `mx: [{preference: 10, exchange: ${hostName}, port: ${port}}]`;
  return `
version: 1
state: {url: "sqlite:${join(directory, 'state.sqlite')}"}
vantage: e2e
resolvers: ["${dns}"]
providers:
  bind: {type: rfc2136, server: "${dns}", tsig: {name: ${realKey.name}, secret: {env: TSIG_SECRET}}}
routes:
  shop:
    strategy: mx
    records: [{provider: bind, zone: shop.example, names: ['@'], authorities: ["${dns}"]}]
    ttl: 5
    failover_ttl: 2
    paths:
      proxy:  {role: proxy, ${mx(proxy)}}
      direct: {role: primary, ${mx(primary)}}
    prefer: proxy
    failover_to: [direct]
    probe:
      interval: 5s
      stages: [connect, banner, ehlo, starttls, rcpt]
      timeout: 10s
      slow_after: 9s
      forgive: 2
      rise: 2
      rcpt: {from: probe@ops.example, to: canary@shop.example}
      ehlo_name: probe.ops.example
      ca_file: ${join(directory, 'ca.pem')}
    failover:
      mode: auto
      failback: auto
      hold_down: 2s
      probation: 2s
      max_flips: {count: 20, within: 1h}
      max_failing_share: 1
    canary:
      from: canary@ops.example
      to: canary@shop.example
      key: {env: CANARY_KEY}
      every: ${timing.everyMs / 1000}s
      delayed_after: ${timing.delayedAfterMs / 1000}s
      # Longer than the test: what is late is never called swallowed.
      swallowed_after: 10m
      fall: 2
      rise: 3
      arrival:
        imap:
          host: ${dovecot.host}
          port: ${dovecot.port}
          user: canary
          password: {env: IMAP_PASSWORD}
          spam: [Junk]
          ca_file: ${dovecot.caFile}
`;
}
