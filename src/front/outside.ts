// Failures outside a command: no such command, help for what is not there, a broken installation, an exception that
// nothing caught. bin/run.js hands them over; they leave in the same form as those of a command.

import { readFileSync } from 'node:fs';
import { createRuntime } from '../compose.ts';
import { renderEnvelope, renderFailure } from '../render/envelope.ts';
import { detailsOf, toAppError } from './failure.ts';
import { flushStreams, printEnvelope, printLines } from './output.ts';
import { readStyle } from './style.ts';

/** Prints the failure and ends the process with its exit code. Never throws. */
export async function reportOutside(thrown: unknown, argv: readonly string[]): Promise<never> {
  const { json, verbose, 'no-color': noColour } = readFlags(argv);
  const error = toAppError(thrown, 'mxctl');
  const { runId, clock } = await createRuntime({ isVerbose: false });
  const now = clock.now();
  if (json) {
    const run = { command: null, version: readVersion(), runId, startedAt: now, finishedAt: now };
    const outcome = { exitCode: error.exitCode, data: null, warnings: [], error };
    printEnvelope(renderEnvelope(run, outcome), process.stdout.isTTY);
  } else {
    const style = await readStyle(process.stderr, !noColour);
    printLines(process.stderr, renderFailure(error, style, verbose ? detailsOf(error) : ''), style);
  }
  await flushStreams();
  process.exit(error.exitCode);
}

// Whatever else is on the line, a script that asked for JSON gets it.
function readFlags(argv: readonly string[]): { json: boolean; verbose: boolean; 'no-color': boolean } {
  const end = argv.indexOf('--');
  const typed = end === -1 ? argv : argv.slice(0, end);
  return {
    json: typed.includes('--json'),
    verbose: typed.includes('--verbose'),
    'no-color': typed.includes('--no-color'),
  };
}

function readVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return version;
}
