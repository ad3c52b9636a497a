// How much memory the process takes beyond what it needs. V8 sizes its heap by the machine: where there is plenty the
// young generation grows to 128 MB and garbage in the old one to three times what lives, though a run over 1,000 routes
// lives on 40 MB. To collect it more often costs such a run a tenth more processor time and saves it 100 MB
// (test/bench/auto.ts).

import { setFlagsFromString } from 'node:v8';

/** Lets the young generation grow no further, and the old one at most double between collections. For when the program
 *  is loaded: that has made the young one 16 MB, which serves well. The limits themselves are read only when the process
 *  starts, and who starts it is npm or cron. Node promises nothing of flags that are set late; where these do nothing,
 *  memory is as bounded as before. */
export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=100');
}
