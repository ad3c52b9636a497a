// What a source of MX gives, as a promise.

import type { MxSource } from '../../src/gather/mx-source.ts';
import type { MxFacts } from '../../src/model/audit.ts';
import type { DomainName } from '../../src/model/domain-name.ts';

export function readMx(source: MxSource, domain: DomainName): Promise<MxFacts> {
  return new Promise((resolve, reject) => {
    source.read(domain, { takeMx: resolve, fail: reject });
  });
}
