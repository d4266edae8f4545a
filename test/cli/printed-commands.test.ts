/** Every command of stator that anything prints is read by the real command line: in the code's texts, pages of help, documents, and what blocked plans offer. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAst } from 'rolldown/parseAst';
import { describe, expect, it } from 'vitest';
import { pageOf, topUsage } from '../../cli/commands.ts';
import { waysOn } from '../../machines/plan/advice.ts';
import { blockSources } from '../../machines/vocabulary/block-source.ts';
import { planStatuses } from '../../machines/vocabulary/plan-status.ts';
import { unstartedText } from '../../runtime/base/platform/home-engine.ts';
import { namedVerbs } from '../support/command-tree.ts';
import { commandProblem, commandsIn } from '../support/printed-commands.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const layers = ['cli', 'runtime', 'machines', 'actors', 'page'];

function filesIn(folder: string, ending: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending) && !name.endsWith('.d.ts'))
    .map((name) => join(root, folder, name));
}

/** The texts of a source, each as one: computed pieces are written as `x1`. */
function textsOf(file: string): string[] {
  const texts: string[] = [];
  const read = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    const { type, value, quasis } = node as {
      type?: string;
      value?: unknown;
      quasis?: { value: { cooked: string } }[];
    };
    // A command alone may be the beginning of one, to which its words are added.
    if (type === 'Literal' && typeof value === 'string')
      texts.push(/^stator [a-z]+(?: [a-z-]+)?$/.test(value) ? `\`${value}\`` : value);
    if (type === 'TemplateLiteral') texts.push((quasis ?? []).map((piece) => piece.value.cooked).join('x1'));
    for (const child of Object.values(node)) read(child);
  };
  read(parseAst(readFileSync(file, 'utf8'), { lang: 'ts' }));
  return texts;
}

/** Throws if there is no command in all of them: then nothing is known of them. */
async function problemsOfAll(texts: readonly string[]): Promise<string[]> {
  expect(texts.flatMap(commandsIn).length).toBeGreaterThan(20);
  return problemsIn(texts);
}

async function problemsIn(texts: readonly string[]): Promise<string[]> {
  const problems = await Promise.all(texts.flatMap(commandsIn).map(commandProblem));
  return [...new Set(problems.filter((problem) => problem !== null))];
}

describe('the command line reads every command', () => {
  it('in the texts of the code', async () => {
    const files = layers.flatMap((layer) => filesIn(layer, '.ts'));
    let count = 0;
    const problems = await Promise.all(
      files.map(async (file) => {
        const texts = textsOf(file);
        count += texts.flatMap(commandsIn).length;
        return (await problemsIn(texts)).map((problem) => `${relative(root, file)}: ${problem}`);
      }),
    );
    expect(problems.flat()).toEqual([]);
    expect(count).toBeGreaterThan(300);
  });

  it('in the page, its prompts and the prompts of agents', async () => {
    const files = [...filesIn('page', '.html'), ...filesIn('runtime/work/agents/prompts', '.md')];
    expect(await problemsOfAll(files.map((file) => readFileSync(file, 'utf8')))).toEqual([]);
  });

  it('in the pages of help', async () => {
    const pages = namedVerbs().filter(({ entry }) => entry.now === undefined);
    const texts = await Promise.all(pages.map(({ noun, entry }) => pageOf(noun, entry)));
    // The text below `usage:` is a form, and no command.
    const lines = [topUsage('1'), ...texts].map((text) => text.replace(/^usage: .*(?:\n {2,}\S.*)*/gm, ''));
    expect(await problemsOfAll(lines)).toEqual([]);
  });

  it('in the documents', async () => {
    const names = ['README.md', 'SECURITY.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)];
    const problems = await Promise.all(
      names
        .filter((name) => name.endsWith('.md'))
        .map(async (name) => {
          const text = readFileSync(join(root, name), 'utf8');
          const lines = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, block = '']) =>
            block.split('\n').map((line) => line.replace(/ +# .*$/, '')),
          );
          const spans = [...text.matchAll(/`stator [^`\n]+`/g)].map(([span]) => span);
          // What a judge says is no command.
          const texts = [...lines, ...spans].filter((each) => !each.includes('stator verdict') && !each.includes('…'));
          return (await problemsIn(texts)).map((problem) => `${name}: ${problem}`);
        }),
    );
    expect(problems.flat()).toEqual([]);
  });

  it('that a blocked plan offers, whatever blocks it and however it is called', async () => {
    const texts = blockSources.flatMap((source) =>
      planStatuses.flatMap((status) =>
        [null, 'fixing', 'architecting'].flatMap((phase) =>
          waysOn({ plan: 'a plan', status, phase, branch: 'plan/a', source, questions: [] }).map(
            ({ command }) => `: ${command}`,
          ),
        ),
      ),
    );
    expect(texts.length).toBeGreaterThan(100);
    expect(await problemsIn(texts)).toEqual([]);
  });

  it('that starts a plan which nobody starts', async () => {
    const plan = { folder: "/home/o'neil/my code", file: 'docs/a plan.md' };
    const whys = [
      { kind: 'none' },
      { kind: 'drained', host: 'build 2' },
      ...(['daemon', 'run', 'program'] as const).flatMap((kind) =>
        [true, false].map((answers) => ({ kind, pid: 7, answers })),
      ),
    ] as const;
    const texts = whys.flatMap((why) => [plan, { ...plan, file: null }, null].map((of) => unstartedText(why, of)));
    expect(texts.every((text) => commandsIn(text).length > 0)).toBe(true);
    expect(await problemsIn(texts)).toEqual([]);
  });
});
