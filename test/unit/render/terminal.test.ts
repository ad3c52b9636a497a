import { describe, expect, it } from 'vitest';
import {
  displayWidth,
  justify,
  pad,
  plainStyle,
  renderNext,
  toAscii,
  truncate,
  wrap,
} from '../../../src/render/terminal.ts';
import type { Style } from '../../../src/render/terminal.ts';

describe('width', () => {
  it.each([
    ['mx1', 3],
    ['', 0],
    ['münchen', 7],
    ['mu\u0308nchen', 7],
    ['日本語', 6],
    ['한글', 4],
    ['mail ✅', 7],
    ['\u001b[31mDOWN\u001b[39m', 4],
  ])('of %j is %i columns', (text, columns) => {
    expect(displayWidth(text)).toBe(columns);
  });

  it('is what padding fills up to, counting wide characters twice', () => {
    expect([pad('日本', 6), pad('ab', 6, 'right'), pad('too long', 3)]).toEqual([
      '日本  ',
      '    ab',
      'too long',
    ]);
  });

  it('is kept by truncation, which never splits a wide character', () => {
    expect([truncate('日本語日本語', 7), truncate('mx1.example.', 8), truncate('short', 8)]).toEqual([
      '日本...',
      'mx1.e...',
      'short',
    ]);
  });
});

describe('wrapping', () => {
  it('breaks between words and hangs the following lines', () => {
    expect(wrap('senders defer and retry; nothing bounces yet', 20, '  ')).toEqual([
      'senders defer and',
      '  retry; nothing',
      '  bounces yet',
    ]);
  });

  it('never breaks a name, because people copy it', () => {
    expect(wrap('see mx1.a-very-long-name.filter.example.net. now', 12)).toEqual([
      'see',
      'mx1.a-very-long-name.filter.example.net.',
      'now',
    ]);
  });
});

describe('a screen', () => {
  it('has its clock at the right edge, on its own line where both do not fit', () => {
    expect(justify('2 routes', '03:12:09', 20)).toEqual(['2 routes    03:12:09']);
    expect(justify('2 routes   1 DOWN', '03:12:09', 20)).toEqual([
      '2 routes   1 DOWN',
      '            03:12:09',
    ]);
  });

  it('is plain ASCII where the locale is not UTF-8', () => {
    expect(toAscii('proxy → direct… 10×, münchen 😀')).toBe(
      'proxy -> direct... 10x, m\\u00fcnchen \\ud83d\\ude00',
    );
  });

  it('says what to type next only to a person at a terminal', () => {
    const terminal: Style = { ...plainStyle, isTerminal: true };
    const steps = [
      { command: 'mxctl failover support', effect: 'shows the plan, then asks' },
      { command: 'mxctl probe', effect: 'looks again' },
    ];
    expect(renderNext(steps, plainStyle)).toEqual([]);
    expect(renderNext(steps, terminal)).toEqual([
      'Next  mxctl failover support     shows the plan, then asks',
      '      mxctl probe                looks again',
    ]);
  });
});
