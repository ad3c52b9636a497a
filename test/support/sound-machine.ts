// A machine that `doctor` finds nothing wrong with, and that asks nobody for the time.

import type { Machine } from '../../src/app/doctor-finding.ts';

export const soundMachine: Machine = {
  nodeVersion: '24.21.0',
  hostname: 'ops.example.com',
  families: { ipv4: true, ipv6: false },
  stat: () => Promise.resolve({ mode: 0o100600 }),
  hasEnvironment: () => true,
  credentialFile: () => null,
  freeBytes: () => Promise.resolve(10 ** 12),
  httpTime: () => Promise.reject(new Error('nobody was to be asked')),
};
