// Who holds a lease, in words a person can follow up: the machine, the process, the run.

import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { sanitise } from '../model/text.ts';

/** Linux numbers the first PID namespace, the one outside of all containers, always so (PROC_PID_INIT_INO). */
const firstPidNamespace = '4026531836';

/** Where a process id means something: the host, and the container where we are in one. Two containers may share the
 *  host's name (`network_mode: host`) and a state file, but not process ids. */
function processSpace(): string {
  const host = sanitise(hostname(), 100);
  try {
    const namespace = /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? firstPidNamespace;
    return namespace === firstPidNamespace ? host : `${host}/${namespace}`;
  } catch {
    // Not Linux: no such namespaces.
    return host;
  }
}

/** E.g. `fra-ops:4711:01K5…`, in a container `fra-ops/4026532201:7:01K5…`. The run's id makes it unique when process
 *  ids are used again. */
export function holderIdentity(runId: string, space = processSpace(), pid = process.pid): string {
  return `${space}:${pid}:${runId}`;
}

/** True where the holder was a process of this machine (and container) that is no more. Of another machine's nothing
 *  is known. */
export function isDeadHolder(holder: string, space = processSpace()): boolean {
  const pid = holder.startsWith(`${space}:`)
    ? /^([1-9]\d{0,9}):/.exec(holder.slice(space.length + 1))?.[1]
    : null;
  if (pid === undefined || pid === null) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    // EPERM: it lives, under another user.
    return error instanceof Error && 'code' in error && error.code === 'ESRCH';
  }
}
