import { afterAll, beforeAll, describe } from 'vitest';
import { postgresMissing } from '../../support/real-postgres.ts';
import { type PostgresStores, startPostgresStores } from '../../support/store-contract-databases.ts';
import { describeStore } from '../../support/store-contract.ts';

describe.skipIf(postgresMissing !== null)(`on a real server ${postgresMissing ?? ''}`.trim(), () => {
  let stores: PostgresStores;
  beforeAll(async () => {
    stores = await startPostgresStores();
  });
  afterAll(async () => {
    await stores.dispose();
  });

  describeStore('PostgreSQL', () => stores.makeFactory());
});
