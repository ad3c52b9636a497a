// Progress and diagnostics for stderr. Never stdout: that carries results.

export interface Logger {
  info(text: string): void;
  warn(text: string): void;
  debug(text: string): void;
}

export const silentLogger: Logger = { info: () => {}, warn: () => {}, debug: () => {} };
