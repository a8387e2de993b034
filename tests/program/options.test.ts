import { expect, test } from 'vitest';
import { PhasetuneError } from '../../src/core/errors.js';
import { decideProgram } from '../../src/program/decide.js';
import { compileOptions, type ProgramOptions } from '../../src/program/options.js';
import { temporaryFolder } from '../helpers/folder.js';

const PROCESSOR = { name: 'tensorflow', device: 'cpu', version: 'test' } as const;
const CARD = { name: 'tensorflow', device: 'cuda', version: 'test' } as const;
const WASM = { name: 'wasm', device: 'wasm', version: 'test' } as const;
type Device = typeof PROCESSOR | typeof CARD | typeof WASM;

test.each<[string, ProgramOptions, Device, object]>([
  [
    'a processor',
    {},
    PROCESSOR,
    { mode: 'captured', precision: 'bfloat16', compile: 'parts', loadIn8bit: false, loadIn4bit: false },
  ],
  ['a card', {}, CARD, { mode: 'captured', precision: 'bfloat16', compile: 'whole', loadIn8bit: false }],
  ['WASM', {}, WASM, { mode: 'eager', precision: 'float32', compile: 'none', loadIn8bit: false }],
  ['attention on a processor', {}, PROCESSOR, { attention: 'recompute' }],
  ['attention on a processor, compiled whole', { compile: 'whole' }, PROCESSOR, { attention: 'math' }],
  ['attention op by op', { mode: 'eager' }, PROCESSOR, { attention: 'math' }],
  ['attention on a card', {}, CARD, { attention: 'flash' }],
  ['attention on a card, in parts', { compile: 'parts' }, CARD, { attention: 'math' }],
  ['attention on a card, in float32', { precision: 'float32' }, CARD, { attention: 'math' }],
  ['attention that is worked out again', { attention: 'recompute' }, PROCESSOR, { attention: 'recompute' }],
  ['eager', { mode: 'eager' }, CARD, { mode: 'eager', precision: 'float32', compile: 'none' }],
  ['float32', { precision: 'float32' }, PROCESSOR, { mode: 'captured', precision: 'float32', compile: 'parts' }],
  ['not compiled', { compile: 'none' }, PROCESSOR, { mode: 'captured', compile: 'none' }],
  ['a card, in parts', { compile: 'parts' }, CARD, { mode: 'captured', compile: 'parts' }],
])('what is left out is decided: %s', async (_name, options, backend, decided) => {
  const measure = async () => ({ bfloat16: 200, float32: 100 });
  expect(await decideProgram(options, backend, { home: temporaryFolder(), measure })).toMatchObject(decided);
});

const SETUP = 'run `setup` to have the native TensorFlow library, which captured programs need';

test.each<[ProgramOptions, Device, string]>([
  [
    { mode: 'captured' },
    WASM,
    '`mode: captured` needs the native TensorFlow library; run `setup`, or set `mode: eager`',
  ],
  [{ precision: 'bfloat16' }, WASM, `op by op only float32 is computed; leave out \`precision\`, or ${SETUP}`],
  [{ compile: 'parts' }, WASM, `\`compile\` needs a captured program; leave out \`compile\`, or ${SETUP}`],
  [{ loadIn4bit: true }, WASM, `\`loadIn4bit\` needs a captured program; leave out \`loadIn4bit\`, or ${SETUP}`],
  [
    { loadIn8bit: true, loadIn4bit: true },
    PROCESSOR,
    'weights are held in one number of bits: `loadIn8bit` and `loadIn4bit` exclude each other; leave out `loadIn8bit`, or leave out `loadIn4bit`',
  ],
  [
    { loadIn16bit: true, loadIn8bit: true },
    PROCESSOR,
    'weights are held in one number of bits: `loadIn16bit` and `loadIn8bit` exclude each other; leave out `loadIn16bit`, or leave out `loadIn8bit`',
  ],
  [{ loadIn16bit: true }, WASM, `\`loadIn16bit\` needs a captured program; leave out \`loadIn16bit\`, or ${SETUP}`],
  [{ loadIn8bit: true }, WASM, `\`loadIn8bit\` needs a captured program; leave out \`loadIn8bit\`, or ${SETUP}`],
  [
    { mode: 'eager', precision: 'bfloat16' },
    PROCESSOR,
    'op by op only float32 is computed; leave out `precision`, or set `mode: captured`',
  ],
  [
    { mode: 'eager', compile: 'whole' },
    CARD,
    '`compile` needs a captured program; leave out `compile`, or set `mode: captured`',
  ],
  [
    { mode: 'eager', attention: 'recompute' },
    PROCESSOR,
    'op by op only `attention: math` is computed; leave out `attention`, or set `mode: captured`',
  ],
  [
    { attention: 'flash' },
    PROCESSOR,
    '`attention: flash` needs entries that are compiled whole; set `compile: whole`, or set `attention: recompute`',
  ],
  [
    { attention: 'flash', precision: 'float32' },
    CARD,
    '`attention: flash` computes in bfloat16 only; leave out `precision`, or set `attention: recompute`',
  ],
])('%j on %j is refused with what to do', (options, backend, message) => {
  const { precision = backend.device === 'wasm' || options.mode === 'eager' ? 'float32' : 'bfloat16' } = options;
  if (precision === 'auto') throw new Error('expected a type');
  const refusal = () => compileOptions({ ...options, precision }, backend);
  expect(refusal).toThrow(message);
  expect(refusal).toThrow(expect.toSatisfy((error) => error instanceof PhasetuneError && error.code === 'usage'));
});
