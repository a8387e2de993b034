import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { resolveStaging, stagingOptionsSchema } from '../../src/curriculum/staging-options.js';
import { stageInto } from '../../src/curriculum/write.js';
import { importOptionsSchema } from '../../src/data/options.js';
import { writeTinyModel } from '../../tests/helpers/tiny-model.js';

/** Root folder of the repository. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Short runs with all that may be killed in them: steps, checkpoints, measurements, three stages. */
const SHORT = ['--batch-rows', '4', '--steps', '6', '--save-every', '2', '--eval-every', '3', '--lora.rank', '2'];

/** The ways in which a run is killed: modes, precisions, and what stages hand on to each other. */
export const WAYS: readonly { readonly name: string; readonly args: readonly string[] }[] = [
  { name: 'eager, float32', args: [...SHORT, '--mode', 'eager'] },
  { name: 'recorded, float32', args: [...SHORT, '--precision', 'float32', '--compile', 'none'] },
  {
    name: 'recorded, bfloat16',
    args: [...SHORT, '--precision', 'bfloat16', '--compile', 'none', '--lora.dropout', '0.1'],
  },
  {
    name: 'recorded, bfloat16, the best handed on',
    args: [
      ...SHORT,
      '--compile',
      'none',
      '--start',
      'previous-best',
      '--optimizer',
      'carried',
      '--schedule',
      'continued',
    ],
  },
  {
    name: 'recorded, bfloat16, compiled, merged, micro-batches',
    args: [...SHORT, '--adapter', 'merged', '--micro-batches', '2', '--keep-last', '1'],
  },
];

/** Writes a tiny model and staged rows to train on. */
export async function killable(home: string): Promise<{ model: string; data: string }> {
  const lines = (await readFile(join(ROOT, 'datasets/demo/raw.jsonl'), 'utf8')).split('\n').slice(0, 60);
  const rows = lines.map((line) => JSON.parse(line));
  const data = join(home, 'staged');
  await writeFile(join(home, 'rows.jsonl'), lines.join('\n'));
  await stageInto(data, rows, resolveStaging(stagingOptionsSchema.parse({})), {
    path: join(home, 'rows.jsonl'),
    import: importOptionsSchema.parse({}),
  });
  return { model: await writeTinyModel(join(home, 'model')), data };
}
