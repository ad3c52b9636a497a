// `doctor` as a person or a container's health check starts it.

import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliWorld, expectScreen, startCliWorld } from '../../support/cli-world.ts';

let flow: CliWorld;
beforeAll(async () => {
  flow = await startCliWorld();
});
afterAll(() => flow.close());

interface Found {
  readonly check: string;
  readonly status: string;
  readonly message: string;
}
const found = (data: unknown): Found[] => (data as { findings: Found[] }).findings;

describe('doctor', () => {
  it('looks at everything, and leaves no state store behind that would be its own', async () => {
    const first = await flow.json(['doctor']);
    expect(first).toMatchObject({ exit_code: 0, error: null });
    expect(found(first.data).map(({ check, status }) => `${check} ${status}`)).toEqual([
      'config ok',
      'node ok',
      'files ok',
      'store warn',
      'auto ok',
      'clock unknown',
      'resolver ok',
      'port-25 ok',
      'families ok',
      'ehlo warn',
      'provider ok',
      'rivals unknown',
      'recovery ok',
    ]);
    expect(existsSync(flow.stateFile)).toBe(false);
  });

  it('fits a screen, with what to do next, and what fails last', async () => {
    for (const name of ['ref1', 'ref2']) await flow.world.setFault(name, 'down');
    const { exitCode, stdout, stderr } = await flow.run(['doctor']);
    for (const name of ['ref1', 'ref2']) await flow.world.setFault(name, 'ok');
    expect(stderr).toBe('');
    expectScreen(stdout);
    expect(exitCode).toBe(2);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.at(-1)).toMatch(/^1 FAIL, \d+ to look at, \d+ not known from here, \d+ ok$/);
    expect(lines.findLastIndex((line) => line.startsWith('FAIL  port-25'))).toBeGreaterThan(
      lines.findLastIndex((line) => /^(ok|warn|\?) /.test(line)),
    );
  });

  it('says of a broken configuration what is wrong with it, and ends with 78', async () => {
    const file = path.join(flow.world.directory, 'broken.yaml');
    writeFileSync(file, 'version: 1\nrutes: {}\n');
    const run = await flow.json(['doctor'], { configFile: file });
    expect(run.exit_code).toBe(78);
    expect(found(run.data)[1]?.message).toMatch(
      /broken\.yaml:2:1: rutes: unknown key \(did you mean routes\?\)$/,
    );
    expect((await flow.json(['doctor', '--config', '/nowhere.yaml'])).exit_code).toBe(78);
  });

  it('is ended with 4 where a key does not fit', async () => {
    const file = path.join(flow.world.directory, 'wrong.key');
    writeFileSync(file, 'd3Jvbmcta2V5\n', { mode: 0o600 });
    const configFile = flow.writeConfig((yaml) =>
      yaml.replace(/\{file: "[^"]*tsig\.key"\}/, `{file: "${file}"}`),
    );
    const run = await flow.json(['doctor'], { configFile });
    expect(run.exit_code).toBe(4);
    expect(found(run.data).filter((one) => one.status === 'fail')).toMatchObject([{ check: 'provider' }]);
  });
});
