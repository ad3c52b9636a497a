// Which mxctl this is.

import { readFileSync } from 'node:fs';

/** As package.json says, which lies two folders up from here and from what is built of it. */
export function readVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return version;
}
