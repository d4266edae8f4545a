/**
 * Writes docs/reference/api: a page for each entry of the package, by TypeDoc, from the declarations that the compiler wrote (`npm run build` first).
 * TypeDoc needs an older TypeScript than the sources, so it is in a separate package, which nothing else needs.
 *
 * TypeDoc reads a copy of the declarations with the shapes of answers written out, because types that are inferred from schemas are unreadable.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Application, TSConfigReader } from 'typedoc';
import ts from 'typescript';

const root = resolve(import.meta.dirname, '../..');
const { operations } = await import(join(root, 'dist/runtime/api/operations/operations.js'));
const out = join(root, 'docs/reference/api');
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const entries = [
  { page: 'stator', entry: '.', title: 'stator' },
  { page: 'durable', entry: './durable', title: 'stator/durable' },
  { page: 'client', entry: './client', title: 'stator/client' },
  { page: 'machines', entry: './machines', title: 'stator/machines' },
];

const compilerOptions = {
  target: ts.ScriptTarget.ES2023,
  lib: ['lib.es2023.d.ts', 'lib.dom.d.ts'],
  module: ts.ModuleKind.NodeNext,
  strict: true,
  exactOptionalPropertyTypes: true,
  allowImportingTsExtensions: true,
  skipLibCheck: true,
  noEmit: true,
  types: ['node'],
  typeRoots: [join(root, 'node_modules/@types')],
};

/** The sources of the declarations: only they have the comments within schemas. */
function sourceOf(types) {
  return join(root, types.replace(/^\.\/dist\//, '').replace(/\.d\.ts$/, '.ts'));
}

const program = ts.createProgram(
  entries.map(({ entry }) => sourceOf(exports[entry].types)),
  compilerOptions,
);
const checker = program.getTypeChecker();

/** Whether the type is inferred from a schema or from a table. */
function isInferred(node, file) {
  if (ts.isInterfaceDeclaration(node))
    return /^(?:Of|z\.infer)</.test(node.heritageClauses?.[0]?.types[0]?.getText(file) ?? '');
  return (
    ts.isTypeAliasDeclaration(node) &&
    /^z\.(?:infer|input|output)<|^(?:keyof typeof \w+|\(typeof \w+\)\[number\])$/.test(node.type.getText(file))
  );
}

/** The inferred types by name; where one of them is used again, its name is written. */
const inferred = new Map();
const nameOf = new Map();
for (const file of program.getSourceFiles()) {
  if (!/\/(?:api\/contract|api\/operations|machines\/vocabulary|platform)\/[\w-]+\.ts$/.test(file.fileName)) continue;
  for (const node of file.statements) {
    if (!isInferred(node, file)) continue;
    const type = checker.getTypeAtLocation(node.name);
    inferred.set(node.name.text, type);
    nameOf.set(type, node.name.text);
  }
}

function commentOf(symbol) {
  const text = ts.displayPartsToString(symbol.getDocumentationComment(checker)).trim();
  return text === '' ? '' : `/** ${text} */\n`;
}

/** A type as text, with the fields of its objects and their descriptions. */
function written(type, isRoot = false) {
  if (!isRoot && nameOf.has(type)) return nameOf.get(type);
  if ((type.flags & ts.TypeFlags.Boolean) !== 0) return 'boolean';
  if (type.isUnion()) return [...new Set(orderOf(type).map((each) => written(each)))].join(' | ');
  if (checker.isArrayType(type)) {
    const [item] = checker.getTypeArguments(type);
    const isReadonly = type.symbol?.name === 'ReadonlyArray';
    return `${isReadonly ? 'readonly ' : ''}${item.isUnion() ? `(${written(item)})` : written(item)}[]`;
  }
  const fields = type.getProperties();
  const isObject =
    (type.flags & ts.TypeFlags.Object) !== 0 && type.getCallSignatures().length === 0 && !checker.isTupleType(type);
  if (!isObject || fields.length === 0) return checker.typeToString(type, undefined, ts.TypeFormatFlags.NoTruncation);
  return `{\n${fields.map(fieldOf).join('')}}`;
}

function fieldOf(symbol) {
  const isOptional = (symbol.flags & ts.SymbolFlags.Optional) !== 0;
  const type = checker.getTypeOfSymbol(symbol);
  const bare = isOptional ? checker.getNonNullableType(type) : type;
  const isNullable = isOptional && type.isUnion() && type.types.some(({ flags }) => (flags & ts.TypeFlags.Null) !== 0);
  return `${commentOf(symbol)}${JSON.stringify(symbol.name)}${isOptional ? '?' : ''}: ${written(bare)}${isNullable ? ' | null' : ''};\n`;
}

/** The members of a union in alphabetical order, and null last: the order of the checker is arbitrary. */
function orderOf(type) {
  const key = (each) => ((each.flags & ts.TypeFlags.Null) !== 0 ? '~' : checker.typeToString(each));
  const isBoolean = ({ flags }) => (flags & ts.TypeFlags.BooleanLiteral) !== 0;
  const types = type.types.filter((each) => !isBoolean(each));
  return [...types, ...(types.length < type.types.length ? [checker.getBooleanType()] : [])].sort((a, b) =>
    key(a) < key(b) ? -1 : 1,
  );
}

/** A statement for the reader; null: unchanged. Shapes are written out; charts and tables are replaced by the name of their kind. */
function readable(node, file) {
  if (isInferred(node, file)) {
    const type = inferred.get(node.name.text);
    if (type === undefined) return null;
    const body = written(type, true);
    return body.startsWith('{')
      ? `export interface ${node.name.text} ${body}`
      : `export type ${node.name.text} = ${body};`;
  }
  const source = ts.isInterfaceDeclaration(node) ? returnedBy(node, file) : undefined;
  if (source !== undefined) return `export interface ${node.name.text} ${membersOf(source, file)}`;
  if (isTypeOnly(file.fileName) && (ts.isVariableStatement(node) || ts.isFunctionDeclaration(node))) return '';
  if (!ts.isVariableStatement(node)) return null;
  const [{ name }] = node.declarationList.declarations;
  const kind = kinds.find(({ fits }) => fits.test(name.getText(file)));
  return kind === undefined ? null : `export declare const ${name.getText(file)}: ${kind.type};`;
}

/** The function whose returned object an interface is derived from, by `extends ReturnType<typeof …>`. */
function returnedBy(node, file) {
  const name = /^ReturnType<typeof (\w+)>$/.exec(node.heritageClauses?.[0]?.types[0]?.getText(file) ?? '')?.[1];
  return file.statements.find((each) => ts.isFunctionDeclaration(each) && each.name?.text === name);
}

/** The members of the object that a function returns, in the form of an interface: a method for each function, a name for each parameter. */
function membersOf(source, file) {
  const members = source.type.members.map((member) => {
    const text =
      saidOf(member.name.getText(file)) ??
      member.getFullText(file).slice(0, member.name.getStart(file) - member.getFullStart());
    const signature = ts.isMethodSignature(member) ? member : member.type;
    if (signature.parameters === undefined) return member.getFullText(file);
    const parameters = signature.parameters.map((parameter) => {
      const name = ts.isIdentifier(parameter.name) ? parameter.name.text : 'options';
      return `${name}${parameter.questionToken === undefined ? '' : '?'}: ${parameter.type.getText(file)}`;
    });
    return `${text}${member.name.text}(${parameters.join(', ')}): ${signature.type.getText(file)};`;
  });
  return `{${members.join('')}\n}`;
}

/** The summary of an operation, as the comment of its method. */
function saidOf(name) {
  const operation = operations[name];
  if (operation === undefined) return undefined;
  const { does, errors = [] } = operation;
  const thrown = errors.length === 0 ? '' : ` Throws ${errors.map((code) => `\`${code}\``).join(', ')}.`;
  return `\n\t/** ${does.slice(0, 1).toUpperCase()}${does.slice(1)}.${thrown} */\n\t`;
}

/** A program gets the types of the contract and of the client, but not their schemas and functions: they are re-exported by `export type *`. */
function isTypeOnly(path) {
  return /[\\/]api[\\/](?:contract[\\/]|operations[\\/]|client[\\/]client\.)/.test(path);
}

const kinds = [
  { fits: /^\w+Machine$/, type: 'import("xstate").AnyStateMachine' },
  { fits: /^signals$/, type: 'Readonly<Record<SignalType, SignalKind>>' },
];

function readableFile(path) {
  const text = readFileSync(path, 'utf8');
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true);
  let said = text;
  for (const node of [...file.statements].reverse()) {
    const instead = readable(node, file);
    if (instead === null) continue;
    // If a schema is left out, its description is left out too.
    const from = instead === '' ? node.getFullStart() : node.getStart(file);
    said = said.slice(0, from) + instead + said.slice(node.getEnd());
  }
  return said;
}

const folder = mkdtempSync(join(tmpdir(), 'stator-reference-'));
try {
  const build = join(folder, 'dist');
  for (const layer of ['machines', 'actors', 'runtime'])
    cpSync(join(root, 'dist', layer), join(build, layer), {
      recursive: true,
      filter: (file) => !/\.(?:js|map)$/.test(file),
    });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  mkdirSync(join(folder, 'entries'));
  for (const path of ts.sys.readDirectory(build, ['.d.ts'])) writeFileSync(path, readableFile(path));
  const tsconfig = {
    noEmit: true,
    target: 'es2023',
    lib: ['es2023', 'dom'],
    module: 'nodenext',
    strict: true,
    skipLibCheck: true,
    types: [],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: tsconfig, include: ['entries'] }));
  for (const { page, entry } of entries) {
    const path = exports[entry].types.replace(/^\.\/dist/, '../dist').replace(/\.d\.ts$/, '.js');
    writeFileSync(join(folder, 'entries', `${page}.ts`), `export * from '${path}';\n`);
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const app = await Application.bootstrapWithPlugins(
    {
      entryPoints: entries.map(({ page }) => join(folder, 'entries', `${page}.ts`)),
      tsconfig: join(folder, 'tsconfig.json'),
      plugin: [import.meta.resolve('typedoc-plugin-markdown')],
      outputs: [{ name: 'markdown', path: join(folder, 'out') }],
      name: 'stator',
      router: 'module',
      readme: 'none',
      skipErrorChecking: true,
      disableSources: true,
      excludeExternals: true,
      hidePageHeader: true,
      hideBreadcrumbs: true,
      useCodeBlocks: true,
      parametersFormat: 'table',
      interfacePropertiesFormat: 'table',
      classPropertiesFormat: 'table',
      typeAliasPropertiesFormat: 'table',
      propertyMembersFormat: 'table',
      typeDeclarationFormat: 'table',
      validation: false,
      logLevel: 'Warn',
    },
    [new TSConfigReader()],
  );
  const project = await app.convert();
  if (project === undefined) throw new Error('TypeDoc could not read the declarations');
  await app.generateOutputs(project);
  mkdirSync(out, { recursive: true });
  for (const { page, title } of entries)
    writeFileSync(join(out, `${page}.md`), finished(readFileSync(join(folder, 'out', `${page}.md`), 'utf8'), title));
} finally {
  rmSync(folder, { recursive: true });
}

/** The page with the name that people import, and its re-exports of another page in one paragraph. */
function finished(text, title) {
  const [body, handedOn = ''] = text.split('\n## References\n');
  const names = [...handedOn.matchAll(/^### (\S+)/gm)].map(([, name]) => `\`${name}\``);
  const also =
    names.length === 0 ? '' : `\n## Types of [stator](stator.md)\n\nThey are exported here too: ${names.join(', ')}.\n`;
  return `<!-- written by: npm run docs:reference -->\n\n# ${title}\n\n${body
    .slice(body.indexOf('\n'))
    .trimEnd()
    .replace(/\*\*\*$/, '')
    .trim()}\n${also}`;
}
