// The zones of the model's world: every version of every RRset with who wrote it, and what each authoritative server
// answers at any moment. Nothing here decides; the checks read it as the truth.

import { rrsetKey } from '../../src/change/published.ts';
import type { DomainName } from '../../src/model/domain-name.ts';
import { isSameRrset, type Rrset, type RrType } from '../../src/model/rrset.ts';
import type { ZoneChange } from '../../src/providers/provider.ts';
import { Timeline } from './model-time.ts';

export interface Version {
  readonly at: number;
  /** When the servers begin to answer it. */
  readonly publishedAt: number;
  readonly rrset: Rrset | null;
  /** Id of the action that wrote it; null for the first, and for somebody else's edit. */
  readonly action: string | null;
}

/** The second one lags by as much; ms. */
const usualLagMs = 4000;

export const servers = ['192.0.2.53', '192.0.2.54'] as const;

export class ModelZones {
  readonly versions = new Map<string, Version[]>();
  serverStates: readonly Timeline<'ok' | 'held' | 'failing'>[] = servers.map(
    () => new Timeline<'ok' | 'held' | 'failing'>('ok'),
  );

  start(at: number, rrset: Rrset): void {
    this.versions.set(rrsetKey(rrset.owner, rrset.type), [{ at, publishedAt: at, rrset, action: null }]);
  }

  held(owner: DomainName, type: RrType): Rrset | null {
    return this.newest(owner, type)?.rrset ?? null;
  }

  newest(owner: DomainName, type: RrType): Version | undefined {
    return this.versions.get(rrsetKey(owner, type))?.at(-1);
  }

  /** All or nothing; the changes that stood in the way. */
  compareAndSet(
    changes: readonly ZoneChange[],
    write: { readonly at: number; readonly publishedAt: number; readonly action: string },
  ): readonly ZoneChange[] {
    const refused = changes.filter((one) => !isSameRrset(this.held(one.owner, one.type), one.expected));
    if (refused.length === 0)
      for (const one of changes) this.#push(one.owner, one.type, { ...write, rrset: one.desired });
    return refused;
  }

  edit(at: number, rrset: Rrset): void {
    if (isSameRrset(this.held(rrset.owner, rrset.type), rrset)) return;
    this.#push(rrset.owner, rrset.type, { at, publishedAt: at, rrset, action: null });
  }

  #push(owner: DomainName, type: RrType, version: Version): void {
    const key = rrsetKey(owner, type);
    this.versions.set(key, [...(this.versions.get(key) ?? []), version]);
  }

  /** What the server answers; undefined = nothing. */
  answer(which: number, owner: DomainName, type: RrType, at: number): Rrset | null | undefined {
    const span = this.serverStates[which]!.spanAt(at);
    if (span?.value === 'failing') return undefined;
    const asOf = (span?.value === 'held' ? span.from : at) - which * usualLagMs;
    const known = this.versions.get(rrsetKey(owner, type)) ?? [];
    return known.findLast((one, index) => index === 0 || one.publishedAt <= asOf)?.rrset ?? null;
  }

  /** Last moment some server answered this rdata, looked at each `stepMs` back to `since`; null where none did. */
  lastAnswered(owner: DomainName, type: RrType, rdata: string, since: number, now: number): number | null {
    const stepMs = 1000;
    for (let at = now; at >= since; at -= stepMs) {
      for (const which of servers.keys()) {
        if (this.answer(which, owner, type, at)?.rdata.join() === rdata) return at;
      }
    }
    return null;
  }
}
