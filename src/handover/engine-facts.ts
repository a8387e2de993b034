import { join } from 'node:path';
import { exists, readText } from '../io/files.js';
import { readJson } from '../io/json.js';
import type { TrainedBy } from '../train/run-file.js';
import type { HandoverRecord } from './handover-record.js';
import { readEvidence, type StageEvidence } from './stage-evidence.js';

/** What engines call themselves. */
const NAMES = { trl: 'TRL', axolotl: 'Axolotl' } as const;

/** The evidence of all stages of a handover, in their order. */
export async function readAllEvidence(folder: string, record: HandoverRecord): Promise<StageEvidence[]> {
  const evidence: StageEvidence[] = [];
  for (const { stage } of record.stages) evidence.push(await readEvidence(folder, record, stage));
  return evidence;
}

/** What is known of the engine that trained a handover, and what is not. */
export async function trainedBy(
  folder: string,
  record: HandoverRecord,
  evidence: readonly StageEvidence[],
): Promise<TrainedBy> {
  const { engine, training, differences } = record;
  const report = evidence.at(-1)?.report;
  const versions = report ? report.versions : await versionsLeft(join(folder, record.stages.at(-1)!.to));
  const name = NAMES[engine];
  return {
    engine: versions[engine] === undefined ? name : `${name} ${versions[engine]}`,
    versions,
    ...(report && { device: report.device }),
    processes: report?.processes ?? training.processes,
    ...(report?.distributed !== undefined && { distributed: report.distributed }),
    precision: report?.precision ?? training.precision,
    differences: [...differences],
    notKnown: notKnown(evidence, versions),
  };
}

function notKnown(evidence: readonly StageEvidence[], versions: Readonly<Record<string, string>>): string[] {
  const without = (has: (stage: StageEvidence) => boolean) => !evidence.every(has);
  const missing: (string | false)[] = [
    Object.keys(versions).length === 0 && 'the versions of the engine',
    without(({ report }) => report !== undefined) && 'when it was trained, how long that took, and on what',
    without(({ report }) => report !== undefined) && 'which rows and which adapter each stage read',
    without(({ made }) => made !== undefined) && 'how many steps were made, with which learning rates',
    without(({ steps }) => steps.length > 0) && 'the losses of the steps',
  ];
  return missing.filter((each) => each !== false);
}

/** Versions that an engine without a report writes beside its adapters: Axolotl's model card, PEFT's configuration. */
async function versionsLeft(folder: string): Promise<Record<string, string>> {
  const card = join(folder, 'README.md');
  const axolotl = exists(card) ? /^axolotl version: `([\w.+-]{1,40})`/m.exec(await readText(card))?.[1] : undefined;
  const config = (await readJson(join(folder, 'adapter_config.json'))) as { peft_version?: unknown } | null;
  const peft = config?.peft_version;
  return {
    ...(axolotl !== undefined && { axolotl }),
    ...(typeof peft === 'string' && /^[\w.+-]{1,40}$/.test(peft) && { peft }),
  };
}
