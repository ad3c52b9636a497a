// Opens a list of domains: a file or standard input, whichever form it has. Read in pieces, when somebody asks for them.

import { UsageError } from '../errors.ts';
import type { DomainName } from '../model/domain-name.ts';
import { sanitise } from '../model/text.ts';
import { readPieces } from './file.ts';
import type { Inventory, InventoryRow } from './inventory.ts';
import { readMailDomain } from './mail-domain.ts';
import { createRowReader, type InventoryForm, type RowReader, sniffForm } from './rows.ts';

export interface InventoryPlace {
  /** Null = standard input. */
  readonly file: string | null;
  /** As people see it. */
  readonly shownFile: string;
  /** Null = `domain`, and for what is no CSV or NDJSON none is needed. */
  readonly column: string | null;
  readonly stdin: AsyncIterable<Uint8Array>;
}

export function openInventory(place: InventoryPlace, signal: AbortSignal): Inventory {
  let readBytes = 0;
  let totalBytes: number | null = null;
  const source =
    place.file === null
      ? place.stdin
      : readPieces(place.file, place.shownFile, (size) => {
          totalBytes = size;
        });
  async function* rows(): AsyncGenerator<readonly InventoryRow[]> {
    const decoder = new TextDecoder('utf-8');
    const reader = new SniffingReader(place);
    let isFirst = true;
    for await (const piece of source) {
      signal.throwIfAborted();
      if (isFirst) refuseOther(piece, place.shownFile);
      isFirst = false;
      readBytes += piece.length;
      yield reader.push(decoder.decode(piece, { stream: true }));
    }
    yield reader.push(decoder.decode());
    yield reader.end();
  }
  return {
    rows: rows(),
    share: () => (totalBytes === null || totalBytes === 0 ? null : Math.min(1, readBytes / totalBytes)),
  };
}

/** Domains of the command line. Throws UsageError for what is none: whoever typed it is there to correct it. */
export function domainsNamed(names: readonly string[]): DomainName[] {
  return names.map((text) => {
    const read = readMailDomain(text);
    if (read.ok) return read.domain;
    throw new UsageError('usage', `${JSON.stringify(sanitise(text, 80))} ${read.reason}`, {
      hint: 'name domains as in example.com; lists with --domains FILE',
    });
  });
}

export function inventoryOfNames(names: readonly string[]): Inventory {
  const source = { file: null, line: null };
  const rows = domainsNamed(names).map((domain): InventoryRow => ({ kind: 'domain', domain, source }));
  async function* once(): AsyncGenerator<readonly InventoryRow[]> {
    await Promise.resolve();
    yield rows;
  }
  return { rows: once(), share: () => null };
}

/** What spreadsheets and archives write that is no UTF-8 text. */
function refuseOther(piece: Uint8Array, shownFile: string): void {
  const [first, second] = piece;
  const is = (a: number, b: number) => first === a && second === b;
  const what =
    is(0xff, 0xfe) || is(0xfe, 0xff)
      ? 'is UTF-16; save it as UTF-8'
      : is(0x1f, 0x8b)
        ? 'is compressed: zcat FILE | mxctl audit --domains -'
        : is(0x50, 0x4b)
          ? 'is a ZIP archive or a spreadsheet; save it as CSV'
          : null;
  if (what !== null) throw new UsageError('usage', `${sanitise(shownFile)} ${what}`);
}

/** The reader of the form that the name says, or else the first line. */
class SniffingReader implements RowReader {
  readonly #place: InventoryPlace;
  #reader: RowReader | null = null;
  #start = '';

  constructor(place: InventoryPlace) {
    this.#place = place;
    const form = formByName(place);
    if (form !== null) this.#reader = createRowReader(form, this.#options());
  }

  push(text: string): InventoryRow[] {
    if (this.#reader !== null) return this.#reader.push(text);
    this.#start += text;
    return this.#begin(false);
  }

  end(): InventoryRow[] {
    const begun = this.#reader === null ? this.#begin(true) : [];
    return [...begun, ...(this.#reader?.end() ?? [])];
  }

  #begin(isWhole: boolean): InventoryRow[] {
    const form = sniffForm(this.#start, isWhole);
    if (form === null) return [];
    // Whoever names a column means a form that has some.
    const withColumns = this.#place.column !== null && form === 'lines' ? 'csv' : form;
    this.#reader = createRowReader(withColumns, this.#options());
    const start = this.#start;
    this.#start = '';
    return this.#reader.push(start);
  }

  #options() {
    const { file, shownFile, column } = this.#place;
    return { file: file === null ? null : shownFile, column };
  }
}

function formByName({ file, column }: InventoryPlace): InventoryForm | null {
  if (file === null) return null;
  if (/\.(csv|tsv)$/i.test(file)) return 'csv';
  if (/\.(ndjson|jsonl)$/i.test(file)) return 'ndjson';
  return column === null && /\.(txt|list)$/i.test(file) ? 'lines' : null;
}
