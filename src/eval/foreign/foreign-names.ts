/** What may not be in the name of a folder or file that is made for an arm or a set. */
const UNFIT = /[^\p{L}\p{N}_+.@ -]+/gu;
const LONGEST = 80;
/** How a run of an arm with several is called; see `writeAlpacaEval`. */
const RUN = /^(.+) \(run (\d+)\)$/;

/** A run of an arm, by the model's name in a file of another program. */
export interface NamedRun {
  readonly arm: string;
  /** From 1. */
  readonly run: number;
}

/** Names that can be those of files, all different, also where case does not count. */
export function fitNames(names: Iterable<string>): Map<string, string> {
  const taken = new Set<string>();
  const fitted = new Map<string, string>();
  for (const name of names) {
    if (fitted.has(name)) continue;
    const plain =
      name
        .replace(UNFIT, '-')
        .replace(/^[^\p{L}\p{N}_]+/u, '')
        .slice(0, LONGEST)
        .replace(/[. ]+$/, '') || 'unnamed';
    let fit = plain;
    for (let n = 2; taken.has(fit.toLowerCase()); n++) fit = `${plain}-${n}`;
    taken.add(fit.toLowerCase());
    fitted.set(name, fit);
  }
  return fitted;
}

/** Arms and runs of models: `phased (run 2)` is the second run of `phased`, where there are others. */
export function runsOf(generators: Iterable<string>): Map<string, NamedRun> {
  const all = [...new Set(generators)];
  const parts = all.map((generator) => {
    const [, arm, run] = RUN.exec(generator) ?? [];
    return { generator, arm: arm ?? generator, run: Number(run ?? 1) };
  });
  const arms = fitNames(parts.map(({ arm }) => arm));
  return new Map(
    parts.map(({ generator, arm, run }) => {
      const before = parts.filter((one) => one.arm === arm && one.run < run).length;
      return [generator, { arm: arms.get(arm)!, run: before + 1 }];
    }),
  );
}
