import { float32, type HostTensor, sizeOf } from '../core/host-tensor.js';

/** Shapes by name. */
export type Shapes = ReadonlyMap<string, readonly number[]>;

/** Names of tensors that lie one after the other and may be taken as one, stacked along the first axis, by the stack's name. */
export type Stacks = ReadonlyMap<string, readonly string[]>;

/** Where a tensor is in a vector: its elements in row-major order from `offset` on. */
interface Place {
  readonly offset: number;
  readonly shape: readonly number[];
}

/** Named tensors in one vector of `size` elements, one after the other without gaps, in the order of `places`. */
export interface Layout {
  readonly size: number;
  readonly places: ReadonlyMap<string, Place>;
}

/** Lays tensors out in the order given. */
export function layoutOf(shapes: Shapes): Layout {
  let size = 0;
  const places = new Map<string, Place>();
  for (const [name, shape] of shapes) {
    places.set(name, { offset: size, shape });
    size += sizeOf(shape);
  }
  return { size, places };
}

/**
 * Two layouts of one vector: every tensor by itself, and with each stack as one tensor. A stack is where its first tensor
 * would be. Throws a RangeError when a stack's tensors differ in more than their first dimension or are not all there.
 */
export function stackedLayouts(shapes: Shapes, stacks: Stacks): { tensors: Layout; pieces: Layout } {
  const stackOf = new Map([...stacks].flatMap(([stack, names]) => names.map((name) => [name, stack] as const)));
  const ordered = new Map<string, readonly number[]>();
  const pieces = new Map<string, readonly number[]>();
  for (const [name, shape] of shapes) {
    const stack = stackOf.get(name);
    if (stack === undefined) {
      ordered.set(name, shape);
      pieces.set(name, shape);
    } else if (!pieces.has(stack)) {
      const members = stacks.get(stack)!.map((member) => [member, shapes.get(member)] as const);
      pieces.set(stack, stackShape(stack, members));
      for (const [member, memberShape] of members) ordered.set(member, memberShape!);
    }
  }
  return { tensors: layoutOf(ordered), pieces: layoutOf(pieces) };
}

function stackShape(stack: string, members: readonly (readonly [string, readonly number[] | undefined])[]): number[] {
  const row = members[0]?.[1]?.slice(1);
  let rows = 0;
  for (const [name, shape] of members) {
    if (!shape?.length || shape.slice(1).join() !== row?.join())
      throw new RangeError(
        `${stack}: cannot stack ${name} ${shape ? `[${shape}]` : '(no such tensor)'} with rows [${row}]`,
      );
    rows += shape[0]!;
  }
  return [rows, ...row!];
}

/** The vector of these tensors. Throws a RangeError on one that is missing, of another shape or not float32. */
export function toVector({ size, places }: Layout, find: (name: string) => HostTensor | undefined): HostTensor {
  const data = new Float32Array(size);
  for (const [name, { offset, shape }] of places) {
    const value = find(name);
    if (value?.dtype !== 'float32' || value.shape.join() !== shape.join())
      throw new RangeError(
        `${name}: expected float32 [${shape}], got ${value ? `${value.dtype} [${value.shape}]` : 'nothing'}`,
      );
    data.set(value.data, offset);
  }
  return float32([size], data);
}

/** The tensor of this name in a vector: a view of its memory, not a copy. Throws a RangeError on an unknown name. */
export function fromVector({ places }: Layout, vector: HostTensor, name: string): HostTensor {
  const place = places.get(name);
  if (!place) throw new RangeError(`no tensor ${name} in this layout`);
  const { offset, shape } = place;
  return float32(shape, (vector.data as Float32Array).subarray(offset, offset + sizeOf(shape)));
}
