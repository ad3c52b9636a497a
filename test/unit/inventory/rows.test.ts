// Lists of domains as people and databases write them.

import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/errors.ts';
import { longestRecord } from '../../../src/inventory/csv.ts';
import type { InventoryRow } from '../../../src/inventory/inventory.ts';
import { readMailDomain } from '../../../src/inventory/mail-domain.ts';
import { createRowReader, type InventoryForm, sniffForm } from '../../../src/inventory/rows.ts';

const show = (row: InventoryRow) =>
  row.kind === 'domain'
    ? `${row.source.line ?? '-'}: ${row.domain}`
    : `${row.row.source.line ?? '-'}: BAD ${row.row.reason}`;

function read(form: InventoryForm, text: string, column: string | null = null): string[] {
  const reader = createRowReader(form, { file: 'list', column });
  return [...reader.push(text), ...reader.end()].map(show);
}

describe('a CSV file', () => {
  it.each([
    ['commas', 'customer,domain\nAcme,acme.example\n', ['2: acme.example.']],
    ['semicolons', 'customer;domain;seats\nAcme, Ltd;acme.example;7\n', ['2: acme.example.']],
    ['tabs', 'customer\tdomain\nAcme\tacme.example\n', ['2: acme.example.']],
    ['CRLF', 'domain,x\r\nacme.example,1\r\n\r\nb.example,2\r\n', ['2: acme.example.', '4: b.example.']],
    ['no line break at the end', 'domain\nacme.example', ['2: acme.example.']],
    ['quotes', '"domain","x"\n"acme.example","a ""b"", c"\n', ['2: acme.example.']],
    [
      'a line break within quotes',
      'x,domain\n"a\r\nb",acme.example\nc,d.example\n',
      ['2: acme.example.', '4: d.example.'],
    ],
    ['a separator within the quotes of the header', '"a;b;c",domain\n1,acme.example\n', ['2: acme.example.']],
    ['a quote in the middle of a cell', 'x,domain\n5" disk,acme.example\n', ['2: acme.example.']],
    ['another case of the column', 'Domain\nacme.example\n', ['2: acme.example.']],
  ])('may have %s', (_what, text, rows) => {
    expect(read('csv', text)).toEqual(rows);
  });

  it('may name its column as it likes', () => {
    expect(read('csv', 'Mail Domain,x\nacme.example,1\n', 'Mail Domain')).toEqual(['2: acme.example.']);
  });

  it.each([
    ['x,domain\nonly\n', '2: BAD has 1 of 2 columns'],
    ['x,domain\n1,\n', '2: BAD is empty'],
    ['domain\n"a.example"b\n', '2: BAD has text behind a closing quote'],
    [`domain\n${'a'.repeat(longestRecord + 1)}\n`, '2: BAD is longer than 65536 characters'],
  ])('reports the row of %j', (text, bad) => {
    expect(read('csv', `${text}good.example,good.example\n`)).toEqual([
      bad,
      expect.stringContaining('good.example.'),
    ]);
  });

  it('loses one line, not the rest, to a quote that is never closed', () => {
    const rest = Array.from({ length: 20_000 }, (_, n) => `d${n}.example\n`).join('');
    const rows = read('csv', `domain\n"open.example\n${rest}`);
    expect(rows.slice(0, 2)).toEqual(['2: BAD opens a quote that is not closed', '3: d0.example.']);
    expect(rows).toHaveLength(20_001);
    expect(read('csv', 'domain\na.example\n"b.example\n')).toEqual([
      '2: a.example.',
      '3: BAD opens a quote that is not closed',
    ]);
  });

  it('is refused without such a column, with what was probably meant', () => {
    const refused = (text: string, column: string) => {
      try {
        read('csv', text, column);
      } catch (error) {
        return error instanceof UsageError ? `${error.message}; ${error.hint ?? ''}` : String(error);
      }
      return 'taken';
    };
    expect(refused('customer,domain\n', 'domains')).toBe(
      'list has no column "domains"; did you mean domain?',
    );
    expect(refused('customer,name\n', 'domain')).toBe('list has no column "domain"; it has: customer, name');
    expect(refused('"customer\n', 'domain')).toContain('the header of list opens a quote');
  });
});

