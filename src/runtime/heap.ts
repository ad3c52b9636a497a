// How much memory the process takes for short-lived objects. V8 sizes the young generation by the machine: where there
// is plenty it grows to 128 MB, though a run over 1,000 routes lives on 40 MB. A small one is collected more often and
// costs no more time (test/bench/auto.ts).

import { setFlagsFromString } from 'node:v8';

/** Lets the young generation grow no further. For when the program is loaded: that has made it 16 MB, which serves well.
 *  The limit itself, --max-semi-space-size, is read only when the process starts, and who starts it is npm or cron.
 *  Node promises nothing of flags that are set late; where this one does nothing, memory is as bounded as before. */
export function keepYoungGenerationSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
