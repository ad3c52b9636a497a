// Received fields as servers in the field write them, and what is made of them: from | by | with | when.

import { describe, expect, it } from 'vitest';

import { parseHeader } from '../../../src/probes/canary/arrival/header.ts';
import { parseMailDate } from '../../../src/probes/canary/arrival/mail-date.ts';
import { parseReceived, readTrace, traceOf } from '../../../src/probes/canary/arrival/received.ts';

const shown = (value: string): string => {
  const { from, by, protocol, at } = parseReceived(value);
  const when = at === null ? '-' : new Date(at).toISOString().replace('.000', '');
  return [from ?? '-', by ?? '-', protocol ?? '-', when].join(' | ');
};

const unfold = (text: string) => text.trim().replace(/\n\s*/g, ' ');

const table: readonly (readonly [string, string, string])[] = [
  [
    'Postfix with TLS',
    `from out1.ops.example (out1.ops.example [192.0.2.7])
       (using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)
        key-exchange X25519 server-signature RSA-PSS (2048 bits))
       (No client certificate requested)
       by mx1.example.com (Postfix) with ESMTPS id 4Zk1Qw2rTyz9sXV
       for <canary@example.com>; Thu,  5 Mar 2026 10:00:07 +0100 (CET)`,
    'out1.ops.example [192.0.2.7] | mx1.example.com | ESMTPS | 2026-03-05T09:00:07Z',
  ],
  [
    'Postfix from a client without a name',
    `from [10.1.2.3] (unknown [192.0.2.9]) by mx1.example.com (Postfix) with ESMTPSA id 9F1; Thu, 5 Mar 2026 10:00:07 +0000`,
    '[10.1.2.3] | mx1.example.com | ESMTPSA | 2026-03-05T10:00:07Z',
  ],
  [
    'Postfix of a letter handed in on the machine',
    `by host7.ops.example (Postfix, from userid 1001) id 3F0A9; Thu, 5 Mar 2026 04:00:07 -0500 (EST)`,
    '- | host7.ops.example | - | 2026-03-05T09:00:07Z',
  ],
  [
    'Exim',
    `from out1.ops.example ([192.0.2.7]:40712) by mx.example.net with esmtps
       (TLS1.3) tls TLS_AES_256_GCM_SHA384 (Exim 4.98) (envelope-from <canary@ops.example>)
       id 1tpXyz-00000001abc-2DeF for canary@example.com; Thu, 05 Mar 2026 10:00:09 +0000`,
    'out1.ops.example [192.0.2.7] | mx.example.net | esmtps | 2026-03-05T10:00:09Z',
  ],
  [
    'Exim of a client whose name does not fit',
    `from [2001:db8::7] (helo=out1.ops.example) by mx.example.net with esmtp (Exim 4.96) id 1a; Thu, 05 Mar 2026 10:00:09 +0000`,
    'out1.ops.example [2001:db8::7] | mx.example.net | esmtp | 2026-03-05T10:00:09Z',
  ],
  [
    'Exim of a local letter',
    `from root by host7 with local (Exim 4.96) (envelope-from <root@host7>) id 1b; Thu, 05 Mar 2026 10:00:09 +0000`,
    'root | host7 | local | 2026-03-05T10:00:09Z',
  ],
  [
    'Exchange Online',
    `from AB1PR01MB0001.prod.exchange.example (2001:db8:10a6:20b::21)
       by AB2PR01MB0002.prod.exchange.example (2001:db8:10a6:20b::22) with Microsoft SMTP Server
       (version=TLS1_2, cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.20.8500.10; Thu, 5 Mar
       2026 10:00:12 +0000`,
    'AB1PR01MB0001.prod.exchange.example [2001:db8:10a6:20b::21] | AB2PR01MB0002.prod.exchange.example | Microsoft SMTP Server | 2026-03-05T10:00:12Z',
  ],
  [
    'Exchange through its front end',
    `from EX1.corp.example (10.0.0.5) by EX2.corp.example (10.0.0.6) with Microsoft SMTP Server (TLS) id 15.1.2507.39 via Frontend Transport; Thu, 5 Mar 2026 11:00:12 +0100`,
    'EX1.corp.example [10.0.0.5] | EX2.corp.example | Microsoft SMTP Server | 2026-03-05T10:00:12Z',
  ],
  [
    'Gmail from outside',
    `from out1.ops.example (out1.ops.example. [192.0.2.7])
       by mx.google.example with ESMTPS id a640c23a62f3a-ab1.7.2026.03.05.02.00.13
       for <canary@example.com> (version=TLS1_3 cipher=TLS_AES_256_GCM_SHA384 bits=256/256);
       Thu, 05 Mar 2026 02:00:13 -0800 (PST)`,
    'out1.ops.example [192.0.2.7] | mx.google.example | ESMTPS | 2026-03-05T10:00:13Z',
  ],
  [
    'Gmail inside',
    `by 2002:a05:6402:1c0f:b0:5d0 with SMTP id x15csp123456edu; Thu, 5 Mar 2026 02:00:14 -0800 (PST)`,
    '- | 2002:a05:6402:1c0f:b0:5d0 | SMTP | 2026-03-05T10:00:14Z',
  ],
  [
    'Sendmail',
    `from out1.ops.example (out1.ops.example [192.0.2.7] (may be forged))
       by mx.example.org (8.17.1/8.17.1) with ESMTPS id 525A0C1x012345
       (version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 bits=256 verify=NO)
       for <canary@example.com>; Thu, 5 Mar 2026 10:00:15 GMT`,
    'out1.ops.example [192.0.2.7] | mx.example.org | ESMTPS | 2026-03-05T10:00:15Z',
  ],
  [
    'Sendmail of a letter handed in on the machine',
    `(from root@localhost) by host7.ops.example (8.17.1/8.17.1/Submit) id 525A0C1x; Thu, 5 Mar 2026 10:00:15 GMT`,
    '- | host7.ops.example | - | 2026-03-05T10:00:15Z',
  ],
  [
    'qmail from the net',
    `from unknown (HELO out1.ops.example) (192.0.2.7) by 0 with SMTP; 5 Mar 2026 10:00:16 -0000`,
    'out1.ops.example [192.0.2.7] | 0 | SMTP | 2026-03-05T10:00:16Z',
  ],
  [
    'qmail by itself',
    `(qmail 1234 invoked by uid 89); 5 Mar 2026 10:00:16 -0000`,
    '- | - | - | 2026-03-05T10:00:16Z',
  ],
  [
    'qmail from its own network side',
    `(qmail 99 invoked from network); 5 Mar 2026 10:00:16 -0000`,
    '- | - | - | 2026-03-05T10:00:16Z',
  ],
  [
    'Dovecot over LMTP',
    `from mx1.example.com by imap1.example.com with LMTP id 6Kv3EPgBqGk0dgAA (envelope-from <canary@ops.example>) for <canary>; Thu, 05 Mar 2026 10:00:17 +0000`,
    'mx1.example.com | imap1.example.com | LMTP | 2026-03-05T10:00:17Z',
  ],
  [
    'Cyrus',
    `from mx1.example.com ([unix socket]) by imap2 (Cyrus 3.8.1) with LMTPA; Thu, 05 Mar 2026 05:00:17 -0500`,
    'mx1.example.com | imap2 | LMTPA | 2026-03-05T10:00:17Z',
  ],
  [
    'OpenSMTPD',
    `from out1.ops.example (out1.ops.example [192.0.2.7]) by mx3.example.com (OpenSMTPD) with ESMTPS id 0a1b2c3d (TLSv1.3:TLS_AES_256_GCM_SHA384:256:NO) for <canary@example.com>; Thu, 5 Mar 2026 10:00:18 +0000 (UTC)`,
    'out1.ops.example [192.0.2.7] | mx3.example.com | ESMTPS | 2026-03-05T10:00:18Z',
  ],
  [
    'a field without a date',
    `from a.example by b.example with SMTP id 1`,
    'a.example | b.example | SMTP | -',
  ],
  [
    'a semicolon in a comment',
    `from a.example by b.example (x; y) with SMTP; 5 Mar 2026 10:00:19 +0000`,
    'a.example | b.example | SMTP | 2026-03-05T10:00:19Z',
  ],
  [
    'a comment that never ends',
    `from a.example (192.0.2.1 by b.example with SMTP; 5 Mar 2026 10:00:00 +0000`,
    'a.example [192.0.2.1] | - | - | -',
  ],
  ['nothing', '', '- | - | - | -'],
  [
    'a host that is called from',
    `from from by by with SMTP; 5 Mar 2026 10:00:19 +0000`,
    'from | by | SMTP | 2026-03-05T10:00:19Z',
  ],
  [
    'octets that move a cursor',
    `from a\u001b[2Jb.example by \u202eb.example; 5 Mar 2026 10:00:19 +0000`,
    'a\\u001b[2Jb.example | \\u202eb.example | - | 2026-03-05T10:00:19Z',
  ],
];

