import type { BinaryWriter } from '@bufbuild/protobuf/wire';
import { message, text, varint } from '../../io/protobuf.js';
import { writeAttribute } from './attribute-proto.js';
import type { GraphFunction, GraphNode, TensorRef } from './graph.js';
import { outputNames } from './op-traits.js';
import { FIELD, TYPE } from './saved-model-schema.js';
import { sortNodes } from './walk.js';

/**
 * An output of an op, as nodes of a function name it: the name of its definition, and a place in it
 * where that is a list.
 */
function outputOf(op: string, output: number): string {
  const [name = 'output', ...more] = outputNames(op) ?? [];
  return more.length > 0 ? `${[name, ...more][output]}:0` : `${name}:${output}`;
}

/** Writes the content of a FunctionDef. */
export function writeFunction(writer: BinaryWriter, { name, inputs, outputs }: GraphFunction): void {
  const { functionDef, op, argument, entry } = FIELD;
  const nodes = sortNodes(outputs.map((from) => from.node)).filter((each) => !inputs.includes(each));
  const names = new Map<GraphNode, string>([
    ...inputs.map((input, i) => [input, `a${i}`] as const),
    ...nodes.map((each, i) => [each, `n${i}`] as const),
  ]);
  const tensor = ({ node, output }: TensorRef): string =>
    inputs.includes(node) ? names.get(node)! : `${names.get(node)}:${outputOf(node.op, output)}`;
  message(writer, functionDef.signature, () => {
    text(writer, op.name, name);
    const argumentsOf = (field: number, prefix: string, types: readonly (keyof typeof TYPE)[]) =>
      types.forEach((type, i) => {
        message(writer, field, () => {
          text(writer, argument.name, `${prefix}${i}`);
          varint(writer, argument.type, TYPE[type]);
        });
      });
    argumentsOf(
      op.inputs,
      'a',
      inputs.map((input) => input.outputs[0]!.dtype),
    );
    argumentsOf(
      op.outputs,
      'r',
      outputs.map(({ node, output }) => node.outputs[output]!.dtype),
    );
  });
  for (const each of nodes)
    message(writer, functionDef.node, () => writeNode(writer, each, names.get(each)!, each.inputs.map(tensor)));
  outputs.forEach((from, i) => {
    message(writer, functionDef.returns, () => {
      text(writer, entry.key, `r${i}`);
      text(writer, entry.value, tensor(from));
    });
  });
}

/** Writes the content of a NodeDef; `inputs` are written as they are. */
export function writeNode(
  writer: BinaryWriter,
  { op, attributes }: GraphNode,
  name: string,
  inputs: readonly string[],
): void {
  const { node: field, entry } = FIELD;
  text(writer, field.name, name);
  text(writer, field.op, op);
  for (const input of inputs) text(writer, field.input, input);
  for (const [key, attribute] of Object.entries(attributes))
    message(writer, field.attributes, () => {
      text(writer, entry.key, key);
      message(writer, entry.value, () => writeAttribute(writer, attribute));
    });
}
