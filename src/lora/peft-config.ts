import * as z from 'zod';
import { dataError } from '../core/errors.js';
import { show } from '../core/shown.js';
import { limitTime } from '../core/time-limit.js';
import type { Linears } from './adapter.js';
import type { LoraOptions } from './options.js';
import { pythonPattern } from './python-pattern.js';
import { matches, shortNames, targetModules } from './targets.js';

/** What the adapter was trained on, for the reader of its files. */
export interface BaseInfo {
  /** Hub name or folder of the base model; null when it is not known. */
  readonly name: string | null;
}

/**
 * The contents of adapter_config.json, with the fields that PEFT has had for years, so that older
 * versions read it too.
 */
export function toPeftConfig(options: LoraOptions, linears: Linears, base: BaseInfo): Record<string, unknown> {
  return {
    alpha_pattern: {},
    auto_mapping: null,
    base_model_name_or_path: base.name,
    bias: 'none',
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    layer_replication: null,
    layers_pattern: null,
    layers_to_transform: null,
    lora_alpha: options.alpha,
    lora_dropout: options.dropout,
    modules_to_save: null,
    peft_type: 'LORA',
    r: options.rank,
    rank_pattern: {},
    revision: null,
    // PEFT reads 'all-linear' as well, but older versions also give the head an adapter then.
    target_modules: options.targets === 'all-linear' ? shortNames(linears.keys()) : options.targets,
    task_type: 'CAUSAL_LM',
    use_dora: false,
    use_rslora: options.rsLora,
  };
}

/** Above any rank that people train; each costs a row of every matrix. */
const MAX_RANK = 1 << 14;

/** Longest pattern or name, most names: a name for each projection of a very deep model. */
const MAX_PATTERN = 2048;
const MAX_TARGETS = 20_000;

/** Time that a pattern gets to go through the names of all projections, in milliseconds. */
const MATCHING = 500;

const fileSchema = z.looseObject({
  peft_type: z.literal('LORA', 'phasetune reads LoRA adapters, peft_type LORA'),
  r: z.number().int().min(1).max(MAX_RANK),
  lora_alpha: z.number().positive().max(1e9),
  lora_dropout: z.number().min(0).lt(1).nullish(),
  target_modules: z.union(
    [z.string().min(1).max(MAX_PATTERN), z.array(z.string().min(1).max(MAX_PATTERN)).min(1).max(MAX_TARGETS)],
    'expected a pattern, or a list of names of projections',
  ),
  use_rslora: z.boolean().nullish(),
  bias: z.literal('none', 'trained biases are not supported, expected none').nullish(),
  task_type: z.literal('CAUSAL_LM', 'expected CAUSAL_LM').nullish(),
  // The other ways to begin change the base weights as well.
  init_lora_weights: z
    .union(
      [z.boolean(), z.enum(['gaussian', 'eva', 'orthogonal'])],
      'the adapter fits other base weights than the model has',
    )
    .nullish(),
});

/** Fields that say nothing about the arithmetic. */
const HARMLESS: ReadonlySet<string> = new Set([
  ...Object.keys(fileSchema.shape),
  'auto_mapping',
  'base_model_name_or_path',
  'ensure_weight_tying',
  'inference_mode',
  'megatron_core',
  'peft_version',
  'qalora_group_size',
  'revision',
]);

const isUnset = (value: unknown): boolean =>
  value === null || value === false || (typeof value === 'object' && Object.keys(value).length === 0);

/**
 * Reads the contents of an adapter_config.json for a model with these projections. `file` is named
 * in errors. Every field that is set and that phasetune does not know is refused by name: it might
 * change the arithmetic.
 */
