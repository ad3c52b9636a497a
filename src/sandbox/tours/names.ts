// The tours by name, for commands that list them without loading a world. Pure data.

export const tourNames = [
  'silent-delay',
  'swallowed',
  'proxy-down',
  'proxy-rejects',
  'proxy-421',
  'backup-down',
  'vantage-cut-off',
  'two-controllers',
] as const;
export type TourName = (typeof tourNames)[number];

/** One line each, for help and for the head of the tour. */
export const tourHeadlines: Readonly<Record<TourName, string>> = {
  'silent-delay':
    'the filter answers 250 and delivers much later; every probe is green, and only the canary knows',
  swallowed:
    'the filter answers 250 and the mail is gone; leave, list what to replay, stay away until it is replayed',
  'proxy-down':
    'the filter in front and the spool go dark together; senders queue until DNS points elsewhere',
  'proxy-rejects': 'the filter rejects every recipient; senders bounce at once, and no backup helps',
  'proxy-421': 'the filter answers 421 to everybody; senders fall through to the spool',
  'backup-down': 'the spool is down; nothing is delayed, and somebody should know before it is needed',
  'vantage-cut-off': 'only the controller is cut off; mail flows, and moving DNS would be a mistake',
  'two-controllers':
    'the filter goes dark, and the controller that moves DNS is killed in the middle; the other finishes',
};
