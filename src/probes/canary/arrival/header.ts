// The header of a letter as fields. Takes whatever octets come; what is no field is left out. RFC 5322 §2.2, RFC 2047.

export interface HeaderField {
  /** In lower case. */
  readonly name: string;
  /** Unfolded; encoded words as they stand. */
  readonly value: string;
}

/** Octets of a header that are looked at: large providers refuse more than 64 KiB to 256 KiB, a canary's has some 8. */
export const maxHeaderBytes = 65_536;
/** Fields looked at. A letter through ten hops and two filters has under a hundred. */
const maxFields = 500;

/** Ends at the first empty line (RFC 5322 §2.1), or with the octets. */
export function parseHeader(octets: Uint8Array): readonly HeaderField[] {
  return parseFields(textOf(octets.subarray(0, maxHeaderBytes)));
}

/** RFC 6532: header fields may be UTF-8; what is not becomes U+FFFD. */
export function textOf(octets: Uint8Array): string {
  return new TextDecoder('utf-8').decode(octets);
}

export function parseFields(text: string): readonly HeaderField[] {
  const fields: { name: string; lines: string[] }[] = [];
  for (const line of text.split(/\r?\n/)) {
    if (line === '') break;
    const last = fields.at(-1);
    // RFC 5322 §2.2.3: a line that begins with white space goes on with the field before.
    if (/^[ \t]/.test(line)) last?.lines.push(line);
    else {
      const colon = line.indexOf(':');
      const name = line.slice(0, Math.max(0, colon)).trimEnd();
      // What is no field still ends the one before: `From ` of an mbox, or a line that broke.
      fields.push({
        name: /^[!-9;-~]+$/.test(name) ? name.toLowerCase() : '',
        lines: [line.slice(colon + 1)],
      });
      if (fields.length > maxFields) break;
    }
  }
  return fields
    .filter(({ name }) => name !== '')
    .map(({ name, lines }) => ({ name, value: lines.join('').trim() }));
}

export function fieldOf(fields: readonly HeaderField[], name: string): string | null {
  return fields.find((field) => field.name === name)?.value ?? null;
}

/** Encoded words as text; other text as it is. RFC 2047 §6.2: white space between two of them is not shown. */
export function decodeWords(value: string): string {
  const word = /=\?([^?\s]{1,64})\?([bq])\?([^?\s]*)\?=/gi;
  return value
    .replace(/(\?=)[ \t]+(?==\?)/g, '$1')
    .replace(word, (whole, charset: string, encoding: string, text: string) => {
      const octets = encoding.toLowerCase() === 'b' ? Buffer.from(text, 'base64') : decodeQ(text);
      return decodeCharset(octets, charset) ?? whole;
    });
}

/** RFC 2047 §4.2. */
function decodeQ(text: string): Uint8Array {
  const spaced = text.replaceAll('_', ' ');
  return Buffer.from(
    spaced.replace(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );
}

function decodeCharset(octets: Uint8Array, charset: string): string | null {
  try {
    // RFC 2231 §5: a language may follow the charset.
    return new TextDecoder(charset.replace(/\*.*$/, '')).decode(octets);
  } catch {
    return null;
  }
}
