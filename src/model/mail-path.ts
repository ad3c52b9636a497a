// A path: a named set of exchanges (strategy mx) or of addresses (strategy address) with a role.

import type { DomainName } from './domain-name.ts';
import type { Mx } from './mx.ts';

export type PathRole = 'proxy' | 'primary' | 'backup';

/** An exchange of a path with the port its hops answer on (25 but in tests). */
export interface PathMx extends Mx {
  readonly port: number;
}

export interface MxPath {
  readonly kind: 'mx';
  readonly name: string;
  readonly role: PathRole;
  readonly mx: readonly PathMx[];
}

export interface AddressPath {
  readonly kind: 'address';
  readonly name: string;
  readonly role: PathRole;
  /** Owner name -> canonical address texts, A and AAAA mixed. */
  readonly addresses: ReadonlyMap<DomainName, readonly string[]>;
  readonly port: number;
}

export type MailPath = MxPath | AddressPath;

/** Where a sender connects to: every exchange once per port, in the path's order. */
export function exchangesOf(path: MailPath): { readonly exchange: DomainName; readonly port: number }[] {
  const all =
    path.kind === 'mx'
      ? path.mx.map(({ exchange, port }) => ({ exchange, port }))
      : [...path.addresses.keys()].map((exchange) => ({ exchange, port: path.port }));
  return all.filter(
    (one, at) => all.findIndex((other) => other.exchange === one.exchange && other.port === one.port) === at,
  );
}
