// Which letters say that a canary bounced, and what they say of it: notifications as servers write them.

import { describe, expect, it } from 'vitest';

import { readBounce } from '../../../src/probes/canary/arrival/dsn.ts';

const token = 'mxc-01jqzk3v5c8d9e0f1g2h3j4k5m-abcdefghijklmnopqrstuvwx23';

const returned = `Return-Path: <canary@ops.example>
Date: Thu, 5 Mar 2026 10:00:00 +0000
From: canary@ops.example
To: canary@example.com
Subject: mxctl canary ${token}
Message-ID: <${token}@ops.example>
X-Mxctl-Canary: ${token}
`;

interface Report {
  readonly action?: string;
  readonly perMessage?: string;
  readonly more?: string;
  readonly returnedAs?: string;
  readonly letter?: string;
  readonly subject?: string;
}

const report = (how: Report = {}) => `Return-Path: <>
From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
Subject: ${how.subject ?? 'Undelivered Mail Returned to Sender'}
To: canary@ops.example
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="4Zk1Qw2rTyz.1772704800/mx.example.net"

This is a MIME-encapsulated message.

--4Zk1Qw2rTyz.1772704800/mx.example.net
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--4Zk1Qw2rTyz.1772704800/mx.example.net
Content-Description: Delivery report
Content-Type: message/delivery-status

${how.perMessage ?? 'Reporting-MTA: dns; mx.example.net\nX-Postfix-Queue-ID: 4Zk1Qw2rTyz'}

Final-Recipient: rfc822; canary@example.com
${how.action ?? 'Action: failed'}
${how.more ?? 'Status: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 <canary@example.com>:\n    Recipient address rejected'}

--4Zk1Qw2rTyz.1772704800/mx.example.net
Content-Description: Undelivered Message
Content-Type: ${how.returnedAs ?? 'message/rfc822'}

${how.letter ?? returned}
--4Zk1Qw2rTyz.1772704800/mx.example.net--
`;

const textOf = (source: string): string | null => {
  const bounce = readBounce(Buffer.from(source));
  if (bounce !== null) expect(bounce.token).toBe(token);
  return bounce?.text ?? null;
};

describe('a delivery status notification (RFC 3464)', () => {
  it.each<[string, string, string | null]>([
    [
      'of Postfix',
      report(),
      '550 5.1.1 <canary@example.com>: Recipient address rejected (reported by mx.example.net)',
    ],
    [
      'with CRLF',
      report().replaceAll('\n', '\r\n'),
      '550 5.1.1 <canary@example.com>: Recipient address rejected (reported by mx.example.net)',
    ],
    [
      'that gives headers alone',
      report({ returnedAs: 'text/rfc822-headers' }),
      '550 5.1.1 <canary@example.com>: Recipient address rejected (reported by mx.example.net)',
    ],
    [
      'without a diagnostic',
      report({ more: 'Status: 5.4.7 (expired)' }),
      '5.4.7 (reported by mx.example.net)',
    ],
    [
      'whose status and diagnostic differ',
      report({ more: 'Status: 5.0.0\nDiagnostic-Code: X-Unix; 75' }),
      '5.0.0 75 (reported by mx.example.net)',
    ],
    [
      'that names the letter by its Message-ID alone',
      report({ letter: `From: canary@ops.example\nMessage-ID: <${token}@ops.example>\n` }),
      '550 5.1.1 <canary@example.com>: Recipient address rejected (reported by mx.example.net)',
    ],
    [
      'that names the letter in its own subject alone, as Exchange does',
      report({ letter: 'From: x@y.example\n', subject: `Undeliverable: mxctl canary ${token}` }),
      '550 5.1.1 <canary@example.com>: Recipient address rejected (reported by mx.example.net)',
    ],
    [
      'that is a warning',
      report({ action: 'Action: delayed', more: 'Status: 4.4.1\nWill-Retry-Until: Sun' }),
      null,
    ],
    ['of success', report({ action: 'Action: relayed', more: 'Status: 2.0.0' }), null],
    [
      'without action, of a failure',
      report({ action: 'X-No: action' }),
      expect.stringContaining('550 5.1.1') as string,
    ],
    ['without action, of a delay', report({ action: 'X-No: action', more: 'Status: 4.4.7' }), null],
    ['of another letter', report({ letter: 'From: x@y.example\nSubject: hello\n' }), null],
    [
      'with controls in the diagnostic',
      report({ more: 'Status: 5.0.0\nDiagnostic-Code: smtp; 550 \u001b[2J\u0007' }),
      '5.0.0 550 \\u001b[2J\\u0007 (reported by mx.example.net)',
    ],
    ['that is the letter itself', `${returned}\nhello\n`, null],
    ['that is nothing', '', null],
  ])('%s', (_, source, expected) => {
    expect(textOf(source)).toEqual(expected);
  });

  it('has encoded parts', () => {
    const encoded = report().replace(
      /Content-Type: message\/rfc822\n\n[\s\S]*?\n\n--/,
      `Content-Type: text/rfc822-headers\nContent-Transfer-Encoding: base64\n\n${Buffer.from(returned).toString('base64')}\n\n--`,
    );
    expect(encoded).not.toContain('X-Mxctl-Canary');
    expect(textOf(encoded)).toContain('550 5.1.1');
    const quoted = report({
      letter: `Subject: x\nX-Mxctl-Canary:=20${token.slice(0, 30)}=\n${token.slice(30)}\n`,
    });
    const source = quoted.replace(
      'Content-Type: message/rfc822\n',
      'Content-Type: text/rfc822-headers\nContent-Transfer-Encoding: quoted-printable\n',
    );
    expect(textOf(source)).toContain('550 5.1.1');
  });
});

const qmail = (subject = 'failure notice') => `Return-Path: <>
Date: 5 Mar 2026 10:00:20 -0000
From: MAILER-DAEMON@mail.example.org
To: canary@ops.example
Subject: ${subject}

Hi. This is the qmail-send program at mail.example.org.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<canary@example.com>:
192.0.2.25 does not like recipient.
Remote host said: 550 5.7.1 we do not relay for you
Giving up on 192.0.2.25.

--- Below this line is a copy of the message.

${returned}
`;

describe('a notification without form', () => {
  it('of qmail tells the reply of the remote host', () => {
    expect(textOf(qmail())).toBe('550 5.7.1 we do not relay for you (reported by mail.example.org)');
  });

  it('that only warns of a delay is no bounce', () => {
    expect(textOf(qmail('Warning: message delayed 24 hours'))).toBeNull();
  });

  it('of an old Exim is known by the recipients it failed for', () => {
    const source = `X-Failed-Recipients: canary@example.com
From: Mail Delivery System <Mailer-Daemon@mx.example.net>
Subject: Mail delivery failed: returning message to sender

A message that you sent could not be delivered to one or more of its recipients.

  canary@example.com
    SMTP error from remote mail server after RCPT TO:
    550 No such user

------ This is a copy of the message, including all the headers. ------

${returned}`;
    expect(textOf(source)).toBe('550 No such user (reported by mx.example.net)');
  });

  it('that says somebody is away is no bounce, null sender or not', () => {
    expect(
      textOf(
        `Return-Path: <>\nFrom: canary@example.com\nSubject: Away\nIn-Reply-To: <${token}@ops.example>\n\nI am on holiday.\n`,
      ),
    ).toBeNull();
  });
});
