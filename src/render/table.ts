// Columns of text as the `status` screen has them: no rules, two spaces between. Cells are sanitised here, so a
// name or a reply from the network cannot break a row.

import { sanitise } from '../model/text.ts';
import { displayWidth, pad, truncate } from './terminal.ts';
import type { Style, Tone } from './terminal.ts';

export interface Column {
  readonly header: string;
  readonly align?: 'left' | 'right';
  /** Longer cells are cut. Leave out where people copy the text: names of routes, hosts, changes. */
  readonly maxWidth?: number;
}

export type Cell = string | { readonly text: string; readonly tone: Tone };

const gap = '  ';

/** One line for the headers, unless all are empty, then one a row. The last column is not padded. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  style: Style,
): string[] {
  const headers = columns.map(({ header }) => header);
  const body = rows.map((row) => columns.map((column, index) => readCell(row[index] ?? '', column)));
  const widths = columns.map((_, index) =>
    Math.max(displayWidth(headers[index] ?? ''), ...body.map((row) => displayWidth(row[index]?.text ?? ''))),
  );
  const renderRow = (cells: readonly { text: string; tone: Tone | null }[]) =>
    cells
      .map(({ text, tone }, index) => {
        const align = columns[index]?.align ?? 'left';
        const isLast = index === cells.length - 1 && align === 'left';
        const padded = isLast ? text : pad(text, widths[index] ?? 0, align);
        return tone === null ? padded : style.paint(tone, padded);
      })
      .join(gap)
      .trimEnd();
  const hasHeaders = headers.some((header) => header !== '');
  const head = hasHeaders ? [renderRow(headers.map((text) => ({ text, tone: null })))] : [];
  return [...head, ...body.map(renderRow)];
}

function readCell(cell: Cell, column: Column): { text: string; tone: Tone | null } {
  const text = sanitise(typeof cell === 'string' ? cell : cell.text);
  return {
    text: column.maxWidth === undefined ? text : truncate(text, column.maxWidth),
    tone: typeof cell === 'string' ? null : cell.tone,
  };
}
