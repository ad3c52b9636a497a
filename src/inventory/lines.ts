// Lines of a text that comes in pieces. Never holds more than one line of the longest length.

import { longestRecord } from './csv.ts';

export interface TextLine {
  /** Without its line break; null where it was too long. */
  readonly text: string | null;
  /** From 1. */
  readonly line: number;
}

export class LineSplitter {
  readonly #longest: number;
  #rest = '';
  #line = 1;
  #isSkipping = false;

  /** `longest`: characters. */
  constructor(longest = longestRecord) {
    this.#longest = longest;
  }

  push(text: string): TextLine[] {
    const pieces = (this.#rest + text).split('\n');
    this.#rest = pieces.pop() ?? '';
    const lines: TextLine[] = [];
    for (const piece of pieces) this.#takeLine(piece, lines);
    if (this.#rest.length > this.#longest) {
      if (!this.#isSkipping) lines.push({ text: null, line: this.#line });
      this.#isSkipping = true;
      this.#rest = '';
    }
    return lines;
  }

  end(): TextLine[] {
    const lines: TextLine[] = [];
    if (this.#rest !== '' || this.#isSkipping) this.#takeLine(this.#rest, lines);
    return lines;
  }

  #takeLine(piece: string, lines: TextLine[]): void {
    const line = this.#line++;
    if (this.#isSkipping) {
      this.#isSkipping = false;
      return;
    }
    const text = piece.endsWith('\r') ? piece.slice(0, -1) : piece;
    lines.push({ text: text.length > this.#longest ? null : text, line });
  }
}
