import { withSavedModelFolder } from './native/saved-model-folder.js';
import { type BindingTensor, handleOf, tensorOf } from './raw/binding.js';
import { nativeBackend } from './raw/native-op.js';
import { sessionConfig } from './session-config.js';
import type * as tf from './tf.js';

/** A graph held by TensorFlow, with its own variables, which live as long as it does. */
export interface Session {
  /**
   * Computes what is fetched from what is fed. Either is named by its node, with `:1` and so on for
   * a further output. Fetches are float32, int32 or bool. A variable that a fed tensor is assigned
   * to may continue to share that tensor's memory, and so a JavaScript array's, unless the graph
   * copies it. Throws TensorFlow's own message.
   */
  run(feeds: Readonly<Record<string, tf.Tensor>>, fetches: readonly string[]): tf.Tensor[];
  /**
   * Adds nodes, with the functions that they call, to the graph: a GraphDef, whose nodes have names
   * of their own. Variables are known by the `shared_name` of their handles, and stay as they are.
   * Throws TensorFlow's own message when it is refused; the graph is then as it was.
   */
  extend(graphDef: Uint8Array): void;
  /** Frees the graph and its variables; nothing can be run afterwards. */
  close(): void;
}

interface SessionBinding {
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
  readonly TF_BOOL: number;
  loadSavedModel(folder: string, tags: string): number;
  runSavedModel(session: number, feeds: readonly number[], feedNames: string, fetchNames: string): BindingTensor[];
  deleteSavedModel(session: number): void;
  newestGraph(): object;
  extendGraph(graph: object, graphDef: Uint8Array): void;
  deleteTensor(id: number): void;
}

/**
 * Loads a SavedModel (tag `serve`) into a session of the native backend, which runs it as it is
 * written. Throws TensorFlow's own message when it is refused.
 */
export function openSession(savedModel: Uint8Array): Session {
  const binding = nativeBackend().binding as unknown as SessionBinding;
  const files = { savedModel, config: sessionConfig() };
  const id = withSavedModelFolder(files, (folder) => binding.loadSavedModel(folder, 'serve'));
  const graph = binding.newestGraph();
  let open = true;
  return {
    run: (feeds, fetches) => {
      if (!open) throw new Error('the session is closed');
      const names = Object.keys(feeds);
      const gone = names.find((name) => feeds[name]!.isDisposed);
      if (gone !== undefined) throw new Error(`what is fed as "${gone}" was disposed of`);
      const handles = names.map((name) => handleOf(feeds[name]!));
      const outputs = named(names, fetches, () => binding.runSavedModel(id, handles, joined(names), joined(fetches)));
      refuseStrange(binding, outputs, fetches);
      return outputs.map(tensorOf);
    },
    extend: (graphDef) => {
      if (!open) throw new Error('the session is closed');
      binding.extendGraph(graph, graphDef);
    },
    close: () => {
      if (open) binding.deleteSavedModel(id);
      open = false;
    },
  };
}

/**
 * Names as the binding splits them again. Without its output's number it would misread a name that
 * starts with a digit.
 */
const joined = (names: readonly string[]): string =>
  names.map((name) => (name.includes(':') ? name : `${name}:0`)).join(',');

/** The binding does not say which name it did not find. */
function named<T>(feeds: readonly string[], fetches: readonly string[], run: () => T): T {
  try {
    return run();
  } catch (error) {
    const { message } = error as Error;
    if (!message.includes('can not be found in the graph')) throw error;
    const said = (names: readonly string[]) => names.map((name) => `"${name}"`).join(', ') || 'nothing';
    throw new Error(`${message} Fed: ${said(feeds)}; fetched: ${said(fetches)}`, { cause: error });
  }
}

function refuseStrange(binding: SessionBinding, outputs: readonly BindingTensor[], fetches: readonly string[]): void {
  const known = [binding.TF_FLOAT, binding.TF_INT32, binding.TF_BOOL];
  const strange = outputs.findIndex(({ dtype }) => !known.includes(dtype));
  if (strange < 0) return;
  for (const { id } of outputs) binding.deleteTensor(id);
  const { dtype } = outputs[strange]!;
  throw new Error(`${fetches[strange]} is of TensorFlow's type ${dtype}; only float32, int32 and bool can be fetched`);
}
