import { makeSqliteFactory } from '../../support/store-contract-databases.ts';
import { describeStore } from '../../support/store-contract.ts';

describeStore('SQLite', makeSqliteFactory);
