// The commands a probe can say. DATA and BDAT are not among them and cannot be built, so a probe cannot hand over a
// message by any mistake. Never lets an argument end a line. RFC 5321 §4.1.1, RFC 3207 §4.

export type Command =
  | { readonly verb: 'EHLO' | 'HELO'; readonly domain: string }
  | { readonly verb: 'STARTTLS' | 'QUIT' }
  /** Empty `from` is the null reverse-path (RFC 5321 §4.5.5). */
  | { readonly verb: 'MAIL'; readonly from: string }
  | { readonly verb: 'RCPT'; readonly to: string };

/** RFC 5321 §4.5.3.1.4: octets of a command line, CRLF included. */
const maxCommandOctets = 512;

/** Visible ASCII but for the brackets of a path: no space, no line end, no SMTPUTF8 (RFC 6531), which is not asked for. */
function argument(text: string): string {
  if (!/^[\x21-\x3b\x3d\x3f-\x7e]*$/.test(text)) {
    throw new RangeError(`not usable in an SMTP command: ${JSON.stringify(text)}`);
  }
  return text;
}

function words(command: Command): string {
  switch (command.verb) {
    case 'EHLO':
    case 'HELO':
      return `${command.verb} ${argument(command.domain)}`;
    case 'MAIL':
      return `MAIL FROM:<${argument(command.from)}>`;
    case 'RCPT':
      return `RCPT TO:<${argument(command.to)}>`;
    case 'STARTTLS':
    case 'QUIT':
      return command.verb;
    default:
      // Types end at the edge of this program's own code; this line does not.
      throw new RangeError('not a command a probe may say');
  }
}

/** The line with its CRLF. Throws RangeError on an argument that config should have refused. */
export function formatCommand(command: Command): string {
  const line = `${words(command)}\r\n`;
  if (line.length > maxCommandOctets)
    throw new RangeError(`SMTP command longer than ${maxCommandOctets} octets`);
  return line;
}
