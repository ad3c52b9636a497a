import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createServiceManager, withdrawVariables } from '../../../src/runtime/service-manager.ts';
import { until } from '../../support/cli-world.ts';
import { hasNotify, openNotifySocket } from '../../support/notify-socket.ts';

interface Options {
  readonly env: Record<string, string>;
  readonly stuck?: () => string | null;
}

function manage({ env, stuck = () => null }: Options) {
  const warnings: string[] = [];
  const manager = createServiceManager({
    env: { PATH: process.env['PATH'] ?? '', ...env },
    pid: 4711,
    logger: { warn: (text) => void warnings.push(text) },
    stuck,
  });
  onTestFinished(() => manager?.settle());
  return { manager, warnings };
}

/** A folder with a `systemd-notify` of our own. */
function stubFolder(script: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'mxctl-stub-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(path.join(folder, 'systemd-notify'), `#!/bin/sh\n${script}\n`);
  chmodSync(path.join(folder, 'systemd-notify'), 0o755);
  return folder;
}

describe.skipIf(!hasNotify)('what systemd is told, on its own socket', () => {
  it('is that the service is ready, how it is, that it reloads and that it stops, in order', async () => {
    const { file, messages } = await openNotifySocket();
    const { manager, warnings } = manage({ env: { NOTIFY_SOCKET: file } });
    const before = process.hrtime.bigint() / 1000n;
    manager?.ready();
    manager?.status('3 routes, nothing to do\nREADY=0');
    manager?.reloading();
    manager?.ready();
    manager?.stopping();
    await manager?.settle();
    await until(() => messages.length === 5);
    const reloading = messages[2] ?? '';
    expect(messages.with(2, 'RELOADING')).toEqual([
      'READY=1',
      String.raw`STATUS=3 routes, nothing to do\nREADY=0`,
      'RELOADING',
      'READY=1',
      'STOPPING=1',
    ]);
    const [, usec = ''] = /^RELOADING=1\nMONOTONIC_USEC=(\d+)$/.exec(reloading) ?? [];
    expect(BigInt(usec)).toBeGreaterThanOrEqual(before);
    // CLOCK_MONOTONIC: since the machine was started, give or take what it slept.
    expect(Number(usec) / 1e6).toBeLessThanOrEqual(
      Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) + 1,
    );
    expect(warnings).toEqual([]);
  });

  it('is that rounds make progress, twice in the time it waits, and not while they make none', async () => {
    const { file, messages } = await openNotifySocket();
    let fault: string | null = null;
    const env = { NOTIFY_SOCKET: file, WATCHDOG_USEC: '100000', WATCHDOG_PID: '4711' };
    const { manager } = manage({ env, stuck: () => fault });
    await until(() => messages.length >= 3);
    expect(new Set(messages)).toEqual(new Set(['WATCHDOG=1']));
    fault = 'no round has ended';
    await until(async () => {
      const { length } = messages;
      await new Promise((resolve) => setTimeout(resolve, 300));
      return messages.length === length;
    });
    fault = null;
    const { length } = messages;
    await until(() => messages.length > length);
    await manager?.settle();
  });

  it('is nothing about a watchdog that watches another process', async () => {
    const { file, messages } = await openNotifySocket();
    const { manager } = manage({ env: { NOTIFY_SOCKET: file, WATCHDOG_USEC: '1000', WATCHDOG_PID: '1' } });
    await new Promise((resolve) => setTimeout(resolve, 50));
    manager?.ready();
    await manager?.settle();
    await until(() => messages.length > 0);
    expect(messages).toEqual(['READY=1']);
  });
});

describe('where systemd cannot be told', () => {
  it('nobody is told who did not ask', () => {
    expect(manage({ env: {} }).manager).toBeNull();
    expect(manage({ env: { NOTIFY_SOCKET: 'vsock:2:1234' } }).manager).toBeNull();
  });

  it('says once that the program is missing', async () => {
    const { manager, warnings } = manage({ env: { NOTIFY_SOCKET: '/run/x', PATH: '/nowhere' } });
    manager?.ready();
    manager?.status('well');
    await manager?.settle();
    expect(warnings).toEqual([
      'systemd cannot be told how the service is: systemd-notify: there is no such program in PATH',
    ]);
  });

  it('says once that it fails, and goes on trying', async () => {
    const folder = stubFolder('echo "$*" >> "$(dirname "$0")/log"; exit 1');
    const { manager, warnings } = manage({
      env: { NOTIFY_SOCKET: '/run/x', PATH: `${folder}:/bin:/usr/bin` },
    });
    manager?.ready();
    manager?.status('well');
    await manager?.settle();
    expect(warnings).toEqual(['systemd cannot be told how the service is: systemd-notify: exit code 1']);
    expect(readFileSync(path.join(folder, 'log'), 'utf8')).toBe('READY=1\nSTATUS=well\n');
  });

  it('gives the program nothing of our environment but the socket', async () => {
    const folder = stubFolder('env > "$(dirname "$0")/env"');
    process.env['MXCTL_TEST_SECRET'] = 'c2VzYW1l';
    const { manager } = manage({ env: { NOTIFY_SOCKET: '@x', PATH: `${folder}:/bin:/usr/bin` } });
    manager?.ready();
    await manager?.settle();
    Reflect.deleteProperty(process.env, 'MXCTL_TEST_SECRET');
    const names = readFileSync(path.join(folder, 'env'), 'utf8')
      .split('\n')
      .map((one) => one.split('=')[0]);
    expect(names).toContain('NOTIFY_SOCKET');
    expect(names).not.toContain('MXCTL_TEST_SECRET');
  });
});

it('what systemd told us is not for programs that we start', () => {
  const env = { NOTIFY_SOCKET: '/run/x', WATCHDOG_USEC: '1', WATCHDOG_PID: '2', PATH: '/bin' };
  withdrawVariables(env);
  expect(env).toEqual({ PATH: '/bin' });
});
