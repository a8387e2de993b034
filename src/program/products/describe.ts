import { formatNumber } from '../../telemetry/format.js';
import type { PrecisionChoice } from './choose.js';

/**
 * A choice and its reason as a clause:
 * `bfloat16, whose products are 4.3 times as fast here (1,657 and 386 GFLOP/s)`.
 */
export function describePrecision({ precision, chosen, gflops }: PrecisionChoice): string {
  if (chosen === 'given') return `${precision}, as given`;
  if (!gflops) return `${precision}, as on every such device`;
  const other = precision === 'float32' ? 'bfloat16' : 'float32';
  const ratio = gflops[precision] / gflops[other];
  const figures = `(${formatNumber(gflops[precision])} and ${formatNumber(gflops[other])} GFLOP/s)`;
  return ratio >= 1.05
    ? `${precision}, whose products are ${formatNumber(ratio)} times as fast as in ${other} here ${figures}`
    : `${precision}, whose products are about as fast as in ${other} here ${figures}, in half the memory`;
}
