// The second half of `npm run build`, after tsc has checked the types: src/ and the packages whose code is many small
// files become some files in dist/. Kysely, zod, yaml, and the clients of AWS and Cloudflare are 700 modules, and Node
// takes longer to find and open those (0.4 ms each) than `apply` takes to run: the first call to a provider would leave
// half a second later. What is imported lazily stays a file of its own, so a command loads what it uses. Of the two
// clients only the named parts go in (providers/*/sdk.ts); `cloudflare` is 120 MB on disk and so a dependency of the
// build alone.

import { globSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';

const { dependencies } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));

/** Put into dist/; every other package is loaded from where npm has put it. */
const bundled = ['@aws-sdk/client-route-53', '@aws-sdk/client-sts', 'cloudflare', 'kysely', 'yaml', 'zod'];

/** What is started or imported by name: commands by oclif's manifest, the front by bin/run.js and package.json, the rest
 *  by tests and benches that drive the build, gather/mx-thread.js by gather/mx-threads.ts. */
const entries = [
  ...globSync('src/commands/**/*.ts'),
  ...globSync('src/front/{command-not-found,help,outside,output}.ts'),
  ...globSync('src/{base-command,errors}.ts'),
  ...globSync('src/{gather/mx-thread,providers/{rate-budget,registry},runtime/{clock,heap}}.ts'),
];

/** First line of a file: whose code is in it. */
function banner({ moduleIds }) {
  const packages = moduleIds.flatMap((id) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1] ?? []);
  return `/*! Of ${['mxctl', ...new Set(packages)].join(', ')}: see the LICENSE of each. */`;
}

/** Builds leave the files of those before to whoever still runs them, for as long as a test suite takes. */
const keptMs = 3_600_000;

/** @type {import('rolldown').Plugin} */
const sweep = {
  name: 'sweep',
  writeBundle({ dir = 'dist' }, bundle) {
    for (const file of globSync('**/*.js', { cwd: dir })) {
      const at = path.join(dir, file);
      if (!(file in bundle) && Date.now() - statSync(at).mtimeMs > keptMs) rmSync(at);
    }
  },
};

/** @type {import('rolldown').RolldownOptions} */
export default {
  input: Object.fromEntries(entries.map((file) => [file.slice('src/'.length, -'.ts'.length), file])),
  platform: 'node',
  plugins: [sweep],
  external: Object.keys(dependencies).filter((name) => !bundled.includes(name)),
  // The ES modules of the AWS SDK, where there are both: of the others nothing can be left out.
  resolve: { conditionNames: ['module', 'node', 'import'], mainFields: ['module', 'main'] },
  output: {
    dir: 'dist',
    format: 'esm',
    entryFileNames: '[name].js',
    // By content: a build does not pull files from under a program that is running (test and build at once).
    chunkFileNames: 'chunks/[name]-[hash].js',
    banner,
  },
};
