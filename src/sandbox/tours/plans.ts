// The tours as data: what breaks, and what must and must not follow.

import type { TourName } from './names.ts';
import type { TourFacts, TourPlan } from './tour.ts';

type Check = (facts: TourFacts) => string | null;

/** The first complaint, or null. */
const all =
  (...checks: readonly Check[]): Check =>
  (facts) => {
    for (const check of checks) {
      const complaint = check(facts);
      if (complaint !== null) return complaint;
    }
    return null;
  };

const nothingLost: Check = ({ account }) =>
  account.lost + account.queued === 0
    ? null
    : `${account.lost} lost and ${account.queued} still queued, of ${account.sent}`;

const nothingBounced: Check = ({ account }) => (account.bounced === 0 ? null : `${account.bounced} bounced`);

const outAndBack: Check = ({ flips }) => {
  const [out, back, ...more] = flips.map((one) => `${one.from} -> ${one.to}`);
  return out === 'proxy -> direct' && back === 'direct -> proxy' && more.length === 0
    ? null
    : `expected proxy -> direct -> proxy, saw ${flips.length === 0 ? 'no flip' : flips.map((one) => `${one.from} -> ${one.to}`).join(', ')}`;
};

const noFlip: Check = ({ flips }) => (flips.length === 0 ? null : `DNS was moved ${flips.length} times`);

/** Letters sent while the flip was true for every cache must not bounce any more. */
const bouncedOnlyBefore: Check = ({ account, clearAt }) => {
  const bounced = account.letters.filter((one) => one.whereabouts === 'bounced');
  if (bounced.length === 0) return 'nothing bounced, so there was nothing to save';
  const late = bounced.filter((one) => clearAt !== null && one.sentAt > clearAt);
  return late.length === 0 ? null : `${late.length} bounced after the caches were clear`;
};

const senderQueued: Check = ({ mostQueued }) =>
  mostQueued > 0 ? null : 'the sender never had to queue anything';

const wentThroughSpool: Check = ({ account }) =>
  account.letters.some((one) => one.hops.some((hop) => hop.startsWith('spool.')))
    ? null
    : 'no letter went through the spool';

const spoolReported: Check = ({ said }) =>
  said.some((line) => line.includes('spool')) ? null : 'nobody reported that the spool is down';

export const tourPlans: Readonly<Record<TourName, TourPlan>> = {
  'proxy-down': {
    name: 'proxy-down',
    // Filter and spool share a data centre: what a backup must not, and often does.
    fault: { proxy: 'down', spool: 'down' },
    outcome: 'flips',
    judge: all(outAndBack, nothingLost, nothingBounced, senderQueued),
  },
  'proxy-rejects': {
    name: 'proxy-rejects',
    fault: { proxy: '550-rcpt' },
    outcome: 'flips',
    judge: all(outAndBack, nothingLost, bouncedOnlyBefore),
  },
  'proxy-421': {
    name: 'proxy-421',
    fault: { proxy: '421' },
    outcome: 'flips',
    judge: all(outAndBack, nothingLost, nothingBounced, wentThroughSpool),
  },
  'backup-down': {
    name: 'backup-down',
    fault: { spool: 'down' },
    outcome: 'stays',
    judge: all(noFlip, nothingLost, nothingBounced, spoolReported),
  },
  'vantage-cut-off': {
    name: 'vantage-cut-off',
    fault: 'cut-off',
    outcome: 'stays',
    judge: all(noFlip, nothingLost, nothingBounced),
  },
};
