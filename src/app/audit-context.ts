// What the configuration declares, as the rules of the audit take it: which exchanges are ours, which a failover could
// publish, how long a TTL may be.

import type { AuditConfig, Config } from '../config/config.ts';
import type { AuditContext } from '../model/audit.ts';
import type { DomainName } from '../model/domain-name.ts';
import { expiredIgnores } from '../model/ignore.ts';
import { exchangesOf, type MailPath } from '../model/mail-path.ts';
import { normalTtlsOf, type Route } from '../model/route.ts';

/** `audit`: null = domains named by hand. `now`: ms. */
export function auditContext(
  config: Pick<Config, 'routes' | 'audits'> | null,
  audit: AuditConfig | null,
  now: number,
  before: AuditContext['before'],
): AuditContext {
  const routes = [...(config?.routes.values() ?? [])];
  const expected = config?.audits.flatMap((one) => one.expect.mx) ?? [];
  const hostsOf = (paths: readonly MailPath[]) =>
    paths.flatMap((path) => exchangesOf(path).map(({ exchange }) => exchange));
  const kept = routes.flatMap((route) => route.paths.filter((path) => route.keep.includes(path.name)));
  const addressTtls = addressTtlsOf(routes);
  const expired = new Map(expiredIgnores(audit?.ignore ?? [], now).map((one) => [one.domain, one]));
  return {
    now,
    ours: new Set([...routes.flatMap((route) => hostsOf(route.paths)), ...expected]),
    backups: new Set(hostsOf(kept)),
    failoverHosts: failoverHostsIn(routes),
    maxTtl: audit?.maxTtl ?? mxTtlFor(routes, audit?.expect.mx ?? []),
    maxAddressTtl: (exchange) => addressTtls.get(exchange) ?? null,
    spfInclude: audit?.spfInclude ?? null,
    expiredIgnore: (domain) => expired.get(domain) ?? null,
    before,
  };
}

/** Of the routes one of whose paths publishes these exchanges now: the exchanges of the other paths. */
function failoverHostsIn(routes: readonly Route[]): AuditContext['failoverHosts'] {
  const mxRoutes = routes
    .filter((route) => route.strategy === 'mx')
    .map((route) => route.paths.map((path) => exchangesOf(path).map(({ exchange }) => exchange)));
  return (published) => {
    const isLive = (hosts: readonly DomainName[]) => hosts.some((host) => published.includes(host));
    const hosts = mxRoutes.filter((paths) => paths.some(isLive)).flat(2);
    return [...new Set(hosts)].filter((host) => !published.includes(host));
  };
}

/** What the routes that publish an expected exchange have in normal times; null where no route does. */
function mxTtlFor(routes: readonly Route[], expected: readonly DomainName[]): number | null {
  const ttls = routes
    .filter((route) => route.strategy === 'mx')
    .filter((route) =>
      route.paths.some((path) => exchangesOf(path).some(({ exchange }) => expected.includes(exchange))),
    )
    .map((route) => normalTtlsOf(route).most);
  return ttls.length === 0 ? null : Math.max(...ttls);
}

function addressTtlsOf(routes: readonly Route[]): Map<DomainName, number> {
  const moved = routes.filter((route) => route.strategy === 'address');
  return new Map(
    moved.flatMap((route) =>
      route.paths.flatMap((path) =>
        exchangesOf(path).map(({ exchange }): [DomainName, number] => [exchange, normalTtlsOf(route).most]),
      ),
    ),
  );
}
