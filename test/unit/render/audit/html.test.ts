// The page as a browser's parser reads it.

import { createHash } from 'node:crypto';
import { parse, type DefaultTreeAdapterTypes } from 'parse5';
import { describe, expect, it } from 'vitest';
import { pageStyle, pageStyleHash } from '../../../../src/render/audit/html-style.ts';
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

function read(html: string) {
  const errors: string[] = [];
  const document = parse(html, {
    onParseError: ({ code }) => errors.push(code),
    sourceCodeLocationInfo: true,
  });
  return { errors, elements: elementsOf(document), text: textOf(document) };
}

const rowsOf = (html: string) =>
  read(html)
    .elements.filter(({ tagName }) => tagName === 'tr')
    .map((row) => row.childNodes.map(textOf));

describe('html', () => {
  it('is a page without a mistake, a script or anything that is fetched', () => {
    const { errors, elements } = read(renderReport('html'));
    expect(errors).toEqual([]);
    const loading = ['script', 'link', 'img', 'iframe', 'object', 'base'];
    expect(elements.map(({ tagName }) => tagName).filter((name) => loading.includes(name))).toEqual([]);
    const attributes = elements.flatMap(({ attrs }) => attrs.map(({ name }) => name));
    expect(attributes.filter((name) => name === 'src' || name === 'style' || name.startsWith('on'))).toEqual(
      [],
    );
  });

  it('has a policy that lets in its own style and nothing else', () => {
    const { elements } = read(renderReport('html'));
    const policy = elements.flatMap(({ attrs }) => attrs).find(({ value }) => value.includes('default-src'));
    expect(policy?.value).toBe(
      `default-src 'none'; style-src '${pageStyleHash}'; base-uri 'none'; form-action 'none'`,
    );
    expect(pageStyleHash).toBe(`sha256-${createHash('sha256').update(pageStyle).digest('base64')}`);
    expect(elements.filter(({ tagName }) => tagName === 'style').map(textOf)).toEqual([pageStyle]);
  });

  it('has new, fixed and known findings and what is not known, each in a table', () => {
    const rows = rowsOf(renderReport('html'));
    const head = ['Level', 'Domain', 'Rule', 'Found', 'To do', 'Since', 'Where'];
    expect(rows).toEqual([
      head,
      [
        'error',
        'acme.example',
        'mx-mismatch',
        'mx.old.example is not expected',
        'publish: acme.example. MX 10 mx1.saas-mail.example.',
        'new',
        'customers.csv:12',
      ],
      ['Domain', 'Rule', 'Was', 'After'],
      ['oak.example', 'mx-mismatch', 'mx.old.example is not expected', '12d'],
      head,
      [
        'warning',
        'bread.example',
        'ttl-too-long',
        'TTL is 86400, longer than 3600',
        'publish with a TTL of 3600',
        '41d',
        'customers.csv:13',
      ],
      ['Domain', 'Why', 'Where'],
      ['dark.example', 'MX: no answer from 192.0.2.53 in 5 s', 'customers.csv:14'],
    ]);
  });

  it('shows input as text, and links only to the rules', () => {
    const reason =
      '</td><script>alert(1)</script><img src=x onerror=alert(1)> &lt; "\' <a href=javascript:x>';
    const finding = findingOf('acme.example', { reason, source: { file: '"><b>.csv', line: 1 } });
    const html = renderReport('html', { results: [resultOf('acme.example', [finding])], fixed: [] });
    expect(rowsOf(html)[1]?.[3]).toBe(reason);
    const { errors, elements } = read(html);
    expect(errors).toEqual([]);
    const links = elements.filter(({ tagName }) => tagName === 'a').map(({ attrs }) => attrs[0]?.value);
    expect(links).toEqual(['https://unpkg.com/mxctl@1.2.3/docs/rules.md#mx-mismatch']);
    expect(elements.map(({ tagName }) => tagName)).not.toContain('b');
  });

  it('keeps an error that comes after a long list of notes, and says how much it left out', () => {
    const html = renderReport('html', {
      run: { ...auditRun, baseline: null },
      results: manyResults(10_000, (at) => (at === 9999 ? 'error' : 'note')),
      fixed: [],
    });
    expect(rowsOf(html)[1]?.slice(0, 2)).toEqual(['error', 'd9999.example']);
    expect(html).toContain('and 7,499 more: -o ndjson=FILE has them all');
  });
});
