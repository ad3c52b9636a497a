// What runs in a thread of its own: asks for MX, with sockets of its own. Most domains of a platform publish the same, so
// an answer crosses to the main thread once, and then its number does.

import { parentPort, workerData } from 'node:worker_threads';
import { createDnsClient } from '../dns/client.ts';
import { Express } from '../dns/express.ts';
import type { Lookup } from '../dns/reader.ts';
import { createResolver } from '../dns/resolver.ts';
import type { MxFacts } from '../model/audit.ts';
import type { DomainName } from '../model/domain-name.ts';
import { crossing, type MxAnswers, type MxThreadData, maxNumbered } from './mx-answers.ts';
import { mxFactsOf } from './facts.ts';

const { servers, timeoutMs, attempts, concurrency } = workerData as MxThreadData;
const client = createDnsClient({
  maxInFlight: concurrency,
  maxInFlightPerServer: concurrency,
  maxPerSecondPerServer: Infinity,
});
const resolver = createResolver({ servers, timeoutMs, attempts, clock: Date, client, isShared: false });
/** The main thread ends this one; until then everything is waited for. */
const never = new AbortController().signal;

/** Facts, and what they are called on the other side; null = there they are not known. */
interface Numbered {
  readonly facts: MxFacts;
  number: number | null;
}

/** By the text of what was found: equal texts, equal facts. */
const byText = new Map<string, Numbered>();
/** By number. */
let numbered: Numbered[] = [];
let asked = 0;
let isWaiting = false;
let out: { at: number[]; numbers: number[]; fresh: MxFacts[] } = emptied();

function emptied(): typeof out {
  return { at: [], numbers: [], fresh: [] };
}

function textOf({ outcome, rrset, aliases, isAuthenticated, reason }: Lookup): string {
  const records = rrset === null ? '' : `${rrset.ttl} ${rrset.rdata.join('\n')}`;
  return `${outcome} ${isAuthenticated ? 'AD' : ''} ${records}\r${aliases.join('\n')}\r${reason ?? ''}`;
}

function read(lookup: Lookup): Numbered {
  const text = textOf(lookup);
  const known = byText.get(text);
  if (known !== undefined) return known;
  if (byText.size === maxNumbered) byText.clear();
  const one = { facts: mxFactsOf(lookup), number: null };
  byText.set(text, one);
  return one;
}

function give(at: number, one: Numbered): void {
  if (one.number === null) {
    // Both sides begin anew at the same answer.
    if (numbered.length === maxNumbered) {
      for (const old of numbered) old.number = null;
      numbered = [];
    }
    one.number = numbered.length;
    numbered.push(one);
    out.fresh.push(one.facts);
  }
  out.at.push(at);
  out.numbers.push(one.number);
  if (out.at.length >= crossing.together) flush();
  else if (!isWaiting) {
    isWaiting = true;
    setTimeout(() => {
      isWaiting = false;
      flush();
    }, crossing.waitMs);
  }
}

function flush(): void {
  if (out.at.length === 0) return;
  const answers: MxAnswers = {
    at: Uint32Array.from(out.at),
    numbers: Uint32Array.from(out.numbers),
    fresh: out.fresh,
  };
  out = emptied();
  parentPort?.postMessage(answers);
}

function resolve(at: number, name: DomainName): void {
  void resolver.lookup(name, 'MX', never).then((lookup) => {
    give(at, read(lookup));
  });
}

const [first] = servers;
const express =
  first === undefined
    ? null
    : new Express({ server: first, concurrency, timeoutMs, read, onAnswer: give, onOther: resolve });
await express?.open();

/** Names come as lines: one text crosses faster than many. */
parentPort?.on('message', (lines: string) => {
  for (const name of lines.split('\n')) {
    if (express === null) resolve(asked++, name as DomainName);
    else express.ask(asked++, name as DomainName);
  }
});
parentPort?.postMessage('ready');
