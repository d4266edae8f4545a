/**
 * Every verb, and every flag of it, is called by a test at the command line: what is tested at the API beneath it alone is not what a person gets. It reads
 * the sources of the tests. Whether such a test looks at what was promised, no reading of sources can say.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAst } from 'rolldown/parseAst';
import { expect, it } from 'vitest';
import { nouns } from '../../cli/commands.ts';
import { isOfToday, type NamedVerb, namedVerbs } from '../support/command-tree.ts';

const tests = join(import.meta.dirname, '..');
/** These files contain verbs that are not called: mistakes, and lists of all names. */
const notCalled = ['cli/usage.test.ts', 'cli/verbs-smoke.test.ts'];

/** A node of the tree of a source. */
interface Node {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** The words of a list, of a text in a list, or of the arguments of a call; `elsewhere`: the source does not spell it out. */
interface Line {
  readonly words: readonly string[];
  readonly isList: boolean;
}

const elsewhere = '*';
/** The path of the program in front of its words, where it is called as a process. */
const programNames: ReadonlySet<unknown> = new Set(['main', 'program']);
/** Called by a program that a test starts. */
const calledBeneath: ReadonlySet<string> = new Set([
  'mcp permissions', // by support/fixtures/agents/asking-claude.mjs, as the recipe of claude says
]);
const testNames: ReadonlySet<string> = new Set(['it', 'test']);
/** What these are given is expected, or for another program. */
const otherwise = /^(?:to[A-Z]|expectProse|expectRefusal|git$|execFileSync$|spawn$)/;

/** One test, with what its file has outside of tests. */
interface Unit {
  readonly lines: readonly Line[];
  /** All of them, without the values of flags. */
  readonly words: ReadonlySet<string>;
}

it('every verb and every flag is called by a test', async () => {
  const units = sources().flatMap((text) => unitsOf(parseAst(text, { lang: 'ts' }) as unknown as Node)); // its own type names each kind of node
  const missing: string[] = [];
  for (const verb of namedVerbs()) {
    const calling = units.filter(({ lines, words }) => words.has(verb.entry.name) && calls(lines, verb));
    // Names from kasmos and kugetsu are played by other-names.test.ts, which holds that none is left out.
    if (calling.length === 0 && isOfToday(verb) && !calledBeneath.has(verb.name)) missing.push(verb.name);
    if (calling.length === 0 || !isOfToday(verb)) continue;
    for (const names of await flagsOf(verb)) {
      const isSaid = calling.some(({ words }) => names.some((name) => words.has(name)));
      if (!isSaid) missing.push(`${verb.name} ${names[0]}`);
    }
  }
  expect(missing).toEqual([]);
});

function sources(): string[] {
  const files = readdirSync(tests, { recursive: true, encoding: 'utf8' });
  return files
    .filter((file) => file.endsWith('.ts') && !notCalled.includes(file))
    .map((file) => readFileSync(join(tests, file), 'utf8'));
}

/** Each of its own flags by its names, as they are typed. */
async function flagsOf({ entry }: NamedVerb): Promise<string[][]> {
  const { definition } = await entry.load();
  return Object.entries(definition.args ?? {}).flatMap(([name, arg]) => {
    if (arg.type === 'positional') return [];
    const long = `--${arg.type === 'boolean' && arg.default === true ? 'no-' : ''}${name}`;
    return [[long, ...('alias' in arg && typeof arg.alias === 'string' ? [`-${arg.alias}`] : [])]];
  });
}

/** Whether a line begins with the verb; or one with its noun and a word from elsewhere, and another with the verb's own word. */
function calls(lines: readonly Line[], { noun, entry }: NamedVerb): boolean {
  const begins = ({ words, isList }: Line): boolean => {
    const [first, second] = words.slice(words.findIndex((word) => !word.startsWith('-')));
    if (noun !== null) return first === noun && second === entry.name;
    return isList && first === entry.name && second !== elsewhere && !Object.hasOwn(nouns[first] ?? {}, second ?? '');
  };
  if (lines.some(begins)) return true;
  const isForwarded = lines.some(({ words: [first, second] }) => first === noun && second === elsewhere);
  return isForwarded && lines.some(({ words: [first] }) => first === entry.name);
}

function unitsOf(file: Node): Unit[] {
  const tests: Line[][] = [];
  const shared = linesOf(file, (test) => tests.push(linesOf(test)));
  return [shared, ...tests.map((lines) => [...lines, ...shared])].map((lines) => ({
    lines,
    words: new Set(lines.flatMap(({ words }) => words.map((word) => word.replace(/=.*/s, '')))),
  }));
}

/** `onTest` is given each test, which is then no part of the answer. */
function linesOf(root: Node, onTest?: (test: Node) => void): Line[] {
  const lines: Line[] = [];
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(walk);
    if (!isNode(value)) return;
    if (value.type === 'Literal' || value.type === 'Identifier') return;
    const called = value.type === 'CallExpression' ? calledName(value.callee) : null;
    if (called !== null && otherwise.test(called)) {
      walk(value.callee);
    } else if (called !== null && testNames.has(called) && value !== root && onTest !== undefined) {
      onTest(value);
    } else {
      lines.push(...ownLines(value));
      Object.values(value).forEach(walk);
    }
  };
  walk(root);
  return lines;
}

