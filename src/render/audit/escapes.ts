// How text from outside (names, records, replies, rows of a list) stands in each format, so that it is read as text
// and nothing else: not by a terminal, a browser, a spreadsheet, an XML parser or the log reader of a CI service.

import { sanitise } from '../../model/text.ts';

/** A reason and the record to publish fit; what is longer was made long by somebody. Characters. */
const longestText = 2000;

/** What most cells and attributes are, and no format reads as anything else: worth not looking at six times. */
const isPlain = (text: string) => text.length <= longestText && /^(\w[\w./: -]*)?$/.test(text);

/** One line. `##[...]`, `##vso[...]` and `##teamcity[...]` are commands to Azure, GitHub (the old form) and TeamCity
 *  wherever they stand in a log. */
export function lineText(text: string): string {
  return sanitise(text, longestText).replace(/#(?=#)/g, '# ');
}

/** Words that may start a line only behind others: `::` at the start of a line is a command to GitHub, indented or
 *  not. Wrapping takes the two words for one; `unglue` gives the line back as it reads. */
export function glue(text: string): string {
  return text.replace(/\s+(?=::)/g, (gap) => gap.replaceAll(' ', '\u00a0'));
}

export function unglue(line: string): string {
  return line.replace(/\s+(?=::)/g, (gap) => gap.replaceAll('\u00a0', ' '));
}

/** JSON on one line with nothing in it that a terminal or a log reader acts on; parses to the same value. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value).replace(
    /#(?=#)|[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** For text and quoted attributes of HTML and XML alike. Neither has non-characters, not even as entities
 *  (XML 1.0 §2.2). */
export function markupText(text: string): string {
  if (isPlain(text)) return text;
  return lineText(text)
    .replace(/\p{Noncharacter_Code_Point}/gu, '\ufffd')
    .replace(/[&<>"']/g, (char) => entities[char] ?? '');
}

/** For a cell of a GitHub table: whatever might be markup, a link, a mention, an emoji or a formula is an entity. */
export function markdownText(text: string): string {
  return lineText(text)
    .replace(/[^A-Za-z0-9 ,./()=;%"+?-]/gu, (char) => `&#${char.codePointAt(0) ?? 0};`)
    .replace(/www\./gi, (match) => `${match.slice(0, 3)}&#46;`);
}

/** RFC 4180 §2. What a spreadsheet would take for a formula gets an apostrophe; also behind a semicolon, at which
 *  Excel splits the file in half of Europe. */
export function csvCell(text: string): string {
  if (isPlain(text) && !text.endsWith(' ')) return text;
  const safe = lineText(text).replace(/(^|;)(\s*)([=+\-@\uff1d\uff0b\uff0d\uff20])/g, "$1$2'$3");
  return /[",;]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Of a GitHub workflow command: the message. */
export function commandMessage(text: string): string {
  return lineText(text).replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

/** Of a GitHub workflow command: the value of a property. */
export function commandProperty(text: string): string {
  return commandMessage(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
