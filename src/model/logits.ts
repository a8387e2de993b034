import { matMul } from '../backend/raw/matmul.js';
import * as tf from '../backend/tf.js';
import type { Attention } from '../program/compile-options.js';
import type { ProgramSpec } from '../program/program.js';
import type { ModelConfig } from './config.js';
import { causalInputs, decoder } from './decoder.js';
import type { Linear } from './linear.js';
import { headName } from './parameters.js';

/** The entry `logits`: ids [B, T] gives `logits` [B, T, V], every position's, without a cache. */
export const logitsSpec = (config: ModelConfig, linear: Linear, attention?: Attention): ProgramSpec => ({
  variables: {},
  entries: {
    logits: {
      inputs: { ids: { shape: [null, null], dtype: 'int32' } },
      run(weights, { ids }) {
        const [b, t] = ids!.shape as [number, number];
        const hidden = decoder(config, weights, causalInputs(config, ids!), linear, { attention });
        const head = weights[headName(config)]!;
        const logits = matMul(hidden, head, false, true);
        return { outputs: { logits: tf.reshape(logits, [b, t, -1]) } };
      },
    },
  },
});
