// parse ∘ format = identity, for domain names (escapes included) and MX values; text for people is always tame.

import fc from 'fast-check';
import { describe, it } from 'vitest';

import {
  formatLabel,
  isWithin,
  labelOctets,
  labelsOf,
  parentOf,
  parseDomainName,
  type DomainName,
} from '../../src/model/domain-name.ts';
import { formatMx, parseMx } from '../../src/model/mx.ts';
import { sanitise } from '../../src/model/text.ts';

const runs = { numRuns: Number(process.env['MXCTL_PROPERTY_RUNS'] ?? 200) };

/** A label of any octets. */
const octets = fc.uint8Array({ minLength: 1, maxLength: 63 });
const lower = (octet: number) => (octet >= 0x41 && octet <= 0x5a ? octet + 32 : octet);
/** Names as wire labels, within 255 octets. */
const wireName = fc
  .array(octets, { minLength: 1, maxLength: 8 })
  .filter((labels) => labels.reduce((sum, one) => sum + 1 + one.length, 1) <= 255);
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.string({
    unit: fc.constantFrom('a', 'B', '.', '\\', '0', '9', '2', 'é', '。', '/', '@', ' ', '-', '_', '"'),
    maxLength: 30,
  }),
);

function nameOf(labels: readonly Uint8Array[]): DomainName {
  const parsed = parseDomainName(`${labels.map(formatLabel).join('.')}.`);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.name;
}

describe('a domain name', () => {
  it('of any octets is read back as those octets, lower case', () => {
    fc.assert(
      fc.property(wireName, (labels) => {
        const name = nameOf(labels);
        const read = labelsOf(name).map((label) => [...labelOctets(label)!]);
        return JSON.stringify(read) === JSON.stringify(labels.map((one) => Array.from(one, lower)));
      }),
      runs,
    );
  });

  it('once parsed is its own canonical text', () => {
    fc.assert(
      fc.property(text, (input) => {
        const first = parseDomainName(input);
        if (!first.ok) return true;
        const second = parseDomainName(first.name);
        return (
          second.ok &&
          second.name === first.name &&
          /^[\x21-\x7e]+$/.test(first.name) &&
          first.name.endsWith('.')
        );
      }),
      runs,
    );
  });

  it('is the same whichever way its octets are escaped', () => {
    const written = (octet: number, way: number) => {
      const plain = /[a-z0-9-]/i.test(String.fromCharCode(octet));
      if (way === 0 && plain) return String.fromCharCode(octet);
      if (way === 1 && octet > 0x20 && octet < 0x7f && !/\d/.test(String.fromCharCode(octet)))
        return `\\${String.fromCharCode(octet)}`;
      return `\\${String(octet).padStart(3, '0')}`;
    };
    fc.assert(
      fc.property(wireName, fc.array(fc.nat(2), { minLength: 256, maxLength: 256 }), (labels, ways) => {
        let at = 0;
        const way = () => ways[at++] ?? 2;
        const typed = labels
          .map((label) => Array.from(label, (octet) => written(octet, way())).join(''))
          .join('.');
        const parsed = parseDomainName(typed);
        return parsed.ok && parsed.name === nameOf(labels);
      }),
      runs,
    );
  });

  it('stands within its parent, and its parent not within it', () => {
    fc.assert(
      fc.property(wireName, (labels) => {
        const name = nameOf(labels);
        const parent = parentOf(name);
        return isWithin(name, parent) && !isWithin(parent, name);
      }),
      runs,
    );
  });
});

describe('an MX value', () => {
  it('is read back as it was written', () => {
    fc.assert(
      fc.property(fc.nat(65_535), wireName, (preference, labels) => {
        const mx = { preference, exchange: nameOf(labels) };
        const read = parseMx(formatMx(mx));
        return read?.preference === preference && read.exchange === mx.exchange;
      }),
      runs,
    );
  });

  it('once read is its own canonical text', () => {
    fc.assert(
      fc.property(
        fc.tuple(fc.string({ unit: fc.constantFrom('0', '1', '6', '-', ' '), maxLength: 6 }), text),
        ([number, name]) => {
          const mx = parseMx(`${number} ${name}`);
          if (mx === null) return true;
          const again = parseMx(formatMx(mx));
          return again !== null && formatMx(again) === formatMx(mx);
        },
      ),
      runs,
    );
  });
});

describe('text from strangers', () => {
  it('comes out printable, well formed, on one line and within its bound', () => {
    fc.assert(
      fc.property(
        fc.oneof(text, fc.string({ unit: 'grapheme' })),
        fc.integer({ min: 3, max: 60 }),
        (input, bound) => {
          const shown = sanitise(input, bound);

          const isTame = !/[\p{Cc}\p{Zl}\p{Zp}\u061c\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/u.test(
            shown,
          );
          return shown.length <= bound && shown.isWellFormed() && isTame;
        },
      ),
      runs,
    );
  });
});
