// Who may import whom under src/. A module not in its row is forbidden; see docs/architecture.md for the picture.
const FOUNDATION = ['core', 'io', 'telemetry'];
const TENSORS = [...FOUNDATION, 'backend', 'program', 'ops'];
const TEXT = [...FOUNDATION, 'statistics', 'tokenizer', 'data', 'curriculum'];

const MAY_IMPORT = {
  core: [],
  io: ['core'],
  telemetry: ['core', 'io'],
  statistics: ['core'],
  tokenizer: FOUNDATION,
  data: [...FOUNDATION, 'tokenizer'],
  curriculum: [...TEXT, 'plots'],
  endpoint: FOUNDATION,
  scoring: [...TEXT, 'endpoint'],
  backend: FOUNDATION,
  program: TENSORS,
  ops: TENSORS,
  model: TENSORS,
  optim: TENSORS,
  lora: [...TENSORS, 'model', 'optim'],
  generate: [...TENSORS, 'model', 'optim', 'lora'],
  train: [...TENSORS, ...TEXT, 'model', 'optim', 'lora'],
  eval: [...TENSORS, ...TEXT, 'model', 'optim', 'lora', 'generate', 'endpoint', 'scoring', 'train', 'plots'],
  // Every task once: what the commands, the demo and other programs call. It composes options, so it reads config too.
  workflow: [
    ...TENSORS,
    ...TEXT,
    'statistics',
    'model',
    'optim',
    'lora',
    'generate',
    'endpoint',
    'train',
    'eval',
    'scoring',
    'config',
    'plots',
    'tensorboard',
  ],
  // Many runs from one plan; each is a task of workflow.
  study: [
    ...FOUNDATION,
    'statistics',
    'data',
    'curriculum',
    'model',
    'endpoint',
    'train',
    'eval',
    'config',
    'workflow',
  ],
  // The plan of a run for other engines, and what they made of it as a run.
  handover: [...TENSORS, ...TEXT, 'model', 'optim', 'lora', 'train', 'config', 'workflow', 'study'],
  // Benches time the product's own paths, from outside as a user would.
  bench: [...TENSORS, ...TEXT, 'model', 'optim', 'lora', 'generate', 'train'],
  plots: [...FOUNDATION, 'statistics'],
  tensorboard: [...FOUNDATION, 'train'],
  // Pages made from the files of runs, studies, evaluations and staged sets: readers of those, and nothing that computes.
  report: [...TEXT, 'endpoint', 'scoring', 'train', 'eval', 'config', 'study', 'plots', 'tensorboard'],
  live: [...TEXT, 'train', 'eval', 'config', 'study', 'plots', 'report'],
};

const layers = Object.entries(MAY_IMPORT).map(([module, allowed]) => ({
  name: `layers: ${module}`,
  comment: `src/${module} may import ${allowed.filter((name) => name !== module).join(', ') || 'nothing'}`,
  severity: 'error',
  from: { path: `^src/${module}/` },
  to: { path: '^src/', pathNot: `^src/(${[module, ...allowed].join('|')})/` },
}));

const only = (name, from, to, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: '^src/', pathNot: from },
  to,
});

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...layers,
    only('tensorflow', '^src/backend/', { path: 'node_modules/@tensorflow/' }, '@tensorflow/* only in backend/'),
    {
      name: 'text side',
      comment: 'the text side, recipes, reports and the live page work where TensorFlow is not installed',
      severity: 'error',
      from: {
        path: '^src/(core|io|telemetry|tokenizer|data|curriculum|endpoint|scoring|plots|tensorboard|report|live|config)/',
      },
      to: { path: 'node_modules/@tensorflow/', reachable: true },
    },
    {
      name: 'evaluation without a model',
      comment: 'only eval/model/ computes: judging by an endpoint and reporting load no TensorFlow',
      severity: 'error',
      from: { path: '^src/(eval/(?!model/)|statistics/)' },
      to: { path: 'node_modules/@tensorflow/', reachable: true },
    },
    only(
      'files',
      '^src/(io|backend/native)/',
      { path: '^(node:)?fs(/promises)?$', dependencyTypes: ['core'] },
      'node:fs only in io/ and backend/native/',
    ),
    only(
      'network',
      '^src/(io/http|live)/',
      { path: '^((node:)?(http|https|http2|net|tls|dns)$|node_modules/undici/)' },
      'outgoing network only in io/http/, which knows proxies and certificates; only live/ listens',
    ),
    only(
      'processes',
      '^src/(backend/native/|study/executors/|cli/open-in-browser\\.ts$)',
      { path: '^(node:)?child_process$', dependencyTypes: ['core'] },
      'other programs are started in backend/native/ and study/executors/ only, and the browser by cli/open-in-browser.ts',
    ),
    only(
      'config',
      '^src/(cli/|config/|workflow/|study/|handover/|report/|live/|doors/|index\\.ts$)',
      { path: '^src/config/' },
      'only tasks (workflow, study, handover, report, live), cli and the doors import config',
    ),
    only('command line', '^src/cli/', { path: '^src/cli/' }, 'nothing imports cli'),
    {
      name: 'public door',
      comment: 'index.ts and doors/ are for users; nothing inside imports them',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^src/(index\\.ts$|doors/)' },
    },
    { name: 'cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'missing', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'shipped code',
      comment: 'what is shipped needs only dependencies',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|docs/site)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types', 'default'],
      extensions: ['.ts', '.js', '.mjs', '.json'],
    },
  },
};
