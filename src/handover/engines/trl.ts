import { fileURLToPath } from 'node:url';
import { readText } from '../../io/files.js';
import type { HandoverRecord } from '../handover-record.js';
import { HANDOVER_FILES } from '../paths.js';
import { accelerateFiles, defaultConfig } from './accelerate.js';
import type { Engine } from './engine.js';
import { readmeOf } from './readme.js';
import { trlReadme } from './trl-readme.js';

/** The versions that were tested together. */
export const TRL_VERSIONS = {
  torch: '2.15.0',
  transformers: '5.24.0',
  peft: '0.21.2',
  trl: '1.16.0',
  accelerate: '1.15.0',
  datasets: '5.2.0',
} as const;

/**
 * The program that trains one stage: the same for every handover, read from the sources in a
 * checkout and in a package.
 */
const PROGRAM = fileURLToPath(new URL('../../../src/handover/engines/programs/train.py', import.meta.url));

/** TRL with accelerate. */
export const trl: Engine = {
  name: 'trl',
  differences: () => [
    'AdamW is that of torch; a step differs from ours by the order in which numbers are added.',
    'One row is one line, padded to the longest that it is computed with: `train` puts several rows into a line. Both come to the same.',
  ],
  async files({ record }) {
    return [
      { path: 'train.py', text: await readText(PROGRAM) },
      { path: 'requirements.txt', text: requirements },
      ...accelerateFiles(record.training),
      { path: HANDOVER_FILES.RUN, text: runScript(record) },
      { path: HANDOVER_FILES.README, text: readmeOf(record, trlReadme(record)) },
    ];
  },
};

const requirements = `# The versions that this handover was tested with, in Python 3.11 and newer. Other versions may decide other defaults.
${Object.entries(TRL_VERSIONS)
  .map(([name, version]) => `${name}==${version}`)
  .join('\n')}
`;

const runScript = ({ stages, training }: HandoverRecord): string => `#!/usr/bin/env bash
# Trains the stages of this handover one after another; those that are done are skipped, and the first error ends it.
# PYTHON: the Python to use [python]. ACCELERATE_CONFIG: how processes work together [${defaultConfig(training)}].
# Further arguments go to train.py: bash run.sh --model /models/base
set -euo pipefail
cd "$(dirname "\${BASH_SOURCE[0]}")"
python="\${PYTHON:-python}"
config="\${ACCELERATE_CONFIG:-${defaultConfig(training)}}"
for stage in ${stages.map(({ stage }) => stage).join(' ')}; do
  if [ -e "stage-$stage.json" ] && [ -e "adapter-$stage/adapter_model.safetensors" ]; then
    echo "stage $stage of ${stages.length}: done before"
    continue
  fi
  echo "stage $stage of ${stages.length}: training, as in $config"
  # Half a stage is not taken for a whole one.
  rm -rf "adapter-$stage" "stage-$stage.json"
  "$python" -m accelerate.commands.launch --config_file "$config" train.py --stage "$stage" "$@"
done
echo "all stages are trained; now: phasetune handover check $(pwd)"
`;
