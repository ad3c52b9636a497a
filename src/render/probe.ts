// What probes found, one line a hop, failing ones last.

import type { ProbedHop } from '../app/probe.ts';
import { displayName } from '../model/domain-name.ts';
import type { Observation, Verdict } from '../model/observation.ts';
import { formatDuration, iso } from './duration.ts';
import { renderTable } from './table.ts';
import { hang, type Style, type Tone, wrap } from './terminal.ts';

const marks: Readonly<Record<Verdict, { text: string; tone: Tone }>> = {
  pass: { text: 'ok', tone: 'good' },
  fail: { text: 'FAIL', tone: 'bad' },
  inconclusive: { text: '?', tone: 'warn' },
};

export function renderProbes(hops: readonly ProbedHop[], isVerbose: boolean, style: Style): string[] {
  const rows = hops.map(({ route, path, preference, observation: one }) => [
    marks[one.verdict],
    route === null ? '' : `${route}/${path ?? ''}`,
    `${preference === null ? '' : `${preference} `}${displayName(one.exchange)}`,
    one.address ?? '(no address)',
    one.fate,
    `${one.stage} ${formatDuration(one.elapsedMs)}${one.isSlow ? ' slow' : ''}`,
  ]);
  const headers = ['', 'ROUTE/PATH', 'EXCHANGE', 'ADDRESS', 'FATE', 'STAGE'];
  const table = renderTable(
    headers.map((header) => ({ header })),
    rows,
    style,
  );
  const troubles = hops.filter(({ observation }) => isWorthALine(observation) || isVerbose);
  return [
    ...table,
    ...troubles.flatMap(({ observation }) => troubleLines(observation, isVerbose, style)),
    total(hops),
  ];
}

function isWorthALine(one: Observation): boolean {
  return (
    one.verdict !== 'pass' ||
    one.takesCanary === false ||
    one.tls?.isNameGood === false ||
    one.offersStarttls === false
  );
}

function troubleLines(one: Observation, isVerbose: boolean, style: Style): string[] {
  const name = `${displayName(one.exchange)} [${one.address ?? 'no address'}]`;
  const stages = isVerbose
    ? one.stages.flatMap(({ stage, elapsedMs, reply, fault }) =>
        hang(
          `    ${stage.padEnd(9)}${formatDuration(elapsedMs).padStart(7)}  `,
          reply === null ? (fault ?? 'ok') : `${reply.code} ${reply.text}`,
          style.width,
        ),
      )
    : [];
  return [...wrap(`${name}: ${one.summary}`, style.width, '    '), ...stages];
}

function total(hops: readonly ProbedHop[]): string {
  const count = (verdict: Verdict) => hops.filter((one) => one.observation.verdict === verdict).length;
  const unknown = count('inconclusive');
  return `${hops.length} hop${hops.length === 1 ? '' : 's'}: ${count('pass')} pass, ${count('fail')} fail${unknown > 0 ? `, ${unknown} inconclusive` : ''}`;
}

export function probeDocument(hops: readonly ProbedHop[]): unknown {
  return {
    hops: hops.map(({ route, path, preference, observation }) => ({
      route,
      path,
      preference,
      ...observationDocument(observation),
    })),
  };
}

function observationDocument(one: Observation): Record<string, unknown> {
  return {
    exchange: displayName(one.exchange),
    address: one.address,
    port: one.port,
    vantage: one.vantage,
    at: iso(one.at),
    elapsed_ms: one.elapsedMs,
    verdict: one.verdict,
    fate: one.fate,
    stage: one.stage,
    summary: one.summary,
    slow: one.isSlow,
    reply: one.reply,
    starttls: one.offersStarttls,
    takes_canary: one.takesCanary,
    tls:
      one.tls === null
        ? null
        : {
            protocol: one.tls.protocol,
            name_good: one.tls.isNameGood,
            chain_trusted: one.tls.isChainTrusted,
            fault: one.tls.fault,
            expires_at: iso(one.tls.expiresAt),
            names: one.tls.names,
          },
    stages: one.stages.map((stage) => ({
      stage: stage.stage,
      ok: stage.ok,
      elapsed_ms: stage.elapsedMs,
      reply: stage.reply,
      fault: stage.fault,
    })),
  };
}
