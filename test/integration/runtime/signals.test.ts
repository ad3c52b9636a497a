import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';

const script = `
  import { listenForShutdown } from ${JSON.stringify(join(import.meta.dirname, '../../../src/runtime/signals.ts'))};
  const { signal, dispose } = listenForShutdown();
  const stayAlive = setInterval(() => {}, 60_000);
  signal.addEventListener('abort', () => console.log(JSON.stringify([signal.reason.code, signal.reason.message])));
  process.stdin.on('data', () => { dispose(); console.log('"disposed"'); });
  console.log('"ready"');
`;

function start() {
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const say = async () => JSON.parse(String((await lines.next()).value)) as unknown;
  return { child, say, end: once(child, 'exit') as Promise<[number | null, string | null]> };
}

it.each(['SIGINT', 'SIGTERM'] as const)(
  'asks for an orderly end at the first %s, and ends at the second',
  async (name) => {
    const { child, say, end } = start();
    expect(await say()).toBe('ready');
    child.kill(name);
    expect(await say()).toEqual(['interrupted', `stopped by ${name}`]);
    expect(child.exitCode).toBeNull();
    child.kill(name);
    expect(await end).toEqual([130, null]);
  },
);

it('counts a SIGTERM after a SIGINT as the second', async () => {
  const { child, say, end } = start();
  await say();
  child.kill('SIGINT');
  await say();
  child.kill('SIGTERM');
  expect(await end).toEqual([130, null]);
});

it('gives the signals back when it is disposed of', async () => {
  const { child, say, end } = start();
  await say();
  child.stdin.write('x');
  expect(await say()).toBe('disposed');
  child.kill('SIGTERM');
  expect(await end).toEqual([null, 'SIGTERM']);
});
