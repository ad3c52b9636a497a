// Where the processor's time went, from a .cpuprofile: by folder of ours, by package, or by what Node itself does.

import { readFileSync } from 'node:fs';

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string };
  readonly children?: readonly number[];
}

interface Profile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  /** µs. */
  readonly timeDeltas: readonly number[];
}

/** ms of processor time by owner, most first; time in which nothing ran is left out. What Node's own code costs counts
 *  for whoever called it. */
export function timeByOwner(profileFile: string): [owner: string, ms: number][] {
  const profile = JSON.parse(readFileSync(profileFile, 'utf8')) as Profile;
  const owners = ownersOf(profile.nodes);
  const spent = new Map<string, number>();
  profile.samples.forEach((id, at) => {
    const owner = owners.get(id) ?? 'node';
    spent.set(owner, (spent.get(owner) ?? 0) + (profile.timeDeltas[at] ?? 0) / 1000);
  });
  spent.delete('(idle)');
  return [...spent].sort(([, a], [, b]) => b - a);
}

function ownersOf(nodes: readonly ProfileNode[]): Map<number, string> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const owners = new Map<number, string>();
  const walk = (node: ProfileNode, above: string): void => {
    const owner = ownOwner(node) ?? above;
    owners.set(node.id, owner);
    for (const id of node.children ?? []) {
      const child = byId.get(id);
      if (child !== undefined) walk(child, owner);
    }
  };
  const [root] = nodes;
  if (root !== undefined) walk(root, 'node');
  return owners;
}

function ownOwner({ callFrame: { functionName, url } }: ProfileNode): string | null {
  if (url === '' && functionName.startsWith('(') && functionName !== '(root)') return functionName;
  const ours = /\/(?:dist|src)\/([^/]+?)(?:\.[jt]s)?(?:\/|$)/.exec(url.split('/node_modules/')[0] ?? '')?.[1];
  return ours ?? /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1] ?? null;
}
