// How long a cold `apply` of one owner takes to its first call to the provider on the wire, and to the change: the built
// program in a new process each time, at Route 53 and at Cloudflare. Beside it the adapter alone, from the moment it is
// opened, and `mxctl --version`, which is what starting takes. Prints medians; the aim is 400 ms at most.
// Usage: node test/bench/first-call.ts [ROUNDS]

import {
  endProviders,
  type Kind,
  onWire,
  putOwners,
  run,
  runAdapter,
  writeConfig,
} from '../support/two-providers.ts';

// Enough for a median that repeats within some per cent on a machine that does nothing else.
const rounds = Number(process.argv[2] ?? 15);
const mostMs = 400;
const overrides = ['hold-down', 'flip-limit', 'caches-not-clear'].flatMap((name) => ['--override', name]);
const names = putOwners(1);

for (const kind of ['route53', 'cloudflare'] as const) {
  const samples: Sample[] = [];
  // The first round fills the compile cache and is not counted.
  for (let round = 0; round <= rounds; round++) {
    const sample = await measure(kind, round % 2 === 0 ? 'proxy' : 'direct');
    if (round > 0) samples.push(sample);
  }
  const median = (of: (sample: Sample) => number) =>
    samples.map(of).toSorted((a, b) => a - b)[samples.length >> 1] ?? NaN;
  console.log(`apply of one owner at ${kind}, medians of ${samples.length}`);
  console.log(`  (mxctl --version, for scale)     ${median((one) => one.versionMs).toFixed(0)} ms`);
  print(
    'adapter alone, to its first call',
    median((one) => one.adapterMs),
  );
  print(
    'to its first call on the wire',
    median((one) => one.firstMs),
  );
  print(
    'to the change on the wire',
    median((one) => one.writeMs),
  );
}
await endProviders();

interface Sample {
  readonly versionMs: number;
  readonly adapterMs: number;
  readonly firstMs: number;
  readonly writeMs: number;
}

async function measure(kind: Kind, to: string): Promise<Sample> {
  const config = ['--config', writeConfig(kind, names)];
  await run(['plan', 'mail', '--to', to, '--out', 'plan.json', ...config]);
  const apply = ['apply', 'plan.json', ...config, ...overrides, '--confirm', 'mail', '--reason', 'bench'];
  const { first, write } = await arrivals(kind, () => run(apply));
  const { tookMs } = await run(['--version']);
  let opened = '';
  const adapter = await arrivals(kind, async () => {
    opened = (await runAdapter(kind, 1)).stdout;
  });
  return {
    versionMs: tookMs,
    adapterMs: adapter.startedAt + adapter.first - Number(opened),
    firstMs: first,
    writeMs: write,
  };
}

/** When the first request arrives, and the first that writes, since `startedAt`; ms. NaN where none does. */
async function arrivals(kind: Kind, work: () => Promise<unknown>) {
  const startedAt = performance.timeOrigin + performance.now();
  const at = { first: NaN, write: NaN };
  const note = (what: keyof typeof at) => () => {
    if (Number.isNaN(at[what])) at[what] = performance.timeOrigin + performance.now() - startedAt;
  };
  onWire(kind, note('first'), note('write'));
  await work();
  onWire(kind, null);
  return { startedAt, ...at };
}

function print(what: string, ms: number): void {
  console.log(
    `  ${what.padEnd(32)} ${ms.toFixed(0)} ms, ratio ${(ms / mostMs).toFixed(2)} (aim: ${mostMs} ms at most)`,
  );
}
