/** Sets of instructions with which oneDNN computes no products in bfloat16. */
const WITHOUT_BFLOAT16 = /^(sse41|avx|avx2|avx2_vnni|avx2_vnni_2)$/i;

/**
 * True where the environment has oneDNN do with fewer instructions than its bfloat16 needs.
 * TensorFlow asks the processor, not the environment, still hands it products in bfloat16, and the
 * error that comes back ends the process.
 */
export function limitedBelowBfloat16(env: NodeJS.ProcessEnv): boolean {
  // The second is the name that oneDNN had before.
  const most = env.ONEDNN_MAX_CPU_ISA ?? env.DNNL_MAX_CPU_ISA ?? '';
  return WITHOUT_BFLOAT16.test(most) && env.TF_ENABLE_ONEDNN_OPTS !== '0';
}

/**
 * What TF_ENABLE_ONEDNN_OPTS is set to, which TensorFlow reads when it is loaded. By itself it uses oneDNN only on
 * processors with AVX512-VNNI; with AVX2 alone a step in float32 is a fifth faster with it too.
 */
export const oneDnnSetting = (env: NodeJS.ProcessEnv): string =>
  limitedBelowBfloat16(env) ? '0' : (env.TF_ENABLE_ONEDNN_OPTS ?? '1');
