// However a list is cut into pieces on its way here, its rows are the same; and whatever is in it, none is lost.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAnyDomain, readMailDomain } from '../../src/inventory/mail-domain.ts';
import { createRowReader, type InventoryForm } from '../../src/inventory/rows.ts';

const numRuns = Number(process.env['MXCTL_PROPERTY_RUNS'] ?? 200);

function read(form: InventoryForm, pieces: readonly string[]) {
  const reader = createRowReader(form, { file: 'list', column: null });
  return [...pieces.flatMap((piece) => reader.push(piece)), ...reader.end()];
}

const cell = fc.oneof(
  fc.stringMatching(/^[a-z]{1,5}\.example$/),
  fc.string({ unit: fc.constantFrom('"', ',', ';', '\r', '\n', '\t', ' ', 'a', 'ü', '.'), maxLength: 12 }),
);
const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
const pieces = fc.array(
  fc.string({ unit: fc.constantFrom('"', ',', '\r', '\n', 'a.b', '{', 'ü', '#'), maxLength: 8 }),
);

const nearlyDomain = fc
  .array(
    fc.oneof(
      { weight: 5, arbitrary: fc.stringMatching(/^[a-z0-9_-]{1,4}$/) },
      fc.constantFrom('', '0x1f', '127', 'xn--bcher-kva', 'bücher', 'A', 'a'.repeat(62), '_'.repeat(63)),
      fc.string({ unit: fc.constantFrom('a', 'b', '-', '0', '@', '*', ' ', '\n', '。'), maxLength: 70 }),
    ),
    { maxLength: 6 },
  )
  .map((labels) => labels.join('.'));

describe('rows of a list', () => {
  it('that are plainly a domain are read as any other', () => {
    const longest = `${'a.'.repeat(126)}a`;
    for (const text of [longest, `${longest}b`, `a.${longest}`, 'a.b\n', `${'a'.repeat(64)}.b`, 'a.0x1'])
      expect(readMailDomain(text)).toEqual(readAnyDomain(text));
    fc.assert(
      fc.property(nearlyDomain, (text) => {
        expect(readMailDomain(text)).toEqual(readAnyDomain(text));
      }),
      { numRuns: numRuns * 10 },
    );
  });

  it('do not depend on where it was cut', () => {
    fc.assert(
      fc.property(fc.constantFrom('csv', 'ndjson', 'lines' as const), pieces, (form, given) => {
        const cut = ['domain\n', ...given];
        expect(read(form, cut)).toEqual(read(form, [cut.join('')]));
      }),
      { numRuns },
    );
  });

  it('are those that were written, whatever stands in the other cells', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell), { maxLength: 20 }), (table) => {
        const lines = table.map(([note], at) => `${quoted(note)},d${at}.example\r\n`);
        const rows = read('csv', ['note,domain\r\n', ...lines]);
        expect(rows.map((row) => (row.kind === 'domain' ? row.domain : row.row))).toEqual(
          table.map((_, at) => `d${at}.example.`),
        );
      }),
      { numRuns },
    );
  });
});
