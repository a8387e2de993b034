import { basename } from 'node:path';
import { dataError, type PhasetuneError } from '../core/errors.js';

/** Names of files that hold pickled weights. */
const PICKLE_NAME = /\.(bin|pt|pth|ckpt|pkl|pickle)$/i;

/** Names of pickled weights and of their indices in a folder, without a trainer's own state. */
export const isPickledWeights = (name: string): boolean =>
  PICKLE_NAME.test(name.replace(/\.index\.json$/, '')) && !/^(training_args|optimizer|scheduler|rng_state)/.test(name);

/**
 * The refusal of a pickle file, which runs whatever code it holds when Python opens it: says how
 * its owner turns it into safetensors, by what it is named.
 */
export function pickleError(path: string): PhasetuneError {
  const name = basename(path);
  const remedy = name.startsWith('adapter_model')
    ? 'AutoPeftModelForCausalLM.from_pretrained("IN").save_pretrained("OUT", safe_serialization=True)'
    : /^(pytorch_model|model)\b.*\.bin/.test(name)
      ? 'AutoModelForCausalLM.from_pretrained("IN").save_pretrained("OUT", safe_serialization=True)'
      : `safetensors.torch.save_file(torch.load("${name}", weights_only=True), "model.safetensors")`;
  return dataError(
    `${path} holds pickled weights, which can run any code when opened and are not read; expected safetensors. ` +
      `If you trust where it is from, convert it in Python: ${remedy}`,
    { file: path },
  );
}

/**
 * Throws for a file that people mistake for the `expected` one, recognised by its first eight bytes
 * or its name: pickle files (zipped, as torch writes them, or bare), GGUF where safetensors are
 * expected and the other way round, Git LFS pointers.
 */
export function refuseForeign(path: string, start: Uint8Array, expected: 'safetensors' | 'GGUF'): void {
  const text = String.fromCharCode(...start);
  if (text.startsWith('GGUF')) {
    if (expected === 'GGUF') return;
    throw dataError(`${path} is a GGUF file; expected a folder`, {
      file: path,
      remedies: [{ task: 'model import', options: { src: path, out: 'DIR' }, note: 'first' }],
    });
  }
  if (text.startsWith('version '))
    throw dataError(`${path} is a Git LFS pointer, not the weights; fetch them with: git lfs pull`, { file: path });
  // A bare pickle begins with 0x80 and its version. So does a safetensors header of 640 bytes, but
  // that has zeros after it.
  const bare = start[0] === 0x80 && start[1]! >= 2 && start[1]! <= 5 && start.subarray(2).some((byte) => byte !== 0);
  if (text.startsWith('PK\u0003\u0004') || bare || PICKLE_NAME.test(path)) throw pickleError(path);
  if (expected === 'GGUF' && path.endsWith('.safetensors'))
    throw dataError(`${path} is a file of a model; give the folder that it is in, with config.json beside it`, {
      file: path,
    });
}
