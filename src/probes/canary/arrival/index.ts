// Opens the place where canaries arrive. What is wrong with it is told by the first look, never by opening.

import type { ArrivalSource } from '../../../model/canary.ts';
import type { ArrivalMailbox } from '../../canary.ts';
import { openCommand } from './command.ts';
import type { ArrivalDeps } from './deps.ts';
import { openHttps } from './https.ts';
import { openImap } from './imap.ts';
import { openMaildir } from './maildir.ts';

export type { ArrivalDeps } from './deps.ts';

export function openArrival(source: ArrivalSource, deps: ArrivalDeps): ArrivalMailbox {
  switch (source.kind) {
    case 'imap':
      return openImap(source, deps);
    case 'maildir':
      return openMaildir(source, deps);
    case 'https':
      return openHttps(source, deps);
    case 'command':
      return openCommand(source, deps);
  }
}
