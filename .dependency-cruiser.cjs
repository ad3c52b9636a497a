// The import table of ARCHITECTURE.md. What is not listed is an error; type imports count.
// errors.ts is open to everyone; cycles are forbidden.

const nodeModules = 'node_modules/';
const src = (...folders) => `^src/(${folders.join('|')})(/|$)`;

/** from: a folder or file pattern below src/; to: folders below src/ it may import (its own is always allowed);
 *  npm: packages; node: whether node: modules are allowed. */
const table = [
  { from: 'model', to: [] },
  { from: 'health', to: ['model'] },
  { from: 'decision', to: ['model'] },
  { from: 'change', to: ['model'] },
  { from: 'audit', to: ['model'] },
  // Of app and store only the types of results: see render-takes-types-only.
  { from: 'render', to: ['model', 'health', 'decision', 'change', 'audit', 'app', 'store/store\\.ts'] },
  { from: 'dns', to: ['model'], node: true },
  { from: 'smtp', to: ['model'], node: true },
  { from: 'runtime', to: ['model'], node: true },
  { from: 'gather', to: ['model', 'dns'], npm: ['tldts'], node: true },
  { from: 'inventory', to: ['model'], node: true },
  { from: 'probes', to: ['model', 'dns', 'smtp'], npm: ['nodemailer', 'imapflow'], node: true },
  { from: 'providers', to: ['model', 'dns'], npm: ['zod', '@aws-sdk', 'cloudflare'], node: true },
  { from: 'store', to: ['model'], npm: ['kysely', 'pg'], node: true },
  {
    from: 'config',
    to: ['model', 'providers/[a-z0-9]+/config\\.ts', 'providers/config-parts\\.ts'],
    npm: ['zod', 'yaml'],
    node: true,
  },
  {
    from: 'app',
    to: [
      'model',
      'health',
      'decision',
      'change',
      'audit',
      'render',
      'config/config\\.ts',
      'probes/(probe|canary)\\.ts',
      'providers/provider\\.ts',
      'store/store\\.ts',
      'dns/reader\\.ts',
      'inventory/inventory\\.ts',
      'gather/gather\\.ts',
      'runtime/clock\\.ts',
      'runtime/logger\\.ts',
    ],
  },
  {
    from: 'sandbox',
    to: ['model', 'dns', 'smtp', 'runtime'],
    npm: ['dns2', 'smtp-server', 'selfsigned'],
    node: true,
  },
];

const rules = table.map(({ from, to, npm = [], node = false }) => ({
  name: `${from}-may-import`,
  severity: 'error',
  from: { path: `^src/${from}/` },
  to: {
    pathNot: [
      `^src/${from}/`,
      '^src/errors\\.ts$',
      ...to.map((one) => (one.endsWith('.ts') ? `^src/${one}$` : `^src/${one}/`)),
      ...npm.map((one) => `${nodeModules}(@types/)?${one}(/|$)`),
    ],
    ...(node ? { dependencyTypesNot: ['core'] } : {}),
  },
}));

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    ...rules,
    {
      name: 'adapters-do-not-know-each-other',
      severity: 'error',
      from: { path: '^src/(providers|probes|store)/([^/]+)/' },
      to: { path: '^src/$1/([^/]+)/', pathNot: ['^src/$1/$2/', '^src/store/migrations/'] },
    },
    {
      name: 'commands-see-only-the-front',
      severity: 'error',
      from: { path: ['^src/commands/', '^src/base-command\\.ts$', '^src/front/'] },
      to: {
        path: '^src/',
        pathNot: [
          '^src/commands/',
          '^src/(base-command|compose|errors|model/nearest)\\.ts$',
          src('app', 'render', 'front'),
        ],
      },
    },
    {
      name: 'render-takes-types-only',
      severity: 'error',
      from: { path: '^src/render/' },
      to: { path: '^src/(app|store)/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'only-compose-imports-program',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/(compose|playground|serving)\\.ts$'] },
      to: { path: '^src/(program|playground)\\.ts$' },
    },
    {
      name: 'only-the-front-imports-compose',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/commands/', '^src/base-command\\.ts$', '^src/front/'] },
      to: { path: ['^src/(compose|base-command)\\.ts$', '^src/front/'] },
    },
    {
      name: 'only-compose-opens-adapters',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: [
          '^src/(compose|program|provider-shelf)\\.ts$',
          '^src/store/sql/',
          '^src/providers/',
          '^src/probes/',
        ],
      },
      to: { path: ['^src/store/sql/', '^src/providers/registry\\.ts$', '^src/probes/registry\\.ts$'] },
    },
    {
      name: 'no-oclif-below-commands',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/commands/', '^src/base-command\\.ts$', '^src/front/'] },
      to: { path: `${nodeModules}@oclif/` },
    },
    {
      name: 'no-unresolved',
      severity: 'error',
      from: {},
      // bin/run.js imports what the build makes.
      to: { couldNotResolve: true, pathNot: '^\\.\\./dist/' },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '^dist/'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
