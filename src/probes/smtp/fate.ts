// What a standard sender does with a message after what a stage brought. Pure. Decides on the first digit, as senders
// do (RFC 5321 §4.3.2), with the exceptions named at their lines.

import { isPoison, type Fate } from '../../model/fate.ts';
import type { Observation, SmtpReply, Stage, Verdict } from '../../model/observation.ts';
import type { SmtpFault } from '../../smtp/fault.ts';

/** How a session ended before its last stage. */
export interface Settled {
  readonly stage: Stage;
  readonly verdict: Verdict;
  readonly fate: Fate;
  readonly reply: SmtpReply | null;
  /** In words, with the stage, where no reply tells. */
  readonly fault: string | null;
}

/** Null where the dialogue may go on. */
export function judgeReply(stage: Stage, reply: SmtpReply): Settled | null {
  const replyClass = Math.floor(reply.code / 100);
  if (replyClass === 2) return null;
  return { stage, verdict: 'fail', fate: fateOfRefusal(stage, reply.code), reply, fault: null };
}

function fateOfRefusal(stage: Stage, code: number): Fate {
  // 4yz, 421 wherever it comes (RFC 5321 §3.8), and 3yz, which no stage of ours can be answered with.
  if (code < 500) return 'deferred';
  // A 5yz before MAIL is about the host, not the message: Postfix (smtp_skip_5xx_greeting), Exim and others go on to
  // the next host, so a hop that greets so hides none behind it and is not `bounced`. Only at the last host does Exim
  // return the message; a path whose every hop does it is judged in health/, from the reply kept here. The same goes
  // for EHLO where HELO is refused too, and a refused STARTTLS is answered with clear text or with patience.
  if (stage !== 'mail' && stage !== 'rcpt') return 'deferred';
  // RFC 5321 §4.5.3.1.10: 552 to RCPT is to be read as 452, too many recipients.
  if (stage === 'rcpt' && code === 552) return 'deferred';
  // RFC 5321 §4.2.1: permanent. Returned to its author now, no other exchange is tried.
  return 'bounced';
}

/** A lost or silent connection counts as 451 (RFC 5321 §3.8, §4.5.3.2): deferred, never bounced. */
export function judgeFault(stage: Stage, fault: SmtpFault, words: string): Settled {
  return fault.kind === 'local'
    ? { stage, verdict: 'inconclusive', fate: 'unknown', reply: null, fault: words }
    : { stage, verdict: 'fail', fate: 'deferred', reply: null, fault: words };
}

/** RFC 6647 §2: a temporary refusal of a stranger. Said in the text, or told by a policy code (RFC 3463 §3.8). */
export function isGreylisting(reply: SmtpReply): boolean {
  if (reply.code !== 450 && reply.code !== 451) return false;
  return /gr[ea]y.?list/i.test(reply.text) || (reply.enhanced?.startsWith('4.7.') ?? false);
}

/** From each source address one: what mail meets that is sent by the unluckiest. Not knowing is worse than passing. */
export function worstOf(first: Observation, ...others: readonly Observation[]): Observation {
  return others.reduce((worst, one) => (badness(one) > badness(worst) ? one : worst), first);
}

function badness(one: Observation): number {
  if (one.verdict === 'fail') return isPoison(one.fate) ? 4 : 3;
  if (one.verdict === 'inconclusive') return 2;
  return one.isSlow ? 1 : 0;
}
