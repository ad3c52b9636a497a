// oclif's hook for a command that is not there. It suggests the nearest one and never runs it: the guess would run
// with flags meant for something else.

import type { Hook } from '@oclif/core';
import { UsageError } from '../errors.ts';
import { nearest } from '../model/nearest.ts';

const commandNotFound: Hook.CommandNotFound = ({ id, config }) => {
  const typed = id.replaceAll(':', ' ');
  const known = config.commands.filter(({ hidden }) => !hidden).map((one) => one.id.replaceAll(':', ' '));
  const guess = nearest(typed, known) ?? nearest(typed.split(' ', 1)[0] ?? '', known);
  const message = typed.startsWith('-')
    ? `${typed} stands where a command is expected`
    : `${typed} is not a command of ${config.bin}`;
  throw new UsageError('usage', message, {
    hint:
      guess === null
        ? `See ${config.bin} --help`
        : `Did you mean ${config.bin} ${guess}? See ${config.bin} --help`,
  });
};

export default commandNotFound;
