import { join } from 'node:path';
import * as z from 'zod';
import { oneDnnSetting } from '../../backend/native/onednn.js';
import { thisProcessor } from '../../backend/native/processor.js';
import { stableJson } from '../../core/hash.js';
import { writeJson } from '../../io/atomic.js';
import { makeFolder } from '../../io/files.js';
import { readJson } from '../../io/json.js';
import type { ProductSpeeds } from './measure.js';

/** Variables that TensorFlow and oneDNN follow when they multiply. */
const SETTINGS = [
  'TF_NUM_INTRAOP_THREADS',
  'TF_ENABLE_ONEDNN_OPTS',
  'ONEDNN_MAX_CPU_ISA',
  'DNNL_MAX_CPU_ISA',
  'ONEDNN_DEFAULT_FPMATH_MODE',
  'TF_SET_ONEDNN_FPMATH_MODE',
] as const;

const placeSchema = z.strictObject({
  processor: z.string(),
  features: z.array(z.string()),
  cores: z.number().int().positive(),
  /** Version of the library that multiplies. */
  tensorflow: z.string(),
  /** Of the environment, as far as it decides how products are computed. */
  settings: z.record(z.string(), z.string()),
});

/** All that decides how fast products are: figures of another place say nothing here. */
export type ProductPlace = z.infer<typeof placeSchema>;

const speed = z.number().positive().finite();

const fileSchema = z.strictObject({
  schema: z.literal('phasetune/products'),
  /** Counts the changes of what is measured too, so that older figures are not taken for today's. */
  version: z.literal(1),
  /** Newest first: machines that share the folder, and settings that were tried. */
  measured: z.array(
    z.strictObject({
      place: placeSchema,
      /** In units of 10^9 floating-point operations a second. */
      gflops: z.strictObject({ bfloat16: speed, float32: speed }),
      time: z.string(),
    }),
  ),
});

/** Places whose figures are kept. */
const MOST = 16;

const pathIn = (home: string): string => join(home, 'products.json');

/** The place that this process multiplies at. */
export function placeHere(tensorflow: string, env: NodeJS.ProcessEnv): ProductPlace {
  const { name, features, cores } = thisProcessor();
  // The same before the library is loaded and after.
  const followed: NodeJS.ProcessEnv = { ...env, TF_ENABLE_ONEDNN_OPTS: oneDnnSetting(env) };
  const settings = Object.fromEntries(
    SETTINGS.flatMap((name) => (followed[name] === undefined ? [] : [[name, followed[name]] as const])),
  );
  return { processor: name, features: [...features], cores, tensorflow, settings };
}

/** Figures of just this place; undefined where there are none, and where the file is damaged or of another version. */
export async function keptSpeeds(home: string, place: ProductPlace): Promise<ProductSpeeds | undefined> {
  const key = stableJson(place);
  return (await measuredIn(home)).find((each) => stableJson(each.place) === key)?.gflops;
}

/**
 * Keeps figures for the next process. Two processes that do so at once leave a whole file, of one of them at least.
 * Throws where the folder cannot be written.
 */
export async function keepSpeeds(home: string, place: ProductPlace, gflops: ProductSpeeds): Promise<void> {
  const key = stableJson(place);
  const others = (await measuredIn(home)).filter((each) => stableJson(each.place) !== key);
  const measured = [{ place, gflops, time: new Date().toISOString() }, ...others].slice(0, MOST);
  await makeFolder(home);
  await writeJson(pathIn(home), { schema: 'phasetune/products', version: 1, measured });
}

const measuredIn = async (home: string) =>
  readJson(pathIn(home), fileSchema).then(
    ({ measured }) => measured,
    () => [],
  );
