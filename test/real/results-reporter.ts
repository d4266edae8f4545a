/**
 * Keeps what the suite of the real programs found, for the table of docs/agents.md: a row a behaviour, which is the title of its test, and a result for each program
 * and version. What did not run keeps the result that it had.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Reporter, TestCase, TestModule } from 'vitest/node';

interface Behaviour {
  readonly file: string;
  readonly title: string;
  /** By `<program> <version>`. */
  readonly results: Readonly<Record<string, 'passed' | 'failed'>>;
}

const folder = import.meta.dirname;
const resultsFile = join(folder, 'results.json');

/** The name of a suite is that of its program and version, each in quotes. */
function programOf(suite: string): string {
  return suite.replaceAll("'", '');
}

export function resultsReporter(): Reporter {
  return {
    onTestRunEnd(modules) {
      const found = modules.filter(({ moduleId }) => moduleId.startsWith(`${folder}/`));
      if (found.length === 0 || found.every((module) => casesOf(module).every(({ result }) => result === null))) return;
      const before = existsSync(resultsFile) ? (JSON.parse(readFileSync(resultsFile, 'utf8')) as Behaviour[]) : []; // as written below
      const names = found.map(({ moduleId }) => basename(moduleId));
      const others = before.filter(({ file }) => !names.includes(file));
      const ours = found.flatMap((module) => behavioursOf(module, before));
      const all = [...others, ...ours].sort((one, other) =>
        one.file < other.file ? -1 : Number(one.file > other.file),
      );
      writeFileSync(resultsFile, `${JSON.stringify(all, null, 2)}\n`);
    },
  };
}

interface Case {
  readonly title: string;
  readonly program: string;
  /** null: it did not run. */
  readonly result: 'passed' | 'failed' | null;
}

function casesOf(module: TestModule): Case[] {
  return [...module.children.allTests()].map((test: TestCase) => {
    const { state } = test.result();
    const program = test.parent.type === 'suite' ? programOf(test.parent.name) : '';
    return { title: test.name, program, result: state === 'passed' || state === 'failed' ? state : null };
  });
}

function behavioursOf(module: TestModule, before: readonly Behaviour[]): Behaviour[] {
  const file = basename(module.moduleId);
  const cases = casesOf(module);
  return [...new Set(cases.map(({ title }) => title))].map((title) => {
    const known = before.find((each) => each.file === file && each.title === title)?.results ?? {};
    const results = cases
      .filter((each) => each.title === title)
      .flatMap(({ program, result }) => {
        const last = result ?? known[program];
        return last === undefined ? [] : [[program, last] as const];
      });
    return { file, title, results: Object.fromEntries(results) };
  });
}
