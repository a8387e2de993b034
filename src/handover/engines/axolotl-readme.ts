import type { EngineReadme } from './readme.js';

/** What the README.md of a handover says of Axolotl. */
export const axolotlReadme = (version: string): EngineReadme => ({
  name: 'Axolotl',
  tested: version,
  modelOption: '--base-model',
  files: [
    ['stage-N.yaml', "Axolotl's configuration of a stage"],
    ['phasetune_axolotl.py', 'a plugin of Axolotl, which the configurations name: see below'],
  ],
  more: `## The plugin

Axolotl takes the mean of each pass of a step and averages these means. Where passes have different numbers of trained
tokens, that is not the mean over the step, and where a pass has only lines that fill, it is not a number. Axolotl also
makes two steps of one step of warm-up, and a stage that is interrupted leaves an adapter that looks whole. The plugin
makes the loss the mean over all trained tokens of the step, sets the learning rate of every step, checks rows and adapter
before the training, and writes \`stage-N.json\`, without which no stage counts as trained.`,
});
