// The tours as data: what breaks, and what must and must not follow.

import type { TourName } from './names.ts';
import { canaryTiming, swallowedTiming } from './timing.ts';
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

/** Swallowed is explained: other checks say where that may happen. */
const nothingUnexplained: Check = ({ account: { lost, queued, held, sent } }) =>
  lost + queued + held === 0 ? null : `${lost} lost and ${queued + held} still queued, of ${sent}`;

const nothingSwallowed: Check = ({ account }) =>
  account.swallowed === 0 ? null : `${account.swallowed} swallowed`;

const nothingLost = all(nothingUnexplained, nothingSwallowed);

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

const senderSawNothing: Check = ({ mostQueued }) =>
  mostQueued === 0 ? null : `the sender saw the fault: ${mostQueued} letters waited in its queue`;

/** Taken before the move was true everywhere, and come out only when the proxy was healed, after that. */
const someWereLate: Check = ({ account, clearAt }) =>
  account.letters.some((one) => one.stay !== null && clearAt !== null && (one.deliveredAt ?? 0) > clearAt)
    ? null
    : 'no letter came late, so there was nothing to see';

const everyCanaryArrived: Check = ({ account: { canaries } }) => {
  if (canaries.sent === 0) return 'no canary was sent';
  return canaries.missing === 0 ? null : `${canaries.missing} of ${canaries.sent} canaries never arrived`;
};

/** What senders hand over while the flip is true for every cache must not be swallowed any more. */
const swallowedOnlyBefore: Check = ({ account, clearAt }) => {
  const gone = account.letters.filter((one) => one.whereabouts === 'swallowed');
  if (gone.length === 0) return 'nothing was swallowed, so there was nothing to find';
  const late = gone.filter((one) => clearAt !== null && one.sentAt > clearAt);
  return late.length === 0 ? null : `${late.length} were swallowed after the caches were clear`;
};

const cameBackAfterReplay: Check = ({ flips, replay }) => {
  if (replay === null) return 'nobody could say that replay is done';
  const back = flips[1]?.at ?? null;
  return back === null || back >= replay.at ? null : 'it came back before anybody said that replay is done';
};

/** The controller's list against the sandbox's books: the same canaries, no more and no fewer. */
const listedExactly: Check = ({ account, replay }) => {
  const gone = account.toReplay.filter((one) => one.kind === 'canary').map((one) => one.id);
  if (gone.length === 0) return 'no canary was swallowed';
  const listed = replay?.listed ?? [];
  const lacks = gone.filter((token) => !listed.includes(token)).length;
  const extra = listed.filter((token) => !gone.includes(token)).length;
  return lacks + extra === 0
    ? null
    : `the controller's list of swallowed canaries lacks ${lacks} of ${gone.length} and has ${extra} that were not`;
};

const wentThroughSpool: Check = ({ account }) =>
  account.letters.some((one) => one.hops.some((hop) => hop.startsWith('spool.')))
    ? null
    : 'no letter went through the spool';

const takenOver: Check = ({ killed, journal }) => {
  if (killed === null) return 'nobody was killed in the middle of a move';
  const words = journal.filter((one) => one.isFlip).map((one) => `${one.from} -> ${one.to} ${one.state}`);
  const [first, second, ...more] = words;
  const isOnce = /^proxy -> direct (?:confirmed|cleared)$/.test(first ?? '') && more.length === 0;
  if (!isOnce || !/^direct -> proxy (?:confirmed|cleared)$/.test(second ?? ''))
    return `the journal should have one move out and one back, both confirmed: ${words.join(', ')}`;
  return journal[0]?.by.includes(killed) === true ? null : `the move was not ${killed}'s`;
};

const spoolReported: Check = ({ said }) =>
  said.some((line) => line.includes('spool')) ? null : 'nobody reported that the spool is down';

const withoutCanaries = { canaries: false, replays: null, kills: false } as const;

export const tourPlans: Readonly<Record<TourName, TourPlan>> = {
  'silent-delay': {
    name: 'silent-delay',
    fault: { proxy: 'hold' },
    outcome: 'flips',
    canaries: canaryTiming,
    replays: null,
    kills: false,
    judge: all(outAndBack, nothingLost, nothingBounced, senderSawNothing, someWereLate, everyCanaryArrived),
  },
  swallowed: {
    name: 'swallowed',
    fault: { proxy: 'discard' },
    outcome: 'flips',
    canaries: swallowedTiming,
    replays: 'proxy',
    kills: false,
    judge: all(
      outAndBack,
      nothingUnexplained,
      nothingBounced,
      senderSawNothing,
      swallowedOnlyBefore,
      cameBackAfterReplay,
      listedExactly,
    ),
  },
  'proxy-down': {
    name: 'proxy-down',
    ...withoutCanaries,
    // Filter and spool share a data centre: what a backup must not, and often does.
    fault: { proxy: 'down', spool: 'down' },
    outcome: 'flips',
    judge: all(outAndBack, nothingLost, nothingBounced, senderQueued),
  },
  'proxy-rejects': {
    name: 'proxy-rejects',
    ...withoutCanaries,
    fault: { proxy: '550-rcpt' },
    outcome: 'flips',
    judge: all(outAndBack, nothingLost, bouncedOnlyBefore),
  },
  'proxy-421': {
    name: 'proxy-421',
    ...withoutCanaries,
    fault: { proxy: '421' },
    outcome: 'flips',
    judge: all(outAndBack, nothingLost, nothingBounced, wentThroughSpool),
  },
  'backup-down': {
    name: 'backup-down',
    ...withoutCanaries,
    fault: { spool: 'down' },
    outcome: 'stays',
    judge: all(noFlip, nothingLost, nothingBounced, spoolReported),
  },
  'vantage-cut-off': {
    name: 'vantage-cut-off',
    ...withoutCanaries,
    fault: 'cut-off',
    outcome: 'stays',
    judge: all(noFlip, nothingLost, nothingBounced),
  },
  'two-controllers': {
    name: 'two-controllers',
    ...withoutCanaries,
    kills: true,
    fault: { proxy: 'down' },
    outcome: 'flips',
    judge: all(outAndBack, takenOver, nothingLost, nothingBounced),
  },
};
