// YAML text as a value that still knows where each part stands. Never shows source text in a fault: the line may hold
// a secret. YAML 1.2.2, core schema; no tags, no merge keys, string keys only.

import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
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

/** Anchors may serve a few thousand routes, but may not multiply: nine levels of nine aliases are stopped here. */
const maxAliasCount = 10_000;

/** By code of the yaml package: what to type. Its own messages quote the source. */
const faultText: Partial<Record<YAMLError['code'], string>> = {
  BAD_ALIAS: 'alias without an anchor; text that begins with * or & stands in quotes',
  BAD_COLLECTION_TYPE: 'a map and a list are mixed up here',
  BAD_DIRECTIVE: 'text that begins with % stands in quotes',
  BAD_DQ_ESCAPE: 'unknown escape in double quotes; single quotes take a backslash as it is',
  BAD_INDENT: 'indentation does not fit; indent with the same number of spaces as the line above',
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
    logLevel: 'silent',
  });
  const position = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const faults: YamlFault[] = [...document.errors, ...document.warnings].map((error) => ({
    ...position(error.pos[0]),
    message: faultText[error.code] ?? 'not YAML; see the line above as well',
  }));
  visit(document, {
    Map(_, map) {
      const seen = new Map<unknown, number>();
      for (const { key } of map.items) {
        if (!isScalar(key)) continue;
        const offset = key.range?.[0] ?? 0;
        const first = seen.get(key.value);
        if (key.value === '__proto__') faults.push({ ...position(offset), message: '__proto__ is no key' });
        else if (key.value === '<<')
          faults.push({ ...position(offset), message: 'merge keys are not used here; see defaults:' });
        else if (first !== undefined)
          faults.push({
            ...position(offset),
            message: `the key stands here a second time (first in line ${position(first).line}); keep one`,
          });
        else seen.set(key.value, offset);
      }
    },
  });
  const locate = (path: ConfigPath, wantKey: boolean) =>
    position(
      offsetOf(document.contents, path, wantKey, (node) => (isAlias(node) ? node.resolve(document) : node)),
    );
  return {
    ...(faults.length > 0 ? { value: undefined, faults } : valueOf(document, position)),
    at: (path) => locate(path, false),
    atKey: (path) => locate(path, true),
  };
}

function valueOf(
  document: ReturnType<typeof parseDocument>,
  position: (offset: number) => Position,
): Pick<ConfigDocument, 'value' | 'faults'> {
  try {
    return { value: document.toJS({ maxAliasCount }) as unknown, faults: [] };
  } catch {
    // Only aliases make this throw: too many, or one inside its own anchor.
    let offset = 0;
    visit(document, {
      Alias(_, alias) {
        offset = alias.range?.[0] ?? 0;
        return visit.BREAK;
      },
    });
    const message = `aliases that contain themselves, or more than ${maxAliasCount} values by alias; write them out`;
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
  if (isScalar(node)) return node.source === '' ? null : (node.range?.[0] ?? null);
  return isMap(node) || isSeq(node) ? (node.range?.[0] ?? null) : null;
}
