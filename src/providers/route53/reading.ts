// Reads many RRsets of one hosted zone in as few pages as Route 53 allows. A listing begins where it is told to and has
// up to 300 record sets, so each page begins at the first name not yet answered: for few names that is a look-up each,
// for many it is the full listing without what lies between.
//
// Names are listed by their labels in reverse, and whether an escaped octet sorts as itself or as its backslash is not
// documented. So a name counts as passed where both orders agree; otherwise it is asked by itself.

import type { DomainName } from '../../model/domain-name.ts';
import { labelOctets, labelsOf } from '../../model/domain-name.ts';
import { ProviderError } from '../../errors.ts';
import type { RrsetQuestion } from '../provider.ts';
import { recordsPerPage } from './api.ts';
import { checkType, type Live, liveFrom, nameFrom, nameTo } from './convert.ts';
import type { ListStart, RecordPage, RecordSet } from './shapes.ts';

/** Pages of one reading: a zone of a million record sets. More means that the listing goes in circles. */
const maxPages = 4000;

type ListPage = (start: ListStart, maxItems: number) => Promise<RecordPage>;

const keyOf = (owner: DomainName, type: string) => `${owner} ${type}`;

/** In the order asked. Throws ProviderError where a set is not ours to manage. */
export async function readLive(questions: readonly RrsetQuestion[], list: ListPage): Promise<Live[]> {
  for (const { type } of questions) checkType(type);
  // By set identifier: pages may overlap.
  const wanted = new Map<string, Map<string, RecordSet>>(
    questions.map(({ owner, type }) => [keyOf(owner, type), new Map()]),
  );
  const owners = [...new Set(questions.map((one) => one.owner))]
    .map((owner) => ({ owner, order: orderOf(owner) }))
    .sort((a, b) => compare(a.order.plain, b.order.plain));
  let start: ListStart | null = startAt(questions, owners[0]?.owner);
  for (let page = 0; start !== null; page++) {
    if (page > maxPages) throw runaway();
    // One RRset alone: a single record set says all. A name that has several types is read whole.
    const isSingle = start.type !== null && start.identifier === null && questions.length === 1;
    const { sets, next }: RecordPage = await list(start, isSingle ? 1 : recordsPerPage);
    for (const set of sets) {
      const name = nameFrom(set.name);
      if (name !== null) wanted.get(keyOf(name, set.type))?.set(set.setIdentifier ?? '', set);
    }
    if (next === null || isSingle) break;
    const nextName = nameFrom(next.name);
    if (nextName === null || sets.length === 0) throw runaway();
    const asked = owners.shift();
    const end = orderOf(nextName);
    const pending = owners.filter(
      ({ order }) => asked === undefined || !isBefore(asked.order, order) || !isBefore(order, end),
    );
    owners.splice(0, owners.length, ...(asked?.owner === nextName ? [asked] : []), ...pending);
    const [first] = owners;
    if (first === undefined) break;
    // In the middle of a name: go on there and not at its beginning.
    start = first.owner === nextName ? next : { name: nameTo(first.owner), type: null, identifier: null };
  }
  return questions.map(({ owner, type }) =>
    liveFrom(owner, type, [...(wanted.get(keyOf(owner, type))?.values() ?? [])]),
  );
}

function startAt(questions: readonly RrsetQuestion[], owner: DomainName | undefined): ListStart | null {
  if (owner === undefined) return null;
  const [only, ...more] = questions;
  return { name: nameTo(owner), type: more.length === 0 ? (only?.type ?? null) : null, identifier: null };
}

interface Order {
  /** Octets as they are. */
  readonly plain: string;
  /** As Route 53 writes them. */
  readonly escaped: string;
}

/** Labels in reverse with all their dots: "com.amazon.www." sorts `-` before the dot, as documented. */
function orderOf(name: DomainName): Order {
  const labels = labelsOf(name).reverse();
  const plain = labels.map((label) => Buffer.from(labelOctets(label) ?? []).toString('latin1'));
  const escaped = nameTo(name).slice(0, -1).split('.').reverse();
  return { plain: `${plain.join('.')}.`, escaped: `${escaped.join('.')}.` };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function isBefore(a: Order, b: Order): boolean {
  return a.plain < b.plain && a.escaped < b.escaped;
}

function runaway(): ProviderError {
  return new ProviderError('provider-protocol', 'the listing of record sets does not come to an end', {
    hint: 'This is not how Route 53 lists; check `endpoint`.',
  });
}
