// The configuration of a crowd's routes: two exchanges of a proxy, one of the direct path, each route an owner.

import { type Crowd, type CrowdPlan, crowdZone, exchangesOf } from './crowd.ts';

const local = (port: number): string => `"127.0.0.1:${port}"`;

/** `failover`: what stands in `defaults.failover` beside the modes. */
export function crowdConfig(plan: CrowdPlan, { ports }: Crowd, failover: string): string {
  const route = (at: number): string => {
    const [first, second, third] = exchangesOf(plan, at);
    return `  r${at}:
    strategy: mx
    records: [{provider: bench, zone: ${crowdZone}, names: [r${at}], authorities: [${ports.authorities.map(local).join(', ')}]}]
    paths:
      proxy:
        role: proxy
        mx:
          - {preference: 10, exchange: ${first}, port: ${ports.proxy}}
          - {preference: 20, exchange: ${second}, port: ${ports.proxy}}
      direct:
        role: primary
        mx: [{preference: 10, exchange: ${third}, port: ${ports.direct}}]
    prefer: proxy
    failover_to: [direct]
`;
  };
  return `version: 1
state: {url: "sqlite:state.sqlite"}
vantage: bench
resolvers: [${local(ports.resolver)}]
providers:
  bench: {type: rfc2136, server: ${local(ports.update)}, tsig: {name: bench, algorithm: hmac-sha256, secret: {env: BENCH_TSIG}}}
defaults:
  probe: {stages: [connect, banner, ehlo], rise: 1, forgive: 1}
  failover: {mode: auto, failback: auto, ${failover}}
routes:
${Array.from({ length: plan.routes }, (_, at) => route(at)).join('')}`;
}
