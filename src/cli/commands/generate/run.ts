import type { Answer } from '../../../eval/answer-options.js';
import { openModel } from '../../../workflow/model.js';
import type { Run } from '../../command.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async (options, { printText, printData, logger, verbose, signal }) => {
  const {
    model: folder,
    adapter,
    mode,
    precision,
    loadIn16bit,
    loadIn8bit,
    loadIn4bit,
    compile,
    device,
    prompt,
    ...answering
  } = options;
  const opening = { adapter, mode, precision, loadIn16bit, loadIn8bit, loadIn4bit, compile, device };
  await using model = await openModel(folder, opening, { logger, verbose });
  const answers: (Omit<Answer, 'index'> & { prompt: string })[] = [];
  for await (const { index, ...answer } of model.answers(prompt, answering, { signal })) {
    answers[index] = { prompt: prompt[index]!, ...answer };
    if (prompt.length > 1) printText(`> ${prompt[index]}`);
    printData(answer.text);
  }
  return { answers, device: model.device };
};
