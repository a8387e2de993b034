import { ALL, type Calls, call, dims, int, type MakeCall, pick, tensor } from './make.js';

const inplaceUpdate: MakeCall = (op, draw) => {
  const T = pick(draw, ALL);
  const shape = dims(draw, 1, 4, 1);
  const rows = int(draw, 0, 4);
  return call(op, [tensor(T, shape), tensor('int32', [rows]), tensor(T, [rows, ...shape.slice(1)])], {
    T: { type: T },
  });
};

export const inPlaceCalls: Calls = { InplaceUpdate: inplaceUpdate };
