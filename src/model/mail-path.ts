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
