/**
 * Keeps what the suite of the real programs found, for the table of docs/agents.md: by the title of each behaviour, a result for each program and version. What did
 * not run keeps the result that it had.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Reporter, TestCase } from 'vitest/node';
import { columns, nameOf, rows } from './behaviours.ts';

/** `none`: the program does not have what the behaviour is about. */
type Result = 'passed' | 'failed' | 'none';
/** By the title, then by program and version. */
export type Results = Readonly<Record<string, Readonly<Record<string, Result>>>>;

const folder = import.meta.dirname;
const resultsFile = join(folder, 'results.json');

export function readResults(): Results {
  return existsSync(resultsFile) ? (JSON.parse(readFileSync(resultsFile, 'utf8')) as Results) : {}; // as written below
}

export function resultsReporter(): Reporter {
  return {
    onTestRunEnd(modules) {
      const tests = modules
        .filter(({ moduleId }) => moduleId.startsWith(`${folder}/`))
        .flatMap((module) => [...module.children.allTests()]);
      const found = new Map(tests.flatMap(resultOf));
      if (found.size === 0) return;
      const before = readResults();
      const all = rows.map(([title, { none = [] }]) => {
        const cells = columns.flatMap((column): [string, Result][] => {
          const name = nameOf(column);
          const last = none.includes(column.program)
            ? 'none'
            : (found.get(keyOf(title, name)) ?? before[title]?.[name]);
          return last === undefined ? [] : [[name, last]];
        });
        return [title, Object.fromEntries(cells)];
      });
      writeFileSync(resultsFile, `${JSON.stringify(Object.fromEntries(all), null, 2)}\n`);
    },
  };
}

/** Nothing where it did not run. The name of its suite is that of the program and its version, each in quotes. */
function resultOf(test: TestCase): [string, Result][] {
  const { state } = test.result();
  if (test.parent.type !== 'suite' || (state !== 'passed' && state !== 'failed')) return [];
  return [[keyOf(test.name, test.parent.name.replaceAll("'", '')), state]];
}

function keyOf(title: string, program: string): string {
  return `${program}: ${title}`;
}
