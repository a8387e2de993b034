/**
 * What TensorFlow says where there is no flash attention for a call: XLA without the custom call (a processor), cuDNN
 * without a plan for it (a card, a head or a version of it that has no kernel).
 */
const PATTERNS: readonly RegExp[] = [
  /custom.call.*__cudnn\$fmha/is,
  /__cudnn\$fmha.*(not registered|unimplemented|unsupported)/is,
  /cudnn.*(no valid (engine|execution plan)|not.supported|CUDNN_STATUS_\w+)/is,
  /CUDNN_STATUS_(NOT_SUPPORTED|BAD_PARAM)\w*/i,
  /(fmha|flash attention).*(cudnn|not supported|unsupported)/is,
];

/**
 * What to say where an error of a call means that attention must be computed otherwise; undefined
 * for any other error.
 */
export function flashProblem(error: unknown): string | undefined {
  if (!(error instanceof Error) || !PATTERNS.some((pattern) => pattern.test(error.message))) return undefined;
  const [reason] = error.message.trim().split('\n');
  return `there is no flash attention for this model on this device, continuing with \`attention: recompute\` (${reason!.slice(0, 200)})`;
}