export function fromPeftConfig(
  json: unknown,
  file: string,
  linears: Linears,
): { options: LoraOptions; base: BaseInfo; warnings: string[] } {
  const parsed = fileSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const field = issue.path.join('.');
    throw dataError(`${file}: ${field ? `${field}: ` : ''}${issue.message}`, { file, field }, parsed.error);
  }
  const raw = parsed.data;
  for (const [field, value] of Object.entries(raw))
    if (!HARMLESS.has(field) && !isUnset(value))
      throw dataError(
        `${file}: ${field} = ${JSON.stringify(value).slice(0, 80)} is not supported; expected it to be unset. Merge the adapter with PEFT instead`,
        { file, field },
      );
  const { targets, warnings } = readTargets(raw.target_modules, file, linears);
  const options: LoraOptions = {
    rank: raw.r,
    alpha: raw.lora_alpha,
    dropout: raw.lora_dropout ?? 0,
    targets,
    rsLora: raw.use_rslora ?? false,
  };
  return {
    options,
    base: { name: typeof raw.base_model_name_or_path === 'string' ? raw.base_model_name_or_path : null },
    warnings,
  };
}

/** Modules that PEFT can adapt as well, and that have no adapter here. */
const OTHERS = ['lm_head', 'model.embed_tokens'];

/**
 * A list matches by ends of names, one string is a pattern for whole names. All projections are
 * `all-linear` again. Of a list, names that the model does not have are skipped with a warning, as
 * PEFT opens such adapters; a missing matrix is noticed later.
 */
function readTargets(
  given: string | string[],
  file: string,
  linears: Linears,
): { targets: LoraOptions['targets']; warnings: string[] } {
  if (given === 'all-linear') return { targets: given, warnings: [] };
  const modules = [...linears.keys()];
  const byPattern = typeof given === 'string' ? matched(given, [...modules, ...OTHERS], file) : undefined;
  const takes = (module: string) =>
    byPattern ? byPattern.has(module) : (given as string[]).some((target) => matches(target, module));
  const other = OTHERS.find(takes);
  if (other !== undefined)
    throw dataError(
      `${file}: target_modules: ${shownTarget(given)} takes ${other} as well, and an adapter on ${other} is not supported; merge the adapter into its base with PEFT (merge_and_unload) and take the result as the model`,
      { file, field: 'target_modules' },
    );
  if (typeof given === 'string') {
    const matching = modules.filter(takes);
    if (matching.length === 0)
      throw dataError(
        `${file}: target_modules: the pattern ${shownTarget(given)} matches no projection of this model`,
        {
          file,
        },
      );
    return { targets: matching.length === modules.length ? 'all-linear' : matching, warnings: [] };
  }
  const [known, unknown] = partition(given, (target) => modules.some((module) => matches(target, module)));
  try {
    const targets = known.length > 0 ? known : given;
    const all = targetModules(modules, targets).length === modules.length;
    return {
      targets: all ? 'all-linear' : targets,
      warnings:
        unknown.length > 0
          ? [`${file}: target_modules: the model has no projection ${unknown.join(', ')}; the others have the adapter`]
          : [],
    };
  } catch (error) {
    throw dataError(
      `${file}: ${(error as Error).message.replace('`lora.targets`', 'target_modules')}`,
      { file },
      error,
    );
  }
}

const shownTarget = (given: string | string[]): string => show(given);

function partition<T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))];
}

/**
 * The names that are matched as wholes by a pattern of Python's, as PEFT asks, within
 * {@link MATCHING} milliseconds.
 */
function matched(pattern: string, names: readonly string[], file: string): Set<string> {
  try {
    const whole = pythonPattern(pattern);
    const late = () => new Error('it takes too long');
    return new Set(limitTime(MATCHING, () => names.filter((name) => whole.test(name)), late));
  } catch (cause) {
    const reason = (cause as Error).message.split('\n')[0]!.slice(0, 120);
    throw dataError(
      `${file}: target_modules: cannot read the pattern ${JSON.stringify(pattern)} as one of Python's re (${reason}); write target_modules as a list of names instead, such as ["q_proj", "v_proj"]`,
      { file },
      cause,
    );
  }
}
