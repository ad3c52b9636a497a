// Who holds what: for people, who look for a lease that never ends.

import type { Lease } from '../../model/lease.ts';
import type { SqlEngine } from './engine.ts';
import { Fields } from './fields.ts';
import { nobody } from './leases.ts';

export async function readLeases(engine: SqlEngine): Promise<Lease[]> {
  const rows = await engine.db
    .selectFrom('lease')
    .selectAll()
    .where('holder', '!=', nobody)
    .orderBy('route')
    .execute();
  return rows.map((row) => {
    const fields = Fields.ofRow('lease', row.route, row);
    return {
      route: fields.line('route'),
      holder: fields.line('holder'),
      token: fields.count('token'),
      expiresAt: fields.number('expires_at'),
    };
  });
}
