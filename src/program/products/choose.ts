import { env } from 'node:process';
import type { Backend } from '../../backend/backend.js';
import { cacheHome } from '../../backend/native/home.js';
import { stableJson } from '../../core/hash.js';
import { type Logger, silentLogger } from '../../telemetry/logger.js';
import type { CompileOptions, Precision } from '../compile-options.js';
import { keepSpeeds, keptSpeeds, type ProductPlace, placeHere } from './kept.js';
import type { ProductSpeeds } from './measure.js';

/** A type of products, and why it is that one. */
export interface PrecisionChoice {
  readonly precision: Precision;
  /** `given` by an option, the faster as `measured` on this processor, or the one that this `device` or mode takes. */
  readonly chosen: 'given' | 'measured' | 'device';
  /** What both types reach here, where that was measured. */
  readonly gflops?: ProductSpeeds;
}

/** Where figures are kept, how the user hears of measuring, and what the products are for. */
export interface ChooseHooks {
  /** Answers are decoded, most of whose time it takes to read weights. */
  readonly decodes?: boolean | undefined;
  /** Cache folder; default `PHASETUNE_HOME` or `~/.cache/phasetune`. */
  readonly home?: string | undefined;
  readonly logger?: Logger | undefined;
  /** Default `measureProducts`, which needs the library. */
  readonly measure?: (() => Promise<ProductSpeeds>) | undefined;
}

/**
 * Float32 must be faster by so much to be taken. Two thirds of a step are products, so 8 % in them are 5 % of a step:
 * less than that does not outweigh twice the memory of weights and activations, and is close to how two measurements
 * of one machine differ.
 */
const MARGIN = 1.08;

/**
 * The same where answers are decoded: each token reads all weights, twice as many bytes in float32, and only prompts
 * are products of many rows. With products 1.6 times as slow in bfloat16, 16 answers of 64 tokens to prompts of 64 at
 * 135M took 2.7 s and 43 ms a token in it, 1.8 s and 92 ms in float32: equal where they are 3 times as slow.
 */
const DECODING_MARGIN = 3;

/** The type that is worth taking where products reach these speeds, for a step or for answers. */
export const worthTaking = ({ float32, bfloat16 }: ProductSpeeds, decodes = false): Precision =>
  float32 > (decodes ? DECODING_MARGIN : MARGIN) * bfloat16 ? 'float32' : 'bfloat16';

/**
 * Decides the type of products: the given one, or with `auto` bfloat16 on a card, float32 where a program runs op by
 * op, and on a processor the faster one by measurement, which is kept for this processor, library and environment.
 */
export async function choosePrecision(
  {
    precision = 'auto',
    mode,
  }: { readonly precision?: Precision | 'auto' | undefined; readonly mode?: CompileOptions['mode'] | undefined },
  backend: Pick<Backend, 'name' | 'device' | 'version'>,
  hooks: ChooseHooks = {},
): Promise<PrecisionChoice> {
  if (precision !== 'auto') return { precision, chosen: 'given' };
  if (backend.name !== 'tensorflow' || mode === 'eager') return { precision: 'float32', chosen: 'device' };
  if (backend.device === 'cuda') return { precision: 'bfloat16', chosen: 'device' };
  const gflops = await speedsHere(backend.version, hooks);
  return gflops ? { precision: worthTaking(gflops, hooks.decodes), chosen: 'measured', gflops } : CANNOT_SAY;
}

/** What is taken where neither type can be timed: half the memory. */
const CANNOT_SAY: PrecisionChoice = { precision: 'bfloat16', chosen: 'device' };

/** Measurements of this process by place: made once, although nothing can be kept. */
const underWay = new Map<string, Promise<ProductSpeeds | undefined>>();

function speedsHere(version: string, { home = cacheHome(), logger, measure }: ChooseHooks) {
  const place = placeHere(version, env);
  const key = stableJson([home, place]);
  const known = underWay.get(key) ?? speedsAt(place, { home, logger: logger ?? silentLogger, measure });
  underWay.set(key, known);
  return known;
}

const timed = async (): Promise<ProductSpeeds> => (await import('./measure.js')).measureProducts();

async function speedsAt(
  place: ProductPlace,
  { home, logger, measure = timed }: ChooseHooks & { readonly home: string; readonly logger: Logger },
): Promise<ProductSpeeds | undefined> {
  const kept = await keptSpeeds(home, place);
  if (kept) return kept;
  logger.info('timing products in bfloat16 and in float32 on this processor, to take the faster (once, a second)');
  let measured: ProductSpeeds;
  try {
    measured = await measure();
  } catch (error) {
    logger.warn(`the speed of products could not be measured, continuing with bfloat16: ${(error as Error).message}`);
    return undefined;
  }
  await keepSpeeds(home, place, measured).catch((error: unknown) =>
    logger.debug(`the speed of products is not kept: ${(error as Error).message}`),
  );
  return measured;
}
