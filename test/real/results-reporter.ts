/**
 * Stores the results of the suite with real programs for the table of docs/agents.md: by title, a result for each program and version. A test that
 * did not run keeps its earlier result.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Reporter, TestCase } from 'vitest/node';
import { columns, nameOf, rows } from './behaviours.ts';

/** `none`: the program lacks the tested feature. */
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

/** Empty if the test did not run. The name of its suite has the program and its version, each in quotes. */
function resultOf(test: TestCase): [string, Result][] {
  const { state } = test.result();
  if (test.parent.type !== 'suite' || (state !== 'passed' && state !== 'failed')) return [];
  return [[keyOf(test.name, test.parent.name.replaceAll("'", '')), state]];
}

function keyOf(title: string, program: string): string {
  return `${program}: ${title}`;
}
