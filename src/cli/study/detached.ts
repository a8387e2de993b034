import { shellWord } from '../../core/shell-word.js';
import { alignedLines } from '../../telemetry/document.js';
import type { CommandContext } from '../command.js';

/** Prints how jobs that continue without this process are followed, stopped, and their results had. */
export function printDetached(
  { file, out }: { readonly file: string; readonly out: string },
  { print }: Pick<CommandContext, 'print'>,
): void {
  for (const line of alignedLines(
    [
      ['follow them', `phasetune ablate status ${shellWord(out)}`],
      ['stop them (cells save first)', `phasetune ablate stop ${shellWord(out)}`],
      ['results, once all have ended', `phasetune ablate ${shellWord(file)} --out ${shellWord(out)}`],
    ],
    2,
  ))
    print(line);
}
