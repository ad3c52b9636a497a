import { describe, expect, it } from 'vitest';
import { AppError, ConfigError, exitCodes } from '../../../src/errors.ts';
import { renderEnvelope, renderFailure, renderWarnings } from '../../../src/render/envelope.ts';
import { exitCodeRows, renderExitCodes } from '../../../src/render/exit-codes.ts';
import { displayWidth, plainStyle } from '../../../src/render/terminal.ts';

const run = {
  command: 'help exit-codes',
  version: '1.2.3',
  runId: '01M802ZZ187QYT5SXERA54MRDJ',
  startedAt: Date.UTC(2026, 10, 22, 3, 12, 9),
  finishedAt: Date.UTC(2026, 10, 22, 3, 12, 10, 5),
};

describe('the envelope', () => {
  it('has every key in every case', () => {
    const envelope = renderEnvelope(run, { exitCode: 0, data: undefined, warnings: [], error: null });
    expect(envelope).toEqual({
      schema: 'mxctl/help-exit-codes/v1',
      ok: true,
      exit_code: 0,
      command: 'help exit-codes',
      version: '1.2.3',
      run_id: '01M802ZZ187QYT5SXERA54MRDJ',
      started_at: '2026-11-22T03:12:09.000Z',
      finished_at: '2026-11-22T03:12:10.005Z',
      data: null,
      warnings: [],
      error: null,
    });
  });

  it('carries an error by its public code, without stack or cause', () => {
    const error = new AppError('locked', 'held by fra-ops', { cause: new Error('inner'), retryable: true });
    const envelope = renderEnvelope(run, { exitCode: 7, data: null, warnings: [], error });
    expect(envelope.ok).toBe(false);
    expect(envelope.error).toEqual({
      code: 'locked',
      message: 'held by fra-ops',
      hint: null,
      retryable: true,
    });
  });

  it('is not ok where the command ran fine and found something', () => {
    expect(renderEnvelope(run, { exitCode: 2, data: [], warnings: [], error: null }).ok).toBe(false);
  });

  it('sanitises what came from the network, line by line', () => {
    const error = new ConfigError('config-invalid', 'a\u001b[2J\nb\u202e', { hint: 'c\u0007' });
    const warnings = [{ code: 'x', message: 'd\u009b', subject: 'e\r' }];
    const envelope = renderEnvelope(run, { exitCode: 78, data: null, warnings, error });
    expect(envelope.error?.message).toBe('a\\u001b[2J\nb\\u202e');
    expect(envelope.error?.hint).toBe('c\\u0007');
    expect(envelope.warnings).toEqual([{ code: 'x', message: 'd\\u009b', subject: 'e\\r' }]);
  });
});

describe('a failure as text', () => {
  it('says what happened, then what to do', () => {
    const error = new ConfigError('config-not-found', 'no config file', { hint: 'mxctl init writes one' });
    expect(renderFailure(error, plainStyle)).toEqual(['error: no config file', 'mxctl init writes one']);
  });

  it('keeps a list of mistakes as it is', () => {
    const error = new ConfigError('config-invalid', '2 mistakes\nmxctl.yaml:3:1: one\nmxctl.yaml:9:5: two');
    expect(renderFailure(error, plainStyle)).toEqual([
      'error: 2 mistakes',
      'mxctl.yaml:3:1: one',
      'mxctl.yaml:9:5: two',
    ]);
  });

  it('fits into 80 columns', () => {
    const error = new AppError('bug', 'word '.repeat(40).trim(), { hint: 'hint '.repeat(30).trim() });
    for (const line of renderFailure(error, plainStyle)) expect(displayWidth(line)).toBeLessThanOrEqual(80);
  });

  it('names the subject of a warning first', () => {
    expect(renderWarnings([{ code: 'x', message: 'quorum is 1', subject: 'support' }], plainStyle)).toEqual([
      'warning: support: quorum is 1',
    ]);
  });
});

describe('the table of exit codes', () => {
  it('has a line for every code, in order and within 80 columns', () => {
    expect(exitCodeRows.map(({ code }) => code)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 64, 78, 130]);
    expect(exitCodeRows).toHaveLength(Object.keys(exitCodes).length);
    for (const line of renderExitCodes(plainStyle)) expect(displayWidth(line)).toBeLessThanOrEqual(80);
  });
});
