// The probe's policy as a route would have it, for what tests and measures the probe alone.

import type { ProbePolicy } from '../../src/model/route.ts';

export const policy: ProbePolicy = {
  stages: ['connect', 'banner', 'ehlo', 'mail', 'rcpt'],
  timeoutMs: 30_000,
  slowAfterMs: 10_000,
  intervalMs: 60_000,
  rcpt: { from: 'probe@ops.example', to: 'canary@example.com' },
  ehloName: null,
  sourceAddresses: [],
  caFile: null,
  fall: 3,
  fallRejecting: 2,
  forgive: 3,
  rise: 10,
  staleAfterMs: 180_000,
};
