import { shellWord } from '../../core/shell-word.js';
import type { RenderedJob } from '../../study/render/render.js';
import { alignedLines } from '../../telemetry/document.js';
import type { CommandContext } from '../command.js';

/** Prints how a Job is started and followed, and how its results are had. */
export function printNextSteps(
  { path, name, namespace }: RenderedJob,
  { file, out }: { readonly file: string; readonly out: string },
  { print }: Pick<CommandContext, 'print'>,
): void {
  const kubectl = namespace === undefined ? 'kubectl' : `kubectl --namespace ${namespace}`;
  const study = `phasetune ablate ${shellWord(file)} --out ${shellWord(out)}`;
  for (const line of alignedLines(
    [
      ['start it', `${kubectl} apply -f ${shellWord(path)}`],
      ['follow it', `${kubectl} get job ${name}; phasetune ablate status ${shellWord(out)}`],
      ['end it (cells save first)', `${kubectl} delete job ${name}`],
      ['results, or a Job of what is left', `${study} --render kubernetes`],
      ['results of what is done', `${study} --finish`],
    ],
    2,
  ))
    print(line);
}
