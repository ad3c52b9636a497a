// MTA-STS policies as strangers may write them: read as mailauth reads them, and never for long. RFC 8461 §3.2.

import fc from 'fast-check';
import { parsePolicy as parseByMailauth } from 'mailauth/lib/mta-sts.js';
import { describe, expect, it } from 'vitest';

import { parsePolicy } from '../../src/probes/mta-sts/policy.ts';

const numRuns = Number(process.env['MXCTL_PROPERTY_RUNS'] ?? 200);
/** 64 KB are read in some milliseconds; a busy machine may take a hundred times as long. */
const mostMs = 2000;

const blanks = fc.string({ unit: fc.constantFrom(' ', '\t'), maxLength: 3 });
const lineEnd = fc.constantFrom('\n', '\r\n');
const oneOf = (...values: readonly string[]) => fc.constantFrom(...values);
const label = fc.stringMatching(/^[a-zA-Z0-9]{1,8}$/);
const host = fc.tuple(oneOf('', '*.'), label, label).map(([wild, a, b]) => `${wild}${a}.${b}`);
const field = fc.oneof(
  fc.tuple(oneOf('version'), oneOf('STSv1', 'STSv1', 'STSv1', 'STSv2', 'stsv1', '')),
  fc.tuple(oneOf('mode'), oneOf('enforce', 'testing', 'none', 'Enforce', 'report', '')),
  fc.tuple(
    oneOf('max_age'),
    fc.oneof(fc.nat().map(String), oneOf('0', '604800', '31557600', '31557601', '1.5', '-1', '1e3', '')),
  ),
  fc.tuple(oneOf('mx'), host),
  fc.tuple(oneOf('colour', 'Mode', 'a.b-c_d', '', ' mx'), oneOf('blue', 'a:b', '')),
);
const line = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.tuple(field, blanks, blanks).map(([[key, value], a, b]) => `${key}:${a}${value}${b}`),
  },
  { weight: 1, arbitrary: oneOf('', 'hello', ':', 'mode enforce', '<!doctype html>') },
);
/** Mostly policies: what begins well stays one more often than not. */
const beginning = oneOf(
  '',
  '',
  'version: STSv1\nmode: testing\nmax_age: 86400\nmx: mx.example.com\n',
  'version: STSv1\n',
);
const policy = fc
  .tuple(beginning, fc.array(fc.tuple(line, lineEnd), { maxLength: 12 }))
  .map(([start, rest]) => start + rest.flat().join(''));

/** Null where it refuses. A pattern that stands twice counts once. */
function theirs(text: string) {
  try {
    const { mode, mx = [] } = parseByMailauth(text, { strict: true });
    return { mode, patterns: mx };
  } catch {
    return null;
  }
}

describe('parsePolicy', () => {
  it('reads a policy as mailauth does', () => {
    let taken = 0;
    fc.assert(
      fc.property(policy, (text) => {
        const read = parsePolicy(text);
        if (read !== null) taken += 1;
        expect(read && { ...read, patterns: [...new Set(read.patterns)] }).toEqual(theirs(text));
      }),
      { numRuns },
    );
    expect(taken).toBeGreaterThan(numRuns / 20);
  });

  it('gives a value for any text, soon', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      oneOf(
        'version: STSv1',
        'mode:',
        'enforce',
        'mx:',
        'max_age: 1',
        '\n',
        '\r',
        '\r\n',
        '\u2028',
        '\0',
        ':',
        '*.',
      ),
      fc
        .tuple(oneOf(' ', '\t', ' \t', 'a', ':', '\r', 'mx: a\n', 'é', '\\'), fc.nat({ max: 20_000 }))
        .map(([one, times]) => one.repeat(times)),
    );
    const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join('').slice(0, 65_536));
    fc.assert(
      fc.property(text, (one) => {
        const startedAt = performance.now();
        const read = parsePolicy(one);
        expect(performance.now() - startedAt).toBeLessThan(mostMs);
        if (read !== null) {
          expect(read.patterns.length).toBeLessThanOrEqual(100);
          expect(read.patterns.every((pattern) => /^[^ \t](?:.*[^ \t])?$/s.test(pattern))).toBe(true);
        }
      }),
      { numRuns },
    );
  });
});
