// A service whose database goes away and comes back, while the proxy fails.
//
//   auto --interval 1s ──► PostgreSQL  x ... stopped ... x  started again
//           └────────────► DNS            nothing is written without journal and lease, and it moves when they are back

import { afterAll, beforeAll, expect, it } from 'vitest';
import { openCliStores } from '../../support/cli-store.ts';
import { type CliWorld, directMx, proxyMx, startCliWorld, until } from '../../support/cli-world.ts';
import { type RealPostgres, startPostgres } from '../../support/real-postgres.ts';

let server: RealPostgres;
let flow: CliWorld;

beforeAll(async () => {
  server = await startPostgres();
  flow = await startCliWorld({}, { mode: 'auto', rise: 2, intervalSeconds: 5 });
  await (await openCliStores(server)).openFor(flow);
}, 60_000);
afterAll(async () => {
  await flow.close();
  await server.dispose();
});

it('leaves DNS alone while its store is away, says so, and moves when it is back', async () => {
  const service = flow.start(['auto', '--interval', '1s', '--json']);
  await service.until(/"kind":"stay"/);
  await server.stop();
  await service.until(/"missed":\{"code":"store-unavailable"/);
  await flow.world.setFault('proxy', 'down');
  const before = service.stdout.length;
  await until(() => service.stdout.slice(before).split('"missed"').length > 3, 60_000);
  expect(flow.mx).toEqual([6, ...proxyMx]);

  // A person can still look, and is told what is missing.
  const status = await flow.run(['status']);
  expect(status.stdout).toMatch(/shop +proxy/);
  expect(status.stdout + status.stderr).toMatch(/state store|store/);

  await server.start();
  await until(() => flow.mx.join() === [2, ...directMx].join(), 60_000);
  service.child.kill('SIGTERM');
  expect((await service.ended).exitCode).toBe(0);
  const { data } = await flow.json(['history']);
  const changes = (data as { changes: { state: string; kind: string }[] }).changes;
  expect(changes.filter((one) => one.kind === 'failover')).toHaveLength(1);
}, 180_000);

it('tells a person who wants to move by hand, and moves nothing', async () => {
  flow.publish(6, ...proxyMx);
  await server.stop();
  try {
    const refused = await flow.json(['failover', 'shop', '--yes']);
    expect(refused).toMatchObject({ exit_code: 8, error: { code: 'store-unavailable', retryable: true } });
    expect(refused.error?.message).not.toContain('Tr0ub4dor');
    expect(flow.mx).toEqual([6, ...proxyMx]);
  } finally {
    await server.start();
  }
}, 60_000);
