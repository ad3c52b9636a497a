import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { expect, it } from 'vitest';
import { holderIdentity, isDeadHolder } from '../../../src/runtime/process-identity.ts';

async function pidOfTheDead(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'close');
  return child.pid!;
}

it('names the machine, the process and the run', () => {
  expect(holderIdentity('01KRUN', 'fra-ops', 4711)).toBe('fra-ops:4711:01KRUN');
  expect(holderIdentity('01KRUN').startsWith(hostname())).toBe(true);
  expect(holderIdentity('01KRUN').endsWith(`:${process.pid}:01KRUN`)).toBe(true);
});

it('knows a process of this machine that is no more', async () => {
  const pid = await pidOfTheDead();
  expect(isDeadHolder(holderIdentity('01KRUN', undefined, pid))).toBe(true);
  expect(isDeadHolder(holderIdentity('01KRUN'))).toBe(false);
});

it('knows nothing of another machine, of another container, or of what is no holder', async () => {
  const pid = await pidOfTheDead();
  for (const holder of [
    `elsewhere:${pid}:01KRUN`,
    `here/4026532201:${pid}:01KRUN`,
    `here:${pid}x:01KRUN`,
    `here:-${pid}:01KRUN`,
    `here:0:01KRUN`,
    `here:${pid}`,
    `here`,
    '',
  ]) {
    expect(isDeadHolder(holder, 'here'), holder).toBe(false);
  }
  expect(isDeadHolder(`here:${pid}:01KRUN`, 'here')).toBe(true);
  expect(isDeadHolder(`here:sub:${pid}:01KRUN`, 'here:sub')).toBe(true);
});
