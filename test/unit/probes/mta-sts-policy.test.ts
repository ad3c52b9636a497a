// MTA-STS records and policies as people write them, good and bad. RFC 8461 §3.1, §3.2, Appendix A.

import { describe, expect, it } from 'vitest';

import { announcedId, joinTxt, parsePolicy } from '../../../src/probes/mta-sts/policy.ts';

const lines = (...all: readonly string[]) => `${all.join('\n')}\n`;
const good = ['version: STSv1', 'mode: enforce', 'mx: mail.example.com', 'max_age: 604800'];
const without = (key: string) => lines(...good.filter((line) => !line.startsWith(key)));
const withLine = (key: string, line: string) =>
  lines(...good.map((one) => (one.startsWith(key) ? line : one)));

describe('the TXT record', () => {
  it.each([
    ['the example of RFC 8461', ['"v=STSv1; id=20160831085700Z;"'], true],
    ['no semicolon at the end', ['"v=STSv1; id=20160831085700Z"'], true],
    ['no blanks', ['"v=STSv1;id=1;"'], true],
    ['one record in several strings', ['"v=STS" "v1; id=2016083108" "5700Z;"'], true],
    ['an extension field', ['"v=STSv1; id=1; note=hello"'], true],
    ['other TXT records beside it', ['"v=spf1 -all"', '"v=STSv1; id=1"'], true],
    ['none', [], false],
    ['two of them', ['"v=STSv1; id=1"', '"v=STSv1; id=2"'], false],
    ['another version', ['"v=STSv2; id=1"'], false],
    ['the version not first', ['"id=1; v=STSv1"'], false],
    ['no id', ['"v=STSv1;"'], false],
    ['an empty id', ['"v=STSv1; id=;"'], false],
    ['an id of 32', [`"v=STSv1; id=${'a'.repeat(32)}"`], true],
    ['an id of 33', [`"v=STSv1; id=${'a'.repeat(33)}"`], false],
    ['an id with a hyphen', ['"v=STSv1; id=2016-08-31"'], false],
  ])('%s', (_, records, announces) => {
    expect(announcedId(records) !== null).toBe(announces);
  });

  it('has the id that tells senders of a change', () => {
    expect(announcedId(['"v=spf1 -all"', '"v=STSv1; " "id=20160831085700Z;"'])).toBe('20160831085700Z');
  });

  it('is read out of its presentation form', () => {
    expect(joinTxt(String.raw`"v=STSv1\; " "id=1"`)).toBe('v=STSv1; id=1');
    expect(joinTxt(String.raw`"a\"b\\c\009"`)).toBe('a"b\\c\t');
  });
});

describe('a policy', () => {
  it('of RFC 8461 is read', () => {
    const text = lines(
      'version: STSv1',
      'mode: enforce',
      'mx: mail.example.com',
      'mx: *.example.net',
      'mx: backupmx.example.com',
      'max_age: 604800',
    );
    expect(parsePolicy(text)).toEqual({
      mode: 'enforce',
      patterns: ['mail.example.com', '*.example.net', 'backupmx.example.com'],
    });
  });

  it.each([
    ['LF', lines(...good)],
    ['CRLF', good.map((line) => `${line}\r\n`).join('')],
    ['no end to its last line', good.join('\n')],
    ['blanks after the colon and at the end', withLine('mode', 'mode: \t enforce \t')],
    ['no blank after the colon', withLine('mode', 'mode:enforce')],
    ['upper case in a name', withLine('mx', 'mx: Mail.EXAMPLE.com')],
    ['a key nobody knows', lines(...good, 'colour: blue')],
    ['a line that is none', lines(...good, 'hello')],
    ['empty lines', good.join('\n\n')],
    ['a mode said twice: the first counts', lines(...good, 'mode: none')],
    ['a max_age said twice: the first counts', lines(...good, 'max_age: x')],
    ['the longest max_age', withLine('max_age', 'max_age: 31557600')],
    ['no time at all', withLine('max_age', 'max_age: 0')],
    ['an mx without a value beside a good one', lines(...good, 'mx:')],
  ])('with %s is the same policy', (_, text) => {
    expect(parsePolicy(text)).toEqual({ mode: 'enforce', patterns: ['mail.example.com'] });
  });

  it.each([
    ['no version', without('version')],
    ['no mode', without('mode')],
    ['no max_age', without('max_age')],
    ['another version', withLine('version', 'version: STSv2')],
    ['a version in another case', withLine('version', 'version: stsv1')],
    ['a mode nobody knows', withLine('mode', 'mode: strict')],
    ['a max_age beyond a year', withLine('max_age', 'max_age: 31557601')],
    ['a huge max_age', withLine('max_age', 'max_age: 9999999999')],
    ['a decimal max_age', withLine('max_age', 'max_age: 604800.5')],
    ['a negative max_age', withLine('max_age', 'max_age: -1')],
    ['enforce without mx', without('mx')],
    ['enforce with an empty mx', withLine('mx', 'mx:')],
    ['testing without mx', without('mx').replace('enforce', 'testing')],
    ['a bad first value, a good second', lines('mode: strict', ...good)],
    ['nothing', ''],
    ['a web page', '<!doctype html>\n<title>404</title>\n'],
  ])('with %s is none', (_, text) => {
    expect(parsePolicy(text)).toBeNull();
  });

  it('that is withdrawn needs no mx', () => {
    expect(parsePolicy(lines('version: STSv1', 'mode: none', 'max_age: 86400'))).toEqual({
      mode: 'none',
      patterns: [],
    });
  });

  it('is not read beyond a hundred patterns', () => {
    const many = Array.from({ length: 200 }, (_, at) => `mx: mx${at}.example.com`);
    expect(parsePolicy(lines(...good, ...many))!.patterns).toHaveLength(100);
  });

  it.each([
    ['blanks and a line end of another system', `mx:${' '.repeat(60_000)}\r`],
    ['blanks and a line separator', `mx: \t${' \t'.repeat(30_000)}\u2028`],
    ['blanks inside a value', `mx: a${' '.repeat(60_000)}b`],
    ['a key without end', 'a'.repeat(60_000)],
    ['nothing but colons', ':'.repeat(60_000)],
  ])('as long as one may be, of %s, is read at once', (_, line) => {
    const startedAt = performance.now();
    expect(parsePolicy(lines(...good, line))?.mode).toBe('enforce');
    // Trying every way to share blanks out took hours; a busy machine takes milliseconds.
    expect(performance.now() - startedAt).toBeLessThan(1000);
  });
});
