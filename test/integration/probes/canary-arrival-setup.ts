// What the tests of places of arrival have in common: letters, and a clock that stands still and sleeps at once.

import { Secret } from '../../../src/model/secret.ts';
import type { ArrivalDeps } from '../../../src/probes/canary/arrival/index.ts';
import type { MailboxAnswer } from '../../../src/probes/canary.ts';

export const now = Date.UTC(2026, 2, 5, 10);
export const never = new AbortController().signal;

/** The n-th token; none is of a key. */
export const tokenOf = (n: number): string =>
  `mxc-01jqzk3v5c8d9e0f1g2h3j${String(n).padStart(4, '0')}-abcdefghijklmnopqrstuvwx23`;

export const letterOf = (
  n: number,
  more = '',
): string => `Received: from out.ops.example (out.ops.example [192.0.2.7])
 by mx.example.com (Postfix) with ESMTPS id 4Zk1; Thu, 5 Mar 2026 09:59:58 +0000
${more}From: canary@ops.example
Subject: mxctl canary ${tokenOf(n)}
X-Mxctl-Canary: ${tokenOf(n)}

A canary.
`;

export interface Sleeps extends ArrivalDeps {
  readonly slept: number[];
}

export function depsOf(secret = 'sesame', more: Partial<ArrivalDeps> = {}): Sleeps {
  const slept: number[] = [];
  return {
    slept,
    now: () => now,
    readSecret: () => Promise.resolve(new Secret(secret)),
    sleep: (ms, signal) => {
      signal.throwIfAborted();
      slept.push(ms);
      return Promise.resolve();
    },
    ...more,
  };
}

/** `3 spam` for a letter, `bounce 3: text` for a notification, `CUT`, or why it could not be read. */
export function shown(answer: MailboxAnswer): string[] {
  if (answer.outcome === 'unreadable') return [answer.reason];
  const nameOf = (token: string) => Number(token.slice(-31, -27));
  return [
    ...answer.letters
      .map((one) => `${nameOf(one.token)}${one.isBySubject ? ' by subject' : ''}${one.isSpam ? ' spam' : ''}`)
      .toSorted(),
    ...answer.bounces.map((one) => `bounce ${nameOf(one.token)}: ${one.text}`).toSorted(),
    ...(answer.isCut ? ['CUT'] : []),
  ];
}
