import { fileURLToPath } from 'node:url';
import { usageError } from '../../core/errors.js';
import { readText } from '../../io/files.js';
import type { LoraOptions } from '../../lora/options.js';
import type { HandoverRecord, HandoverStage } from '../handover-record.js';
import { HANDOVER_FILES } from '../paths.js';
import { axolotlReadme } from './axolotl-readme.js';
import type { Engine, EnginePlan } from './engine.js';
import { readmeOf } from './readme.js';

/** The version that was tested. */
export const AXOLOTL_VERSION = '0.19.0';

/** The plugin: the same for every handover, read from the sources in a checkout and in a package. */
const PLUGIN = fileURLToPath(new URL('../../../src/handover/engines/programs/phasetune_axolotl.py', import.meta.url));

/** Axolotl. */
export const axolotl: Engine = {
  name: 'axolotl',
  differences: ({ record }) => [
    'AdamW is that of torch; a step differs from ours by the order in which numbers are added.',
    'One row is one line, padded to the longest that it is computed with: `train` puts several rows into a line. Both come to the same.',
    ...(record.training.processes > 1
      ? [
          'Axolotl with several processes has not been tested with phasetune: look at `handover check` after the first stage.',
        ]
      : []),
  ],
  async files(plan) {
    const { record } = plan;
    refuseAlpha(record);
    return [
      { path: 'phasetune_axolotl.py', text: await readText(PLUGIN) },
      ...record.stages.map((stage) => ({ path: configOf(stage), text: stageConfig(plan, stage) })),
      { path: HANDOVER_FILES.RUN, text: runScript(record) },
      { path: HANDOVER_FILES.README, text: readmeOf(record, axolotlReadme(AXOLOTL_VERSION)) },
    ];
  },
};

const configOf = ({ stage }: Pick<HandoverStage, 'stage'>): string => `stage-${stage}.yaml`;

/** Axolotl's schema has whole numbers only, though PEFT takes any. */
function refuseAlpha({ recipe }: HandoverRecord): void {
  const { alpha } = recipe.lora as LoraOptions;
  if (Number.isInteger(alpha)) return;
  throw usageError(`\`lora.alpha: ${alpha}\` cannot be handed over to Axolotl, which takes whole numbers only`, {
    option: 'lora.alpha',
    remedies: [
      { option: 'lora.alpha', change: 'set', value: Math.max(1, Math.round(alpha)) },
      { option: 'engine', change: 'set', value: 'trl' },
    ],
  });
}

/** transformers' names; the plugin sets the rates, so that these only tell what they are. */
const SCHEDULERS = { cosine: 'cosine', linear: 'linear', constant: 'constant_with_warmup' } as const;

const text = (value: string): string => JSON.stringify(value);
const list = (values: readonly string[]): string => `[${values.map(text).join(', ')}]`;
/** YAML 1.1 takes 1e-8 for a text. */
const number = (value: number): string => String(value).replace(/^(-?\d+)e/, '$1.0e');

