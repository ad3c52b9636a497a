// One route with many owners in one Route 53 zone, moved by the built program: calls made against the least that the API
// allows, and peak memory, of the adapters alone too. Prints, and asserts nothing.
// Usage: node test/bench/fan-out.ts [OWNERS]

import {
  endProviders,
  putOwners,
  type Ran,
  route53,
  run,
  runAdapter,
  valuesAfter,
  valuesBefore,
  writeConfig,
} from '../support/two-providers.ts';

const owners = Number(process.argv[2] ?? 10_000);
/** For a zone of 10,000 record sets; what the project set itself. */
const mostBytes = 200e6;

/** Route 53 takes 300 record sets a page, 1,000 values a batch, and a change of one name is not torn apart. */
const valuesEach = valuesBefore.length + valuesAfter.length;
const least = {
  ListResourceRecordSets: Math.ceil(owners / 300),
  ChangeResourceRecordSets: Math.ceil(owners / Math.floor(1000 / valuesEach)),
  // One look that finds it in sync.
  GetChange: 1,
};

const config = writeConfig('route53', putOwners(owners));
const failover = await run(['failover', 'mail', '--config', config, '--yes', '--reason', 'bench']);
if (failover.exitCode !== 0) throw new Error(`failover ended with ${failover.exitCode}`);
console.log(`failover of ${owners} owners in one Route 53 zone`);
for (const [action, leastCalls] of Object.entries(least)) {
  const made = route53.log.filter((line) => line.startsWith(`${action} `)).length;
  console.log(`  ${action.padEnd(26)} ${made} calls, least possible ${leastCalls}`);
}
const known = Object.keys(least);
const others = route53.log.filter((line) => !known.some((action) => line.startsWith(action)));
console.log(`  others                     ${others.join(', ')}`);
console.log(`  took                       ${(failover.tookMs / 1000).toFixed(1)} s`);
printMemory('peak memory of the command', failover);
for (const kind of ['route53', 'cloudflare'] as const)
  printMemory(
    `peak memory of the ${kind} adapter alone, reading and writing`,
    await runAdapter(kind, owners),
  );
await endProviders();

function printMemory(what: string, { exitCode, peakBytes }: Ran): void {
  if (exitCode !== 0) throw new Error(`it ended with ${exitCode}`);
  const megabytes = (peakBytes / 1e6).toFixed(0);
  console.log(
    `  ${what}: ${megabytes} MB, ratio ${(peakBytes / mostBytes).toFixed(2)} (aim: 200 MB at most)`,
  );
}
