// Changes as DELETE and CREATE of record sets, in batches within what one ChangeResourceRecordSets takes. Pure.
//
// Compare-and-set: a DELETE must repeat name, type, TTL and every value or the whole batch is refused, so DELETE of what
// we saw and CREATE of what we want in one batch is full compare-and-set; UPSERT would be last-writer-wins. The batch
// is one transaction: nobody is ever answered without the RRset.

import type { Due } from '../zone-provider.ts';
import { type Live, rawOf } from './convert.ts';
import type { RecordChange } from './shapes.ts';

/** ResourceRecord elements of one request. An UPSERT would count double. */
const maxElements = 1000;
/** Characters in all Value elements of one request. */
const maxCharacters = 32_000;

/** A change that is due: `live.raw` is what stands there now, to be echoed. */
export type DueChange = Due<Live>;

export function recordChangesOf({ change, live }: DueChange): RecordChange[] {
  const { desired } = change;
  const { raw } = live;
  return [
    ...(raw === null ? [] : [{ action: 'DELETE', set: raw } as const]),
    ...(desired === null ? [] : [{ action: 'CREATE', set: rawOf(desired) } as const]),
  ];
}

function sizeOf(due: DueChange): { elements: number; characters: number } {
  const values = recordChangesOf(due).flatMap((one) => one.set.values);
  return {
    elements: values.length,
    characters: values.reduce((sum, value) => sum + value.length, 0),
  };
}

/** In order, as full as they go; a change is never torn apart. Null where one change alone is too large. */
export function batchesOf(due: readonly DueChange[]): DueChange[][] | null {
  const batches: DueChange[][] = [];
  let elements = Infinity;
  let characters = Infinity;
  for (const one of due) {
    const size = sizeOf(one);
    if (size.elements > maxElements || size.characters > maxCharacters) return null;
    elements += size.elements;
    characters += size.characters;
    if (elements > maxElements || characters > maxCharacters) {
      batches.push([]);
      ({ elements, characters } = size);
    }
    batches.at(-1)?.push(one);
  }
  return batches;
}