function ownLines(node: Node): Line[] {
  if (node.type === 'CallExpression') {
    const texts = splitWords(node);
    return said([{ words: texts ?? wordsOf(node.arguments), isList: texts !== null }]);
  }
  if (node.type !== 'ArrayExpression') return [];
  const elements = nodes(node.elements);
  const texts = elements.flatMap((element) => textOf(element) ?? []).filter((text) => text.includes(' '));
  return said([wordsOf(elements), ...texts.map((text) => text.split(' '))].map((words) => ({ words, isList: true })));
}

function said(lines: readonly Line[]): Line[] {
  return lines.filter(({ words }) => words.some((word) => word !== elsewhere));
}

function wordsOf(given: unknown): string[] {
  return nodes(given).flatMap((node) => {
    if (node.type === 'Identifier' && programNames.has(node.name)) return [];
    if (node.type !== 'SpreadElement') return [textOf(node) ?? elsewhere];
    const { argument } = node;
    if (!isNode(argument)) return [];
    return argument.type === 'ArrayExpression' ? wordsOf(argument.elements) : (splitWords(argument) ?? [elsewhere]);
  });
}

/** The words of `'plan list'.split(' ')`. */
function splitWords({ callee }: Node): string[] | null {
  if (!isNode(callee) || calledName(callee) !== 'split' || !isNode(callee.object)) return null;
  return textOf(callee.object)?.split(' ') ?? null;
}

/** Also of a template, with `elsewhere` for its values. */
function textOf({ type, value, quasis }: Node): string | null {
  if (type === 'Literal') return typeof value === 'string' ? value : null;
  if (type !== 'TemplateLiteral') return null;
  const parts = nodes(quasis).map((part) => (part.value as { cooked: string }).cooked); // so is each part of a template
  return parts.join(elsewhere);
}

/** The name in front of the parentheses: `it` of `it.each(…)(…)`, `toBe` of `expect(…).toBe(…)`. */
function calledName(callee: unknown): string | null {
  if (!isNode(callee)) return null;
  if (callee.type === 'Identifier') return String(callee.name);
  if (callee.type === 'CallExpression') return calledName(callee.callee);
  if (callee.type !== 'MemberExpression') return null;
  const name = calledName(callee.object);
  return name !== null && testNames.has(name) ? name : calledName(callee.property);
}

function nodes(value: unknown): Node[] {
  return Array.isArray(value) ? value.filter(isNode) : [];
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}
