// How much memory the process takes beyond what it needs. V8 sizes its heap by the machine: where there is plenty the
// young generation grows to 128 MB and garbage in the old one to three times what lives, though a run over 1,000 routes
// lives on 40 MB and a flip of 10,000 RRsets on 50. To collect it more often costs such a run a quarter more processor
// time (3.1 s, 3.9 s; test/bench/auto.ts) and saves it 100 MB, the flip 150 MB (test/bench/fan-out.ts).

import { setFlagsFromString } from 'node:v8';

/** Lets the young generation grow no further, and the old one by at most half between collections. For before the
 *  program is loaded: that alone would make the young one 16 MB. The limits themselves are read only when the process
 *  starts, and who starts it is npm or cron. Node promises nothing of flags that are set late; where these do nothing,
 *  memory is as bounded as before. */
export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=50');
}