describe('a Received field (RFC 5321 §4.4)', () => {
  it.each(table)('of %s', (_, field, expected) => {
    expect(shown(unfold(field))).toBe(expected);
  });
});

describe('the trace of a letter', () => {
  it('begins with the first hop, whose field is the last', () => {
    const header = [
      'Received: from b.example by c.example with ESMTP;',
      '\tThu, 5 Mar 2026 11:00:00 +0000',
      'X-Received: by nobody; Thu, 5 Mar 2026 11:00:00 +0000',
      'RECEIVED: from a.example',
      ' by b.example',
      ' ; Thu, 5 Mar 2026 10:00:00 +0000',
      'Subject: x',
      '',
      'Received: from body.example by nowhere; Thu, 5 Mar 2026 10:00:00 +0000',
    ].join('\r\n');
    expect(readTrace(parseHeader(Buffer.from(header))).map(({ from, by }) => `${from} > ${by}`)).toEqual([
      'a.example > b.example',
      'b.example > c.example',
    ]);
  });

  it('keeps the last fifty of a loop, which our side wrote', () => {
    const values = Array.from({ length: 80 }, (_, n) => `by hop${n}.example; 5 Mar 2026 10:00:00 +0000`);
    const trace = traceOf(values);
    expect([trace.length, trace[0]?.by, trace[49]?.by]).toEqual([50, 'hop49.example', 'hop0.example']);
  });
});

