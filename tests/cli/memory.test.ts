import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { asFailure, exitCodeOf } from '../../src/cli/failure.js';
import { dataError, PhasetuneError } from '../../src/core/errors.js';
import { allocated } from '../../src/io/allocate.js';
import { fileError } from '../../src/io/files.js';
import type { MemoryLimit } from '../../src/io/memory-limits.js';
import { memoryWarning } from '../../src/telemetry/memory-warning.js';
import { temporaryFolder } from '../helpers/folder.js';

const GIB = 2 ** 30;

describe('a lack of memory wherever it comes from', () => {
  const errno = (message: string, fields: object) => Object.assign(new Error(message), fields);
  it.each([
    ['an array', new RangeError('Array buffer allocation failed')],
    ['a longer array than there is', new RangeError('Invalid typed array length: 25769803776')],
    ['a list', new RangeError('Invalid array length')],
    ['a text', new RangeError('Invalid string length')],
    ['TensorFlow', new Error('Invalid TF_Status: 8\nMessage: OOM when allocating tensor with shape[291840000]')],
    ['the C++ library', new Error('std::bad_alloc')],
    [
      'a program that is started',
      errno('spawn nvidia-smi ENOMEM', { code: 'ENOMEM', path: 'nvidia-smi', syscall: 'spawn' }),
    ],
    ['a file that is read', errno('ENOMEM: not enough memory, read', { code: 'ENOMEM', syscall: 'read' })],
    ['a cause', dataError('tokenizer.json: cannot be read', {}, new RangeError('Array buffer allocation failed'))],
    ['the backend', new PhasetuneError('backend', 'it does not start', {}, { cause: new Error('std::bad_alloc') })],
  ])('is one line that says what to do, with status 1: %s', (_, error) => {
    const failure = asFailure(error);
    expect(failure).toMatchObject({ code: 'failed', fields: { outOfMemory: true } });
    expect(exitCodeOf(failure)).toBe(1);
    expect(failure.message).toMatch(/^out of memory\b.*free memory that other processes hold, or raise the limit/);
    expect(failure.message).not.toMatch(/report it|unexpected|\n/);
  });

  it('leaves other errors alone, whatever they quote', () => {
    const quoting = dataError(
      'rows.jsonl:1: not valid JSON, found "out of memory"',
      {},
      new SyntaxError('out of memory'),
    );
    expect(asFailure(quoting)).toBe(quoting);
    const endpoint = new PhasetuneError(
      'endpoint',
      'CUDA out of memory',
      {},
      { cause: new Error('CUDA out of memory') },
    );
    expect(asFailure(endpoint)).toBe(endpoint);
    expect(asFailure(new TypeError('x is undefined')).message).toMatch(
      /^unexpected error: x is undefined; please report it/,
    );
  });

  it('names the file, and the tensor of a file', () => {
    const error = fileError('read', 'a/tokenizer.json', Object.assign(new Error('ENOMEM'), { code: 'ENOMEM' }));
    expect(error).toMatchObject({ code: 'failed', fields: { file: 'a/tokenizer.json', outOfMemory: true } });
    expect(error.message).toMatch(/^out of memory in reading a\/tokenizer\.json; free memory/);
    class None {
      constructor(_: number) {
        throw new RangeError('Array buffer allocation failed');
      }
    }
    expect(() => allocated('m.safetensors', 'w', 12, None)).toThrow(
      /^out of memory in reading m\.safetensors, tensor w: its 12 elements do not fit into memory; free memory/,
    );
  });
});

describe('a forecast beyond what there is', () => {
  const limit = (by: MemoryLimit['by'], bytes: number, of = bytes): MemoryLimit => ({
    by,
    bytes: bytes * GIB,
    of: of * GIB,
  });
  const said = (...limits: MemoryLimit[]) =>
    memoryWarning(
      'the run',
      391 * GIB,
      [
        { option: 'maxLength', change: 'lower' },
        { option: 'microBatches', change: 'raise' },
      ],
      limits,
    );

  it.each([
    [limit('machine', 22, 23.5), '22 GiB free on this machine, which has 23.5 GiB'],
    [limit('cgroup', 8), 'a limit of 8 GiB for the container or group that it runs in (cgroup)'],
    [limit('ulimit', 4, 6), '4 GiB left of the 6 GiB of address space that ulimit -v allows'],
  ])('says what it takes, what there is and what to change', (one, there) => {
    expect(said(one, limit('machine', 300))).toBe(
      `the run is forecast to take 391 GiB of memory, and there is ${there}; lower \`maxLength\`, or raise \`microBatches\``,
    );
  });

  it('says nothing where it fits, where nothing is known, and of what is no forecast', () => {
    expect(said(limit('machine', 391))).toBeUndefined();
    expect(said()).toBeUndefined();
    expect(memoryWarning('the run', Number.NaN, [], [limit('machine', 1)])).toBeUndefined();
  });
});

it('a file is read as before', async () => {
  const path = join(temporaryFolder('memory'), 'none');
  writeFileSync(path, '');
  expect(fileError('read', path, Object.assign(new Error('x'), { code: 'EACCES' })).message).toBe(
    `cannot read ${path}: permission denied`,
  );
});
