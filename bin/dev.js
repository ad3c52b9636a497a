#!/usr/bin/env node
// Runs the sources without a build: Node 24 strips the types, and oclif is pointed at src/ instead of dist/.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { execute } from '@oclif/core';

const root = fileURLToPath(new URL('..', import.meta.url));
const pjson = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8')
    .replaceAll('"./dist/', '"./src/')
    .replaceAll(/("\.\/src\/[^"]*)\.js"/g, '$1.ts"'),
);
await execute({ loadOptions: { root, ignoreManifest: true, pjson } });
