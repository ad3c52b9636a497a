// Paths of a route, and what their sets must be like so that DNS alone tells which one is active.

import { type DomainName, displayName, parseDomainName } from '../model/domain-name.ts';
import type { AddressPath, MailPath, MxPath } from '../model/mail-path.ts';
import { formatMx } from '../model/mx.ts';
import type { Owners } from './owners.ts';
import type { ConfigPath } from './problems.ts';
import type { Report } from './report.ts';
import type { AddressPathShape, MxPathShape, RouteShape } from './route-schema.ts';
import { nearest } from '../model/nearest.ts';

export function pathsOfRoute(
  shape: RouteShape,
  owners: Owners,
  path: ConfigPath,
  report: Report,
): MailPath[] {
  const place = [...path, 'paths'];
  const paths: MailPath[] =
    shape.strategy === 'mx'
      ? Object.entries(shape.paths).map(([name, one]) => mxPath(name, one, [...place, name], report))
      : Object.entries(shape.paths).map(([name, one]) =>
          addressPath(name, one, owners, [...place, name], report),
        );
  if (paths.length === 0) report.problem(place, 'needs at least one path: NAME: {role, ...}');
  reportTwins(paths, place, report);
  if (shape.strategy === 'mx') reportKept(shape.keep, paths as MxPath[], path, report);
  return paths;
}

function mxPath(name: string, shape: MxPathShape, place: ConfigPath, report: Report): MxPath {
  const seen = new Set<DomainName>();
  shape.mx.forEach((one, index) => {
    if (seen.has(one.exchange))
      report.problem(
        [...place, 'mx', index, 'exchange'],
        `${displayName(one.exchange)} stands twice in path ${name}; keep one`,
      );
    seen.add(one.exchange);
  });
  return { kind: 'mx', name, role: shape.role, mx: shape.mx };
}

function addressPath(
  name: string,
  shape: AddressPathShape,
  owners: Owners,
  place: ConfigPath,
  report: Report,
): AddressPath {
  const addresses = new Map<DomainName, readonly string[]>();
  for (const [key, list] of Object.entries(shape.addresses)) {
    const keyPath = [...place, 'addresses', key];
    const owner = ownerOfKey(key, owners, keyPath, report);
    if (owner === null) continue;
    if (addresses.has(owner))
      report.problem(keyPath, `${displayName(owner)} stands here twice; keep one`, { atKey: true });
    list.forEach((address, index) => {
      if (list.indexOf(address) < index) report.problem([...keyPath, index], 'stands here twice; keep one');
    });
    addresses.set(owner, list);
  }
  for (const { owner } of owners.declared)
    if (!addresses.has(owner))
      report.problem(
        [...place, 'addresses'],
        `lists no address for ${displayName(owner)}; every path says where each name points`,
        { atKey: true },
      );
  return { kind: 'address', name, role: shape.role, addresses, port: shape.port };
}

/** The declared owner that a key of `addresses` means: as its records write it, or in full. */
function ownerOfKey(key: string, owners: Owners, place: ConfigPath, report: Report): DomainName | null {
  const inFull = parseDomainName(key);
  const meant = owners.declared.filter(({ owner, zone }) => {
    if (key === '@') return owner === zone;
    if (inFull.ok && owner === inFull.name) return true;
    const relative = parseDomainName(`${key}.${zone}`);
    return !key.endsWith('.') && relative.ok && owner === relative.name;
  });
  const names = [...new Set(meant.map((one) => one.owner))];
  if (names.length === 1) return names[0] ?? null;
  const known = owners.declared.map((one) => labelInZone(one.owner, one.zone));
  const message =
    names.length === 0
      ? 'is no name under records of this route'
      : `could be ${names.map(displayName).join(' or ')}; write the name in full`;
  report.problem(place, message, {
    atKey: true,
    suggestion: names.length === 0 ? nearest(key, known) : null,
  });
  return null;
}

function labelInZone(owner: DomainName, zone: DomainName): string {
  return owner === zone ? '@' : owner.slice(0, -zone.length - 1);
}

/** What a path publishes, as one text to compare. */
function published(path: MailPath): string {
  if (path.kind === 'mx') return path.mx.map(formatMx).sort().join('\n');
  return [...path.addresses]
    .map(([owner, list]) => `${owner} ${[...list].sort().join(' ')}`)
    .sort()
    .join('\n');
}

/** Two paths with the same records: nobody could tell from DNS which is active. */
function reportTwins(paths: readonly MailPath[], place: ConfigPath, report: Report): void {
  const seen = new Map<string, string>();
  for (const path of paths) {
    const text = published(path);
    const twin = seen.get(text);
    if (twin !== undefined && text !== '')
      report.problem(
        [...place, path.name],
        `publishes the same records as path ${twin}, so DNS cannot tell which is active; remove one`,
        { atKey: true },
      );
    seen.set(text, path.name);
  }
}

/** A kept exchange must be worse than every other, or it takes the mail (RFC 5321 §5.1: lowest first). */
function reportKept(
  keep: readonly string[],
  paths: readonly MxPath[],
  path: ConfigPath,
  report: Report,
): void {
  for (const kept of paths.filter((one) => keep.includes(one.name)))
    for (const other of paths.filter((one) => !keep.includes(one.name))) {
      const worst = Math.max(...other.mx.map((one) => one.preference));
      kept.mx.forEach((one, index) => {
        const place = [...path, 'paths', kept.name, 'mx', index];
        if (one.preference <= worst)
          report.problem(
            [...place, 'preference'],
            `is not worse than ${worst} in path ${other.name}, so senders would try the backup first; write more than ${worst}`,
          );
        if (other.mx.some((theirs) => theirs.exchange === one.exchange))
          report.problem(
            [...place, 'exchange'],
            `${displayName(one.exchange)} is in path ${other.name} too; kept beside itself it backs up nothing`,
          );
      });
    }
}
