// Run by `npm run build` after tsc: puts the parts of Cloudflare's client that are used into one file. Imported as it
// is, the package reads the resources of every product (half a second, 120 MB on disk), so it is a dependency of the
// build alone.

/** @type {import('rolldown').RolldownOptions} */
export default {
  input: 'src/providers/cloudflare/sdk.ts',
  platform: 'node',
  output: {
    file: 'dist/providers/cloudflare/sdk.js',
    format: 'esm',
    banner: '/*! Parts of cloudflare 7.3.0 by Cloudflare, Apache-2.0: see LICENSE. */',
  },
};
