// The socket that systemd gives a service, with a reader behind it: what arrives there, a message an entry. Node has no
// datagram sockets in the file system, so that python3 holds it.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';

const reader = `
import json, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('"bound"', flush=True)
while True:
    print(json.dumps(s.recv(65536).decode()), flush=True)
`;

/** Where one of the two programs is missing the tests that need them are skipped, and say so. */
export const hasNotify =
  spawnSync('python3', ['--version']).status === 0 && spawnSync('systemd-notify', ['--version']).status === 0;

export interface NotifySocket {
  readonly file: string;
  /** Without what `systemd-notify` sends to learn that it was heard. */
  readonly messages: readonly string[];
}

export async function openNotifySocket(): Promise<NotifySocket> {
  const folder = mkdtempSync(path.join(tmpdir(), 'mxctl-notify-'));
  const file = path.join(folder, 'notify');
  const messages: string[] = [];
  const child = spawn('python3', ['-c', reader, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });
  await new Promise<void>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const message = JSON.parse(line) as string;
      if (message === 'bound') resolve();
      else if (message !== 'BARRIER=1') messages.push(message.trimEnd());
    });
  });
  return { file, messages };
}
