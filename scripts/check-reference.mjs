/**
 * Checks that everything a program can import from the package is described: each export of its entries, and each function of an exported interface,
 * has a doc comment. Reads the compiler's declarations. Exit code 1: something is missing.
 */
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const root = join(import.meta.dirname, '..');
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const declaration =
  /^(?<comment>\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?export (?:declare )?(?<kind>interface|type|const|function|class) (?<name>\w+)/gm;
const reexport = /^export (?<typeOnly>type )?(?:\*|\{(?<names>[^}]*)\}) from ['"](?<path>\.[^'"]+)['"];/gm;

/** The exports and re-exports of a declaration file: by name, where each is declared and whether it is described. */
function exportsOf(file, isTypeOnly = false) {
  const text = readFileSync(file, 'utf8');
  const found = new Map();
  for (const { groups, index } of text.matchAll(declaration))
    if (!(isTypeOnly && /^(?:const|function)$/.test(groups.kind)))
      found.set(groups.name, {
        file,
        isDescribed: groups.comment !== undefined || found.get(groups.name)?.isDescribed === true,
        bare: groups.kind === 'interface' ? bareFunctions(interfaceText(text, index)) : [],
      });
  for (const { groups } of text.matchAll(reexport)) {
    const handed = exportsOf(declarationsAt(file, groups.path), isTypeOnly || groups.typeOnly !== undefined);
    const names = groups.names?.split(',').map((name) => name.trim().replace(/^type /, '')) ?? [...handed.keys()];
    for (const name of names.filter((each) => each !== ''))
      found.set(name, handed.get(name) ?? { file, isDescribed: false, bare: [] });
  }
  return found;
}

function declarationsAt(file, path) {
  return join(dirname(file), path.replace(/\.[jt]s$/, '.d.ts'));
}

/** An interface's text from its name on. If it is derived from a function's result: the text of that function. */
function interfaceText(text, index) {
  const declared = text.slice(text.indexOf('export interface', index));
  const [, source] = /^export interface \w+ extends ReturnType<typeof (\w+)>/.exec(declared) ?? [];
  return text.slice(source === undefined ? index : text.indexOf(`function ${source}(`));
}

/** The functions of an interface without a comment. */
function bareFunctions(text) {
  const lines = text.slice(0, text.indexOf('\n}')).split('\n');
  return lines
    .map((line, index) => ({ name: /^ {4}(\w+)(?:<[^(]*>)?(?:: )?\(/.exec(line)?.[1], above: lines[index - 1] ?? '' }))
    .filter(({ name, above }) => name !== undefined && !above.trimEnd().endsWith('*/'))
    .map(({ name }) => name);
}

const problems = Object.values(exports).flatMap(({ types }) =>
  [...exportsOf(join(root, types))].flatMap(([name, { file, isDescribed, bare }]) => [
    ...(isDescribed ? [] : [`${relative(root, file)}: ${name} has no doc comment`]),
    ...bare.map((each) => `${relative(root, file)}: ${name}.${each} has no doc comment`),
  ]),
);
for (const problem of [...new Set(problems)].sort()) console.log(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
