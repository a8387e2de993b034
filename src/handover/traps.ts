/** What can be wrong with a stage that another engine trained, and what to do about it. */
export const TRAPS = {
  'frozen adapter':
    'load the adapter with `is_trainable=True`: a trainer that is passed a frozen adapter trains nothing (trl#3926)',
  'same file':
    'the engine saved what it had loaded: see that it trained this stage at all, and that it saves the trained model',
  'partly frozen':
    'see in the log of the engine how many parameters it trains, and that nothing freezes a part of the adapter',
  'B is zero':
    'under DeepSpeed ZeRO-3 the trained matrices are not gathered before they are saved (peft#1402): train with FSDP2',
  'A is zero': 'the file was not written from a trained adapter: train the stage again',
  'empty file': 'under DeepSpeed ZeRO-3 an adapter can be saved empty (trl#4416): train with FSDP2',
  'empty shapes':
    'under DeepSpeed ZeRO-3 matrices that are not gathered are saved as [0, h] (peft#2884): train with FSDP2',
  'other names':
    'save the adapter with PEFT (`save_pretrained`), not the model in which it is wrapped; the next stage would begin from a new adapter',
  'other shapes':
    'give the engine the rank and the targets of adapter-0: each stage loads the adapter of the one before',
  'other scale':
    'give the engine alpha and rsLoRA of adapter-0: with another scale the same matrices are another model',
  'not finite': 'lower the learning rate, or train in float32: the training diverged',
  'broken file': 'copy it again, or train the stage again',
  'no safetensors': 'save the adapter as safetensors',
  'no configuration': 'copy adapter_config.json, which belongs to the weights',
  'other input': 'let each stage load the adapter that the stage before it saved',
  'other first adapter': 'hand the run over again: every number after it depends on the first adapter',
  'other rows': 'put the files of rows back as they were handed over, and train the stage again',
  'other tokens':
    'see that the engine neither cuts nor drops rows, and that it masks no more labels than the file does',
  'too few steps': 'see in the log of the engine why it ended early, and train the stage again',
  'too many steps':
    'one pass over the file of rows is the whole stage: set one epoch, and the number of processes that it was handed over for',
  'other learning rates':
    'use the schedule that was handed over: warm-up in whole steps, the peak, and the number of steps',
  'other loss': 'see that the base model is the same, and that the labels are those of the file of rows',
  'changed later': 'copy the adapter again from where it was trained: the file is not the one that the stage saved',
  'no report': 'the stage was interrupted, or its report was not copied: copy it, or train the stage again',
  'skipped stage': 'train the stages in their order',
} as const;

/** The name of something that can be wrong. */
export type Trap = keyof typeof TRAPS;

/** Something that is wrong. */
export interface Finding {
  readonly trap: Trap;
  /** What was expected and what was found. */
  readonly problem: string;
  /** What to do about it. */
  readonly remedy: string;
}

/** See {@link Finding}. */
export const finding = (trap: Trap, problem: string): Finding => ({ trap, problem, remedy: TRAPS[trap] });
