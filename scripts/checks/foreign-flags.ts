import type { ForeignFlags } from './flags.js';

/**
 * Flags of other programs that the library runs or advises to run, as FILE#DECLARATION, and what stands in scripts and
 * pages that it writes for a command line.
 */
export const FOREIGN_FLAGS: ForeignFlags = {
  'src/backend/card-memory.ts#cardMemory': ['--query-gpu', '--format', '--id'],
  'src/backend/doctor.ts#cardProblems': ['--gpus'],
  'src/backend/native/card-compiler.ts#cardCompilerProblem': ['--version'],
  'src/backend/native/compile.ts#compileBinding': ['--wrap'],
  'src/backend/native/card-libraries.ts#cardLibraryProblems': ['--input-type'],
  'src/backend/native/card-libraries.ts#explained': ['--gpus'],
  'src/backend/native/detect.ts#findCards': ['--query-gpu', '--format'],
  'src/backend/card-settings.ts#cardFlags': ['--xla_gpu_enable_command_buffer'],
  'src/backend/native/card-caches.ts#visibleCard': ['--query-gpu', '--format'],
  'src/backend/native/detect.ts#findCompiler': ['--version'],
  'src/backend/native/detect.ts#findPython': ['--version'],
  'src/backend/native/download.ts#ANOTHER_PYTHON': ['--python-version', '--implementation', '--abi', '--platform'],
  'src/backend/native/download.ts#pipDownload': [
    ...['--no-deps', '--only-binary', '--no-input', '--disable-pip-version-check'],
    ...['--progress-bar', '--retries', '--dest'],
  ],
  'src/backend/native/probe.ts#probe': ['--input-type'],
  'src/data/import.ts#outOfMemory': ['--max-old-space-size'],
  'src/handover/engines/accelerate.ts#zero3': ['phasetune handover'],
  'src/handover/engines/axolotl-readme.ts#axolotlReadme': ['--base-model'],
  'src/handover/engines/axolotl.ts#launch': [
    '--num_processes',
    '--num_machines',
    '--dynamo_backend',
    '--mixed_precision',
  ],
  'src/handover/engines/axolotl.ts#runScript': ['phasetune handover', '--base-model'],
  'src/handover/engines/axolotl.ts#stageConfig': ['phasetune handover'],
  'src/handover/engines/readme.ts#readmeOf': ['phasetune handover', 'phasetune train', '--out'],
  'src/handover/engines/trl-readme.ts#trlReadme': ['--model'],
  'src/handover/engines/trl.ts#runScript': ['phasetune handover', '--model', '--config_file', '--stage'],
  'src/io/file-kinds.ts#KINDS': ['--format'],
  'src/study/executors/slurm/ask.ts#askSlurm': ['--name', '--starttime'],
  'src/study/executors/slurm/cancel.ts#cancelTasks': ['--signal', '--state'],
  'src/study/executors/slurm/jobs.ts#SlurmJobs': ['--state'],
  'src/study/executors/slurm/options.ts#slurmSchema': ['--mail-type'],
  'src/study/executors/slurm/script.ts#batchScript': ['--export', '--cpus-per-task', '--input'],
  'src/study/executors/slurm/script.ts#optionLines': [
    ...['--job-name', '--array', '--output', '--open-mode', '--export', '--requeue', '--signal'],
    ...['--nodes', '--ntasks', '--cpus-per-task'],
  ],
  'src/study/executors/slurm/submit.ts#sbatch': ['--parsable'],
  'src/telemetry/memory.ts#collectSooner': ['--heap-growing-percent'],
  // Secrets are looked for among the arguments of whatever program this is.
  'src/telemetry/redact.ts#secretsInArguments': ['--token', '--api-key', '--set'],
};
