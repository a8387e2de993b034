import { ANY, INDICES, intAttribute, refuse, sameShape, take, text, typeOf, vectorOf } from './operands.js';
import type { OpCall, ShapeRule } from './rule.js';

/** What one entry of begin, end and strides asks of an axis. */
interface Cut {
  readonly begin: number;
  readonly end: number;
  readonly stride: number;
  readonly fromStart: boolean;
  readonly toEnd: boolean;
  /** One element, and no axis left. */
  readonly single: boolean;
}

/** An entry that makes a new axis, one for all axes that are not named, or a cut. */
type Entry = 'new' | 'rest' | Cut;

/** Slicing in Python's way: x[begin:end:stride, ...]. The rules are those of NumPy's basic indexing. */
export const stridedSlice: ShapeRule = (call) => {
  const [x, begin] = take(call, 'input', 'begin', 'end', 'strides');
  typeOf(call, call.inputs.slice(1), INDICES, 'Index');
  if (call.inputs.slice(1).some(({ shape }) => !sameShape(shape, begin.shape)))
    refuse(call, 'begin, end and strides differ in length');
  const entries = entriesOf(call);
  const cuts = entries.filter((entry) => typeof entry === 'object').length;
  const untouched = x.shape.length - cuts;
  if (untouched < 0) refuse(call, `${cuts} axes are cut, but there are ${x.shape.length}`);
  const shape: number[] = [];
  let axis = 0;
  for (const entry of entries)
    if (entry === 'new') shape.push(1);
    else if (entry === 'rest') {
      shape.push(...x.shape.slice(axis, axis + untouched));
      axis += untouched;
    } else {
      const size = sizeOfCut(call, entry, x.shape[axis]!, axis);
      if (!entry.single) shape.push(size);
      axis++;
    }
  return [{ shape, dtype: typeOf(call, [x], ANY) }];
};

function entriesOf(call: OpCall): Entry[] {
  const [begin, end, strides] = ['begin', 'end', 'strides'].map((what, i) => vectorOf(call, call.inputs[i + 1]!, what));
  const [fromStart, toEnd, rest, added, single] = ['begin', 'end', 'ellipsis', 'new_axis', 'shrink_axis'].map((name) =>
    intAttribute(call, `${name}_mask`, 0),
  );
  const entries = begin!.map((first, i): Entry => {
    const has = (mask: number) => ((mask >> i) & 1) === 1;
    if (has(rest!)) return 'rest';
    if (has(added!)) return 'new';
    return {
      begin: first,
      end: end![i]!,
      stride: strides![i]!,
      fromStart: has(fromStart!),
      toEnd: has(toEnd!),
      single: has(single!),
    };
  });
  const rests = entries.filter((entry) => entry === 'rest').length;
  if (rests > 1) refuse(call, 'more than one ellipsis');
  return rests === 1 ? entries : [...entries, 'rest'];
}

function sizeOfCut(call: OpCall, cut: Cut, length: number, axis: number): number {
  const { begin, end, stride, single } = cut;
  if (stride === 0 || (single && stride < 0)) refuse(call, `the stride ${stride} of axis ${axis} is not allowed`);
  const fromFront = (at: number) => (at < 0 ? at + length : at);
  if (single) {
    const index = fromFront(begin);
    if (index < 0 || index >= length)
      refuse(call, `there is no element ${begin} along axis ${axis} of ${text([length])}`);
    return 1;
  }
  const [low, high] = stride > 0 ? [0, length] : [-1, length - 1];
  const clamp = (at: number) => Math.min(Math.max(fromFront(at), low), high);
  const [start, stop] = stride > 0 ? [low, high] : [high, low];
  const span = (cut.toEnd ? stop : clamp(end)) - (cut.fromStart ? start : clamp(begin));
  return Math.max(0, Math.ceil(span / stride));
}
