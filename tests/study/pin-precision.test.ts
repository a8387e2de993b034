import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { env } from 'node:process';
import { afterEach, describe, expect, it } from 'vitest';
import { cacheHome, nativeHome, TENSORFLOW_VERSION } from '../../src/backend/native/home.js';
import { keepSpeeds, placeHere } from '../../src/program/products/kept.js';
import { decidePinned, withPinned } from '../../src/study/pin-precision.js';
import { planStudy } from '../../src/study/plan-study.js';
import { readStudy } from '../../src/study/study-record.js';
import { realRuntime } from '../helpers/fake-machine.js';
import { temporaryFolder } from '../helpers/folder.js';
import { prepared, studyHome, withTypeScript } from '../helpers/study-file.js';

const FASTER = { bfloat16: { bfloat16: 400, float32: 100 }, float32: { bfloat16: 100, float32: 400 } } as const;

const before = env.PHASETUNE_HOME;
const native = nativeHome(cacheHome());
afterEach(() => {
  if (before === undefined) delete env.PHASETUNE_HOME;
  else env.PHASETUNE_HOME = before;
});

/** From now on this machine is one whose products are faster in that type, or one without TensorFlow. */
async function machineOf(faster?: keyof typeof FASTER): Promise<void> {
  const home = temporaryFolder('machine');
  if (faster) {
    mkdirSync(home, { recursive: true });
    symlinkSync(native, nativeHome(home));
    await keepSpeeds(home, placeHere(TENSORFLOW_VERSION, env), FASTER[faster]);
  }
  env.PHASETUNE_HOME = home;
}

const withRuntime = realRuntime() ? it : it.skip;

const cell = (precision: 'auto' | 'bfloat16' | 'float32', mode?: 'eager' | 'captured') => ({
  recipe: { precision, mode } as never,
});
const local = { executor: { kind: 'local' } } as const;

describe('the precision that a study pins', () => {
  withRuntime('is what is faster where it is begun', async () => {
    for (const faster of ['bfloat16', 'float32'] as const) {
      await machineOf(faster);
      expect(await decidePinned(local, [cell('bfloat16'), cell('auto')], {})).toBe(faster);
    }
  });

  it('is float32 where TensorFlow is not set up, and bfloat16 where cells may run on other machines', async () => {
    await machineOf();
    expect(await decidePinned(local, [cell('auto')], {})).toBe('float32');
    expect(await decidePinned({ executor: { kind: 'command' } }, [cell('auto')], {})).toBe('bfloat16');
  });

  it('is none where every recipe has its own, or runs op by op', async () => {
    expect(await decidePinned(local, [cell('float32'), cell('bfloat16'), cell('auto', 'eager')], {})).toBeUndefined();
  });

  it.each([
    ['auto', 'captured', 'float32', 'float32'],
    ['auto', undefined, 'bfloat16', 'bfloat16'],
    ['auto', 'eager', 'bfloat16', 'float32'],
    ['auto', 'eager', undefined, 'float32'],
    ['bfloat16', 'captured', 'float32', 'bfloat16'],
    ['float32', 'captured', 'bfloat16', 'float32'],
  ] as const)('makes of %s in mode %s, with %s: %s', (precision, mode, pinned, becomes) => {
    expect(withPinned({ precision, mode }, pinned)).toEqual({ precision: becomes, mode });
  });

  withRuntime('is in every cell and in study.json, and stays for cells that are added on another machine', async () => {
    const { file, out, text, write } = studyHome();
    await machineOf('float32');
    const { study } = await prepared({ file, out });
    expect(study.record.precision).toBe('float32');
    expect(new Set(study.cells.map(({ recipe }) => recipe.precision))).toEqual(new Set(['float32']));
    await machineOf('bfloat16');
    // The same study, to continue it.
    await prepared({ file, out });
    write(text.replace('seeds: 2', 'seeds: 3'));
    expect(await withTypeScript(() => planStudy({ file, out }))).toMatchObject({ precision: 'float32' });
    await prepared({ file, out, extend: true });
    const { record, cells } = await readStudy(join(out));
    expect(record.precision).toBe('float32');
    expect(cells.map(({ recipe }) => recipe.precision)).toEqual(Array(6).fill('float32'));
  });
});
