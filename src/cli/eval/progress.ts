import type { EndpointOptions } from '../../endpoint/options.js';
import type { EvaluateEvent } from '../../workflow/evaluate.js';
import type { CommandContext } from '../command.js';
import { showAnswering } from './answer-progress.js';
import { showJudging } from './judging.js';

/** Shows the events of a whole evaluation, one part after the other. `end` finishes what is shown. */
export function showEvaluation(context: CommandContext, options: Pick<EndpointOptions, 'maxCost'>) {
  const [answering, judging] = [showAnswering(context), showJudging(context, options)];
  return {
    show({ part, event }: EvaluateEvent): void {
      if (part === 'answer') answering.show(event);
      else {
        answering.end();
        judging.show(event);
      }
    },
    end(): void {
      answering.end();
      judging.end();
    },
  };
}
