//   mxctl's rfc2136 adapter ==signed UPDATE, TCP==> named (BIND 9), zones example.com and shop.example
//   nsupdate, dig           ======================> the same: what was there before, what is there after

import { describe, it } from 'vitest';

import { missingCommand, startBind } from '../support/real-primary.ts';
import { describeRealPrimary } from '../support/real-primary-suite.ts';

const missing = missingCommand('named', 'nsupdate', 'dig');

if (missing === null) describeRealPrimary('rfc2136 with BIND', startBind, { danglingTarget: 'refused' });
else
  describe('rfc2136 with BIND', () => {
    it.skip(`${missing} is not installed`, () => {});
  });
