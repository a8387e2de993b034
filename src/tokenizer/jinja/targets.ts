import type { Expression, Target } from './ast.js';
import { fail } from './errors.js';
import { isConstant, parsePrimary } from './expressions.js';
import { parseTupleOf } from './sequences.js';
import { current, describe, expect, isNext, type TokenStream } from './stream.js';

/** What is assigned to. `fields`: attributes of namespaces too; `single`: one name. */
export function parseTarget(
  stream: TokenStream,
  options: { readonly until?: string; readonly fields?: boolean; readonly single?: boolean } = {},
): Target {
  if (options.single) {
    if (current(stream).type !== 'name') fail(`expected a name, found ${describe(current(stream))}`);
    return toTarget(parsePrimary(stream), new Set());
  }
  const fields: { -readonly [K in keyof Expression]?: Expression[K] }[] = [];
  const parsed = parseTupleOf(stream, options, () => {
    const token = current(stream);
    if (options.fields && token.type === 'name' && isNext(stream, 'operator', '.', 1) && !isConstant(token.value)) {
      stream.at += 2;
      const name = expect(stream, 'name').value as string;
      const field = {
        type: 'attribute',
        object: { type: 'name', name: token.value, line: token.line },
        name,
        line: token.line,
      } as const;
      fields.push(field);
      return field;
    }
    return parsePrimary(stream);
  });
  return toTarget(parsed, new Set(fields));
}

function toTarget(node: Expression, fields: ReadonlySet<unknown>): Target {
  if (node.type === 'name') return node;
  if (node.type === 'attribute' && fields.has(node) && node.object.type === 'name')
    return { type: 'field', of: node.object, name: node.name };
  if (node.type === 'tuple') return { type: 'targets', items: node.items.map((item) => toTarget(item, fields)) };
  return fail('expected a name to assign to');
}
