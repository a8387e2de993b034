import { adapterLayout, adapterValues, type Entries, programWithAdapter } from '../../lora/adapted-model.js';
import type { Adapter } from '../../lora/adapter.js';
import type { ModelFolder } from '../../model/load.js';
import type { CompileOptions } from '../../program/compile-options.js';
import type { Program } from '../../program/program.js';

/** Programs over one model's weights, one at a time: two would hold the weights twice. */
export interface AdapterPrograms {
  /**
   * A program with these entries and this adapter. `name` names the entries: where the last program has entries of
   * this name and its adapter the same layout, only the adapter's values are written.
   */
  open(
    name: string,
    entries: Entries,
    adapter: Adapter | undefined,
    shapes?: CompileOptions['shapes'],
  ): Promise<Program>;
  dispose(): void;
}

/** See {@link AdapterPrograms}. The model stays the caller's. */
export function adapterPrograms(model: ModelFolder, compile: CompileOptions): AdapterPrograms {
  let held: { readonly key: string; readonly program: Program } | undefined;
  const dispose = (): void => {
    held?.program.dispose();
    held = undefined;
  };
  return {
    async open(name, entries, adapter, shapes) {
      const key = `${adapterLayout(adapter)} ${name}`;
      if (held?.key === key) {
        if (adapter) held.program.write(adapterValues(adapter, model.config));
        return held.program;
      }
      dispose();
      const program = await programWithAdapter(model, adapter, entries, { ...compile, ...(shapes && { shapes }) });
      held = { key, program };
      return program;
    },
    dispose,
  };
}
