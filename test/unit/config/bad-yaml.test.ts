import { describe, expect, it } from 'vitest';
import { refusalOf } from './config-text.ts';

const bomb = Array.from({ length: 12 }, (_, level) => {
  const inner = level === 0 ? '"x"' : `*a${level - 1}`;
  return `a${level}: &a${level} [${Array.from({ length: 9 }, () => inner).join(', ')}]`;
}).join('\n');

// [what is wrong, the text with ▸ where it is wrong, part of the message]
const table: [string, string, string][] = [
  ['an unquoted @', 'version: 1\nnames: [▸@]', 'text that begins with @ or ` stands in quotes: "@"'],
  ['a tab', 'routes:\n▸\tr: 1', 'indent'],
  ['a bracket left open', 'resolvers: [1.1.1.1▸', 'a bracket or brace above is not closed'],
  [
    'a key that stands twice',
    'version: 1\nvantage: a\n▸version: 1',
    'a second time (first in line 1); keep one',
  ],
  [
    'a key that stands twice deep inside',
    'routes: {a: {ttl: 1, ▸ttl: 2}}',
    'a second time (first in line 1)',
  ],
  ['an alias without anchor', 'vantage: ▸*nobody', 'alias without an anchor'],
  ['an alias inside its own anchor', 'a: &a [▸*a]', 'an alias inside its own anchor'],
  ['a tag', 'vantage: ▸!!js/function x', 'tags (!...) are not used here'],
  ['a merge key', 'defaults: &d {ttl: 60}\nroutes: {a: {▸<<: *d}}', 'merge keys are not used here'],
  ['a second document', 'version: 1\n▸---\nversion: 1', 'a second document (---) begins here'],
  ['a key that is a list', '▸[a, b]: 1', 'a key is plain text'],
  ['__proto__', 'routes:\n  ▸__proto__: {x: 1}', '__proto__ is no key'],
];

describe('text that is not the YAML we take', () => {
  it.each(table)('is refused at the place of %s', (_, marked, message) => {
    const { marks, places, text } = refusalOf(marked);
    expect(text).toContain(message);
    expect(places).toEqual(expect.arrayContaining([...marks]));
  });

  it('is stopped where aliases multiply', () => {
    expect(refusalOf(`version: 1\n${bomb}`).text).toContain('more than 10000 values by alias');
  });

  it('is stopped where it is nested beyond reason', () => {
    expect(refusalOf(`a: ${'['.repeat(5_000)}`).text).not.toBe('');
  });

  it('is not quoted in the message, since the line may hold a secret', () => {
    for (const text of [
      'token: "hunter2',
      'token: *hunter2',
      'token: [hunter2, "hunter2" x]',
      'token: %hunter2\n%hunter2',
    ])
      expect(refusalOf(text).message).not.toContain('hunter2');
  });
});
