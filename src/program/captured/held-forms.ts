import { float32, type HostDtype, type HostTensor, int32 } from '../../core/host-tensor.js';
import { bitsOf, rounded, widened } from '../../io/float.js';
import { cast, identity, multiply, type TensorRef } from './graph.js';
import type { HeldPart, Parts, Put } from './held-parts.js';
import { quantizeNf4 } from './quantize-nf4.js';
import { quantizeRows, type Room } from './quantize-rows.js';
import { nf4Parts, widenNf4 } from './widen-nf4.js';

/** Name of a form in which a variable is held on the device. */
export type Held = HostDtype | 'bfloat16' | 'widened' | 'int8' | 'nf4';

/** How a variable is held: in which tensors, what they are fed, and how its value comes out of them. */
export interface HeldForm {
  /**
   * Bits of an element where it is fewer than a product takes: a matrix that is read in parts and widened before each
   * use.
   */
  readonly bits?: 4 | 8 | 16;
  /** Type that it is written in where that is not the declared one, which is rounded once. */
  readonly written?: 'bfloat16';
  /** Widening is more than one op, so that it is compiled. */
  readonly compiled?: true;
  /** The parts of a variable of this shape. */
  parts(shape: readonly number[]): Parts<HeldPart>;
  /** The value of each part; small elements as 32-bit words, in the `room` that is given. Throws a RangeError. */
  feeds(value: HostTensor | HostTensor<'bfloat16'>, room?: Room): Parts<HostTensor>;
  /** The value out of its parts: as float32 where the form has `bits`, otherwise as it is held. */
  widen(parts: Parts<TensorRef>, shape: readonly number[], put: Put): TensorRef;
}

/** Host types, as they are. */
const plain = (dtype: HostDtype): HeldForm => ({
  parts: (shape) => ({ value: { shape, dtype } }),
  feeds: (value) => ({ value: whole(value) }),
  widen: ({ value }, _, put) => put(identity(value, [])),
});

const whole = (value: HostTensor | HostTensor<'bfloat16'>): HostTensor =>
  value.dtype === 'bfloat16' ? widened(value) : value;

const halved: HeldForm = {
  written: 'bfloat16',
  parts: (shape) => ({ value: { shape, dtype: 'bfloat16' } }),
  feeds: (value) => ({
    value: bitsOf(value.dtype === 'bfloat16' ? value : rounded(value as HostTensor<'float32'>)),
  }),
  widen: ({ value }, _, put) => put(cast(value, 'float32')),
};

/** Every form there is. */
export const HELD_FORMS: Readonly<Record<Held, HeldForm>> = {
  float32: plain('float32'),
  int32: plain('int32'),
  bfloat16: halved,
  widened: { ...halved, bits: 16 },
  int8: {
    bits: 8,
    compiled: true,
    parts: (shape) => ({
      value: { shape, dtype: 'int8' },
      scales: { shape: [shape[0]!, 1], dtype: 'float32' },
    }),
    feeds(value, room) {
      const { words, scales } = quantizeRows(whole(value) as HostTensor<'float32'>, room);
      return { value: int32([words.length], words), scales: float32([scales.length, 1], scales) };
    },
    widen: ({ value, scales }, _, put) => put(multiply(put(cast(value, 'float32')), scales!)),
  },
  nf4: {
    bits: 4,
    compiled: true,
    parts: nf4Parts,
    feeds(value, room) {
      const { words, scales, largest, offset } = quantizeNf4(whole(value) as HostTensor<'float32'>, room);
      return {
        value: int32([words.length], words),
        scales: int32([scales.length / 4], new Int32Array(scales.buffer)),
        largest: float32([largest.length, 1], largest),
        offset: float32([], [offset]),
      };
    },
    widen: widenNf4,
  },
};
