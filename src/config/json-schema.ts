// The JSON Schema of mxctl.yaml, made from the zod schema, and the keys it knows at a place.

import { z } from 'zod';
import type { ConfigPath } from './problems.ts';
import { configSchema } from './schema.ts';

/** A part of the schema, as far as it is walked here. */
interface SchemaNode {
  readonly $ref?: string;
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
  readonly allOf?: readonly SchemaNode[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: SchemaNode | boolean;
  readonly items?: SchemaNode;
  readonly const?: unknown;
}

/** Draft 7: what the editors' YAML language server understands whole. */
export function configJsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(configSchema, { io: 'input', target: 'draft-7' });
  return { $schema, $id: 'urn:mxctl:schema:config:v1', ...rest };
}

type RootNode = SchemaNode & { readonly definitions?: Readonly<Record<string, SchemaNode>> };

let cachedRoot: RootNode | null = null;

/** Made once: a file may have a thousand faults. */
function rootNode(): RootNode {
  cachedRoot ??= configJsonSchema();
  return cachedRoot;
}

/** Keys a map at `path` of `value` may have; where several shapes are possible, those of all that still fit. */
export function knownKeysAt(value: unknown, path: ConfigPath): string[] {
  const schema = rootNode();
  const expand = (node: SchemaNode, at: unknown): SchemaNode[] => {
    const referred =
      node.$ref === undefined ? undefined : schema.definitions?.[node.$ref.split('/').at(-1) ?? ''];
    const parts = [...(node.anyOf ?? []), ...(node.oneOf ?? []), ...(node.allOf ?? [])];
    if (referred !== undefined) parts.push(referred);
    return [node, ...parts.flatMap((one) => expand(one, at))].filter((one) => fits(one, at));
  };
  let nodes = expand(schema, value);
  let at = value;
  for (const part of path) {
    at = at !== null && typeof at === 'object' ? (at as Record<string | number, unknown>)[part] : undefined;
    nodes = nodes.flatMap((node) => {
      const rest = typeof node.additionalProperties === 'object' ? node.additionalProperties : undefined;
      const next = typeof part === 'number' ? node.items : (node.properties?.[part] ?? rest);
      return next === undefined ? [] : expand(next, at);
    });
  }
  return [...new Set(nodes.flatMap((node) => Object.keys(node.properties ?? {})))];
}

/** False where a discriminating constant (`type`, `strategy`) says otherwise. */
function fits(node: SchemaNode, value: unknown): boolean {
  if (value === null || typeof value !== 'object') return true;
  return Object.entries(node.properties ?? {}).every(([key, property]) => {
    const given = (value as Record<string, unknown>)[key];
    return typeof property.const !== 'string' || given === undefined || given === property.const;
  });
}
