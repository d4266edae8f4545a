/** The check of the English in comments, messages, titles of tests and docs: what it refuses, and what it leaves alone. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

const script = join(import.meta.dirname, '../../scripts/check-english.mjs');
let folder: string;

/** What is found, in which text. */
const refused = [
  ['Whoever', '/** Whoever asks comes first. */'],
  ['of which', '// Two rows, of which one is newer.'],
  ['nothing of it', '/** It ended, and nothing of it is left. */'],
  ['what of', 'const row = 1; // what of the plan is shown'],
  ["one's", "/**\n * A machine of one's own.\n */"],
  ['What is asked', 'open({ /** What is asked, the oldest first. */ row });'],
  ['What stands', '  /** What stands in the row. */'],
  ['aside', '// The branch is moved aside.'],
  ['nobody else', '// A lock that nobody else has.'],
  ['casting', '/** The casting of the roles. */'],
  ['without a word', '/** It ends without a word. */'],
  ['words to agents', '/** The words to agents. */'],
  ["agent's own words", "/** The agent's own words. */"],
  ['in words', '/** The reason in words. */'],
  ['tip', '/** The tip of the branch. */'],
  ['is kept nowhere', '/** A line is kept nowhere. */'],
  ['told', '/** Its parent is told. */'],
  ['of before', '/** The branch of before. */'],
  ['So many', '/** So many rows are read. */'],
  ['what comes of', '/** It answers what comes of it. */'],
  ['what keeps', '/** Null: what keeps it is not known. */'],
  ['one that is there', '/** Makes a file; one that is there stays. */'],
  ['that there is', '/** A port that there is. */'],
  ['there by now', '/** Another folder may be there by now. */'],
  ['birth', '/** The birth of a tree. */'],
  ['hears', '/** The actor hears it. */'],
  ['of its own accord', '/** It loads the file of its own accord. */'],
  ['for want of', '/** It ended for want of an answer. */'],
  ['holds up', '/** A failure holds up the plan. */'],
  ['wish', '/** The wish of a person. */'],
  ['not there', '/** The name; not there: it has none. */'],
  ['what is no', '/** Throws for what is no number. */'],
  ['is none', '/** null: the text is none. */'],
  ['is stored no longer', '/** A row that is stored no longer. */'],
  ['for so long', '/** It waits for so long. */'],
  ['in its own words', '/** The state in its own words. */'],
  ['says nothing of now', '/** An old reading says nothing of now. */'],
  ['where there is', '/** The open plan; null where there is none. */'],
  ['Throws what', '/** Throws what the store throws. */'],
  ['Answers what', '/** Answers what came so far. */'],
  ['a line each', '/** The plans, a line each. */'],
  ['Whoever', "fail('Whoever asks comes first');"],
  ['told', 'const text = `its parent is told`;'],
  ['stands', 'const view = <p>It stands below.</p>;'],
] as const;

/** The type of a file, and a text that it may have. */
const accepted = [
  ['ts', "const whoever = 'whoever-stands';\nfind(nobodyElse(told) / 2); // `whoever` is a name, understood as such\n"],
  ['ts', "/** It is told to end, and told apart from others; each other one's rows are set aside. */\n"],
  ['md', 'A name such as `signal.set-aside`.\n\n```sh\necho whoever stands\n```\n'],
] as const;

/** The titles of tests and of groups of tests that are refused. */
const refusedTitles = [
  "it('is told once', () => {});",
  'test.each([1, 2])(`is told of %s`, () => {});',
  "describe.skipIf(true)('a parent that is told', () => {});",
];
/** What a test does is its own. */
const acceptedTest = "it('has a parent', () => send('it is told'));\n";

/** The name that is found, in which code. */
const refusedNames = [
  ['interface Word', 'interface Word { readonly type: string }'],
  ['function fetchTip(', 'export async function fetchTip(branch: string) {}'],
  ['const toldFiles', 'const toldFiles = 100;'],
  ['interface ToldTrouble', 'export interface ToldTrouble {}'],
  ['type PlanStanding', 'type PlanStanding = number;'],
  ['const told', 'const told = [];'],
  ['function standing', 'function standing() {}'],
  ['function tell', 'export function tell(text: string) {}'],
  ['const tellRefusal', 'const tellRefusal = () => {};'],
  ["/kept.ts'", "import { kept } from './kept.ts';"],
] as const;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stator-english-'));
  for (const [index, [, text]] of refused.entries()) write(`refused/actors/${index}.tsx`, `${text}\n`);
  for (const [index, [, text]] of refusedNames.entries()) {
    write(`refused/cli/${index}.ts`, `${text}\n`);
    write(`refused/test/support/${index}.ts`, `${text}\n`);
    write(`accepted/test/${index}.ts`, `${text}\n`);
  }
  for (const [index, text] of refusedTitles.entries()) write(`refused/test/${index}.test.ts`, `${text}\n`);
  write('accepted/test/body.test.ts', acceptedTest);
  for (const [index, [type, text]] of accepted.entries()) write(`accepted/actors/${index}.${type}`, text);
  ofRefused = check('refused');
  ofAccepted = check('accepted');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(file: string, text: string): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), text);
}

/** Checks all files of a folder by one process. */
function check(name: string) {
  const cwd = join(folder, name);
  const { status, stderr } = spawnSync(process.execPath, [script, '.'], { cwd, encoding: 'utf8' });
  return { status, said: stderr.split('\n') };
}

let ofRefused: ReturnType<typeof check>;
let ofAccepted: ReturnType<typeof check>;

it.each(refused.map(([found], index) => [found, index] as const))(
  '“%s” in a comment or a message is refused',
  (found, index) => {
    const [first] = ofRefused.said.filter((line) => line.startsWith(`actors/${index}.tsx:`));
    expect(ofRefused.status).toBe(1);
    expect(first).toMatch(new RegExp(`^actors/${index}.tsx:[12]: “${found}”: .`));
  },
);

it.each(refusedNames.map(([found], index) => [found, index] as const))(
  '“%s” is refused as a name of the product and of a test helper, and of nothing else',
  (found, index) => {
    const at = `/${index}.ts:1: “${found}”: `;
    for (const place of ['cli', 'test/support'])
      expect(ofRefused.said.filter((line) => line.startsWith(`${place}${at}`))).toHaveLength(1);
    expect(ofAccepted.status).toBe(0);
  },
);

it.each(refusedTitles.map((text, index) => [text, index] as const))(
  'the title of a test is refused: %s',
  (_, index) => {
    const found = ofRefused.said.filter((line) => line.startsWith(`test/${index}.test.ts:`));
    expect(found).toEqual([`test/${index}.test.ts:1: “told”: is notified, is reported, receives`]);
  },
);

it('each line is named with its place and with what to write instead, in documents too', () => {
  write('document/docs/one.md', '# Title\n\nThe plan stands.\n');
  expect(check('document').said.slice(0, 2)).toEqual([
    'docs/one.md:3: “stands”: is, lies, is written, waits, represents',
    '1 riddles: write for a stranger who reads it once, see CONTRIBUTING.md',
  ]);
});

it.each(accepted.map(([type], index) => [type, index] as const))(
  'code, names in backticks, fenced blocks and the bodies of tests are left alone: a.%s',
  (_, index) => {
    expect(ofAccepted.said.filter((line) => line.includes(`actors/${index}.`))).toEqual([]);
    expect(ofAccepted.status).toBe(0);
  },
);
