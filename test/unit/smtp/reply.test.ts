import { describe, expect, test } from 'vitest';

import { ehloKeywords, formatReply, ReplyParser, splitEnhanced } from '../../../src/smtp/reply.ts';

/** Replies of a transcript as the field writes them; a fault as the last line. */
function read(octets: string | Uint8Array): string[] {
  const parser = new ReplyParser();
  parser.push(typeof octets === 'string' ? Buffer.from(octets) : octets);
  const read: string[] = [];
  for (let reply = parser.take(); reply !== null; reply = parser.take()) read.push(formatReply(reply, 400));
  if (parser.fault !== null) read.push(`fault: ${parser.fault}`);
  return read;
}

describe('replies as hops send them', () => {
  test.each([
    ['one line', '220 mx.example ESMTP\r\n', ['220 mx.example ESMTP']],
    ['two lines', '250-mx.example\r\n250 STARTTLS\r\n', ['250 mx.example / STARTTLS']],
    ['a last line without text', '250-mx.example\r\n250\r\n', ['250 mx.example']],
    ['a code and a space only', '220 \r\n', ['220']],
    ['bare LF', '250-mx.example\n250 HELP\n', ['250 mx.example / HELP']],
    ['an enhanced code', '421 4.3.2 try later\r\n', ['421 4.3.2 try later']],
    [
      'an enhanced code on every line',
      '550-5.1.1 no\r\n550 5.1.1 such user\r\n',
      ['550 5.1.1 no / such user'],
    ],
    ['an enhanced code of another class', '450 5.7.1 hm\r\n', ['450 5.7.1 hm']],
    ['a code nobody registered', '299 fine\r\n', ['299 fine']],
    ['two replies in one segment', '220 a\r\n421 b\r\n', ['220 a', '421 b']],
    ['no end yet', '250-mx.example\r\n250 STA', []],
    [
      'codes that differ: the last decides',
      '250-mx.example\r\n550 go away\r\n',
      ['550 mx.example / go away'],
    ],
    ['UTF-8', '220 größe\r\n', ['220 größe']],
    ['terminal escapes', '220 \x1b[2Jowned\r\n', ['220 \\u001b[2Jowned']],
    ['a bare CR in the text', '220 a\rb\r\n', ['220 a\\rb']],
    ['a NUL', '220 a\0b\r\n', ['220 a\\u0000b']],
    ['HTTP', 'HTTP/1.1 400 Bad Request\r\n', ['fault: not an SMTP reply: HTTP/1.1 400 Bad Request']],
    ['an empty line', '\r\n', ['fault: not an SMTP reply: ']],
    ['a code out of range', '620 hm\r\n', ['fault: not an SMTP reply: 620 hm']],
    ['a code glued to its text', '250ok\r\n', ['fault: not an SMTP reply: 250ok']],
    ['garbage after a reply', '220 a\r\nSSH-2.0\r\n', ['220 a', 'fault: not an SMTP reply: SSH-2.0']],
  ])('%s', (_title, octets, expected) => {
    expect(read(octets)).toEqual(expected);
  });

  test('octets that are not UTF-8 are shown one character each', () => {
    expect(read(Buffer.from('220 gr\xfc\xdfe\r\n', 'latin1'))).toEqual(['220 grüße']);
  });

  test('a line of 10 KB is survived, its text bounded', () => {
    const parser = new ReplyParser();
    parser.push(Buffer.from(`250 ${'x'.repeat(10_000)}\r\n`));
    expect(parser.take()?.text).toHaveLength(300);
    expect(parser.fault).toBeNull();
  });

  test('what follows the first 16 KiB of a line is dropped and the next line is still read', () => {
    expect(read(`250-${'x'.repeat(40_000)}\r\n250 last\r\n`)).toHaveLength(1);
  });

  test('a reply of more than 64 KiB is a fault, in one line or in many', () => {
    expect(read(`250 ${'x'.repeat(64 * 1024)}`)).toEqual(['fault: reply longer than 64 KiB']);
    expect(read('250-x\r\n'.repeat(10_000))).toEqual(['fault: reply longer than 64 KiB']);
  });

  test('a flood of replies is a fault', () => {
    expect(read('250 x\r\n'.repeat(100)).at(-1)).toBe('fault: flood of replies to no command');
  });

  test('leftovers are known, complete or not', () => {
    const parser = new ReplyParser();
    parser.push(Buffer.from('220 go\r\n'));
    expect(parser.take()?.code).toBe(220);
    expect(parser.hasLeftovers).toBe(false);
    parser.push(Buffer.from('2'));
    expect(parser.hasLeftovers).toBe(true);
    parser.push(Buffer.from('50 injected\r\n'));
    expect(parser.hasLeftovers).toBe(true);
  });
});

test('EHLO keywords are read from the second line on, in any case, without parameters', () => {
  const parser = new ReplyParser();
  parser.push(Buffer.from('250-STARTTLS.example\r\n250-SIZE 1000\r\n250-AUTH=LOGIN\r\n250 starttls\r\n'));
  expect([...ehloKeywords(parser.take()!)]).toEqual(['SIZE', 'AUTH', 'STARTTLS']);
});

test.each([
  [250, '2.1.5 ok', '2.1.5', 'ok'],
  [250, '2.1.5', '2.1.5', ''],
  [550, '5.7.509 no', '5.7.509', 'no'],
  [250, '2.1.5ok', null, '2.1.5ok'],
  [421, '5.3.2 no', null, '5.3.2 no'],
  [220, '2.0 beta', null, '2.0 beta'],
])('RFC 3463 code out of %i %s', (code, line, enhanced, text) => {
  expect(splitEnhanced(code, line)).toEqual({ enhanced, text });
});
