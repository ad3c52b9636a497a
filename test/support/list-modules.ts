// Loaded with `node --import` into the program under test: appends the URL of every module that it loads to the
// file named by MXCTL_TEST_MODULES.

import { appendFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

const list = process.env['MXCTL_TEST_MODULES'] ?? '/dev/null';

registerHooks({
  resolve: (specifier, context, nextResolve) => {
    const resolved = nextResolve(specifier, context);
    appendFileSync(list, `${resolved.url}\n`);
    return resolved;
  },
});