describe('NDJSON and plain lines', () => {
  it('takes the key of each object', () => {
    const text =
      '{"domain":"acme.example","seats":7}\n\n{"name":"x"}\nacme\n[1]\n{"domain":7}\n{"domain":"b.example"}';
    expect(read('ndjson', text)).toEqual([
      '1: acme.example.',
      '3: BAD has no text under "domain"',
      '4: BAD is not JSON',
      '5: BAD is not a JSON object',
      '6: BAD has no text under "domain"',
      '7: b.example.',
    ]);
    expect(read('ndjson', '{"mail":"acme.example"}', 'mail')).toEqual(['1: acme.example.']);
    expect(read('ndjson', '{"a":1}', '__proto__')).toEqual(['1: BAD has no text under "__proto__"']);
  });

  it('takes a domain a line, without comments and blank lines', () => {
    const text = '# customers\n\n  acme.example  \r\nb.example. # old\nc.example#d\n';
    expect(read('lines', text)).toEqual(['3: acme.example.', '4: b.example.', '5: c.example.']);
  });

  it('refuses a line that is too long and goes on with the next', () => {
    const long = 'a'.repeat(3 * longestRecord);
    for (const form of ['lines', 'ndjson', 'csv'] as const) {
      const [head, good] = form === 'ndjson' ? ['', '{"domain":"a.example"}'] : ['domain\n', 'a.example'];
      const text = `${form === 'csv' ? head : ''}${long}\n${good}\n`;
      const reader = createRowReader(form, { file: null, column: null });
      const rows = text.match(/[^]{1,5000}/g)!.flatMap((piece) => reader.push(piece));
      expect(rows.map(show)).toEqual([
        expect.stringMatching(/^[12]: BAD is longer than 65536 characters$/),
        expect.stringMatching(/^[23]: a\.example\.$/),
      ]);
    }
  });
});

describe('a list without a name that tells its form', () => {
  it.each([
    ['{"domain":"a.example"}\n', 'ndjson'],
    ['# list\n\na.example\n', 'lines'],
    ['domain\na.example\n', 'csv'],
    ['"Customer";"Domain"\n', 'csv'],
    ['a.example\ndomain\n', 'lines'],
    ['no line end yet', null],
  ] as const)('beginning with %j is %s', (start, form) => {
    expect(sniffForm(start, false)).toBe(form);
  });
});

describe('what stands where a domain should', () => {
  it.each([
    ['Acme.Example.', 'acme.example.'],
    ['  acme.example ', 'acme.example.'],
    ['bücher.example', 'xn--bcher-kva.example.'],
    ['例え。テスト', 'xn--r8jz45g.xn--zckzah.'],
    ['straße.example', 'xn--strae-oqa.example.'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example.'],
    ['_mail.acme.example', '_mail.acme.example.'],
  ])('%s is %s', (text, domain) => {
    expect(readMailDomain(text)).toEqual({ ok: true, domain });
  });

  it.each([
    ['', 'is empty'],
    ['info@acme.example', 'is a mail address, not a domain'],
    ['https://acme.example/', 'is a URL, not a domain'],
    ['192.0.2.1', 'is an IP address, not a domain'],
    ['[2001:db8::1]', 'is an IP address, not a domain'],
    ['0x7f.1', 'ends in a number, as no domain does'],
    ['10.0x7f', 'ends in a number, as no domain does'],
    ['*.acme.example', 'is a wildcard; name the domains it stands for'],
    ['acme..example', 'has two dots side by side, or begins with one'],
    ['acme example', 'has a character that no domain has'],
    ['acme,example.com', 'has a character that no host name has'],
    ['acme.example\u001b[2J', 'has a character that no host name has'],
    ['-acme.example', 'has a character that no host name has'],
    ['xn--\u00e4.example', 'has a part that no A-label stands for'],
    ['localhost', 'has one part only; a header, or a name to be completed'],
    ['.', 'is the root of all names'],
    [`${'a'.repeat(64)}.example`, 'has a part of more than 63 octets'],
    [`${'ü'.repeat(63)}.example`, 'has a part of more than 63 octets'],
    [`${'a.'.repeat(130)}example`, 'is longer than 255 octets'],
    ['a'.repeat(100_000), 'is longer than a domain can be'],
  ])('%j %s', (text, reason) => {
    expect(readMailDomain(text)).toEqual({ ok: false, reason });
  });

  it('is shown without control characters, and cut', () => {
    const reader = createRowReader('lines', { file: 'list', column: null });
    const [row] = reader.push(`\u001b]0;x\u0007${'y'.repeat(500)}\n`);
    expect(row).toMatchObject({ kind: 'bad', row: { source: { file: 'list', line: 1 } } });
    const text = row?.kind === 'bad' ? row.row.text : '';
    expect(text).toMatch(/^\\u001b\]0;x\\u0007y+\.\.\.$/);
    expect(text.length).toBeLessThanOrEqual(120);
  });
});
