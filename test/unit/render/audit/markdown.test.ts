// The summary as GitHub's Markdown is read.

import { micromark } from 'micromark';
import { gfm, gfmHtml } from 'micromark-extension-gfm';
import { parseFragment, type DefaultTreeAdapterTypes } from 'parse5';
import { describe, expect, it } from 'vitest';
import { auditRun, findingOf, manyResults, renderReport, resultOf } from '../../../support/audit-report.ts';

type Node = DefaultTreeAdapterTypes.Node;
type Element = DefaultTreeAdapterTypes.Element;

function elementsOf(node: Node): Element[] {
  const children = 'childNodes' in node ? node.childNodes.flatMap(elementsOf) : [];
  return 'tagName' in node ? [node, ...children] : children;
}

function textOf(node: Node): string {
  if ('value' in node) return node.value;
  return 'childNodes' in node ? node.childNodes.map(textOf).join('') : '';
}

/** allowDangerousHtml: what would be markup must show itself as markup. */
function read(markdown: string): Element[] {
  const options = { extensions: [gfm()], htmlExtensions: [gfmHtml()], allowDangerousHtml: true };
  return elementsOf(parseFragment(micromark(markdown, options)));
}

const rowsOf = (markdown: string) =>
  read(markdown)
    .filter(({ tagName }) => tagName === 'tr')
    .map((row) => row.childNodes.filter((cell) => 'tagName' in cell).map(textOf));

describe('md', () => {
  it('has the total first, then new, fixed and known findings and what is not known', () => {
    const elements = read(renderReport('md'));
    expect(elements.filter(({ tagName }) => /^h\d$/.test(tagName)).map(textOf)).toEqual([
      'mxctl audit: customers',
      'New (1)',
      'Fixed (1)',
      'Known (1)',
      'Could not be checked (1)',
    ]);
    expect(textOf(elements.find(({ tagName }) => tagName === 'strong')!)).toBe(
      '1 error, 1 warning in 5 domains; 1 new, 1 fixed; 1 could not be checked',
    );
    expect(rowsOf(renderReport('md'))[1]).toEqual([
      'error',
      'acme.example',
      'mx-mismatch',
      'mx.old.example is not expected',
      'publish: acme.example. MX 10 mx1.saas-mail.example.',
      'customers.csv:12',
    ]);
  });

  it.each([
    'a | b \\| c',
    '`code` **bold** _it_ ~~gone~~',
    '<script>alert(1)</script> <img src=x>',
    '[x](https://evil.example) ![x](y) <https://evil.example>',
    'see https://evil.example or www.evil.example or WWW.evil.example',
    '# not a heading',
    '$x$ :tada: &amp; &#124; \\',
    '<!-- hidden',
  ])('shows %j as text', (reason) => {
    const finding = findingOf('acme.example', { reason });
    const markdown = renderReport('md', { results: [resultOf('acme.example', [finding])], fixed: [] });
    expect(rowsOf(markdown)[1]?.[3]).toBe(reason);
    const known = ['h2', 'p', 'strong', 'h3', 'table', 'thead', 'tbody', 'tr', 'th', 'td'];
    const links = read(markdown).filter(({ tagName }) => !known.includes(tagName));
    expect(links.map(({ attrs }) => attrs[0]?.value)).toEqual([
      'https://unpkg.com/mxctl@1.2.3/docs/rules.md#mx-mismatch',
    ]);
  });

  it('stays below what GitHub takes as the summary of a step, in octets, however long the rows are', () => {
    function* long() {
      for (const result of manyResults(2000)) {
        const [finding] = result.findings;
        yield resultOf('acme.example', [{ ...finding!, reason: '|'.repeat(2000) }]);
      }
    }
    const text = renderReport('md', { run: { ...auditRun, baseline: null }, results: long() });
    expect(Buffer.byteLength(text)).toBeLessThan(1_048_576);
    expect(text).toMatch(/and [\d,]+ more/);
  });
});
