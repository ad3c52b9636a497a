// Bytes from DNS, SMTP, config or the database on their way to a person. Control characters, bidirectional
// overrides and line breaks never get through: a banner must not move a cursor or forge a log line.

const escapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Printable on one line: C0, DEL, C1, bidi controls, line separators and lone surrogates become escapes. */
export function sanitise(text: string, maxLength = 300): string {
  const safe = text.slice(0, maxLength * 2).replace(
    // eslint-disable-next-line no-control-regex -- control characters are what this is about
    /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
    (char) => escapes[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return safe.length > maxLength ? `${withoutHalf(safe.slice(0, maxLength - 3))}...` : safe;
}

/** A cut between the two halves of a surrogate pair would leave a lone one. */
function withoutHalf(text: string): string {
  return text.replace(/[\ud800-\udbff]$/, '');
}
