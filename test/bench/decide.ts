// Time of the pure decision for 100,000 routes, every guard of every candidate asked. Prints; asserts nothing.
// Run: node test/bench/decide.ts [ROUTES]

import { judge } from '../../src/change/guards/index.ts';
import { changesTo, ttlFor } from '../../src/change/plan.ts';
import { matchLive, rrsetKey, type LiveMatch } from '../../src/change/published.ts';
import { decide } from '../../src/decision/decide.ts';
import { domainNameOf } from '../../src/model/domain-name.ts';
import { pathOf, type Route } from '../../src/model/route.ts';
import { rrsetOf, type Rrset } from '../../src/model/rrset.ts';
import { noon, observe, pathIs, supportRoute } from '../support/worlds.ts';

const count = Number(process.argv[2] ?? 100_000);
const health = { ok: pathIs('ok'), down: pathIs('down') };
const observations = [observe('+')];

interface Case {
  readonly route: Route;
  readonly live: ReadonlyMap<string, Rrset | null>;
  readonly isDown: boolean;
}

/** Every tenth route has to leave its path; the rest is well. */
function caseOf(at: number): Case {
  const owner = domainNameOf(`d${at}.example`);
  const route = supportRoute({
    name: `r${at}`,
    records: [{ provider: 'bind', zone: owner, owners: [owner], authorities: null }],
  });
  const rdata = ['10 mx1.filter.example.net.', '20 mx2.filter.example.net.', '90 spool.example.org.'];
  const live = new Map([[rrsetKey(owner, 'MX'), rrsetOf(owner, 'MX', 3600, rdata)]]);
  return { route, live, isDown: at % 10 === 0 };
}

interface Matched extends Case {
  readonly match: LiveMatch;
}

function decideOne({ route, live, isDown, match }: Matched): string {
  const active = match.kind === 'path' ? match.path : '';
  const paths = new Map(
    route.paths.map((path) => [path.name, path.name === active && isDown ? health.down : health.ok]),
  );
  const { decision } = decide(null, {
    route,
    live: { kind: 'path', path: active, leastTtl: 3600 },
    health: paths,
    isCutOff: false,
    noQuorum: null,
    maintenance: new Set(),
    lastFlip: null,
    notices: [],
    now: noon,
    assess: (name, kind) => {
      const to = pathOf(route, name);
      const target = paths.get(name);
      if (to === undefined || target === undefined) throw new RangeError(name);
      return judge({
        route,
        kind,
        to,
        now: noon,
        isAuto: true,
        live: match,
        revert: null,
        disagreement: null,
        changes: changesTo(route, to, live, ttlFor(route, kind)),
        target,
        active: paths.get(active) ?? null,
        observations,
        vantage: 'ok',
        votes: { activeDown: 1, targetUp: 1 },
        actions: [],
        pauses: [],
        brakes: [],
        vantageName: 'here',
        movedThisRun: 0,
        failingShare: 0.1,
        sts: null,
        dane: null,
      });
    },
  });
  return decision.kind;
}

function timed<T>(name: string, work: () => T): T {
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  const result = work();
  const elapsedMs = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpu);
  const perSecond = Math.round((count / elapsedMs) * 1000);
  // CPU time beside: on a busy machine the clock on the wall says little.
  const cpuMs = Math.round((user + system) / 1000);
  console.log(`${name}: ${count} in ${elapsedMs.toFixed(0)} ms (${cpuMs} ms of CPU), ${perSecond}/s`);
  return result;
}

function decideAll(cases: readonly Matched[]): Map<string, number> {
  const tally = new Map<string, number>();
  for (const one of cases) {
    const kind = decideOne(one);
    tally.set(kind, (tally.get(kind) ?? 0) + 1);
  }
  return tally;
}

const cases = Array.from({ length: count }, (_, at) => caseOf(at));
const matched = timed('live RRsets matched with paths', () =>
  cases.map((one): Matched => ({ ...one, match: matchLive(one.route, one.live) })),
);
console.log(timed('decisions, every tenth down', () => decideAll(matched)));
const allDown = matched.map((one) => ({ ...one, isDown: true }));
console.log(timed('decisions with all guards, all down', () => decideAll(allDown)));
