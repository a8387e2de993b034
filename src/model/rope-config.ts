import * as z from 'zod';
import { show } from '../core/shown.js';
import { badField, unsupported } from './config-errors.js';

const factor = z.number().positive().max(1e6);
const theta = z.number().positive().max(1e15);
const positions = z
  .number()
  .int()
  .min(1)
  .max(2 ** 31);

const ropeSchema = z.discriminatedUnion('rope_type', [
  z.object({ rope_type: z.literal('default') }),
  z.object({ rope_type: z.literal('linear'), factor }),
  z.object({ rope_type: z.literal('dynamic'), factor }),
  z.object({
    rope_type: z.literal('llama3'),
    factor,
    low_freq_factor: factor,
    high_freq_factor: factor,
    original_max_position_embeddings: positions,
  }),
]);

/** Scaling of the rotary position embedding, as config.json writes it. */
export type RopeScaling = z.infer<typeof ropeSchema>;

/** The fields of config.json that say how positions are rotated, in their old names and in transformers 5's. */
export const ropeFields = {
  rope_theta: theta.nullish(),
  rope_scaling: z.record(z.string(), z.unknown()).nullish(),
  rope_parameters: z.record(z.string(), z.unknown()).nullish(),
  partial_rotary_factor: z.literal(1, 'a partly rotated head is not supported, expected 1').nullish(),
  original_max_position_embeddings: positions.nullish(),
};

type RopeFields = z.infer<z.ZodObject<typeof ropeFields>>;

/** What to do about a value that occurs twice. */
const TWICE = 'Programs differ in which of the two they take; remove the one that the model was not trained with';

type Group = 'rope_scaling' | 'rope_parameters';

/** What transformers takes where nothing says otherwise. */
const DEFAULT_THETA = 10000;

/**
 * How positions are rotated. What is written twice, in the old fields and in the new or inside a
 * group and beside it, must be the same: programs differ in which of the two they take. Throws a
 * data error that names the field.
 */
export function readRope(
  raw: RopeFields,
  maxPositions: number,
  file: string,
): { rope_theta: number; rope_scaling: RopeScaling } {
  const groups = (['rope_scaling', 'rope_parameters'] as const).flatMap((name) => {
    const group = raw[name];
    return group && Object.keys(group).length > 0 ? [{ name, ...readGroup(name, group, raw, maxPositions, file) }] : [];
  });
  const [first, second] = groups;
  const beside = raw.rope_theta ?? undefined;
  for (const { name, theta } of groups)
    if (theta !== undefined && beside !== undefined && theta !== beside)
      throw unsupported(file, `${name}.rope_theta`, theta, [`${beside} as in rope_theta`], TWICE);
  // Of two groups transformers takes one whole: what it does not have is not taken from the other.
  const thetas = groups.map(({ theta }) => theta ?? beside ?? DEFAULT_THETA);
  if (first && second && thetas[0] !== thetas[1])
    throw unsupported(file, `${second.name}.rope_theta`, thetas[1], [`${thetas[0]} as for ${first.name}`], TWICE);
  if (first && second && JSON.stringify(first.scaling) !== JSON.stringify(second.scaling))
    throw unsupported(
      file,
      first.name,
      raw[first.name],
      [`the same as ${second.name}, ${show(raw[second.name])}`],
      TWICE,
    );
  return {
    rope_theta: thetas[0] ?? beside ?? DEFAULT_THETA,
    rope_scaling: first?.scaling ?? { rope_type: 'default' },
  };
}

/** Fields inside a group that are read besides those of its type, and one that changes nothing. */
const BESIDE = new Set(['rope_type', 'type', 'rope_theta', 'partial_rotary_factor', 'finetuned']);

function readGroup(
  name: Group,
  given: Readonly<Record<string, unknown>>,
  raw: RopeFields,
  maxPositions: number,
  file: string,
): { scaling: RopeScaling; theta: number | undefined } {
  const type = given.rope_type ?? given.type ?? 'default';
  if (given.type !== undefined && given.type !== null && given.type !== type)
    throw unsupported(file, `${name}.type`, given.type, [`${show(type)} as in rope_type beside it`], TWICE);
  const { partial_rotary_factor: part } = given;
  if (part !== undefined && part !== null && part !== 1)
    throw unsupported(file, `${name}.partial_rotary_factor`, part, [1]);
  const known = ropeSchema.options.map((option) => option.shape.rope_type.value);
  const option = ropeSchema.options.find((option) => option.shape.rope_type.value === type);
  if (!option) throw unsupported(file, `${name}.rope_type`, type, known);
  const trained = trainedPositions(name, given, raw, file) ?? maxPositions;
  const parsed = option.safeParse({ ...given, rope_type: type, original_max_position_embeddings: trained });
  if (!parsed.success) throw badField(file, given, parsed.error, `${name}.`);
  const parsedTheta = theta.nullish().safeParse(given.rope_theta);
  if (!parsedTheta.success)
    throw badField(
      file,
      given,
      new z.ZodError(parsedTheta.error.issues.map((issue) => ({ ...issue, path: ['rope_theta'] }))),
      `${name}.`,
    );
  for (const [field, value] of Object.entries(given)) {
    if (value === null || BESIDE.has(field) || field in option.shape) continue;
    if (field === 'original_max_position_embeddings' && value === maxPositions) continue;
    throw unsupported(file, `${name}.${field}`, value, [`it to be absent beside rope_type ${String(type)}`]);
  }
  return { scaling: parsed.data, theta: parsedTheta.data ?? undefined };
}

/** The positions that a scaled model was trained for at first: in the group, or beside it as some files have it. */
function trainedPositions(
  name: Group,
  given: Readonly<Record<string, unknown>>,
  { original_max_position_embeddings: beside }: RopeFields,
  file: string,
): unknown {
  const inside = given.original_max_position_embeddings ?? undefined;
  if (beside !== undefined && beside !== null && inside !== undefined && inside !== beside)
    throw unsupported(
      file,
      `${name}.original_max_position_embeddings`,
      inside,
      [`${beside} as in original_max_position_embeddings beside it`],
      TWICE,
    );
  return inside ?? beside ?? undefined;
}
