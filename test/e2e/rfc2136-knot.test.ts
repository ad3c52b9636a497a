//   mxctl's rfc2136 adapter ==signed UPDATE, TCP==> knotd (Knot DNS), zones example.com and shop.example
//   nsupdate, dig           ======================> the same: what was there before, what is there after

import { describe, it } from 'vitest';

import { missingCommand, startKnot } from '../support/real-primary.ts';
import { describeRealPrimary } from '../support/real-primary-suite.ts';

const missing = missingCommand('knotd', 'nsupdate', 'dig');

if (missing === null) describeRealPrimary('rfc2136 with Knot', startKnot, { danglingTarget: 'taken' });
else
  describe('rfc2136 with Knot', () => {
    it.skip(`${missing} is not installed`, () => {});
  });
