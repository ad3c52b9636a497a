// A Maildir on disk, as a mail server fills one: written whole into tmp/, then renamed into new/, so that a reader never
// sees half a letter. Spam goes to .Junk/. Takes letters only; reading and clearing them is for others.
// https://cr.yp.to/proto/maildir.html (names), RFC 5321 §4.4 (Return-Path).

import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../runtime/clock.ts';
import type { Letter } from './letter.ts';

/** Maildir++ name of the folder for what filters marked. */
export const spamFolder = '.Junk';

export class Maildir {
  readonly directory: string;
  readonly #clock: Clock;
  #count = 0;

  /** Begins empty: what an earlier world left there carries tokens nobody knows any more. */
  constructor(directory: string, clock: Clock) {
    this.directory = directory;
    this.#clock = clock;
    rmSync(directory, { recursive: true, force: true });
    for (const folder of ['', spamFolder]) {
      for (const part of ['tmp', 'new', 'cur']) {
        mkdirSync(join(directory, folder, part), { recursive: true, mode: 0o700 });
      }
    }
  }

  /** On disk when it returns: only then may the hop say 250 (RFC 5321 §6.1). */
  deliver(letter: Letter, isSpam: boolean): void {
    const folder = join(this.directory, isSpam ? spamFolder : '');
    const now = this.#clock.now();
    const name = `${Math.floor(now / 1000)}.M${(now % 1000) * 1000}P${process.pid}Q${++this.#count}.sandbox`;
    writeFileSync(join(folder, 'tmp', name), `Return-Path: <${letter.from}>\r\n${letter.text}`, {
      encoding: 'latin1',
      mode: 0o600,
      flag: 'wx',
    });
    renameSync(join(folder, 'tmp', name), join(folder, 'new', name));
  }
}
