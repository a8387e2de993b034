import { cutCalls } from './cut.js';
import { elementwiseCalls } from './elementwise.js';
import { createCalls, gatherCalls } from './gather.js';
import { inPlaceCalls } from './in-place.js';
import { layoutCalls } from './layout.js';
import type { Calls } from './make.js';
import { productCalls } from './products.js';
import { reduceCalls } from './reduce.js';

/** Generators of calls that an op takes, by op. */
export const opCalls: Calls = {
  ...elementwiseCalls,
  ...reduceCalls,
  ...layoutCalls,
  ...cutCalls,
  ...productCalls,
  ...gatherCalls,
  ...inPlaceCalls,
  ...createCalls,
};
