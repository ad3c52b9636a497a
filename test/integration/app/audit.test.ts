// A generated world of domains with planted faults, audited whole: all of them are found, and nothing else is.

import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AuditEnd, type AuditRequest, type AuditSink, runAudit } from '../../../src/app/audit.ts';
import { Baseline } from '../../../src/app/audit-baseline.ts';
import { auditParts } from '../../../src/app/audit-parts.ts';
import { parseConfig } from '../../../src/config/parse.ts';
import { createGatherer } from '../../../src/gather/create.ts';
import type { Gatherer } from '../../../src/gather/gather.ts';
import type { Inventory, InventoryRow } from '../../../src/inventory/inventory.ts';
import type { DomainName } from '../../../src/model/domain-name.ts';
import type { ComparedResult } from '../../../src/render/audit/output.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { createAuditWorld, plantable } from '../../support/audit-world.ts';
import { type DnsServer, startDnsServer } from '../../support/dns-server.ts';

const size = 3000;
const seed = Number(process.env['MXCTL_AUDIT_SEED'] ?? 20_261_122);
const world = createAuditWorld(size, seed);
const now = Date.parse('2026-11-22T03:12:09Z');

const config = parseConfig(
  `version: 1
providers: {bind: {type: rfc2136, server: 192.0.2.53, tsig: {name: k, secret: {env: K}}}}
routes:
  customers:
    strategy: mx
    records: [{provider: bind, zone: example, names: [customer-0]}]
    ttl: 3600
    paths:
      direct: {role: primary, mx: [{preference: 10, exchange: mx1.host.example}]}
      spool: {role: backup, mx: [{preference: 90, exchange: spool.host.example}]}
    prefer: direct
    keep: [spool]
audits:
  all:
    domains: {file: all.csv, column: domain}
    expect: {mx: [mx1.host.example, spool.host.example], match: exact}
`,
  { configFile: '/etc/mxctl/mxctl.yaml', shownFile: 'mxctl.yaml', now, hostname: 'test' },
);

let dns: DnsServer;
beforeAll(async () => {
  dns = await startDnsServer(world);
});
afterAll(async () => dns.close());

function listOf(domains: readonly DomainName[]): Inventory {
  const rows = domains.map((domain, at): InventoryRow => ({
    kind: 'domain',
    domain,
    source: { file: 'all.csv', line: at + 2 },
  }));
  async function* inPieces(): AsyncGenerator<readonly InventoryRow[]> {
    await Promise.resolve();
    for (let at = 0; at < rows.length; at += 500) yield rows.slice(at, at + 500);
  }
  return { rows: inPieces(), share: () => null };
}

interface Audited {
  readonly results: readonly ComparedResult[];
  readonly end: AuditEnd;
  readonly mostHeld: number;
}

/** `sink`: laid over one that takes everything. */
async function audit(
  { domains = world.domains, ...over }: Partial<AuditRequest> & { domains?: readonly DomainName[] } = {},
  sink: Partial<AuditSink> = {},
  signal = new AbortController().signal,
): Promise<Audited> {
  const gatherer = createGatherer({
    resolvers: [dns],
    qps: null,
    concurrency: null,
    readSts: null,
    readDane: null,
    probe: null,
    clock: systemClock,
    threads: 0,
  });
  const results: ComparedResult[] = [];
  let held = 0;
  let mostHeld = 0;
  const watched: Gatherer = {
    counters: gatherer.counters,
    gather: (...args) => gatherer.gather(...args),
    close: () => gatherer.close(),
    gatherFor: (domain, wants, taker) => {
      held += 1;
      mostHeld = Math.max(mostHeld, held);
      gatherer.gatherFor(domain, wants, {
        take: (facts) => {
          held -= 1;
          taker.take(facts);
        },
        fail: (error) => taker.fail(error),
      });
    },
  };
  const selection = {
    names: ['all'],
    lists: [],
    column: null,
    expect: [],
    match: 'exact',
    as: null,
  } as const;
  const lists = { open: () => listOf(domains), ofNames: () => listOf([]) };
  const deps = {
    gatherer: watched,
    digest: (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 32),
    seed: 7,
    clock: systemClock,
  };
  const request: AuditRequest = {
    startedAt: now,
    parts: auditParts({ ...selection, isQuick: true, isDeep: false }, config, lists, now, () => null),
    verdicts: { failOn: 'error', isNewOnly: false, maxUnknown: { kind: 'share', value: 0.1 } },
    shard: null,
    baseline: new Baseline(),
    concurrency: 64,
    ...over,
  };
  const full: AuditSink = {
    domain: (result) => void results.push(result),
    badRow: () => {},
    room: () => null,
    isClosed: () => false,
    ...sink,
  };
  try {
    const end = await runAudit(request, deps, full, signal, () => {});
    return { results, end, mostHeld };
  } finally {
    await gatherer.close();
  }
}

