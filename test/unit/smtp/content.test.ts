import { expect, test } from 'vitest';

import { formatContent } from '../../../src/smtp/content.ts';

test.each([
  ['a message', 'Subject: a\r\n\r\nb\r\n', 'Subject: a\r\n\r\nb\r\n.\r\n'],
  ['a last line without its end', 'a: b\r\n\r\nc', 'a: b\r\n\r\nc\r\n.\r\n'],
  ['a line that is a dot', 'a\r\n.\r\nb\r\n', 'a\r\n..\r\nb\r\n.\r\n'],
  ['lines that begin with dots', '.a\r\n..b\r\n', '..a\r\n...b\r\n.\r\n'],
  ['a dot at the end', 'a\r\n.', 'a\r\n..\r\n.\r\n'],
  ['dots within', 'a.b.\r\n', 'a.b.\r\n.\r\n'],
  ['nothing', '', '.\r\n'],
])('%s', (_title, message, content) => {
  expect(formatContent(Buffer.from(message)).toString()).toBe(content);
});

test.each([
  ['LF alone', 'a\nb\r\n'],
  ['CR alone', 'a\rb\r\n'],
  ['CR alone at the end', 'a\r'],
  ['CR CR LF', 'a\r\r\n'],
  ['an end that only some servers see', 'a\r\n.\nMAIL FROM:<x@y>\r\n'],
  ['a line of 999 octets', `${'x'.repeat(999)}\r\n`],
])('refuses %s', (_title, message) => {
  expect(() => formatContent(Buffer.from(message))).toThrow(RangeError);
});

test('takes a line of 998 octets', () => {
  expect(formatContent(Buffer.from(`${'x'.repeat(998)}\r\n`))).toHaveLength(1003);
});
