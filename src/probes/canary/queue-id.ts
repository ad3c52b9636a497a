// The name a hop gives to a message it took, out of its reply to the final dot: what to look for in its logs and
// queues. No standard says where it stands (RFC 5321 §4.2 leaves the text free), so this is a list of what servers in
// the field write. Pure; never gives more than one short word.

/** The more telling form first: a filter before a queue quotes the queue's own reply in its. */
const forms: readonly RegExp[] = [
  // Postfix and what is built on it, Halon, MailHog: `Ok: queued as 4XyZ1k2m3nz9sWc`.
  /\bqueued as ([^\s,;)]+)/i,
  // Stalwart: `Message queued with id 1a2b3c.`
  /\bqueued with id:? ([^\s,;)]+)/i,
  // Haraka: `Message Queued (5C1B3F2E-8E1C-4B5A.1)`.
  /\bqueued \(([^\s()]+)\)/i,
  // Exim: `OK id=1rABCD-0000xy-1X`. Amavis: `Ok, id=12345-01, from MTA(...)`.
  /\bid=([^\s,;)]+)/i,
  // Exchange: `2.6.0 <ours@here> [InternalId=47, Hostname=EX1.example] ... Queued mail for delivery`: the name between
  // the brackets is our own Message-ID, that of the queue is the number.
  /\bInternalId=(\d+)/i,
  // The SMTP service of IIS, and old Exchange: `2.6.0 <EX1abc@ex1.example> Queued mail for delivery`.
  /<([^<>\s]+)> .{0,80}\bqueued mail for delivery/i,
  // Sendmail, OpenSMTPD, Proofpoint: `xAB1C2D3012345 Message accepted for delivery`.
  /(?:^|\s)([^\s]+) message accepted for delivery/i,
  // Cisco ESA: `ok:  Message 12345678 accepted`.
  /\bmessage ([^\s]+) accepted/i,
  // Oracle: `Ok, envelope id ABC@mx.example`.
  /\benvelope id ([^\s,;)]+)/i,
  // Google: `OK 1700000000 d9443c01a7336-1d0e48 - gsmtp`; the number is the time.
  /\bOK\s+\d{9,11} ([^\s]+) - gsmtp/i,
  // qmail: `ok 1700000000 qp 1234`: the number of qmail-queue's process, which is in its logs.
  /\bok \d{9,11} qp (\d+)/i,
  // Amazon SES: `Ok 0100018b5c3c0a4f-3f0c1d2e-000000`.
  /^Ok ([0-9a-z]+(?:-[0-9a-z]+)+)$/i,
];

/** Of a reply much longer only the beginning is worth a search. */
const maxTextLength = 1000;
/** Names are some ten to sixty characters; longer than a token of ours plus a domain is not a name. */
const maxIdLength = 128;

/** `text` is that of a 2yz reply without code and enhanced code, lines joined by ` / `; null where it names none. */
export function queueIdOf(text: string): string | null {
  const bounded = text.slice(0, maxTextLength);
  for (const form of forms) {
    const id = form
      .exec(bounded)?.[1]
      ?.replace(/^[<("']+/, '')
      .replace(/[>)"'.,;:]+$/, '');
    // Printable ASCII: it is shown, searched for and pasted into a shell.
    if (id !== undefined && id.length <= maxIdLength && /^[\w.@+=/:-]+$/.test(id)) return id;
  }
  return null;
}
