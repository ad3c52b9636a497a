// Every rule of the audit that the wire can bring about, brought about: DNS, HTTPS and SMTP on loopback, each domain with
// one fault. All of them are found, and nothing else is.

import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deepPolicy } from '../../../src/auditing.ts';
import { runAudit } from '../../../src/app/audit.ts';
import { Baseline } from '../../../src/app/audit-baseline.ts';
import { auditParts } from '../../../src/app/audit-parts.ts';
import { rules } from '../../../src/audit/index.ts';
import { parseConfig } from '../../../src/config/parse.ts';
import { createGatherer } from '../../../src/gather/create.ts';
import type { Inventory } from '../../../src/inventory/inventory.ts';
import type { DomainName } from '../../../src/model/domain-name.ts';
import { createDaneReader } from '../../../src/probes/dane/index.ts';
import { createStsReader } from '../../../src/probes/mta-sts/index.ts';
import { createSmtpProbe } from '../../../src/probes/smtp/index.ts';
import type { ComparedResult } from '../../../src/render/audit/output.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { unplantable } from '../../support/fault-scenes.ts';
import { faultConfig, type FaultWorld, type Planted, startFaultWorld } from '../../support/fault-world.ts';

const copies = 3;
const now = Date.now();
const config = parseConfig(faultConfig(copies), {
  configFile: '/etc/mxctl/mxctl.yaml',
  shownFile: 'mxctl.yaml',
  now,
  hostname: 'test',
});

let world: FaultWorld;
beforeAll(async () => {
  world = await startFaultWorld(copies);
}, 60_000);
afterAll(async () => world[Symbol.asyncDispose]());

function listOf(domains: readonly DomainName[], file: string | null): Inventory {
  async function* inOne() {
    await Promise.resolve();
    yield domains.map((domain, at) => ({ kind: 'domain' as const, domain, source: { file, line: at + 2 } }));
  }
  return { rows: inOne(), share: () => null };
}

function openGatherer() {
  return createGatherer({
    resolvers: [world.resolver],
    qps: null,
    concurrency: null,
    readSts: (resolver) =>
      createStsReader({ resolver, caCertificates: [world.ca], port: world.policyPort, timeoutMs: 20_000 }),
    readDane: (resolver) => createDaneReader({ resolver }),
    probe: (resolver) => {
      const probe = createSmtpProbe({
        resolver,
        clock: systemClock,
        vantage: 'test',
        ehloName: 'audit.test',
        maxSessions: 16,
        jitter: () => 0,
        caCertificates: [world.ca],
      });
      return (exchange, addresses, signal) =>
        Promise.all(
          addresses.map(async (address) => {
            const seen = await probe.probe({ exchange, ...world.hopOf(address) }, deepPolicy, signal);
            return { ...seen, address, port: 25 };
          }),
        );
    },
    clock: systemClock,
    threads: 0,
    // A busy machine is no fault.
    timeoutMs: 20_000,
    authorityPort: world.authorityPort,
  });
}

async function audit(isDeep: boolean): Promise<readonly ComparedResult[]> {
  const gatherer = openGatherer();
  const of = (audit: string | null) =>
    world.domains.filter(({ scene }) => (scene.audit === undefined ? 'customers' : scene.audit) === audit);
  const byHand = of(null).map((one) => one.domain);
  const selection = {
    names: [...config.audits.map((one) => one.name), ...byHand],
    lists: [],
    column: null,
    expect: [],
    match: 'exact',
    as: null,
    isQuick: false,
    isDeep,
  } as const;
  const lists = {
    open: (file: string) => {
      const name = file.replace(/^.*\/|\.csv$/g, '');
      const domains = of(name).map((one) => one.domain);
      return listOf(domains, `${name}.csv`);
    },
    ofNames: () => listOf(byHand, null),
  };
  const before = new Map(world.domains.map(({ domain, scene }) => [domain, scene.before ?? null]));
  const results: ComparedResult[] = [];
  try {
    await runAudit(
      {
        startedAt: now,
        parts: auditParts(selection, config, lists, now, (domain) => before.get(domain) ?? null),
        verdicts: { failOn: 'error', isNewOnly: false, maxUnknown: { kind: 'share', value: 0.1 } },
        shard: null,
        baseline: new Baseline(),
        concurrency: 64,
      },
      {
        gatherer,
        digest: (text) => createHash('sha256').update(text).digest('hex').slice(0, 32),
        seed: 7,
        clock: systemClock,
      },
      {
        domain: (result) => void results.push(result),
        badRow: () => {},
        room: () => null,
        isClosed: () => false,
      },
      AbortSignal.timeout(60_000),
      () => {},
    );
  } finally {
    await gatherer.close();
  }
  return results;
}

/** `SCENE #COPY: RULE` */
function labelled(one: Planted, rule: string): string {
  return `${one.name} (${one.domain}): ${rule}`;
}

describe.each([
  ['as it is by default', false],
  ['with --deep', true],
])('an audit of the world, %s', (title, isDeep) => {
  let results: readonly ComparedResult[];
  beforeAll(async () => {
    results = await audit(isDeep);
  }, 60_000);

  it('finds every fault that is there, and no other', () => {
    const planted = new Set(
      world.domains.flatMap((one) =>
        one.scene.rules
          .filter((rule) => isDeep || one.scene.deepRules?.includes(rule) !== true)
          .map((rule) => labelled(one, rule)),
      ),
    );
    const sceneOf = new Map(world.domains.map((one) => [one.domain, one]));
    const found = new Set(
      results.flatMap(({ findings }) =>
        findings.map(({ domain, rule }) => labelled(sceneOf.get(domain)!, rule)),
      ),
    );
    const right = [...found].filter((one) => planted.has(one)).length;
    const [precision, recall] = [right / found.size, right / planted.size];
    const byRule = new Set([...planted].map((one) => one.replace(/^.*: /, '')));
    console.log(
      `${title}: ${world.domains.length} domains, ${planted.size} faults planted, ${found.size} found, ` +
        `precision ${precision.toFixed(4)}, recall ${recall.toFixed(4)}; ` +
        `${byRule.size} of ${rules.length} rules: ${[...byRule].sort().join(' ')}`,
    );
    const wrong = [...found].filter((one) => !planted.has(one));
    const missed = [...planted].filter((one) => !found.has(one));
    expect({ wrong, missed }).toEqual({ wrong: [], missed: [] });
    expect([precision, recall]).toEqual([1, 1]);
    const notFound = rules.map(({ id }) => id).filter((id) => !byRule.has(id));
    if (isDeep) expect(notFound).toEqual(Object.keys(unplantable));
  });

  it('knows all but what nobody answers', () => {
    const unknown = results.filter(({ unknowns }) => unknowns.length > 0);
    const wanted = world.domains.filter(({ scene }) => scene.isUnknown === true);
    expect(unknown.map(({ subject }) => subject.domain).sort()).toEqual(
      wanted.map(({ domain }) => domain).sort(),
    );
    expect(results).toHaveLength(world.domains.length);
  });
});
