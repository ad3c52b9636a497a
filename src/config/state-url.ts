// `state.url`: which texts may stand in the file as they are. A password may not, in any of its disguises.

import { isAbsolute, resolve } from 'node:path';

/** True for `sqlite:FILE` and for a PostgreSQL URL that cannot hold a password. */
export function isPlainStateUrl(text: string): boolean {
  if (text.startsWith('sqlite:')) return text.length > 'sqlite:'.length && !text.startsWith('sqlite://');
  const url = URL.parse(text);
  if (url === null || !['postgres:', 'postgresql:'].includes(url.protocol)) return false;
  // A `/`, `#` or `@` in an unescaped password moves it from the authority into the path or the fragment.
  if (url.password !== '' || url.hash !== '' || !/^\/[^@/:]+$/.test(url.pathname)) return false;
  return [...url.searchParams.keys()].every((key) => !/pass/i.test(key));
}

/** `sqlite:FILE` with the file made absolute against `directory`; anything else as it is. */
export function absoluteStateUrl(url: string, directory: string): string {
  if (!url.startsWith('sqlite:')) return url;
  const file = url.slice('sqlite:'.length);
  return file === ':memory:' || isAbsolute(file) ? url : `sqlite:${resolve(directory, file)}`;
}
