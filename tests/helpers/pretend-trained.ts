import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HandoverRecord, StageReport } from '../../src/handover/handover-record.js';
import { stageReport } from '../../src/handover/paths.js';
import { writeJson } from '../../src/io/atomic.js';
import { hashFile } from '../../src/io/files.js';
import { readRunEvents } from '../../src/train/read-run-events.js';
import { readRunFile } from '../../src/train/run-file.js';
import { startHistory } from '../../src/train/run-history.js';

/** What the events of a run come to. */
export async function historyOf(folder: string) {
  const { history, add } = startHistory();
  for await (const event of readRunEvents(folder)) add(event);
  return history;
}

/** Puts a run of ours into a handover, as if TRL had trained its stages. */
export async function pretendTrained(handover: string, run: string, record: HandoverRecord): Promise<void> {
  const { stages } = await readRunFile(run);
  const { steps } = await historyOf(run);
  let input = record.firstAdapter.sha256;
  for (const [i, stage] of record.stages.entries()) {
    const to = join(handover, stage.to);
    for (const name of ['adapter_model.safetensors', 'adapter_config.json'])
      cpSync(join(run, stages[i]!.end!.path, name), join(to, name));
    const output = await hashFile(join(to, 'adapter_model.safetensors'));
    const report: StageReport = {
      ...{ schema: 'phasetune/handover-stage', version: 1, stage: stage.stage, engine: 'trl' },
      ...{ versions: { trl: '1.16.0', torch: '2.15.0' }, device: 'cpu', processes: 1, precision: 'float32' },
      rows: stage.file.sha256,
      input: { path: stage.from, sha256: input },
      output: { path: stage.to, sha256: output },
      ...{ trainable: 8, started: '2026-11-29T00:00:00.000Z', finished: '2026-11-29T00:00:06.000Z', seconds: 6 },
      steps: steps
        .filter((step) => step.stage === stage.stage)
        .map(({ loss, learningRate, gradNorm }, s) => ({
          ...{ step: s + 1, loss, learningRate, gradNorm, seconds: 2 },
          trainedTokens: tokensOf(run)[i]![s]!,
        })),
    };
    await writeJson(join(handover, stageReport(stage.stage)), report);
    input = output;
  }
}

/** Trained tokens of each step of each stage, by the run's own events. */
function tokensOf(run: string): number[][] {
  const events = readFileSync(join(run, 'events.jsonl'), 'utf8').trimEnd().split('\n');
  const steps = events.map((line) => JSON.parse(line)).filter(({ type }) => type === 'step');
  const stages = [...new Set(steps.map(({ stage }) => stage))];
  return stages.map((number) => steps.filter(({ stage }) => stage === number).map((step) => step.trainedTokens));
}
