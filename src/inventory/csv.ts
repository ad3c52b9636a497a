// Records of a CSV file, out of pieces of text in whatever sizes they come. RFC 4180 §2: quotes, doubled quotes, line
// breaks within quotes, CRLF; semicolon and tab as separators too, as spreadsheets write them. Never holds more than one
// record of the longest length: a quote that nobody closes costs one line, not the rest of the file.

/** Longest line or record; characters. A row of a customer database has some thousand. */
export const longestRecord = 65_536;

export interface CsvRecord {
  readonly fields: readonly string[];
  /** Where it begins, from 1. */
  readonly line: number;
  /** Why it is none; null where it is. */
  readonly fault: string | null;
}

export const faults = {
  tooLong: `is longer than ${longestRecord} characters`,
  openQuote: 'opens a quote that is not closed',
  afterQuote: 'has text behind a closing quote',
} as const;

const separators = [',', ';', '\t'] as const;
type Separator = (typeof separators)[number];

/** The one that stands most often in the header, outside of quotes. */
function separatorOf(header: string): Separator {
  const bare = header.replace(/"(?:[^"]|"")*"/g, '');
  const count = (separator: Separator) => bare.split(separator).length;
  return separators.reduce((best, one) => (count(one) > count(best) ? one : best));
}

export class CsvSplitter {
  #text = '';
  #line = 1;
  /** In a line that was too long, up to its end. */
  #isSkipping = false;
  #separator: Separator | null = null;

  push(text: string): CsvRecord[] {
    this.#text += text;
    return this.#take(false);
  }

  end(): CsvRecord[] {
    if (this.#text !== '' && !this.#text.endsWith('\n')) this.#text += '\n';
    return this.#take(true);
  }

  #take(isLast: boolean): CsvRecord[] {
    const records: CsvRecord[] = [];
    const text = this.#text;
    let at = 0;
    while (at < text.length) {
      const lineEnd = text.indexOf('\n', at);
      if (this.#isSkipping) {
        if (lineEnd === -1) at = text.length;
        else at = this.#next(lineEnd + 1, 1);
        this.#isSkipping = lineEnd === -1;
        continue;
      }
      if (lineEnd === -1) {
        if (text.length - at <= longestRecord) break;
        records.push(this.#bad(text.slice(at, at + shownOfFault), faults.tooLong));
        this.#isSkipping = true;
        continue;
      }
      this.#separator ??= separatorOf(text.slice(at, lineEnd));
      const read = readRecord(text, at, lineEnd, this.#separator);
      if (read === null && !isLast && text.length - at <= longestRecord) break;
      if (read === null) {
        records.push(this.#bad(text.slice(at, lineEnd), faults.openQuote));
        at = this.#next(lineEnd + 1, 1);
      } else if (read.next - at > longestRecord) {
        records.push(this.#bad(text.slice(at, at + shownOfFault), faults.tooLong));
        at = this.#next(read.next, read.lines);
      } else {
        records.push({ fields: read.fields, line: this.#line, fault: read.fault });
        at = this.#next(read.next, read.lines);
      }
    }
    this.#text = text.slice(at);
    return records;
  }

  #bad(text: string, fault: string): CsvRecord {
    return { fields: [text.slice(0, shownOfFault)], line: this.#line, fault };
  }

  #next(at: number, lines: number): number {
    this.#line += lines;
    return at;
  }
}

/** Of a record that is none this much is told; characters. */
const shownOfFault = 200;

interface Read {
  readonly fields: readonly string[];
  /** Where the next record begins. */
  readonly next: number;
  readonly lines: number;
  readonly fault: string | null;
}

/** One record from `start`, whose first line ends at `lineEnd`; null where a quote is open when the text ends. */
function readRecord(text: string, start: number, lineEnd: number, separator: Separator): Read | null {
  const firstLine = text.slice(start, lineEnd);
  if (!firstLine.includes('"'))
    return { fields: withoutReturn(firstLine).split(separator), next: lineEnd + 1, lines: 1, fault: null };
  const fields: string[] = [];
  let fault: string | null = null;
  let at = start;
  for (;;) {
    const quoted = text[at] === '"' ? readQuoted(text, at + 1) : { value: null, next: at };
    const stop = quoted === null ? -1 : endOfField(text, quoted.next, separator);
    if (quoted === null || stop === -1) return null;
    const isRecordEnd = text[stop] === '\n';
    const bare = text.slice(quoted.next, stop);
    const rest = isRecordEnd ? withoutReturn(bare) : bare;
    if (quoted.value !== null && rest !== '') fault = faults.afterQuote;
    fields.push(quoted.value ?? rest);
    if (isRecordEnd) {
      const lines = text.slice(start, stop + 1).split('\n').length - 1;
      return { fields, next: stop + 1, lines, fault };
    }
    at = stop + 1;
  }
}

function readQuoted(text: string, start: number): { value: string; next: number } | null {
  let value = '';
  let from = start;
  for (;;) {
    const quote = text.indexOf('"', from);
    if (quote === -1 || quote === text.length - 1) return null;
    if (text[quote + 1] !== '"') return { value: value + text.slice(from, quote), next: quote + 1 };
    value += text.slice(from, quote + 1);
    from = quote + 2;
  }
}

/** Of a separator or a line break; -1 where the text ends first. */
function endOfField(text: string, at: number, separator: Separator): number {
  const lineEnd = text.indexOf('\n', at);
  const next = text.indexOf(separator, at);
  return next === -1 || (lineEnd !== -1 && next > lineEnd) ? lineEnd : next;
}

function withoutReturn(text: string): string {
  return text.endsWith('\r') ? text.slice(0, -1) : text;
}
