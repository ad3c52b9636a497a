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
    const lines = pieces.flatMap((piece) => this.#lineOf(piece));
    if (this.#rest.length > this.#longest) {
      if (!this.#isSkipping) lines.push({ text: null, line: this.#line });
      this.#isSkipping = true;
      this.#rest = '';
    }
    return lines;
  }

  end(): TextLine[] {
    return this.#rest === '' && !this.#isSkipping ? [] : this.#lineOf(this.#rest);
  }

  #lineOf(piece: string): TextLine[] {
    const line = this.#line++;
    if (this.#isSkipping) {
      this.#isSkipping = false;
      return [];
    }
    const text = piece.endsWith('\r') ? piece.slice(0, -1) : piece;
    return [{ text: text.length > this.#longest ? null : text, line }];
  }
}
