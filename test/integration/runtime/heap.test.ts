import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

const heap = new URL('../../../src/runtime/heap.ts', import.meta.url).href;

/** MB of the young generation of a process that has kept 200,000 objects. */
function youngMegabytes(first: string): number {
  const script = `
    import { getHeapSpaceStatistics } from 'node:v8';
    import { keepHeapSmall } from ${JSON.stringify(heap)};
    ${first}
    const kept = Array.from({ length: 200_000 }, (_, at) => ({ at, text: [String(at)], more: { at } }));
    const young = getHeapSpaceStatistics().find((one) => one.space_name === 'new_space');
    console.log(young.space_size / 2 ** 20, kept.length);`;
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  return Number(out.split(' ')[0]);
}

describe('the young generation', () => {
  it('stays as small as it was, whatever is kept afterwards', () => {
    expect(youngMegabytes('keepHeapSmall();')).toBeLessThan(youngMegabytes('') / 2);
  });
});
