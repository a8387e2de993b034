import type { Program, VariableValue } from './program.js';

/**
 * Writes many values into a program in groups of at most `bytes` (64 MiB by default), because each call costs and each
 * group is in memory twice for a moment. A value is only used until the next is asked for, so the source may put all in one
 * scratch array; besides that, at most `bytes` are copied. One that is larger than that goes by itself, uncopied.
 */
export async function writeGroups(
  program: Pick<Program, 'write'>,
  values: AsyncIterable<VariableValue> | Iterable<VariableValue>,
  { bytes = 64 << 20 }: { bytes?: number } = {},
): Promise<void> {
  let buffer: ArrayBuffer | undefined;
  let group: VariableValue[] = [];
  let filled = 0;
  const flush = (): void => {
    if (group.length > 0) program.write(group);
    group = [];
    filled = 0;
  };
  for await (const [name, value] of values) {
    const size = Math.ceil(value.data.byteLength / 8) * 8;
    if (filled + size > bytes) flush();
    if (size > bytes) {
      program.write([[name, value]]);
      continue;
    }
    buffer ??= new ArrayBuffer(bytes);
    group.push([name, copyInto(buffer, filled, value)]);
    filled += size;
  }
  flush();
}

function copyInto(buffer: ArrayBuffer, at: number, value: VariableValue[1]): VariableValue[1] {
  const { length } = value.data;
  const place = <T extends { set(from: T): void }>(data: T, from: T): T => {
    data.set(from);
    return data;
  };
  switch (value.dtype) {
    case 'float32':
      return { ...value, data: place(new Float32Array(buffer, at, length), value.data) };
    case 'int32':
      return { ...value, data: place(new Int32Array(buffer, at, length), value.data) };
    case 'bfloat16':
      return { ...value, data: place(new Uint16Array(buffer, at, length), value.data) };
  }
}
