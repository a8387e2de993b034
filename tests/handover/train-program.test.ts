import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { learningRateAt } from '../../src/optim/schedule.js';
import { temporaryFolder } from '../helpers/folder.js';
import { ROOT } from '../helpers/program.js';

const PROGRAM = join(ROOT, 'src/handover/engines/programs/train.py');
const PYTHON = process.env.PHASETUNE_TRL_PYTHON ?? 'python3';

test.skipIf(spawnSync(PYTHON, ['--version']).status !== 0)('train.py compiles [needs python3]', () => {
  const folder = temporaryFolder('program');
  copyFileSync(PROGRAM, join(folder, 'train.py'));
  const { status, stderr } = spawnSync(PYTHON, ['-W', 'error', '-m', 'py_compile', 'train.py'], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([0, '']);
  expect(existsSync(join(folder, '__pycache__'))).toBe(true);
});

/** Takes the function of the rates out of the program, which would otherwise import torch. */
const RATES = `
import ast, json, math, sys
source = open(sys.argv[1], encoding="utf-8").read()
function = next(n for n in ast.parse(source).body if isinstance(n, ast.FunctionDef) and n.name == "learning_rate")
scope = {"math": math}
exec(compile(ast.Module([function], []), sys.argv[1], "exec"), scope)
print(json.dumps([[scope["learning_rate"](s, step + 1) for step in range(s["steps"])] for s in json.loads(sys.argv[2])]))
`;

test.skipIf(spawnSync(PYTHON, ['--version']).status !== 0)('its learning rates are ours [needs python3]', () => {
  const schedules = (['cosine', 'linear', 'constant'] as const).flatMap((kind) =>
    [0, 1, 7].flatMap((warmup) =>
      [0, 0.1].map((minLrRatio) => ({
        kind,
        learningRate: 3e-4,
        minLrRatio,
        warmupSteps: warmup,
        before: 0,
        steps: 40,
      })),
    ),
  );
  const { status, stdout, stderr } = spawnSync(PYTHON, ['-c', RATES, PROGRAM, JSON.stringify(schedules)], {
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([0, '']);
  const found = JSON.parse(stdout) as number[][];
  for (const [i, { kind, learningRate, minLrRatio, warmupSteps: warmup, steps }] of schedules.entries())
    for (let step = 1; step <= steps; step++) {
      const expected = learningRateAt({ schedule: kind, learningRate, minLrRatio, warmup }, step, steps);
      // Both are worked out in double precision by the same formula.
      expect(Math.abs(found[i]![step - 1]! - expected)).toBeLessThan(1e-18);
    }
});
