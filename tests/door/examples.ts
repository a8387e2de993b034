import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
import { compilerOptions, DOORS, type Export } from './doors.js';

/** A program of the documentation, ready to be compiled and run. */
export interface Example {
  /** Whose it is. */
  readonly name: string;
  /** With imports of all that it takes from the doors. */
  readonly code: string;
}

/** Whoever reads an example knows where the things in it come from: imports that it leaves out are put before it. */
export function withImports(name: string, code: string, door: string, all: readonly Export[]): Example {
  const source = ts.createSourceFile('example.ts', code, ts.ScriptTarget.Latest, true);
  const [used, declared] = [new Set<string>(), new Set<string>()];
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) {
      const { parent } = node;
      const isName =
        (ts.isPropertyAccessExpression(parent) && parent.name === node) ||
        (ts.isPropertyAssignment(parent) && parent.name === node) ||
        (ts.isBindingElement(parent) && parent.propertyName === node);
      const isDeclared =
        (ts.isVariableDeclaration(parent) || ts.isBindingElement(parent) || ts.isParameter(parent)) &&
        parent.name === node;
      if (isDeclared || ts.isImportSpecifier(parent)) declared.add(node.text);
      else if (!isName) used.add(node.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  const order = [door, ...DOORS.keys()];
  const imports = [...used]
    .filter((word) => !declared.has(word))
    .flatMap((word) => {
      const found = order.find((from) => all.some((each) => each.door === from && each.name === word));
      return found === undefined ? [] : [`import { ${word} } from '${found}';`];
    });
  return { name, code: [...imports, code, 'export {};', ''].join('\n') };
}

const fileOf = (index: number): string => resolve(`tests/door/example-${index}.ts`);

/** What a strict compiler says about the examples, each line with the name of its example. */
export function compileErrors(examples: readonly Example[], before: ts.Program): string[] {
  const codes = new Map(examples.map(({ code }, i) => [fileOf(i), code]));
  const options = { ...compilerOptions, noUnusedLocals: false, noUnusedParameters: false };
  const host = ts.createCompilerHost(options, true);
  const { getSourceFile, fileExists, readFile } = host;
  host.fileExists = (path) => codes.has(path) || fileExists(path);
  host.readFile = (path) => codes.get(path) ?? readFile(path);
  host.getSourceFile = (path, language, ...rest) => {
    const code = codes.get(path);
    if (code === undefined) return before.getSourceFile(path) ?? getSourceFile(path, language, ...rest);
    return ts.createSourceFile(path, code, language, true);
  };
  const program = ts.createProgram([...codes.keys()], options, host);
  return examples.flatMap(({ name, code }, i) => {
    const source = program.getSourceFile(fileOf(i))!;
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
      ({ messageText, start = 0 }) =>
        `${name}: ${ts.flattenDiagnosticMessageText(messageText, ' ')} (${lineAt(code, start)})`,
    );
  });
}

const lineAt = (code: string, start: number): string =>
  code.split('\n')[code.slice(0, start).split('\n').length - 1]!.trim();

/** An example as JavaScript that takes the doors from the source. */
export const runnable = ({ code }: Example): string =>
  ts
    .transpileModule(code, { compilerOptions: { ...compilerOptions, noEmit: false, module: ts.ModuleKind.ESNext } })
    .outputText.replace(/from '(phasetune[\w/]*)'/g, (_, door: string) => `from '${pathToFileURL(DOORS.get(door)!)}'`);
