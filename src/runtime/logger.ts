// Progress and diagnostics for stderr. Never stdout: that carries results. On a terminal a person follows along; in
// cron progress is silent, because cron mails whatever is printed.

import { sanitise } from '../model/text.ts';

export interface Logger {
  info(text: string): void;
  warn(text: string): void;
  debug(text: string): void;
}

export const silentLogger: Logger = { info: () => {}, warn: () => {}, debug: () => {} };

/** `info` shows on a terminal or with `isVerbose`, `debug` only with that, `warn` always; a line each. */
export function createLogger(stream: NodeJS.WriteStream, isVerbose: boolean): Logger {
  const write = (text: string) => void stream.write(`${sanitise(text, longestLine)}\n`);
  // isTTY is absent, not false, on a pipe or a file.
  const showsInfo = isVerbose || (stream.isTTY as boolean | undefined) === true;
  return {
    info: showsInfo ? write : () => {},
    warn: (text) => {
      write(`warning: ${text}`);
    },
    debug: isVerbose ? write : () => {},
  };
}

/** Past this a line of diagnostics is noise. */
const longestLine = 1000;
