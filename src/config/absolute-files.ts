// Relative secret files start at the config file, wherever the command is run.

import { resolve } from 'node:path';
import { secretSource } from '../providers/config-parts.ts';

/** The same value, with the file of every secret source in it made absolute against `directory`. */
export function withAbsoluteFiles<T>(given: T, directory: string): T {
  const walk = (value: unknown): unknown => {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
    const source = secretSource.safeParse(value);
    if (source.success) return 'file' in source.data ? { file: resolve(directory, source.data.file) } : value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, walk(one)]));
  };
  return walk(given) as T;
}
