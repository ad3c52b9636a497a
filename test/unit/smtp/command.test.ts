import { expect, test } from 'vitest';

import { formatCommand, type Command } from '../../../src/smtp/command.ts';

test.each<[Command, string]>([
  [{ verb: 'EHLO', domain: 'probe.example' }, 'EHLO probe.example'],
  [{ verb: 'EHLO', domain: '[192.0.2.1]' }, 'EHLO [192.0.2.1]'],
  [{ verb: 'HELO', domain: 'probe.example' }, 'HELO probe.example'],
  [{ verb: 'STARTTLS' }, 'STARTTLS'],
  [{ verb: 'MAIL', from: 'probe@ops.example' }, 'MAIL FROM:<probe@ops.example>'],
  [{ verb: 'MAIL', from: '' }, 'MAIL FROM:<>'],
  [{ verb: 'RCPT', to: 'canary@example.com' }, 'RCPT TO:<canary@example.com>'],
  [{ verb: 'QUIT' }, 'QUIT'],
])('%o is said as %s', (command, line) => {
  expect(formatCommand(command)).toBe(`${line}\r\n`);
});

test.each(['a@b\r\nDATA', 'a@b\nDATA', 'a> b', 'a b', 'a<b', 'ä@b', '\0'])(
  'an argument that could end the command or the path is refused: %j',
  (to) => {
    expect(() => formatCommand({ verb: 'RCPT', to })).toThrow(RangeError);
    expect(() => formatCommand({ verb: 'MAIL', from: to })).toThrow(RangeError);
    expect(() => formatCommand({ verb: 'EHLO', domain: to })).toThrow(RangeError);
  },
);

test('a command longer than 512 octets is refused', () => {
  expect(() => formatCommand({ verb: 'RCPT', to: 'a'.repeat(600) })).toThrow(RangeError);
});

test.each(['DATA', 'BDAT', 'VRFY', 'RSET', 'data', ''])('%j cannot be said, whatever the types', (verb) => {
  expect(() => formatCommand({ verb } as unknown as Command)).toThrow(RangeError);
});
