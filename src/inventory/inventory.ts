// Contract of inventories: domains by the million, from files and streams, each with the place it was named at. A row
// that is none is a value, not an error; only a file that cannot be read at all throws.

import type { BadRow, Source } from '../model/audit.ts';
import type { DomainName } from '../model/domain-name.ts';

export type InventoryRow =
  | { readonly kind: 'domain'; readonly domain: DomainName; readonly source: Source }
  | { readonly kind: 'bad'; readonly row: BadRow };

export interface Inventory {
  /** In the order of the file, some thousand at a time; nothing is read ahead of who asks for the next. To be read once.
   *  Throws UsageError where the file cannot be read or has no such column, and the signal's reason on abort. */
  readonly rows: AsyncIterable<readonly InventoryRow[]>;
  /** Share of the file that was read, 0 to 1; null where its size is not known. */
  share(): number | null;
}
