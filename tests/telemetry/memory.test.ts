import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { ROOT } from '../helpers/program.js';

it('the most memory of a process is its own, not that of a large one that started it', () => {
  const MIB = 400;
  const ballast = Buffer.alloc(MIB << 20, 1);
  const script = `import { peakRssMib } from '${ROOT}src/telemetry/memory.ts'; console.log(peakRssMib());`;
  const args = ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', script];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(Number(stdout), stderr).toBeGreaterThan(20);
  expect(Number(stdout)).toBeLessThan(MIB);
  expect(ballast.length).toBe(MIB << 20);
});
