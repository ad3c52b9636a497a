// Canaries of one path written as what became of them, one every `every`: `20s` arrived after so long, `-` never,
// `450` deferred, `554` refused, `x` unreachable, `?` lost after DATA, `dsn` bounced, `lost` forgiven, `gone` swallowed.

import { domainNameOf } from '../../src/model/domain-name.ts';
import type { Canary, CanaryPolicy, CanaryState, MailboxLook } from '../../src/model/canary.ts';

const second = 1000;
const minute = 60 * second;

export const canaryPolicy: CanaryPolicy = {
  from: 'canary@ops.example',
  to: 'canary@example.com',
  everyMs: 5 * minute,
  delayedAfterMs: 15 * minute,
  swallowedAfterMs: 240 * minute,
  fall: 2,
  rise: 3,
  key: { env: 'CANARY_KEY' },
  dkim: null,
  paths: ['proxy', 'direct'],
  arrival: { kind: 'maildir', directory: '/nowhere', spam: [] },
};

/** `90s`, `4m`, `2h` in ms. */
export function msOf(text: string): number {
  const unit = { s: second, m: minute, h: 60 * minute }[text.at(-1) ?? ''];
  if (unit === undefined || !/^\d+[smh]$/.test(text)) throw new Error(`no duration: ${text}`);
  return Number(text.slice(0, -1)) * unit;
}

const states: Readonly<Record<string, CanaryState>> = {
  '-': 'handed',
  '450': 'deferred',
  '554': 'refused',
  x: 'unreachable',
  '?': 'unknown',
  dsn: 'bounced',
  lost: 'lost',
  gone: 'swallowed',
};

export interface CanaryLine {
  readonly path?: string;
  readonly vantage?: string;
  readonly everyMs?: number;
  /** Hand-over of the first one; ms. */
  readonly startAt?: number;
  /** An arrival after this instant has not happened yet; ms. */
  readonly now: number;
}

export function canariesFrom(line: string, options: CanaryLine): Canary[] {
  const { path = 'proxy', vantage = 'fra', everyMs = canaryPolicy.everyMs, startAt = 0, now } = options;
  return line
    .trim()
    .split(/\s+/)
    .map((word, at) => ({ word, sentAt: startAt + at * everyMs }))
    .filter(({ sentAt }) => sentAt <= now)
    .map(({ word, sentAt }, at) => {
      const state = states[word];
      const arrivesAt = state === undefined ? sentAt + msOf(word) : null;
      const isHere = arrivesAt !== null && arrivesAt <= now;
      const isHanded = state === undefined || ['handed', 'bounced', 'lost', 'swallowed'].includes(state);
      return {
        id: `${String(startAt + at).padStart(10, '0')}-${path}`,
        token: `mxc-${path}-${at}`,
        route: 'support',
        path,
        vantage,
        hop: { exchange: domainNameOf(`mx.${path}.example`), address: '192.0.2.1', port: 25 },
        sentAt,
        attempts: 1,
        nextAttemptAt: null,
        state: isHere ? 'arrived' : (state ?? 'handed'),
        handedAt: isHanded ? sentAt : null,
        reply: null,
        queueId: null,
        summary: word,
        arrivedAt: isHere ? arrivesAt : null,
        isSpam: false,
        copies: isHere ? 1 : 0,
        isBySubject: false,
        trace: [],
        bounce: word === 'dsn' ? '5.1.1 no such user' : null,
        replayedAt: null,
      };
    });
}

export function lookAt(now: number, fault: string | null = null): MailboxLook {
  return { readAt: now, triedAt: now, fault, skewMs: null, forged: 0 };
}
