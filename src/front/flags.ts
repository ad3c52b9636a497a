// Flags that several commands share, each defined once.

import { Flags } from '@oclif/core';
import { UsageError } from '../errors.ts';
import { guardNames } from '../app/execute.ts';

/** For commands that change DNS by a person's word. */
export const consentFlags = {
  yes: Flags.boolean({ char: 'y', summary: 'answer yes to the question; overrides no guard' }),
  confirm: Flags.string({
    summary: 'agree, overridden guards included, by naming the route',
    helpValue: 'ROUTE',
  }),
  override: Flags.string({
    summary: 'go against this guard; repeat for more',
    options: [...guardNames],
    multiple: true,
    helpValue: 'GUARD',
  }),
  reason: Flags.string({ summary: 'why, for the journal and the history', helpValue: 'TEXT' }),
};

/** For the night on which the state store is gone too: no history, no lease, no journal to roll back from. */
export const offlineFlag = {
  'offline-state': Flags.boolean({
    summary: 'act though the state store cannot be used; needs --reason',
    dependsOn: ['reason'],
  }),
};

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A duration as in the config: `30s 5m 2h 7d`; its value is ms. */
export const durationFlag = Flags.custom<number>({
  helpValue: 'DURATION',
  parse: (text) => {
    const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text);
    const ms = Number(match?.[1]) * (unitsMs[match?.[2] ?? ''] ?? Number.NaN);
    if (!Number.isSafeInteger(ms) || ms <= 0) {
      throw new UsageError('usage', `${JSON.stringify(text)} is not a duration`, {
        hint: 'write it like 30s, 5m, 2h or 7d',
      });
    }
    return Promise.resolve(ms);
  },
});

/** As many machines as anybody splits a list over. */
const mostShards = 10_000;

/** `3/16`: the third of sixteen parts. */
export const shardFlag = Flags.custom<{ readonly number: number; readonly of: number }>({
  helpValue: 'N/OF',
  parse: (text) => {
    const [number = 0, of = 0] = /^(\d{1,5})\/(\d{1,5})$/.exec(text)?.slice(1).map(Number) ?? [];
    if (number < 1 || of < number || of > mostShards) {
      throw new UsageError('usage', `--shard wants N/OF, not ${JSON.stringify(text)}`, {
        hint: `for example --shard 3/16, the third of sixteen; at most ${mostShards}`,
      });
    }
    return Promise.resolve({ number, of });
  },
});

export type HealthAddress =
  { readonly host: string; readonly port: number } | { readonly socketFile: string };

/** `8025`, which is loopback, `127.0.0.1:8025`, `[::1]:8025` or `unix:/run/mxctl/health.sock`. */
export const healthListenFlag = Flags.custom<HealthAddress>({
  helpValue: 'ADDRESS',
  parse: (text) => {
    const file = /^unix:(\/.+)$/.exec(text)?.[1];
    if (file !== undefined) return Promise.resolve({ socketFile: file });
    const match = /^(?:(\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-fA-F:]+\]|localhost):)?(\d{1,5})$/.exec(text);
    const port = Number(match?.[2] ?? Number.NaN);
    if (!Number.isInteger(port) || port > 65_535) {
      throw new UsageError('usage', `${JSON.stringify(text)} is no address to listen on`, {
        hint: 'write --health-listen 127.0.0.1:8025, [::1]:8025 or unix:/run/mxctl/health.sock',
      });
    }
    // Whoever names no address means this machine: what is asked of all the world is asked for by name.
    return Promise.resolve({ host: (match?.[1] ?? '127.0.0.1').replace(/^\[|\]$/g, ''), port });
  },
});
