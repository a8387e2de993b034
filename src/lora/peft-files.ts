import { join } from 'node:path';
import { dataError } from '../core/errors.js';
import { type HostTensor, sizeOf } from '../core/host-tensor.js';
import { shownName } from '../core/shown.js';
import { writeJson } from '../io/atomic.js';
import { exists } from '../io/files.js';
import { readJson } from '../io/json.js';
import { ownFile } from '../io/own-files.js';
import { openSafetensors, type Safetensors, type TensorInfo, writeSafetensors } from '../io/safetensors.js';
import { type Adapter, adapterSpecs, type Linears, moduleOf } from './adapter.js';
import { adaptersInside } from './adapter-folder.js';
import { type BaseInfo, fromPeftConfig, toPeftConfig } from './peft-config.js';

/** An adapter as it was read, and what its files say it was trained on. */
export interface AdapterFolder extends Adapter {
  readonly base: BaseInfo;
  /** What is odd about the files, in plain words. */
  readonly warnings: readonly string[];
}

const WEIGHTS = 'adapter_model.safetensors';
const CONFIG = 'adapter_config.json';

/**
 * Writes adapter_model.safetensors (float32) and adapter_config.json as PEFT has them, each file
 * whole or not at all.
 */
export async function writeAdapter(
  folder: string,
  { options, tensors }: Adapter,
  linears: Linears,
  base: BaseInfo,
): Promise<void> {
  const floats = [...tensors].map(([name, { shape, data }]) => ({ name, shape, data, dtype: 'F32' as const }));
  await writeSafetensors(join(folder, WEIGHTS), floats);
  await writeJson(join(folder, CONFIG), toPeftConfig(options, linears, base));
}

/**
 * Reads a PEFT adapter folder for a model with these projections (files of any type of floats). Throws a data error
 * when a matrix is missing, unexpected or of another shape, when the adapter is for another base, or when its
 * configuration asks for what phasetune does not do.
 */
export async function readAdapter(folder: string, linears: Linears): Promise<AdapterFolder> {
  const config = await ownFile(folder, CONFIG);
  if (!config) throw await notAnAdapter(folder);
  const { options, base, warnings } = fromPeftConfig(await readJson(config), config, linears);
  const weights = await openSafetensors((await ownFile(folder, WEIGHTS)) ?? folder);
  try {
    const file = weights.files[0]!;
    const stored = storedNames(file, weights);
    checkMatrices(file, stored, adapterSpecs(linears, options), linears, base);
    const tensors = new Map<string, HostTensor>();
    for (const name of adapterSpecs(linears, options).keys()) {
      const value = await weights.read(stored.get(name)!.stored);
      checkNumbers(file, name, value);
      tensors.set(name, value);
    }
    return { options, tensors, base, warnings };
  } finally {
    await weights.close();
  }
}

async function notAnAdapter(folder: string) {
  const inside = await adaptersInside(folder);
  const next =
    inside.length > 0
      ? `; there is one in ${inside.slice(0, 4).join(', ')}: give that folder`
      : exists(join(folder, 'config.json'))
        ? '; this is a model: give it as the model'
        : '';
  return dataError(`${folder}: no ${CONFIG} in it; expected a PEFT adapter folder${next}`, { file: folder });
}

/** A matrix in the file: the name it has there, and what it is. */
interface StoredMatrix extends TensorInfo {
  readonly stored: string;
}

type StoredMatrices = ReadonlyMap<string, StoredMatrix>;

/** PEFT's name for its only adapter, which is in names where a model was saved instead of its adapter. */
const DEFAULT_NAME = /(\.lora_[AB])\.default(\.weight)$/;

/** The file's matrices by PEFT's names. */
function storedNames(file: string, { tensors }: Safetensors): StoredMatrices {
  const byName = new Map<string, StoredMatrix>();
  for (const [stored, info] of tensors) {
    const name = stored.replace(DEFAULT_NAME, '$1$2');
    const twice = byName.get(name);
    if (twice)
      throw dataError(`${file}: ${stored}: the matrix is also there as ${twice.stored}; keep only one of them`, {
        file,
        tensor: stored,
      });
    byName.set(name, { ...info, stored });
  }
  return byName;
}

function checkMatrices(
  file: string,
  tensors: StoredMatrices,
  expected: ReadonlyMap<string, readonly number[]>,
  linears: Linears,
  base: BaseInfo,
): void {
  const advice = base.name ? `; it was trained on ${base.name}` : '';
  const fail = (tensor: string, what: string) => {
    throw dataError(`${file}: ${shownName(tensor)}: ${what}${otherBase(tensors, linears) ?? ''}${advice}`, {
      file,
      tensor: shownName(tensor),
    });
  };
  for (const [name, shape] of expected) {
    const tensor = tensors.get(name);
    if (!tensor) fail(name, `the matrix is missing, expected [${shape.join(', ')}]${otherNames(tensors, expected)}`);
    else if (tensor.shape.join() !== shape.join())
      fail(name, `expected [${shape.join(', ')}], found [${tensor.shape.join(', ')}]`);
    else if (!['F32', 'F16', 'BF16', 'F64'].includes(tensor.dtype))
      fail(name, `expected F32, F16, BF16 or F64, found ${tensor.dtype}`);
  }
  for (const name of tensors.keys())
    if (!expected.has(name))
      fail(
        name,
        `unexpected tensor, ${CONFIG} and the model have no place for it${/lm_head|embed_tokens/.test(name) ? '; what is trained of head or embedding must be merged into the base with PEFT (merge_and_unload)' : ''}`,
      );
}

/** A name that exists and has no place, where one is missing. */
function otherNames(tensors: StoredMatrices, expected: ReadonlyMap<string, unknown>): string {
  const other = [...tensors.keys()].find((name) => !expected.has(name));
  return other === undefined
    ? ''
    : `; there is ${shownName(other)}, a name that PEFT would not apply to this model either: save the adapter of the language model alone`;
}

/** Says in what the adapter's base differs from this model, when it does. */
function otherBase(found: StoredMatrices, linears: Linears): string | undefined {
  const layer = (module: string) => Number(/\.layers\.(\d+)\./.exec(module)?.[1] ?? -1);
  const adapted = [...found].flatMap(([name, { shape }]) => {
    const module = moduleOf(name);
    return module ? [{ name, module, shape }] : [];
  });
  const readsHidden = /\.(q_proj|k_proj|v_proj|gate_proj|up_proj)\.lora_A\.weight$/;
  const hidden = adapted.find(({ name, module }) => readsHidden.test(name) && linears.has(module));
  const here = hidden && linears.get(hidden.module)!.inputs;
  if (hidden && hidden.shape[1] !== here)
    return `: the adapter is for a model with hidden size ${hidden.shape[1]}, this one has ${here}`;
  const most = (modules: Iterable<string>) =>
    [...modules].reduce((max, module) => Math.max(max, layer(module)), -1) + 1;
  const layers = most(adapted.map(({ module }) => module));
  const layersHere = most(linears.keys());
  if (layers > layersHere) return `: the adapter is for a model with ${layers} layers, this one has ${layersHere}`;
  return undefined;
}

function checkNumbers(file: string, tensor: string, { shape, data }: HostTensor): void {
  for (let i = 0; i < sizeOf(shape); i++)
    if (!Number.isFinite(data[i]))
      throw dataError(
        `${file}: ${tensor}: element ${i} is ${data[i]}, expected a finite number; the file is damaged or its training diverged`,
        {
          file,
          tensor,
        },
      );
}
