// XML as AWS speaks it, both ways: elements and text, no attributes but the namespace.

export interface Element {
  readonly name: string;
  readonly attributes: string;
  readonly children: readonly Element[];
  readonly text: string;
}

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function escapeXml(text: string): string {
  return text.replace(/[<>&"']/g, (char) => {
    const name = Object.keys(entities).find((one) => entities[one] === char) ?? '';
    return `&${name};`;
  });
}

function unescape(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (_, hex?: string, decimal?: string, name = '') =>
    hex !== undefined
      ? String.fromCodePoint(parseInt(hex, 16))
      : decimal !== undefined
        ? String.fromCodePoint(Number(decimal))
        : (entities[name as string] ?? ''),
  );
}

/** The document's element. Throws where it is not well-formed. */
export function parseXml(document: string): Element {
  const stack: { name: string; attributes: string; children: Element[]; text: string }[] = [
    { name: '', attributes: '', children: [], text: '' },
  ];
  const token = /<\?[^>]*\?>|<(\/?)([\w:]+)([^>]*?)(\/?)>|([^<]+)/gy;
  while (token.lastIndex < document.length) {
    const match = token.exec(document);
    if (match === null) throw new Error('not XML');
    const [, close, name, attributes = '', empty, text] = match;
    const top = stack.at(-1)!;
    if (text !== undefined) top.text += unescape(text);
    else if (name === undefined) continue;
    else if (close === '/') {
      if (stack.length < 2 || top.name !== name) throw new Error(`</${name}> closes nothing`);
      stack.pop();
      stack.at(-1)!.children.push(top);
    } else {
      const element = { name, attributes: attributes.trim(), children: [], text: '' };
      if (empty === '/') top.children.push(element);
      else stack.push(element);
    }
  }
  const [root] = stack[0]!.children;
  if (stack.length !== 1 || root === undefined) throw new Error('not one element');
  return root;
}

export type Content = string | number | boolean | readonly [name: string, content: Content][];

export function formatXml(name: string, content: Content, namespace?: string): string {
  const inner =
    typeof content === 'object'
      ? content.map(([child, of]) => formatXml(child, of)).join('')
      : escapeXml(String(content));
  return `<${name}${namespace === undefined ? '' : ` xmlns="${namespace}"`}>${inner}</${name}>`;
}
