// The message a canary is: small, plain, honest about what it is, the same octets whenever it is made again, so that a
// second attempt after greylisting or a lost reply is a duplicate and not a new letter (RFC 5321 §6.1). Nodemailer
// composes it. No links and no attachments: filters weigh both. RFC 5322, RFC 3834 §5 (Auto-Submitted).

import { displayName } from '../../model/domain-name.ts';
import { sanitise } from '../../model/text.ts';
import type { CanaryOrder } from '../canary.ts';
import type { Sign } from './dkim.ts';

export interface Envelope {
  readonly from: string;
  readonly to: string;
}

/** Of a name in a header field, characters: encoded as RFC 2047 has it, it still is a few lines. */
const maxNameLength = 200;
/** Of a hop: an exchange has at most some 253 octets, more only where they need escapes. */
const maxHopLength = 320;

/** The whole message with CRLF at line ends, signed where `sign` is given; never a dot stuffed. */
export async function composeCanary(
  order: CanaryOrder,
  envelope: Envelope,
  sign: Sign | null,
): Promise<Buffer> {
  // Loaded when the first canary is sent: runs of routes without canaries do not pay for it.
  const { default: MailComposer } = await import('nodemailer/lib/mail-composer');
  const composer = new MailComposer({
    from: { name: '', address: envelope.from },
    to: { name: '', address: envelope.to },
    subject: `mxctl canary ${order.token}`,
    messageId: `<${order.token}@${domainOf(envelope.from)}>`,
    date: new Date(order.sentAt),
    headers: {
      // RFC 3834 §5: nobody answers it, and no vacation message comes back.
      'Auto-Submitted': 'auto-generated',
      'X-Mxctl-Canary': order.token,
      'X-Mxctl-Route': fieldText(order.route),
      'X-Mxctl-Path': fieldText(order.path),
      'X-Mxctl-Hop': fieldText(formatHop(order), maxHopLength),
      'X-Mxctl-Vantage': fieldText(order.vantage),
    },
    text: bodyOf(envelope),
    // Only what is written here goes into a message, never a file or a page.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const message = await composer.compile().build();
  return sign === null ? message : sign(message);
}

/** One line whatever a name holds, and no white space at which folding would leave a line of nothing else (RFC 5322
 *  §3.2.2). What is not ASCII becomes encoded words; what looks like one (RFC 2047 §2) must not pass for one, for
 *  nodemailer leaves it as it is, and a reader would decode a line end out of it. */
function fieldText(text: string, maxLength = maxNameLength): string {
  return sanitise(text, maxLength).replace(/\s+/g, ' ').replaceAll('=?', '= ?').trim();
}

function formatHop({ hop }: CanaryOrder): string {
  return `${displayName(hop.exchange)}[${hop.address ?? ''}]:${hop.port}`;
}

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1);
}

/** Lines of at most 76 characters, so that it goes as 7bit and no hop has a reason to recode it. */
function bodyOf({ from, to }: Envelope): string {
  return [
    'This is a canary: a test message that mxctl sends by itself to see whether',
    'mail still arrives, and how long it takes, on one of the paths to',
    `${to}.`,
    'Nobody needs to read or answer it, and mxctl removes it once it was seen.',
    'If it came to you by mistake, or you want no more of them, write to',
    `${from}.`,
    '',
  ].join('\r\n');
}
