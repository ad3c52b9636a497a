// A message as DATA carries it: dots stuffed, ended by the line that is one dot. Pure. Refuses what two servers could
// read as two different things. RFC 5321 §4.1.1.4, §4.5.2, §2.3.8.

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const dot = 0x2e;

/** RFC 5321 §4.5.3.1.6 and RFC 5322 §2.1.1: octets of a line, CRLF not included. */
const maxLineOctets = 998;

/** Throws RangeError for a bare CR or LF (RFC 5321 §2.3.8: "smuggling" begins there) and for a line that is too long. */
export function formatContent(message: Uint8Array): Buffer {
  const pieces: Uint8Array[] = [];
  let from = 0;
  while (from < message.length) {
    const end = message.indexOf(lineFeed, from);
    const to = end === -1 ? message.length : end + 1;
    const line = message.subarray(from, to);
    // The last line may lack its end, and only that.
    const text = end === -1 ? line : line.subarray(0, -2);
    if (end !== -1 && line.at(-2) !== carriageReturn) throw new RangeError('bare LF in a message');
    if (text.includes(carriageReturn)) throw new RangeError('bare CR in a message');
    if (text.length > maxLineOctets) throw new RangeError(`line of ${text.length} octets in a message`);
    if (line[0] === dot) pieces.push(Uint8Array.of(dot));
    pieces.push(line);
    if (end === -1) pieces.push(Buffer.from('\r\n'));
    from = to;
  }
  return Buffer.concat([...pieces, Buffer.from('.\r\n')]);
}
