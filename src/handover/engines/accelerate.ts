import type { HandoverRecord } from '../handover-record.js';
import type { EngineFile } from './engine.js';

/** Configurations of accelerate in the handover's folder, by what they are for. */
export const ACCELERATE = {
  ONE: 'accelerate/one.yaml',
  COPIES: 'accelerate/copies.yaml',
  FSDP2: 'accelerate/fsdp2.yaml',
  ZERO3: 'accelerate/zero3.yaml',
} as const;

type Training = Pick<HandoverRecord['training'], 'precision' | 'processes' | 'maxGradNorm'>;

/** Lines that every configuration has. */
const common = (processes: number, { precision }: Training): string =>
  `compute_environment: LOCAL_MACHINE
machine_rank: 0
main_training_function: main
mixed_precision: ${precision === 'bfloat16' ? 'bf16' : "'no'"}
num_machines: 1
num_processes: ${processes}
rdzv_backend: static
same_network: true
use_cpu: false
`;

const one = (training: Training): string =>
  `# One process: on one GPU, or on the processor where there is none.
distributed_type: 'NO'
${common(1, training)}`;

const copies = (training: Training): string =>
  `# A copy of the model on each GPU: for a model that fits on one. On several machines: the same file on each, with
# num_machines, machine_rank, main_process_ip and main_process_port, and num_processes of all machines together.
distributed_type: MULTI_GPU
${common(training.processes, training)}`;

const fsdp2 = (training: Training): string =>
  `# FSDP2: the weights of every layer are divided among the GPUs: for a model that does not fit on one.
# On several machines: the same file on each, with num_machines, machine_rank, main_process_ip and main_process_port,
# and num_processes of all machines together.
distributed_type: FSDP
fsdp_config:
  fsdp_version: 2
  fsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP
  fsdp_reshard_after_forward: true
  fsdp_cpu_ram_efficient_loading: true
  # One whole adapter is written, not a part by each process.
  fsdp_state_dict_type: FULL_STATE_DICT
  fsdp_offload_params: false
  # The trainer checkpoints layers itself.
  fsdp_activation_checkpointing: false
${common(training.processes, training)}`;

const zero3 = (training: Training): string =>
  `# DeepSpeed ZeRO-3: NOT VERIFIED. Nobody has tested this file with phasetune; use fsdp2.yaml unless you must. Known
# problems of PEFT under ZeRO-3: an adapter that is loaded with shapes [0, n] (peft#2884), an empty adapter file
# (trl#4416), matrices B that stay zero (peft#1402). \`phasetune handover check\` finds all three; look at it after the
# first stage. The adapter is trained in bfloat16 here (DeepSpeed#8072), elsewhere in float32.
distributed_type: DEEPSPEED
deepspeed_config:
  zero_stage: 3
  zero3_init_flag: true
  zero3_save_16bit_model: true
  gradient_accumulation_steps: auto
  gradient_clipping: ${training.maxGradNorm > 0 ? training.maxGradNorm : "'none'"}
  offload_optimizer_device: none
  offload_param_device: none
${common(training.processes, training)}`;

/** All configurations; which one a handover starts with is {@link defaultConfig}. */
export const accelerateFiles = (training: Training): EngineFile[] => [
  { path: ACCELERATE.ONE, text: one(training) },
  { path: ACCELERATE.COPIES, text: copies(training) },
  { path: ACCELERATE.FSDP2, text: fsdp2(training) },
  { path: ACCELERATE.ZERO3, text: zero3(training) },
];

/** The configuration that run.sh takes unless it is given another. */
export const defaultConfig = ({ processes }: Training): string => (processes > 1 ? ACCELERATE.FSDP2 : ACCELERATE.ONE);
