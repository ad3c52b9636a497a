// The state machine of a route as one table: what DNS publishes (phase) against what is known now (condition).
// ARCHITECTURE.md draws it from here.

import type { Phase } from '../model/route-state.ts';

/**
 * unseen        live RRsets could not be read, or an action of ours is not settled
 * foreign       live RRsets match no path
 * cut-off       every hop of every path fails from here, and so does everything else
 * no-quorum     fewer vantages than must agree can tell how the active path is
 * unmeasured    the active path's health is not known
 * down          the active path does not take mail
 * maintenance   it fails within its announced window
 * well          the active path takes mail
 * preferred-up  the active path takes mail, and so does the preferred one, which it is not
 * proven        the probation of a return is over
 */
export type Condition =
  | 'unseen'
  | 'foreign'
  | 'cut-off'
  | 'no-quorum'
  | 'unmeasured'
  | 'down'
  | 'maintenance'
  | 'well'
  | 'preferred-up'
  | 'proven';

/**
 * undecided  not enough is known: no change, exit 8 where it lasts
 * report     a person must look: no change
 * watch      nothing is settled yet
 * stay       all is as it should be, or as good as it gets
 * leave      to the best candidate that passes every guard
 * return     to the preferred path
 * raise-ttl  back to the normal TTL
 */
export type Verb = 'undecided' | 'report' | 'watch' | 'stay' | 'leave' | 'return' | 'raise-ttl';

const anywhere = {
  unseen: 'undecided',
  foreign: 'report',
  'cut-off': 'undecided',
  'no-quorum': 'undecided',
  unmeasured: 'watch',
  maintenance: 'stay',
} as const satisfies Partial<Record<Condition, Verb>>;

export const transitions: Readonly<Record<Phase, Readonly<Record<Condition, Verb>>>> = {
  unknown: {
    ...anywhere,
    down: 'undecided',
    well: 'undecided',
    'preferred-up': 'undecided',
    proven: 'undecided',
  },
  preferred: { ...anywhere, down: 'leave', well: 'stay', 'preferred-up': 'stay', proven: 'stay' },
  'failed-over': { ...anywhere, down: 'leave', well: 'stay', 'preferred-up': 'return', proven: 'stay' },
  probation: { ...anywhere, down: 'leave', well: 'stay', 'preferred-up': 'stay', proven: 'raise-ttl' },
  drift: { ...anywhere, down: 'report', well: 'report', 'preferred-up': 'report', proven: 'report' },
};