describe('a date of a header (RFC 5322 §3.3 and §4.3)', () => {
  it.each([
    ['Thu, 05 Mar 2026 10:00:00 +0000', '2026-03-05T10:00:00Z'],
    ['5 Mar 2026 10:00 +0000', '2026-03-05T10:00:00Z'],
    ['Thu, 5 Mar 2026 10:00:00 +0530 (IST)', '2026-03-05T04:30:00Z'],
    ['5 Mar 26 10:00:00 EST', '2026-03-05T15:00:00Z'],
    ['5 Mar 99 10:00:00 PDT', '1999-03-05T17:00:00Z'],
    ['5 Mar 126 10:00:00 UT', '2026-03-05T10:00:00Z'],
    ['Thu (day), 5 (of) Mar (month (nested)) 2026 10:00:00 GMT', '2026-03-05T10:00:00Z'],
    ['5 Mar 2026 10:00:00 Z', '2026-03-05T10:00:00Z'],
    ['5 Mar 2026 10:00:00 A', '2026-03-05T10:00:00Z'],
    ['31 Dec 2026 23:59:60 +0000', '2027-01-01T00:00:00Z'],
    ['29 Feb 2028 00:00:00 -0000', '2028-02-29T00:00:00Z'],
    ['5 Mar 2026 10:00:00 CEST', null],
    ['5 Mar 2026 10:00:00', null],
    ['31 Feb 2026 10:00:00 +0000', null],
    ['5 Foo 2026 10:00:00 +0000', null],
    ['5 Mar 2026 25:00:00 +0000', null],
    ['2026-03-05T10:00:00Z', null],
    ['yesterday', null],
  ])('%s', (text, expected) => {
    const at = parseMailDate(text);
    expect(at === null ? null : new Date(at).toISOString().replace('.000', '')).toBe(expected);
  });
});
