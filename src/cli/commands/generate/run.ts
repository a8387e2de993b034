import { loadBackend } from '../../../backend/load.js';
import type { Answer } from '../../../eval/answer.js';
import { openAnswerer } from '../../../eval/answer.js';
import { compileOptions } from '../../../program/options.js';
import type { Run } from '../../command.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async (options, { printText, printData, logger, verbose, signal }) => {
  const backend = await loadBackend({ device: options.device, logger, verbose });
  const { model, adapter, template, system, prompt, batch, maxTokens, temperature, topK, topP, seed } = options;
  const conversations = prompt.map((content) => [
    ...(system ? [{ role: 'system' as const, content: system }] : []),
    { role: 'user' as const, content },
  ]);
  const decoding = { maxTokens, temperature, topK, topP, seed };
  const compile = compileOptions(options, backend);
  // A card has memory for itself.
  const warn = backend.device === 'cuda' ? {} : { warn: logger.warn };
  const how = { template, batch, decoding, compile, ...warn };
  const answerer = await openAnswerer(model, adapter, conversations, how);
  for (const warning of answerer.warnings) logger.warn(warning);
  const answers: (Omit<Answer, 'index'> & { prompt: string })[] = [];
  try {
    for await (const { index, ...answer } of answerer.answers(signal)) {
      answers[index] = { prompt: prompt[index]!, ...answer };
      if (prompt.length > 1) printText(`> ${prompt[index]}`);
      printData(answer.text);
    }
  } finally {
    await answerer.close();
  }
  return { answers, device: backend.device };
};
