import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/parse.ts';
import { ConfigProblemsError } from '../../../src/config/problems.ts';
import { nearest } from '../../../src/model/nearest.ts';
import { formatDuration, parseDuration, parseServerAddress } from '../../../src/providers/config-parts.ts';

const numRuns = Number(process.env['MXCTL_PROPERTY_RUNS'] ?? 200);
const input = { configFile: '/m.yaml', shownFile: 'm.yaml', now: 0, hostname: 'h' };

describe('the words of a configuration', () => {
  it('read back the duration that was written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 3650 * 86_400 }), (seconds) => {
        expect(parseDuration(formatDuration(seconds * 1000))).toBe(seconds * 1000);
      }),
      { numRuns },
    );
  });

  it('write the shortest form of a duration that was read', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3650 }), fc.constantFrom('s', 'm', 'h', 'd'), (count, unit) => {
        const ms = parseDuration(`${count}${unit}`) ?? -1;
        expect(formatDuration(ms).length).toBeLessThanOrEqual(`${count}${unit}`.length);
      }),
      { numRuns },
    );
  });

  it('read a server address with its port', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.integer({ min: 1, max: 65_535 }), (address, port) => {
        const text = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
        expect(parseServerAddress(text, 53)).toEqual({ address: address.toLowerCase(), port });
        expect(parseServerAddress(address, 53)).toEqual({ address: address.toLowerCase(), port: 53 });
      }),
      { numRuns },
    );
  });

  it('never suggest a word that was not offered, and always the word itself', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.string()), (given, words) => {
        const found = nearest(given, words);
        if (found !== null) expect(words).toContain(found);
        if (words.includes(given) && given.length <= 64) expect(found?.toLowerCase()).toBeDefined();
      }),
      { numRuns },
    );
  });
});

describe('any text at all', () => {
  const key = fc.constantFrom(
    'version',
    'routes',
    'providers',
    'r',
    'paths',
    'mx',
    'probe',
    'strategy',
    'defaults',
    'canary',
    'arrival',
    'imap',
    'from',
    '*a',
    '&a x',
    '<<',
  );
  const tree = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom('1', 'mx', 'address', '"@"', '[]', '{}', 'null', '30s', '-1', '2001:db8::1', '*a'),
      fc.array(tie('node'), { maxLength: 3 }).map((list) => `[${list.join(', ')}]`),
      fc
        .array(fc.tuple(key, tie('node')), { maxLength: 4 })
        .map((pairs) => `{${pairs.map(([k, v]) => `${k}: ${String(v)}`).join(', ')}}`),
    ),
  })).node;

  it.each([
    ['bytes', fc.string({ unit: 'binary' })],
    [
      'half a configuration',
      fc.array(fc.tuple(key, tree)).map((pairs) => pairs.map(([k, v]) => `${k}: ${v}`).join('\n')),
    ],
  ])('of %s is a configuration or a list of places within it', (_, texts) => {
    fc.assert(
      fc.property(texts, (text) => {
        try {
          parseConfig(text, input);
        } catch (error) {
          if (!(error instanceof ConfigProblemsError)) throw error;
          const lines = text.split(/\n/).length;
          expect(error.problems.length).toBeGreaterThan(0);
          for (const one of error.problems) {
            expect(one.line).toBeGreaterThanOrEqual(1);
            expect(one.line).toBeLessThanOrEqual(lines);
            expect(one.column).toBeGreaterThanOrEqual(1);
          }
        }
      }),
      { numRuns },
    );
  });
});
