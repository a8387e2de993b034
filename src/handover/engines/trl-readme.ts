import type { HandoverRecord } from '../handover-record.js';
import { ACCELERATE, defaultConfig } from './accelerate.js';
import type { EngineReadme } from './readme.js';

/** What the README.md of a handover says of TRL. */
export const trlReadme = ({ training }: HandoverRecord): EngineReadme => ({
  name: 'TRL',
  setup: ['pip install -r requirements.txt'],
  modelOption: '--model',
  files: [
    ['train.py', 'trains one stage; everything that TRL would decide by itself is decided there'],
    ['requirements.txt', 'the versions that were tested together'],
    [ACCELERATE.ONE, 'one process'],
    [ACCELERATE.COPIES, `a copy of the model on each of ${training.processes} GPUs`],
    [ACCELERATE.FSDP2, `the model divided among ${training.processes} GPUs`],
    [ACCELERATE.ZERO3, 'DeepSpeed ZeRO-3: **not verified**'],
  ],
  more: `\`run.sh\` takes ${defaultConfig(training)} unless \`ACCELERATE_CONFIG\` names another. A different number of processes works where it divides the
${training.rowsPerStep} lines of a step: change \`num_processes\`.`,
});
