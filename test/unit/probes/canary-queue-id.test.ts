import { expect, test } from 'vitest';

import { queueIdOf } from '../../../src/probes/canary/queue-id.ts';
import { ReplyParser } from '../../../src/smtp/reply.ts';

/** As the hand-over reads it: off the wire, enhanced code and line ends gone. */
function replyText(wire: string): string {
  const parser = new ReplyParser();
  parser.push(Buffer.from(`${wire}\r\n`));
  return parser.take()!.text;
}

test.each([
  ['Postfix', '250 2.0.0 Ok: queued as 4XyZ1k2m3nz9sWc', '4XyZ1k2m3nz9sWc'],
  ['Postfix, short ids', '250 2.0.0 Ok: queued as 95D6F2A0C1', '95D6F2A0C1'],
  [
    'amavis before Postfix',
    '250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 95D6F2A0C1',
    '95D6F2A0C1',
  ],
  [
    'amavis, older',
    '250 2.6.0 Ok, id=12345-01, from MTA([127.0.0.1]:10025): 250 2.0.0 Ok: queued as 95D6F2A0C2',
    '95D6F2A0C2',
  ],
  ['Exim', '250 OK id=1rABCD-0000xy-1X', '1rABCD-0000xy-1X'],
  ['Exim 4.97', '250 OK id=1rABCD-00000000Hxy-1XyZ', '1rABCD-00000000Hxy-1XyZ'],
  ['Sendmail', '250 2.0.0 xAB1C2D3012345 Message accepted for delivery', 'xAB1C2D3012345'],
  ['OpenSMTPD', '250 2.0.0 5ef4a8f1 Message accepted for delivery', '5ef4a8f1'],
  [
    'Exchange',
    '250 2.6.0 <mxc-1@ops.example> [InternalId=47, Hostname=EX1.corp.example] 1805 bytes in 0.103, 17.101 KB/sec Queued mail for delivery',
    '47',
  ],
  [
    'Exchange Online',
    '250 2.6.0 <mxc-1@ops.example> [InternalId=41618929816581, Hostname=AM0PR01MB1234.eurprd01.prod.exchangelabs.com] 9183 bytes in 0.212, 42.230 KB/sec Queued mail for delivery',
    '41618929816581',
  ],
  [
    'IIS',
    '250 2.6.0 <EX1abcDEF0000012f@ex1.example> Queued mail for delivery',
    'EX1abcDEF0000012f@ex1.example',
  ],
  [
    'Google',
    '250 2.0.0 OK  1700000000 d9443c01a7336-1d0e48b2c3dsi1234567plb.123 - gsmtp',
    'd9443c01a7336-1d0e48b2c3dsi1234567plb.123',
  ],
  ['Google, short', '250 2.0.0 OK 1700000000 abc - gsmtp', 'abc'],
  ['qmail', '250 ok 1700000000 qp 1234', '1234'],
  [
    'Haraka',
    '250 Message Queued (5C1B3F2E-8E1C-4B5A-A0A0-0123456789AB.1)',
    '5C1B3F2E-8E1C-4B5A-A0A0-0123456789AB.1',
  ],
  ['Stalwart', '250 2.0.0 Message queued with id 1a2b3c4d.', '1a2b3c4d'],
  ['Cisco ESA', '250 ok:  Message 12345678 accepted', '12345678'],
  ['Oracle', '250 2.5.0 Ok, envelope id 0SAB00C1DE2F3G00@mx.example', '0SAB00C1DE2F3G00@mx.example'],
  [
    'Amazon SES',
    '250 Ok 0100018b5c3c0a4f-3f0c1d2e-1234-5678-9abc-def012345678-000000',
    '0100018b5c3c0a4f-3f0c1d2e-1234-5678-9abc-def012345678-000000',
  ],
  ['two lines', '250-2.0.0 taken\r\n250 2.0.0 Ok: queued as 4XyZ', '4XyZ'],
])('%s names it', (_server, reply, id) => {
  expect(queueIdOf(replyText(reply))).toBe(id);
});

test.each([
  ['no name', '250 OK'],
  ['no text', '250'],
  ['no name behind the words', '250 OK: message queued'],
  ['white space for a name', '250 Ok: queued as   '],
  ['a terminal escape', '250 Ok: queued as \x1b[2J'],
  ['a command for a shell', '250 Ok: queued as $(reboot)'],
  ['more shell', '250 OK id=`id`'],
  ['a name that never ends', `250 Ok: queued as ${'A'.repeat(280)}`],
  ['other letters', '250 Ok: queued as ÄÖÜ'],
  ['a time that is no name', '250 2.0.0 OK 1700000000'],
])('%s gives none', (_title, reply) => {
  expect(queueIdOf(replyText(reply))).toBeNull();
});

test('a name far into a text is not looked for', () => {
  expect(queueIdOf(`${' '.repeat(900)}queued as 4XyZ`)).toBe('4XyZ');
  expect(queueIdOf(`${' '.repeat(1000)}queued as 4XyZ`)).toBeNull();
});
