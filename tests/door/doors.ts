import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import ts from 'typescript';

/** The doors: name for an import, and source file. */
export const DOORS: ReadonlyMap<string, string> = new Map(
  Object.entries(
    JSON.parse(readFileSync('package.json', 'utf8')).exports as Record<string, { types?: string }>,
  ).flatMap(([path, { types }]) =>
    types === undefined
      ? []
      : [[`phasetune${path.slice(1)}`, resolve(types.replace(/^\.\/dist\//, 'src/').replace(/\.d\.ts$/, '.ts'))]],
  ),
);

/** What a door exports. */
export interface Export {
  readonly door: string;
  readonly name: string;
  readonly declarations: readonly ts.Declaration[];
  /** True for what exists at run time: a function, a schema, a class. */
  readonly isValue: boolean;
  /** The code of its examples. */
  readonly examples: readonly string[];
}

/** Options of the project, as a strict user of Node.js compiles. */
export const compilerOptions: ts.CompilerOptions = {
  ...ts.parseJsonConfigFileContent(JSON.parse(readFileSync('tsconfig.json', 'utf8')), ts.sys, '.').options,
  paths: Object.fromEntries([...DOORS].map(([door, file]) => [door, [file]])),
};

/** The program over all doors. */
export const openDoors = (): ts.Program => ts.createProgram([...DOORS.values()], compilerOptions);

const moduleOf = (program: ts.Program, door: string): ts.Symbol =>
  program.getTypeChecker().getSymbolAtLocation(program.getSourceFile(DOORS.get(door)!)!)!;

/** Resolves an export or import to what it stands for. */
const resolved = (checker: ts.TypeChecker, symbol: ts.Symbol): ts.Symbol =>
  symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;

/** Everything that a door exports. */
export function exportsOf(program: ts.Program, door: string): Export[] {
  const checker = program.getTypeChecker();
  return checker.getExportsOfModule(moduleOf(program, door)).map((symbol) => {
    const target = resolved(checker, symbol);
    return {
      door,
      name: symbol.name,
      declarations: target.declarations ?? [],
      isValue: (target.flags & ts.SymbolFlags.Value) !== 0,
      examples: target
        .getJsDocTags(checker)
        .filter(({ name }) => name === 'example')
        .map(({ text }) => codeOf(ts.displayPartsToString(text))),
    };
  });
}

/** An example's code, with or without a fence around it. */
const codeOf = (text: string): string => /^```\w*\n([\s\S]*?)\n```$/.exec(text.trim())?.[1] ?? text.trim();

const ofProject = (declaration: ts.Declaration): boolean => {
  const { fileName } = declaration.getSourceFile();
  return fileName.startsWith(resolve('src'));
};

/** Names of types that a door's signatures use and that it does not export, each with the place that uses it. */
export function missingTypes(program: ts.Program, door: string): string[] {
  const checker = program.getTypeChecker();
  const exported = new Set(
    checker.getExportsOfModule(moduleOf(program, door)).map((symbol) => resolved(checker, symbol)),
  );
  const missing = new Set<string>();
  const check = (name: ts.Node, from: string): void => {
    const symbol = checker.getSymbolAtLocation(name);
    const target = symbol && resolved(checker, symbol);
    if (!target || target.flags & ts.SymbolFlags.TypeParameter || exported.has(target)) return;
    if (target.declarations?.some(ofProject)) missing.add(`${target.name}, named by ${from}`);
  };
  for (const { name, declarations } of exportsOf(program, door))
    for (const declaration of declarations.filter(ofProject))
      for (const part of signatureOf(declaration)) eachName(part, (node) => check(node, name));
  return [...missing].sort();
}

/** The parts of a declaration that a caller sees. */
function signatureOf(declaration: ts.Declaration): readonly ts.Node[] {
  if (ts.isInterfaceDeclaration(declaration) || ts.isTypeAliasDeclaration(declaration)) return [declaration];
  if (ts.isFunctionLike(declaration)) return signatureParts(declaration);
  if (ts.isVariableDeclaration(declaration)) {
    if (declaration.type) return [declaration.type];
    const value = declaration.initializer;
    return value && ts.isFunctionLike(value) ? signatureParts(value) : [];
  }
  if (ts.isClassDeclaration(declaration))
    return [
      ...(declaration.typeParameters ?? []),
      ...(declaration.heritageClauses ?? []),
      ...declaration.members.flatMap((member) =>
        ts.isPropertyDeclaration(member) ? (member.type ? [member.type] : []) : signatureOf(member as ts.Declaration),
      ),
    ];
  return [];
}

const signatureParts = ({ typeParameters, parameters, type }: ts.SignatureDeclaration): ts.Node[] => [
  ...(typeParameters ?? []),
  ...parameters.flatMap((parameter) => (parameter.type ? [parameter.type] : [])),
  ...(type ? [type] : []),
];

/**
 * Calls `use` with each name of a type in it. A value behind `typeof` need not be known: its type
 * is spelled out by what it has.
 */
function eachName(node: ts.Node, use: (name: ts.Node) => void): void {
  if (ts.isTypeReferenceNode(node)) use(ts.isQualifiedName(node.typeName) ? node.typeName.right : node.typeName);
  if (ts.isExpressionWithTypeArguments(node)) use(node.expression);
  if (ts.isTypeQueryNode(node)) return;
  ts.forEachChild(node, (child) => eachName(child, use));
}

/** Packages that the declarations of a door need, its own and those of all modules behind them. */
export function packagesOf(program: ts.Program, door: string): string[] {
  const options = { ...compilerOptions, noEmit: false, declaration: true, emitDeclarationOnly: true };
  const emitting = ts.createProgram([...DOORS.values()], options, undefined, program);
  const packages = new Set<string>();
  const files = new Set([DOORS.get(door)!]);
  for (const file of files) {
    let text = '';
    const write: ts.WriteFileCallback = (_, declarations) => {
      text = declarations;
    };
    emitting.emit(emitting.getSourceFile(file), write, undefined, true);
    for (const { fileName } of ts.preProcessFile(text).importedFiles)
      if (fileName.startsWith('.')) files.add(resolve(file, '..', fileName.replace(/\.js$/, '.ts')));
      else packages.add(fileName);
  }
  return [...packages].sort();
}
