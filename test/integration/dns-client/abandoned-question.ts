// Run as a process of its own: asks a silent server, aborts, closes nothing. It must end by itself, at once.

import { createDnsClient } from '../../../src/dns/client.ts';
import { domainNameOf } from '../../../src/model/domain-name.ts';

const abort = new AbortController();
const asked = createDnsClient().ask(
  { address: '127.0.0.1', port: Number(process.argv[2]) },
  { name: domainNameOf('example.com'), type: 'MX' },
  { recursionDesired: true, timeoutMs: 600_000, attempts: 2 },
  abort.signal,
);
setImmediate(() => {
  abort.abort(new Error('Ctrl-C'));
});
await asked.catch(() => {
  const open = process.getActiveResourcesInfo().filter((one) => /UDP|TCP|Timeout/.test(one));
  console.log('aborted, open:', open.join(' ') || 'nothing');
});
