import { describe, expect, it } from 'vitest';
import { renderTable } from '../../../src/render/table.ts';
import { plainStyle } from '../../../src/render/terminal.ts';
import type { Style } from '../../../src/render/terminal.ts';

const marking: Style = { ...plainStyle, paint: (tone, text) => `<${tone}>${text}</>` };

describe('a table', () => {
  it('aligns columns under their headers and leaves no blanks at the end', () => {
    const columns = [{ header: 'ROUTE' }, { header: 'UP', align: 'right' as const }, { header: 'DNS' }];
    const rows = [
      ['support', '0/2', 'in sync'],
      ['東京', '12/12', ''],
    ];
    expect(renderTable(columns, rows, plainStyle)).toEqual([
      'ROUTE       UP  DNS',
      'support    0/2  in sync',
      '東京     12/12',
    ]);
  });

  it('lets no control character of a cell reach the terminal', () => {
    const [line] = renderTable([{ header: '' }], [['421 \u001b[2J\r\nok']], plainStyle);
    expect(line).toBe('421 \\u001b[2J\\r\\nok');
  });

  it('paints a cell with its padding, so that colour does not move columns', () => {
    const rows = [[{ text: 'DOWN', tone: 'bad' as const }, 'x']];
    expect(renderTable([{ header: 'HEALTH' }, { header: 'Y' }], rows, marking)[1]).toBe('<bad>DOWN  </>  x');
  });

  it('cuts only the columns that allow it', () => {
    const columns = [{ header: '' }, { header: '', maxWidth: 8 }];
    expect(renderTable(columns, [['mx1.filter.example.net.', 'a long reply']], plainStyle)).toEqual([
      'mx1.filter.example.net.  a lon...',
    ]);
  });
});
