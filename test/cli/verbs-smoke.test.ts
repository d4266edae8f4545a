/** Every verb is in the program as it is built: a process answers with its page. */
import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import pMap from 'p-map';
import { expect, it } from 'vitest';
import { isOfToday, type NamedVerb, namedVerbs } from '../support/command-tree.ts';

const main = join(import.meta.dirname, '../../dist/bin/stator.js');

interface Ended {
  readonly code: number | string | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

function stator(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, stdout, stderr }),
    );
  });
}

// Some seven seconds of processor time: a process of 90 ms for each page of help.
it('each page of help comes from a process of the built program, and has the usage of each of its verbs', async () => {
  const all = namedVerbs().filter(isOfToday);
  const pages = all.filter(({ entry }) => entry.page[0] === entry.name);
  const found = await pMap(
    pages,
    async ({ name }) => {
      const { code, stdout, stderr } = await stator(...name.split(' '), '--help');
      return { name, code, stderr, usages: stdout.match(/(?<=^usage: stator )[a-z]+(?: [a-z-]+)?(?= |$)/gm) };
    },
    { concurrency: availableParallelism() },
  );
  const usagesOf = ({ noun, entry }: NamedVerb) => entry.page.map((name) => (noun === null ? name : `${noun} ${name}`));
  expect(found).toEqual(pages.map((page) => ({ name: page.name, code: 0, stderr: '', usages: usagesOf(page) })));
  expect(pages.flatMap(usagesOf).sort()).toEqual(all.map(({ name }) => name).sort());
});
