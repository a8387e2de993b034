import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { readHandoverRecord } from '../../src/handover/handover-record.js';
import { readHeldOutLosses } from '../../src/train/held-out-losses.js';
import { readRunFile } from '../../src/train/run-file.js';
import { temporaryFolder } from '../helpers/folder.js';
import { openGuide } from '../helpers/guide.js';
import { ROOT } from '../helpers/program.js';
import { withTrl } from '../helpers/trl.js';

/** Three processes of Python, which take most of their time to import torch. */
const TIMEOUT_MS = 900_000;

/** The block of the page that hands a set over, trains it and brings it back. */
const WHOLE_WAY = /handover import/;

withTrl(
  'docs/handover.md as printed: three stages are handed to TRL, trained, checked, brought back, evaluated and reported',
  async (python) => {
    const guide = await openGuide('handover.md');
    try {
      await mkdir(guide.at('datasets/demo'), { recursive: true });
      await copyFile(join(ROOT, 'datasets/demo/raw.jsonl'), guide.at('datasets/demo/raw.jsonl'));
      const blocks = guide.blocks.filter((block) => WHOLE_WAY.test(block));
      expect(blocks).toHaveLength(1);
      // More threads than free cores make a step take seconds.
      const environment = `export PYTHON='${python}' OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 HF_DATASETS_CACHE='${temporaryFolder('datasets')}'`;
      const { code, said } = await guide.shell(`${environment}\n${blocks[0]}`);
      expect(said).toMatch(/all stages were trained as planned/);
      expect(said).toMatch(/trained by TRL 1\.16\.0; the run is checkpoints\/handed/);
      expect(code).toBe(0);
      const run = await readRunFile(guide.at('checkpoints/handed'));
      const { stages } = await readHandoverRecord(guide.at('handover'));
      expect(run.stages.map(({ steps, consumed }) => ({ steps, consumed }))).toEqual(
        stages.map(({ steps, planned }) => ({ steps, consumed: planned })),
      );
      const [base, ...after] = run.matrix!.rows.map(({ all }) => all);
      expect(after).toHaveLength(3);
      // What TRL measured with its own model is what is measured here with the adapters that came back.
      for (const [i, measured] of after.entries()) {
        const { heldOut } = JSON.parse(await readFile(guide.at(`handover/stage-${i + 1}.json`), 'utf8'));
        expect(Math.abs(heldOut.after - measured)).toBeLessThan(1e-4);
        if (heldOut.before !== undefined) expect(Math.abs(heldOut.before - base!)).toBeLessThan(1e-4);
        expect(await readHeldOutLosses(guide.at('checkpoints/handed'), i + 1)).toHaveLength(10 * 3);
      }
      expect(after.at(-1)).toBeLessThan(base!);
      const { arms } = JSON.parse(await readFile(guide.at('evals/handed/result.json'), 'utf8'));
      expect(Object.keys(arms)).toEqual(['handed']);
      expect(await readFile(guide.at('checkpoints/handed/report.html'), 'utf8')).toContain('trained by TRL 1.16.0');
    } finally {
      await guide.close();
    }
  },
  TIMEOUT_MS,
);
