import { dataError } from '../core/errors.js';
import { type HostTensor, sizeOf } from '../core/host-tensor.js';
import { shownName } from '../core/shown.js';

/** Exponent bits of a bfloat16: all are set in an infinity or NaN only. */
const EXPONENT = 0x7f80;

type Weight = HostTensor<'float32'> | HostTensor<'bfloat16'>;

const firstNotFinite = ({ shape, dtype, data }: Weight): number => {
  const size = sizeOf(shape);
  if (dtype === 'bfloat16') {
    for (let i = 0; i < size; i++) if ((data[i]! & EXPONENT) === EXPONENT) return i;
  } else for (let i = 0; i < size; i++) if (!Number.isFinite(data[i]!)) return i;
  return -1;
};

/**
 * Throws a data error that names file, tensor and element where a weight is not a finite float32 number. All that is
 * computed from it would be NaN.
 */
export function checkFinite(file: string, tensor: string, value: Weight): void {
  const index = firstNotFinite(value);
  if (index < 0) return;
  const element =
    value.dtype === 'bfloat16' ? ((value.data[index]! & 0x7f) === 0 ? 'infinite' : 'NaN') : value.data[index];
  const name = shownName(tensor);
  throw dataError(
    `${file}: ${name}: element ${index} is ${element}, expected a finite number; the file is damaged or its training diverged: get it again, or take an earlier checkpoint`,
    { file, tensor: name },
  );
}
