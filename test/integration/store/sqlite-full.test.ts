// The state file on a disk that is full: nothing is written by halves, a person is told, and it goes on when there is room.

import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AppError } from '../../../src/errors.ts';
import { openSqlStore } from '../../../src/store/sql/open.ts';
import { diskMissing, mountDisk } from '../../support/small-disk.ts';
import { hold } from '../../support/store-contract.ts';
import { anAction, anObservation } from '../../support/store-samples.ts';

const full = {
  code: 'store-unavailable',
  exitCode: 4,
  message: expect.stringMatching(/cannot be used: database or disk is full/) as string,
  hint: expect.stringMatching(/free space/) as string,
};

const faultOf = (work: Promise<unknown>): Promise<AppError> =>
  work.then(
    () => Promise.reject(new Error('nothing was thrown')),
    (error: unknown) => (error instanceof AppError ? error : Promise.reject(error as Error)),
  );

describe.skipIf(diskMissing !== null)(`a state file on a full disk ${diskMissing ?? ''}`.trim(), () => {
  it('takes neither measurements nor intents, keeps what it had, and goes on when there is room', async () => {
    const disk = mountDisk(4);
    onTestFinished(() => {
      disk.remove();
    });
    const url = `sqlite:${join(disk.directory, 'state.sqlite')}`;
    const store = await openSqlStore({ url });
    const lease = await hold(store);
    await store.recordObservations([{ route: 'support', observation: anObservation({ at: 1 }) }]);
    disk.fill();
    const many = Array.from({ length: 2000 }, (_, at) => ({
      route: 'support',
      observation: anObservation({ at: 2 + at }),
    }));
    expect(await faultOf(store.recordObservations(many))).toMatchObject(full);
    expect(await faultOf(store.beginAction(anAction(), lease))).toMatchObject(full);
    expect(await store.listObservations('support', 10)).toHaveLength(1);
    expect(await store.listActions({})).toEqual([]);
    // A new run finds the same; what can be read is read.
    const other = await openSqlStore({ url, readOnly: true });
    expect(await other.listObservations('support', 10)).toHaveLength(1);
    await other.close();

    disk.makeRoom();
    await store.recordObservations(many);
    await store.beginAction(anAction(), lease);
    expect(await store.listObservations('support', 5000)).toHaveLength(2001);
    expect(await store.listActions({})).toHaveLength(1);
    await store.close();
  });

  it('is not begun there', async () => {
    const disk = mountDisk(1);
    onTestFinished(() => {
      disk.remove();
    });
    disk.fill();
    const url = `sqlite:${join(disk.directory, 'state.sqlite')}`;
    expect(await faultOf(openSqlStore({ url }))).toMatchObject(full);
    disk.makeRoom();
    const store = await openSqlStore({ url });
    expect(await store.listActions({})).toEqual([]);
    await store.close();
  });
});
