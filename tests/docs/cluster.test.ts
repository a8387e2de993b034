import { readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { openGuide } from '../helpers/guide.js';
import { ROOT } from '../helpers/program.js';
import { withCluster } from '../helpers/slurm/cluster.js';

/** Twelve short runs, however busy the machine is. */
const PATIENCE_MS = 1_800_000;

withCluster(
  'every command of docs/cluster.md does what the page says, in the page’s order, on a real Slurm',
  async (cluster) => {
    const guide = await openGuide('cluster.md', cluster.environment);
    try {
      for (const folder of ['datasets', 'docs']) await symlink(join(ROOT, folder), guide.at(folder));
      const { code, said } = await guide.shell(guide.blocks.join(''));
      expect(code, said).toBe(0);
      expect(said).toContain('computes on');
      expect(said).toMatch(/12 jobs handed over/);
      expect(said).toMatch(/asked 12 jobs of Slurm to stop; they save first/);
      const { comparisons, missing } = JSON.parse(await readFile(guide.at('studies/tiny/results.json'), 'utf8'));
      expect(comparisons.map(({ n }: { n: number }) => n)).toEqual([3, 3, 3]);
      expect(missing).toEqual([]);
      expect(await readFile(guide.at('studies/tiny/slurm/batch-1.sh'), 'utf8')).toContain('#SBATCH --partition=low');
    } finally {
      await guide.close();
    }
  },
  { timeoutMs: PATIENCE_MS },
);
