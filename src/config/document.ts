// YAML text as a value that still knows where each part stands. Never shows source text in a fault: the line may hold
// a secret. YAML 1.2.2, core schema; no tags, no merge keys, string keys only.

import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
  type YAMLMap,
  type YAMLError,
} from 'yaml';
import type { ConfigPath } from './problems.ts';

export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface YamlFault extends Position {
  readonly message: string;
}

export interface ConfigDocument {
  /** Plain objects, arrays and scalars; undefined where `faults` is not empty. */
  readonly value: unknown;
  readonly faults: readonly YamlFault[];
  /** Of the value at the path; of the nearest key above it where there is none. */
  at(path: ConfigPath): Position;
  /** Of the key that ends the path. */
  atKey(path: ConfigPath): Position;
}

type ParsedDocument = ReturnType<typeof parseDocument>;

/** Anchors may serve a few thousand routes, but may not multiply: nine levels of nine aliases are stopped here. */
const maxAliasCount = 10_000;

/** By code of the yaml package: what to type. Its own messages quote the source. */
const faultText: Partial<Record<YAMLError['code'], string>> = {
  BAD_ALIAS: 'alias without an anchor; text that begins with * or & stands in quotes',
  BAD_COLLECTION_TYPE: 'a map and a list are mixed up here',
  BAD_DIRECTIVE: 'text that begins with % stands in quotes',
  BAD_DQ_ESCAPE: 'unknown escape in double quotes; single quotes take a backslash as it is',
  BAD_INDENT: 'indentation does not fit the line above, or a bracket or brace above is not closed',
  BAD_SCALAR_START: 'text that begins with @ or ` stands in quotes: "@"',
  BLOCK_AS_IMPLICIT_KEY: 'a key and its value do not stand in one line like this; put the value in quotes',
  BLOCK_IN_FLOW: 'no indented block inside { } or [ ]',
  MISSING_CHAR: 'a closing quote, bracket or brace, a comma or a colon is missing, here or before',
  MULTILINE_IMPLICIT_KEY: 'a key spans lines; is a colon missing?',
  MULTIPLE_DOCS: 'a second document (---) begins here; one file holds one configuration',
  NON_STRING_KEY: 'a key is plain text',
  RESOURCE_EXHAUSTION: 'nested too deeply',
  TAB_AS_INDENT: 'a tab indents here; YAML takes spaces only',
  TAG_RESOLVE_FAILED: 'tags (!...) are not used here; text that begins with ! stands in quotes',
  UNEXPECTED_TOKEN: 'not expected here; is a quote, comma or colon missing before it?',
};

export function parseConfigDocument(text: string): ConfigDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    // Its own check compares every key with every other; ours is below.
    uniqueKeys: false,
    version: '1.2',
    logLevel: 'error',
  });
  const position = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const targets = new Map<Node, Node>();
  const faults: YamlFault[] = [
    ...[...document.errors, ...document.warnings].map((error) => ({
      ...position(error.pos[0]),
      message: faultText[error.code] ?? 'not YAML; see the line above as well',
    })),
    ...structureFaults(document, targets, position),
  ];
  const follow = (node: unknown) => (isAlias(node) ? targets.get(node) : node);
  return {
    ...(faults.length > 0 ? { value: undefined, faults } : valueOf(document, position)),
    at: (path) => position(offsetOf(document.contents, path, false, follow)),
    atKey: (path) => position(offsetOf(document.contents, path, true, follow)),
  };
}

/** Aliases and keys that the parser lets pass; fills `targets` with what each alias stands for. */
function structureFaults(
  document: ParsedDocument,
  targets: Map<Node, Node>,
  position: (offset: number) => Position,
): YamlFault[] {
  const faults: YamlFault[] = [];
  const anchors = new Map<string, Node>();
  const fault = (node: unknown, message: string) =>
    faults.push({ ...position(isNode(node) ? (node.range?.[0] ?? 0) : 0), message });
  visit(document, {
    Node(_, node, ancestors) {
      if (isAlias(node)) {
        const target = anchors.get(node.source);
        if (target === undefined) fault(node, faultText.BAD_ALIAS ?? '');
        else if (ancestors.includes(target)) fault(node, 'an alias inside its own anchor; write it out');
        else targets.set(node, target);
        return;
      }
      if (node.anchor !== undefined) anchors.set(node.anchor, node);
      if (isMap(node)) keyFaults(node, fault, (offset) => position(offset).line);
    },
  });
  return faults;
}

function keyFaults(
  map: YAMLMap,
  fault: (node: unknown, message: string) => void,
  lineOf: (offset: number) => number,
): void {
  const seen = new Map<unknown, number>();
  for (const { key } of map.items) {
    if (!isScalar(key)) continue;
    const first = seen.get(key.value);
    if (key.value === '__proto__') fault(key, '__proto__ is no key');
    else if (key.value === '<<') fault(key, 'merge keys are not used here; see defaults:');
    else if (first !== undefined)
      fault(key, `the key stands here a second time (first in line ${lineOf(first)}); keep one`);
    else seen.set(key.value, key.range?.[0] ?? 0);
  }
}

function valueOf(
  document: ParsedDocument,
  position: (offset: number) => Position,
): Pick<ConfigDocument, 'value' | 'faults'> {
  try {
    return { value: document.toJS({ maxAliasCount }) as unknown, faults: [] };
  } catch {
    // Only aliases that multiply make this throw.
    let offset = 0;
    visit(document, {
      Alias(_, alias) {
        offset = alias.range?.[0] ?? 0;
        return visit.BREAK;
      },
    });
    const message = `more than ${maxAliasCount} values by alias; write them out`;
    return { value: undefined, faults: [{ ...position(offset), message }] };
  }
}

/** Offset of a value (or its key) in the text; of the nearest thing above where the path leads nowhere. */
function offsetOf(
  contents: Node | null,
  path: ConfigPath,
  wantKey: boolean,
  follow: (node: unknown) => unknown,
): number {
  let node = follow(contents);
  let known = 0;
  let key = 0;
  for (const part of path) {
    const before = node;
    if (isMap(before)) {
      const pair = before.items.find((one) => isScalar(one.key) && one.key.value === String(part));
      if (pair === undefined) return known;
      key = isScalar(pair.key) ? (pair.key.range?.[0] ?? known) : known;
      known = key;
      node = follow(pair.value);
    } else if (isSeq(before) && typeof part === 'number') {
      node = follow(before.items[part]);
      if (node === undefined || node === null) return known;
      known = startOf(node) ?? known;
      key = known;
    } else return known;
  }
  return wantKey ? key : (startOf(node) ?? known);
}

/** Null for a value that is left out (`ttl:`): its key says more. */
function startOf(node: unknown): number | null {
  if (isScalar(node)) return node.type === 'PLAIN' && node.source === '' ? null : (node.range?.[0] ?? null);
  return isMap(node) || isSeq(node) ? (node.range?.[0] ?? null) : null;
}
