/** The headings that help lists the options of a recipe under: see `groups` of a command. */
export const RECIPE_GROUPS = {
  'Model and data': ['model', 'data', 'out'],
  'Order of the rows': ['order', 'smoothness', 'within', 'replay', 'seed'],
  Length: ['epochs', 'steps', 'tokens', 'budget'],
  Stages: ['start', 'schedule', 'optimizer', 'adapter', 'stages'],
  LoRA: ['lora'],
  Optimizer: ['optim'],
  Batches: ['batchRows', 'accumulate', 'batching', 'packLength', 'padTo', 'maxShapes', 'shuffle', 'window'],
  'Texts and tokens': ['template', 'trainOn', 'maxLength', 'overflow', 'badRows', 'splitSpecialTokens', 'templateTime'],
  Evaluation: ['evalEvery', 'evalRows', 'logEvery'],
  Checkpoints: ['saveEvery', 'keepLast', 'onSpike'],
  'Memory and speed': [
    'memoryLimit',
    'microBatches',
    'gradientCheckpointing',
    'loadIn8bit',
    'precision',
    'mode',
    'compile',
    'attention',
  ],
} as const satisfies Readonly<Record<string, readonly string[]>>;
