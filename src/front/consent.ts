// The one way from a shown plan to a carried-out one: guards, consent, action, and what to say at the end. Every
// command that changes DNS by a person's word goes through here.

import { createInterface } from 'node:readline/promises';
import { checkGuards, errorOf, executePlan } from '../app/execute.ts';
import type { ActResult } from '../app/act.ts';
import type { Proposal } from '../app/propose.ts';
import type { CommandResult } from '../base-command.ts';
import type { Program } from '../compose.ts';
import { AppError, exitCodes, RefusedError, UsageError } from '../errors.ts';
import { actionDocument, renderAction } from '../render/action.ts';
import { planDocument, renderPlan } from '../render/plan.ts';
import type { Style } from '../render/terminal.ts';

export interface ConsentFlags {
  readonly yes: boolean;
  readonly confirm: string | undefined;
  readonly override: readonly string[] | undefined;
  readonly reason: string | undefined;
  readonly 'offline-state'?: boolean;
}

interface Asking {
  readonly mayAsk: boolean;
  readonly signal: AbortSignal;
  readonly print: (text: (style: Style) => readonly string[]) => void;
}

export interface ChangeOptions {
  readonly flags: ConsentFlags;
  /** Asked as `… [y/N]`. */
  readonly question: string;
  readonly rollbackOf: string | null;
}

export async function carryOutWithConsent(
  proposal: Proposal,
  options: ChangeOptions,
  program: Program,
  asking: Asking,
): Promise<CommandResult> {
  const { prepared, route, recovered } = proposal;
  checkNamed(options.flags.confirm, route.name);
  const now = program.clock.now();
  const notes = recovered.map((one) => one.text);
  const data = (result: ActResult | null) => ({
    plan: planDocument(prepared),
    recovered: notes,
    action: result === null ? null : actionDocument(result.action),
  });
  asking.print((style) => [...notes, ...renderPlan(prepared, now, style)]);
  if (prepared.plan.changes.length === 0) return { data: data(null), text: () => ['Nothing to do.'] };
  const overrides = parseOverrides(options.flags.override ?? []);
  const refusal =
    checkGuards(prepared.guards, overrides) ?? (await refuseConsent(proposal, options, overrides, asking));
  if (refusal !== null) return { data: data(null), text: () => [], error: refusal };
  const consent = {
    by: program.person,
    reason: options.flags.reason ?? `${prepared.plan.kind} by hand`,
    overrides,
    rollbackOf: options.rollbackOf,
  };
  const result = await executePlan(route, prepared, consent, program, asking.signal);
  return {
    ...(options.flags['offline-state'] === true ? { warnings: [offlineWarning] } : {}),
    data: data(result),
    text: (style) => renderAction(result.action, program.clock.now(), style),
    error: errorOf(result),
    next: [
      {
        command: `mxctl watch ${result.action.plan.id}`,
        effect: 'shows who answers what, until caches are clear',
      },
    ],
  };
}

const offlineWarning = {
  code: 'offline-state',
  message: 'acted without the state store: keep this plan, for rollback and history will not know of it',
  subject: null,
};

type Overrides = Parameters<typeof checkGuards>[1];

function parseOverrides(given: readonly string[]): Overrides {
  return given as Overrides;
}

/** Before anything is shown: whoever names another route than the one that would move means something else. */
function checkNamed(confirmed: string | undefined, route: string): void {
  if (confirmed === undefined || confirmed === route) return;
  throw new UsageError('not-confirmed', `--confirm ${confirmed} is not the route that would move: ${route}`, {
    hint: `nothing was changed; agree with --confirm ${route}`,
  });
}

/** Null where the move was agreed to. Overriding a guard takes the route's name, not just a yes. */
async function refuseConsent(
  { prepared, route }: Proposal,
  { flags, question }: ChangeOptions,
  overrides: Overrides,
  asking: Asking,
): Promise<RefusedError | null> {
  const isOverriding = prepared.guards.some(
    (one) => one.verdict === 'forbid' && overrides.includes(one.name),
  );
  if (flags.confirm !== undefined || (!isOverriding && flags.yes)) return null;
  if (!asking.mayAsk) return noTerminal(route.name, isOverriding);
  const answer = await ask(
    isOverriding ? `${question} Type the route's name: ` : `${question} [y/N] `,
    asking.signal,
  );
  const isAgreed = isOverriding ? answer === route.name : /^y(es)?$/i.test(answer);
  return isAgreed ? null : notConfirmed();
}

function noTerminal(route: string, isOverriding: boolean): RefusedError {
  return new RefusedError('no-terminal', 'there is no terminal to ask on; nothing was changed', {
    hint: isOverriding
      ? `a guard is overridden: agree with --confirm ${route}`
      : 'agree beforehand with --yes',
  });
}

/** For what needs a yes and no more. Null where it was given. */
export async function refuseUnlessYes(
  yes: boolean,
  question: string,
  { mayAsk, signal }: Pick<Asking, 'mayAsk' | 'signal'>,
): Promise<RefusedError | null> {
  if (yes) return null;
  if (!mayAsk) return noTerminal('', false);
  return /^y(es)?$/i.test(await ask(`${question} [y/N] `, signal)) ? null : notConfirmed();
}

function notConfirmed(): RefusedError {
  return new RefusedError('not-confirmed', 'not confirmed; nothing was changed', {
    hint: 'run it again when you are sure',
  });
}

/** What was typed; nothing where the input ended (Ctrl-D). Throws `interrupted` on Ctrl-C and SIGTERM. */
async function ask(question: string, signal: AbortSignal): Promise<string> {
  // On stderr: stdout carries results only.
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  // The terminal is in raw mode meanwhile: Ctrl-C arrives as a key and not as a signal.
  lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  try {
    return (await lines.question(question, { signal })).trim();
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'AbortError') throw error;
    if (!signal.aborted) {
      // The cursor still stands behind the question.
      process.stderr.write('\n');
      return '';
    }
    throw new AppError('interrupted', 'stopped before you agreed; nothing was changed', {
      hint: 'run it again when you are sure',
      exitCode: exitCodes.interrupted,
    });
  } finally {
    lines.close();
  }
}
