// Which letters count as an arrived canary: headers as filters leave them.

import { describe, expect, it } from 'vitest';

import { parseHeader } from '../../../src/probes/canary/arrival/header.ts';
import { readLetter } from '../../../src/probes/canary/arrival/letter.ts';

const token = 'mxc-01jqzk3v5c8d9e0f1g2h3j4k5m-abcdefghijklmnopqrstuvwx23';
const other = 'mxc-01jqzk3v5c8d9e0f1g2h3j4k5n-abcdefghijklmnopqrstuvwx23';
const base64 = (text: string) => Buffer.from(text).toString('base64');

function told(...lines: string[]): string {
  const fields = parseHeader(Buffer.from([...lines, '', ''].join('\r\n')));
  const letter = readLetter(fields, { storedAt: 1, isSpam: false });
  if (letter === null) return 'nothing';
  const name = letter.token === token ? 'ours' : letter.token === other ? 'other' : letter.token;
  return letter.isBySubject ? `${name} by subject` : name;
}

describe('a letter', () => {
  it.each<[string, string[], string]>([
    ['with the field', [`X-Mxctl-Canary: ${token}`, `Subject: mxctl canary ${token}`], 'ours'],
    ['with the field in other case', [`x-mxctl-CANARY: ${token.toUpperCase()}`], 'ours'],
    ['with the field folded', ['X-Mxctl-Canary:', ` ${token}`], 'ours'],
    ['with the field and a foreign subject', [`X-Mxctl-Canary: ${token}`, `Subject: ${other}`], 'ours'],
    ['with its header stripped', [`Subject: mxctl canary ${token}`], 'ours by subject'],
    ['tagged by a filter', [`Subject: [SPAM] *** mxctl canary ${token} ***`], 'ours by subject'],
    [
      'with a field that holds something else',
      ['X-Mxctl-Canary: hello', `Subject: ${token}`],
      'ours by subject',
    ],
    [
      'with the subject in base64',
      [`Subject: =?utf-8?B?${base64(`[Extern] mxctl canary ${token}`)}?=`],
      'ours by subject',
    ],
    [
      'with the subject quoted',
      [`Subject: =?iso-8859-1?q?=5BSPAM=5D_mxctl_canary_${token}?=`],
      'ours by subject',
    ],
    [
      'with the token cut between two encoded words',
      [`Subject: =?utf-8?B?${base64(token.slice(0, 20))}?=`, ` =?utf-8?Q?${token.slice(20)}?=`],
      'ours by subject',
    ],
    ['with the subject folded', ['Subject: mxctl canary', `\t${token}`], 'ours by subject'],
    ['in an unknown charset', [`Subject: =?x-none?Q?a?= ${token}`], 'ours by subject'],
    [
      'that is an answer',
      [`Subject: Re: mxctl canary ${token}`, `In-Reply-To: <${token}@ops.example>`],
      'nothing',
    ],
    [
      'that says somebody is away',
      [`Subject: Away: mxctl canary ${token}`, 'Auto-Submitted: auto-replied'],
      'nothing',
    ],
    [
      'that is a bounce with the subject of the letter',
      [
        'Content-Type: multipart/report; report-type=delivery-status; boundary=x',
        `Subject: Undeliverable: mxctl canary ${token}`,
      ],
      'nothing',
    ],
    ['from the null sender', ['Return-Path: <>', `Subject: failure notice ${token}`], 'nothing'],
    ['with a token that was cut', [`X-Mxctl-Canary: ${token.slice(0, -1)}`], 'nothing'],
    ['with a longer word', [`Subject: ${token}aa`], 'nothing'],
    ['with the token in its body', ['Subject: hello', '', `X-Mxctl-Canary: ${token}`], 'nothing'],
    ['with the token in a line that is no field', [`X-Mxctl-Canary ${token}`], 'nothing'],
    ['that is empty', [], 'nothing'],
  ])('%s', (_, lines, expected) => {
    expect(told(...lines)).toBe(expected);
  });
});
