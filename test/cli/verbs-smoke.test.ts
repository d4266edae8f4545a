/** Every verb is in the program as it is built, which answers with its page. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { isOfToday, type NamedVerb, namedVerbs } from '../support/command-tree.ts';

const bundle = join(import.meta.dirname, '../../dist/bin');

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Calls the program of the bundle once for each page, in one process: a process for each of them took 15 s of processor. */
const calls = `
const [main, ...names] = process.argv.slice(1);
const print = process.stdout.write.bind(process.stdout);
for (const each of [process, process.stdout, process.stderr]) each.setMaxListeners(0);
const found = [];
for (const name of names) {
  const said = { code: null, stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'])
    process[stream].write = (text, done) => {
      said[stream] += text;
      done?.();
      return true;
    };
  process.argv = [process.execPath, 'stator', ...name.split(' '), '--help'];
  process.exit = (code) => {
    said.code = code;
    throw new Error('the call has ended');
  };
  await import(main + '?' + encodeURIComponent(name)).catch((thrown) => {
    if (said.code === null) throw thrown;
  });
  found.push(said);
}
print(JSON.stringify(found));
`;

/** What the program said to each of these verbs with `--help`. */
function pagesOf(names: readonly string[]): Ended[] {
  const main = readdirSync(bundle).find((name) => /^main-.*\.js$/.test(name)) ?? expect.fail(`no program in ${bundle}`);
  const args = ['--input-type=module', '-e', calls, join(bundle, main), ...names];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as Ended[]; // printed by `calls`
}

it('each page of help comes from the built program, and has the usage of each of its verbs', () => {
  const all = namedVerbs().filter(isOfToday);
  const pages = all.filter(({ entry }) => entry.page[0] === entry.name);
  const found = pagesOf(pages.map(({ name }) => name)).map(({ code, stdout, stderr }, at) => ({
    ...{ name: pages[at]?.name, code, stderr },
    usages: stdout.match(/(?<=^usage: stator )[a-z]+(?: [a-z-]+)?(?= |$)/gm),
  }));
  const usagesOf = ({ noun, entry }: NamedVerb) => entry.page.map((name) => (noun === null ? name : `${noun} ${name}`));
  expect(found).toEqual(pages.map((page) => ({ name: page.name, code: 0, stderr: '', usages: usagesOf(page) })));
  expect(pages.flatMap(usagesOf).sort()).toEqual(all.map(({ name }) => name).sort());
});
