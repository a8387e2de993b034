import { expect, test } from 'vitest';
import { limitedBelowBfloat16, oneDnnSetting } from '../../src/backend/native/onednn.js';
import { nativeOnly } from '../helpers/backend.js';
import { runTypeScript } from '../helpers/fake-machine.js';

test.each<[env: NodeJS.ProcessEnv, limited: boolean]>([
  [{}, false],
  [{ ONEDNN_MAX_CPU_ISA: '' }, false],
  [{ ONEDNN_MAX_CPU_ISA: 'DEFAULT' }, false],
  [{ ONEDNN_MAX_CPU_ISA: 'AVX2' }, true],
  [{ ONEDNN_MAX_CPU_ISA: 'avx2' }, true],
  [{ DNNL_MAX_CPU_ISA: 'SSE41' }, true],
  [{ ONEDNN_MAX_CPU_ISA: 'AVX512_CORE' }, false],
  [{ ONEDNN_MAX_CPU_ISA: 'AVX512_CORE_AMX' }, false],
  [{ ONEDNN_MAX_CPU_ISA: 'AVX2', TF_ENABLE_ONEDNN_OPTS: '0' }, false],
  [{ ONEDNN_MAX_CPU_ISA: 'AVX2', TF_ENABLE_ONEDNN_OPTS: '1' }, true],
])('%j leaves oneDNN without bfloat16: %s', (env, limited) => {
  expect(limitedBelowBfloat16(env)).toBe(limited);
});

test.each<[env: NodeJS.ProcessEnv, setting: string]>([
  [{}, '1'],
  [{ TF_ENABLE_ONEDNN_OPTS: '0' }, '0'],
  [{ TF_ENABLE_ONEDNN_OPTS: '1' }, '1'],
  [{ TF_ENABLE_ONEDNN_OPTS: '1', ONEDNN_MAX_CPU_ISA: 'AVX2' }, '0'],
])('with %j TensorFlow is loaded with TF_ENABLE_ONEDNN_OPTS=%s', (env, setting) => {
  expect(oneDnnSetting(env)).toBe(setting);
});

nativeOnly(
  'products in bfloat16 go on where the environment limits oneDNN to AVX2, and a warning says how',
  async () => {
    const { stdout, stderr, code } = await runTypeScript(
      `
    import { loadBackend } from './src/backend/load.ts';
    import { openModelFolder } from './src/model/load.ts';
    import { logitsSpec } from './src/model/logits.ts';
    import { adaptedModel } from './src/lora/adapted-model.ts';
    const warnings = [];
    const logger = { debug() {}, info() {}, warn: (message) => warnings.push(message) };
    await loadBackend({ device: 'cpu', logger });
    const model = await openModelFolder('tests/fixtures/train/base');
    const program = await adaptedModel(model, undefined, logitsSpec, { mode: 'captured', precision: 'bfloat16' });
    const { logits } = await program.run('logits', { ids: { shape: [1, 3], dtype: 'int32', data: Int32Array.of(1, 2, 3) } }, ['logits']);
    console.log(JSON.stringify({ warnings, finite: logits.data.every(Number.isFinite) }));
  `,
      { ...process.env, TF_ENABLE_ONEDNN_OPTS: undefined, ONEDNN_MAX_CPU_ISA: 'AVX2' },
    ).ended;
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      warnings: [expect.stringContaining('ONEDNN_MAX_CPU_ISA leaves oneDNN without bfloat16')],
      finite: true,
    });
  },
);