const foundIn = (results: readonly ComparedResult[]) =>
  new Set(results.flatMap(({ findings }) => findings.map(({ domain, rule }) => `${domain} ${rule}`)));

describe('an audit of a generated world', () => {
  it('finds all that was planted and only that', async () => {
    const { results, end } = await audit();
    const found = foundIn(results);
    const right = [...found].filter((one) => world.planted.has(one)).length;
    const [precision, recall] = [right / found.size, right / world.planted.size];
    console.log(
      `seed ${seed}: ${size} domains, ${world.planted.size} planted, ${found.size} found, ` +
        `precision ${precision.toFixed(4)}, recall ${recall.toFixed(4)}`,
    );
    const wrong = [...found].filter((one) => !world.planted.has(one));
    const missed = [...world.planted].filter((one) => !found.has(one));
    expect({ wrong: wrong.slice(0, 10), missed: missed.slice(0, 10) }).toEqual({ wrong: [], missed: [] });
    expect([precision, recall]).toEqual([1, 1]);
    const rules = Object.values(plantable).flatMap((one): readonly string[] => one.rules);
    expect(new Set(Object.keys(end.summary.byRule))).toEqual(new Set(rules));
  });

  it('calls unknown what had no answer, and nothing else', async () => {
    const { results, end } = await audit();
    const unknown = results.filter(({ outcome }) => outcome === 'unknown');
    expect(new Set(unknown.map(({ subject }) => subject.domain))).toEqual(world.unanswered);
    expect(end.summary).toMatchObject({ rows: size, unknown: world.unanswered.size, duplicates: 0 });
  });

  it('comes in the order of the list where one domain at a time is in work', async () => {
    const domains = world.domains.slice(0, 200);
    const { results } = await audit({ concurrency: 1, domains });
    expect(results.map(({ subject }) => subject.domain)).toEqual(domains);
  });

  it('splits into shards that find together what it finds alone', async () => {
    const shards = await Promise.all([1, 2, 3].map((number) => audit({ shard: { number, of: 3 } })));
    const all = shards.flatMap(({ results }) => results);
    expect(all).toHaveLength(size);
    expect(foundIn(all)).toEqual(world.planted);
  });

  it('never has more in work than it was told, and waits for who writes', async () => {
    let room = 0;
    const { mostHeld } = await audit(
      { concurrency: 16 },
      {
        room: () => {
          room += 1;
          return room % 100 === 0 ? new Promise((resolve) => setImmediate(resolve)) : null;
        },
      },
    );
    expect(mostHeld).toBe(16);
    expect(room).toBe(size);
  });

  it('ends at once on abort, and soon where nobody reads', async () => {
    const controller = new AbortController();
    const reason = new Error('stop');
    let count = 0;
    const sink = {
      domain: () => {
        count += 1;
        if (count === 50) controller.abort(reason);
      },
    };
    await expect(audit({}, sink, controller.signal)).rejects.toBe(reason);
    expect(count).toBe(50);
    const { results } = await audit({}, { isClosed: () => true });
    expect(results).toEqual([]);
  });

  it('ends with what went wrong in one domain, and hands nothing on after it', async () => {
    const reason = new Error('a bug');
    let count = 0;
    const sink = {
      domain: () => {
        count += 1;
        if (count === 50) throw reason;
      },
    };
    await expect(audit({}, sink)).rejects.toBe(reason);
    expect(count).toBe(50);
  });
});