/** The configuration of one stage. */
function stageConfig({ record, model, layerClass }: EnginePlan, stage: HandoverStage): string {
  const { training, recipe, seed, stages } = record;
  const lora = recipe.lora as LoraOptions;
  const bfloat16 = training.precision === 'bfloat16';
  return `# Stage ${stage.stage} of ${stages.length}, for Axolotl ${AXOLOTL_VERSION}. Made by phasetune handover; run.sh starts it in this folder.
base_model: ${text(model)}
# Rows are not cut, shuffled, packed or held out: one pass over the file is the whole stage, in its order.
datasets:
  - path: ${text(stage.file.path)}
    ds_type: json
    # Empty: the rows are tokens and labels already.
    type:
dataset_prepared_path: ${text(`prepared/stage-${stage.stage}`)}
curriculum_sampling: true
shuffle_merged_datasets: false
sample_packing: false
pad_to_sequence_len: false
group_by_length: false
sequence_len: ${Math.max(2, Number(recipe.maxLength))}
min_sample_len: 1
excess_length_strategy: raise
val_set_size: 0
num_epochs: 1
max_steps: ${stage.steps}
micro_batch_size: ${training.rowsPerProcess}
gradient_accumulation_steps: ${training.accumulation}
# The adapter of the stage before is trained further.
adapter: lora
lora_model_dir: ${text(stage.from)}
output_dir: ${text(stage.to)}
lora_r: ${lora.rank}
lora_alpha: ${lora.alpha}
lora_dropout: ${number(lora.dropout)}
${lora.targets === 'all-linear' ? 'lora_target_linear: true' : `lora_target_modules: ${list(lora.targets)}`}
peft_use_rslora: ${lora.rsLora}
# Kernels of Axolotl's own that compute LoRA in another way; they are faster on cards.
lora_mlp_kernel: false
lora_qkv_kernel: false
lora_o_kernel: false
optimizer: adamw_torch
adam_beta1: ${number(training.betas[0])}
adam_beta2: ${number(training.betas[1])}
adam_epsilon: ${number(training.eps)}
weight_decay: ${number(training.weightDecay)}
max_grad_norm: ${number(training.maxGradNorm)}
learning_rate: ${number(stage.schedule.learningRate)}
lr_scheduler: ${SCHEDULERS[stage.schedule.kind]}
warmup_steps: ${stage.schedule.warmupSteps}
bf16: ${bfloat16}
fp16: false
tf32: false
attn_implementation: ${training.attention}
gradient_checkpointing: ${training.gradientCheckpointing}
seed: ${seed % 2 ** 32}
logging_steps: 1
save_strategy: "no"
# The mean over all trained tokens of a step, the learning rates of the handover, and the report stage-${stage.stage}.json.
plugins:
  - phasetune_axolotl.Stage
${training.processes > 1 ? fsdp(layerClass) : ''}`;
}

/** The weights of every layer are divided among the processes. */
const fsdp = (layerClass: string): string => `fsdp_version: 2
fsdp_config:
  auto_wrap_policy: TRANSFORMER_BASED_WRAP
  transformer_layer_cls_to_wrap: ${layerClass}
  reshard_after_forward: true
  cpu_ram_efficient_loading: true
  offload_params: false
  # One whole adapter is written, not a part by each process.
  state_dict_type: FULL_STATE_DICT
`;

const runScript = ({ stages, training: { processes, precision } }: HandoverRecord): string => `#!/usr/bin/env bash
# Trains the stages of this handover one after another; those that are done are skipped, and the first error ends it.
# PYTHON: the Python to use [python]. Further arguments go to Axolotl: bash run.sh --base-model /models/base
set -euo pipefail
cd "$(dirname "\${BASH_SOURCE[0]}")"
python="\${PYTHON:-python}"
# The plugin is in this folder. Nothing is fetched or reported: set these to 0 where Axolotl is to do so.
export PYTHONPATH="$PWD\${PYTHONPATH:+:$PYTHONPATH}"
export HF_HUB_OFFLINE="\${HF_HUB_OFFLINE:-1}" AXOLOTL_DO_NOT_TRACK="\${AXOLOTL_DO_NOT_TRACK:-1}"
for stage in ${stages.map(({ stage }) => stage).join(' ')}; do
  # Axolotl saves the adapter of a stage that is interrupted, too: only a report makes it a whole one.
  if [ -e "stage-$stage.json" ] && [ -e "adapter-$stage/adapter_model.safetensors" ]; then
    echo "stage $stage of ${stages.length}: done before"
    continue
  fi
  echo "stage $stage of ${stages.length}: training, as in stage-$stage.yaml"
  rm -rf "adapter-$stage" "stage-$stage.json" "prepared/stage-$stage"
  ${launch(processes, precision)} "stage-$stage.yaml" "$@"
  if [ ! -e "stage-$stage.json" ]; then
    echo "stage $stage was not reported: it was interrupted, or the plugin phasetune_axolotl was not loaded" >&2
    exit 1
  fi
done
echo "all stages are trained; now: phasetune handover check $(pwd)"
`;

const launch = (processes: number, precision: string): string =>
  processes === 1
    ? '"$python" -m axolotl.cli.train'
    : `"$python" -m accelerate.commands.launch --num_processes ${processes} --num_machines 1 --dynamo_backend no --mixed_precision ${precision === 'bfloat16' ? 'bf16' : 'no'} -m axolotl.cli.train`;
