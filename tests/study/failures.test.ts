import { describe, expect, test } from 'vitest';
import { outOfMemoryError } from '../../src/core/out-of-memory.js';
import { fileError } from '../../src/io/files.js';
import type { JobEnd } from '../../src/study/executors/executor.js';
import { type EndedJob, kindOf, outcomeOf } from '../../src/study/failures.js';
import { keepSecret } from '../../src/telemetry/redact.js';

const end = (given: Partial<JobEnd>): JobEnd => ({ state: 'ended', code: null, signal: null, lastLine: '', ...given });

const outcome = (given: Partial<EndedJob>) =>
  outcomeOf({ end: end({ code: 1 }), asked: false, done: false, diskFull: false, ...given });

const said = (lastLine: string, code = 1) => outcome({ end: end({ code, lastLine: `error: ${lastLine}` }) });

describe('how a job ended', () => {
  test('is done by the files of its run alone', () => {
    expect(outcome({ done: true, end: end({ signal: 'SIGKILL' }) })).toEqual({ outcome: 'done' });
    expect(outcome({ done: true, end: undefined })).toEqual({ outcome: 'done' });
    expect(outcome({ end: end({ code: 0 }) })).toMatchObject({ outcome: 'failed', failure: 'failed' });
  });

  test.each([
    ['ENOSPC', 'disk full'],
    ['EDQUOT', 'disk full'],
    ['EACCES', 'failed'],
    ['ENOMEM', 'out of memory'],
  ])('is read from the text of an error of files: %s', (code, failure) => {
    const { message } = fileError('write', 'cells/a/run/run.json', Object.assign(new Error(code), { code }));
    expect(said(message)).toEqual({ outcome: 'failed', failure, reason: message });
  });

  test('is read from the text of missing memory, and of V8 and the C++ library, which end by themselves', () => {
    const { message } = outOfMemoryError({ what: 'a training step', remedies: [] }, undefined);
    expect(said(message)).toMatchObject({ failure: 'out of memory' });
    for (const lastLine of [
      'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory',
      '  what():  std::bad_alloc',
    ])
      expect(outcome({ end: end({ signal: 'SIGABRT', lastLine }) })).toMatchObject({ failure: 'out of memory' });
  });

  test.each([
    'the loss spiked to 9.12 (over the limit of 4.00)',
    'the loss is NaN',
    'the norm of the gradients is Infinity',
  ])('is a spike: %s', (what) =>
    expect(said(`stage 1, step 3: ${what}; its update was not made`)).toMatchObject({ failure: 'loss spike' }),
  );

  test('is read from run.json where nothing was printed, unless a signal ended it', () => {
    const runError = 'stage 1, step 3: the loss is NaN';
    expect(outcome({ runError })).toEqual({ outcome: 'failed', failure: 'loss spike', reason: runError });
    expect(outcome({ runError, end: end({ signal: 'SIGKILL' }) })).toMatchObject({ failure: 'killed' });
  });

  test('is a full disk where nothing is said and nothing can be written', () => {
    expect(outcome({ diskFull: true })).toMatchObject({ failure: 'disk full' });
    expect(outcome({ diskFull: true, end: end({ code: 3 }) })).toMatchObject({ failure: 'data' });
  });

  test('is missing memory where the system ended it for that', () => {
    const killed = end({ signal: 'SIGKILL', outOfMemory: true });
    expect(outcome({ end: killed })).toEqual({
      outcome: 'failed',
      failure: 'out of memory',
      reason: 'the system ended it (SIGKILL) for lack of memory',
    });
    expect(outcome({ end: killed, asked: true })).toEqual({ outcome: 'interrupted' });
  });

  test('is lost where nobody knows, never success', () => {
    expect(outcome({ end: undefined })).toMatchObject({ outcome: 'failed', failure: 'lost' });
    expect(outcome({ end: end({}) })).toMatchObject({ outcome: 'failed', failure: 'lost' });
    expect(outcome({ end: end({ code: 255 }) })).toMatchObject({ outcome: 'failed', failure: 'lost' });
  });

  test('is no end of the work where another process holds the run', () => {
    const holder = { pid: 7, host: 'node-3' };
    const away = { outcome: 'interrupted', reason: 'process 7 on host node-3 runs it' };
    expect(outcome({ holder, end: end({ code: 255 }) })).toEqual(away);
    expect(outcome({ holder, end: undefined })).toEqual(away);
    const lastLine = 'error: run is in use by process 7 on host "node-3" (train) for 5 s; wait for it';
    expect(outcome({ holder, end: end({ code: 1, lastLine }) })).toEqual(away);
    expect(outcome({ holder, end: end({ code: 3 }) })).toMatchObject({ failure: 'data' });
    expect(outcome({ holder, end: end({ code: 137 }) })).toMatchObject({ failure: 'killed' });
  });

  test('is an interrupt where it was asked to stop, and a failure where it failed meanwhile', () => {
    for (const ended of [{ code: 130 }, { code: 129 }, { code: 143 }, { code: 137 }, { signal: 'SIGTERM' }])
      expect(outcome({ asked: true, end: end(ended) })).toEqual({ outcome: 'interrupted' });
    expect(outcome({ asked: true, end: end({ code: 3 }) })).toMatchObject({ outcome: 'failed', failure: 'data' });
  });

  test('is given on one line, without secrets, and not at any length', () => {
    keepSecret(['hunter2-hunter2']);
    try {
      expect(said('no key hunter2-hunter2 \u001b[31m here').reason).toBe('no key [hidden] \\u001b[31m here');
      expect(said('x'.repeat(10_000)).reason).toHaveLength(500);
    } finally {
      keepSecret([]);
    }
  });
});

test('failures are alike where only cell and numbers differ', () => {
  const kind = (id: string, reason: string) => kindOf({ outcome: 'failed', failure: 'failed', reason }, id);
  expect(kind('a-seed-1', 'cells/a-seed-1/run: step 3')).toBe(kind('b-seed-12', 'cells/b-seed-12/run: step 14'));
  expect(kind('a', 'no library')).not.toBe(kind('a', 'no such row'));
});

describe('what a scheduler says ended a job', () => {
  const cause = { failure: 'lost', reason: 'Slurm: NODE_FAIL' } as const;

  test('is its failure, with the last line of its log', () => {
    expect(outcome({ end: end({ cause, lastLine: 'step 3' }) })).toEqual({
      ...{ outcome: 'failed', failure: 'lost', reason: 'Slurm: NODE_FAIL; last line: step 3' },
    });
    const outOfMemory = { failure: 'killed', reason: 'Slurm: OUT_OF_MEMORY' } as const;
    expect(outcome({ end: end({ cause: outOfMemory, outOfMemory: true }) })).toMatchObject({
      ...{ failure: 'out of memory', reason: 'Slurm: OUT_OF_MEMORY' },
    });
  });

  test('is a full disk where a job was killed and there is no space left', () => {
    const killed = { failure: 'killed', reason: 'Slurm: FAILED' } as const;
    expect(outcome({ end: end({ cause: killed }), diskFull: true })).toMatchObject({ failure: 'disk full' });
    expect(outcome({ end: end({ cause }), diskFull: true })).toMatchObject({ failure: 'lost' });
  });

  test('is an interruption where it was asked to stop', () => {
    expect(outcome({ end: end({ cause }), asked: true })).toEqual({ outcome: 'interrupted' });
  });
});
