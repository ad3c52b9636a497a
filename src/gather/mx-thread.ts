// What runs in a thread of its own: asks for MX, with sockets of its own. Most domains of a platform publish the same, so
// an answer crosses to the main thread once, and then its number does.

import { parentPort, workerData } from 'node:worker_threads';
import { createDnsClient } from '../dns/client.ts';
import type { Lookup } from '../dns/reader.ts';
import { createResolver } from '../dns/resolver.ts';
import type { DomainName } from '../model/domain-name.ts';
import { type MxAnswers, type MxThreadData, maxNumbered } from './mx-answers.ts';
import { mxFactsOf } from './facts.ts';

/** As names cross: see mx-threads.ts. */
const maxTogether = 64;
const togetherMs = 2;

const { servers, timeoutMs, attempts, concurrency } = workerData as MxThreadData;
const client = createDnsClient({
  maxInFlight: concurrency,
  maxInFlightPerServer: concurrency,
  maxPerSecondPerServer: Infinity,
});
const resolver = createResolver({ servers, timeoutMs, attempts, clock: Date, client, isShared: false });
/** The main thread ends this one; until then everything is waited for. */
const never = new AbortController().signal;

const numbers = new Map<string, number>();
let asked = 0;
let out: { at: number[]; numbers: number[]; fresh: MxAnswers['fresh'][number][] } = emptied();
let isFlushing = false;

function emptied(): typeof out {
  return { at: [], numbers: [], fresh: [] };
}

/** Equal texts, equal facts. */
function textOf({ outcome, rrset, aliases, isAuthenticated, reason }: Lookup): string {
  const records = rrset === null ? '' : `${rrset.ttl} ${rrset.rdata.join('\n')}`;
  return `${outcome} ${isAuthenticated ? 'AD' : ''} ${records}\r${aliases.join('\n')}\r${reason ?? ''}`;
}

function give(at: number, lookup: Lookup): void {
  const text = textOf(lookup);
  let number = numbers.get(text);
  if (number === undefined) {
    // Both sides begin anew at the same answer.
    if (numbers.size === maxNumbered) numbers.clear();
    number = numbers.size;
    numbers.set(text, number);
    out.fresh.push(mxFactsOf(lookup));
  }
  out.at.push(at);
  out.numbers.push(number);
  if (out.at.length >= maxTogether) flush();
  else if (!isFlushing) {
    isFlushing = true;
    setTimeout(flush, togetherMs);
  }
}

function flush(): void {
  isFlushing = false;
  if (out.at.length === 0) return;
  const answers: MxAnswers = {
    at: Uint32Array.from(out.at),
    numbers: Uint32Array.from(out.numbers),
    fresh: out.fresh,
  };
  out = emptied();
  parentPort?.postMessage(answers);
}

/** Names come as lines: one text crosses faster than many. */
parentPort?.on('message', (lines: string) => {
  for (const name of lines.split('\n')) {
    const at = asked++;
    void resolver.lookup(name as DomainName, 'MX', never).then((lookup) => {
      give(at, lookup);
    });
  }
});
parentPort?.postMessage('ready');
