import { type BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { sizeOf } from '../../core/host-tensor.js';
import { toBfloat16 } from '../../io/float.js';
import { message, text, varint } from '../../io/protobuf.js';
import type { Attribute, Constant, Dtype } from './graph.js';
import { ELEMENTS, FIELD, TYPE } from './saved-model-schema.js';

/**
 * Writes the content of an attribute's message. Throws a RangeError on a constant whose elements do
 * not fill its shape.
 */
export function writeAttribute(writer: BinaryWriter, attribute: Attribute): void {
  const { attribute: field, list } = FIELD;
  if ('type' in attribute) varint(writer, field.type, TYPE[attribute.type]);
  else if ('int' in attribute) varint(writer, field.int, attribute.int);
  else if ('bool' in attribute) varint(writer, field.bool, Number(attribute.bool));
  else if ('float' in attribute) writer.tag(field.float, WireType.Bit32).float(attribute.float);
  else if ('string' in attribute) text(writer, field.string, attribute.string);
  else if ('shape' in attribute) message(writer, field.shape, () => writeShape(writer, attribute.shape));
  else if ('tensor' in attribute) message(writer, field.tensor, () => writeTensor(writer, attribute.tensor));
  else if ('function' in attribute)
    message(writer, field.function, () => text(writer, FIELD.functionName, attribute.function.name));
  else
    message(writer, field.list, () => {
      if ('types' in attribute) for (const type of attribute.types) varint(writer, list.type, TYPE[type]);
      else if ('shapes' in attribute)
        for (const shape of attribute.shapes) message(writer, list.shape, () => writeShape(writer, shape));
      else if ('ints' in attribute) for (const value of attribute.ints) varint(writer, list.int, value);
      else for (const value of attribute.strings) text(writer, list.string, value);
    });
}

function writeShape(writer: BinaryWriter, shape: readonly number[]): void {
  for (const size of shape) message(writer, FIELD.shape.dimension, () => varint(writer, FIELD.dimension.size, size));
}

/** The elements as one block of bytes, or as a single element that fills the shape. */
function writeTensor(writer: BinaryWriter, { dtype, shape, values }: Constant): void {
  if (dtype === 'resource') throw new RangeError('a constant cannot hold a resource');
  varint(writer, FIELD.tensor.dtype, TYPE[dtype]);
  message(writer, FIELD.tensor.shape, () => writeShape(writer, shape));
  if (values.length === 1) writeElement(writer, dtype, values[0]!);
  else if (values.length === sizeOf(shape))
    writer.tag(FIELD.tensor.content, WireType.LengthDelimited).bytes(bytesOf(dtype, values));
  else
    throw new RangeError(
      `expected ${sizeOf(shape)} elements, or one, for a constant of shape [${shape.join(', ')}], got ${values.length}`,
    );
}

function writeElement(writer: BinaryWriter, dtype: Exclude<Dtype, 'resource'>, value: number): void {
  if (dtype === 'float32') writer.tag(ELEMENTS.float32, WireType.Bit32).float(value);
  else varint(writer, ELEMENTS[dtype], dtype === 'bfloat16' ? toBfloat16(Float32Array.of(value))[0]! : value);
}

/** Elements as they are in memory. Arrays here and TensorFlow's are both little-endian. */
function bytesOf(dtype: Exclude<Dtype, 'resource'>, values: ArrayLike<number>): Uint8Array {
  const { buffer, byteOffset, byteLength } = MEMORY[dtype](values);
  return new Uint8Array(buffer, byteOffset, byteLength);
}

const MEMORY: Readonly<Record<Exclude<Dtype, 'resource'>, (values: ArrayLike<number>) => ArrayBufferView>> = {
  float32: (values) => Float32Array.from(values),
  bfloat16: (values) => toBfloat16(Float32Array.from(values)),
  int32: (values) => Int32Array.from(values),
  int64: (values) => BigInt64Array.from(Array.from(values, BigInt)),
  int8: (values) => Int8Array.from(values),
  uint8: (values) => Uint8Array.from(values),
  bool: (values) => Uint8Array.from(values, Number),
};
