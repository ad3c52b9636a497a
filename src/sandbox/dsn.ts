// The notification a hop sends to the author of a letter it took and could not deliver. Pure.
// RFC 3464 §2 (fields), RFC 6522 (multipart/report), RFC 5321 §6.1 (null reverse-path), RFC 3834 §5 (Auto-Submitted).

import type { Letter } from './letter.ts';

const boundary = 'mxctl-sandbox-report';

export function notificationOf(
  letter: Letter,
  by: { readonly exchange: string; readonly queueId: string; readonly now: number },
): Letter {
  const date = new Date(by.now).toUTCString().replace('GMT', '+0000');
  const header = letter.text.slice(0, letter.text.indexOf('\r\n\r\n') + 2);
  const lines = [
    `From: Mail Delivery System <MAILER-DAEMON@${by.exchange}>`,
    `To: <${letter.from}>`,
    'Subject: Undelivered Mail Returned to Sender',
    `Date: ${date}`,
    `Message-ID: <${by.queueId}.dsn@${by.exchange}>`,
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type=delivery-status; boundary="${boundary}"`,
    '',
    `--${boundary}`,
    'Content-Type: text/plain; charset=us-ascii',
    '',
    'Your message could not be delivered.',
    '',
    `--${boundary}`,
    'Content-Type: message/delivery-status',
    '',
    `Reporting-MTA: dns; ${by.exchange}`,
    `X-Postfix-Queue-ID: ${by.queueId}`,
    ...letter.to.flatMap((to) => [
      '',
      `Final-Recipient: rfc822; ${to}`,
      'Action: failed',
      'Status: 5.4.0',
      'Diagnostic-Code: X-Sandbox; the next hop would not take it',
    ]),
    '',
    `--${boundary}`,
    'Content-Type: text/rfc822-headers',
    '',
    header,
    `--${boundary}--`,
    '',
  ];
  return { from: '', to: [letter.from], text: lines.join('\r\n') };
}
