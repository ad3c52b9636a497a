import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqlStore } from '../../../src/store/sql/open.ts';
import type { Store } from '../../../src/store/store.ts';
import { describeStore } from '../../support/store-contract.ts';

describeStore('SQLite', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'mxctl-store-'));
  const stores: Store[] = [];
  return {
    open: async () => {
      const store = await openSqlStore({ url: `sqlite:${join(directory, 'state.db')}` });
      stores.push(store);
      return store;
    },
    dispose: async () => {
      for (const store of stores) await store.close();
      await rm(directory, { recursive: true });
    },
  };
});
