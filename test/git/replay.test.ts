/** A plan that lands as its own commits, and the comparison of its change before and after an update. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { prepareMerge } from '../../runtime/work/git/checkout-merge.ts';
import { inspectRepository } from '../../runtime/work/git/repository.ts';
import { type BroughtUp, broughtUp } from '../../runtime/work/git/same-change.ts';
import { makeRepository, run, temporaryHome, write } from '../support/git.ts';

const home = temporaryHome();

const lines = (...changed: readonly [number, string][]) =>
  Array.from({ length: 20 }, (_, at) => changed.find(([line]) => line === at)?.[1] ?? `line ${at}`).join('\n');

type Files = Readonly<Record<string, string | null>>;

/** A repository with `a.txt`; `mine`: the plan's commits, `theirs`: the commits that main got meanwhile. */
async function repositoryWith(mine: readonly Files[], theirs: Files | null) {
  const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
  const commit = (files: Files, message: string) => {
    for (const [name, text] of Object.entries(files))
      if (text === null) run(path, 'rm', '-q', name);
      else write(path, name, text);
    run(path, 'add', '-A');
    run(path, 'commit', '-qm', message, '--author', 'Ann <ann@example.org>', '--date', '@1700000000 +0200');
  };
  commit({ 'a.txt': lines() }, 'begun');
  const main = run(path, 'branch', '--show-current');
  run(path, 'checkout', '-q', '-b', 'plan/one');
  for (const [at, files] of mine.entries()) commit(files, `step ${at + 1}\n\nwith a body`);
  run(path, 'checkout', '-q', main);
  if (theirs !== null) commit(theirs, 'theirs');
  const repo = await inspectRepository(path);
  const made = await prepareMerge(repo, { from: 'plan/one', into: main, message: 'one', rebase: true });
  if (made.kind !== 'new') throw new Error(`nothing was made: ${made.kind}`);
  const log = (format: string) =>
    run(path, 'log', '--reverse', `--format=${format}`, `${made.base}..${made.commit}`).split('\n');
  return { path, main, repo, made, log };
}

it('makes the commits anew on top of the branch, with their authors and messages, and no merge commit', async () => {
  const mine = [{ 'a.txt': lines([2, 'mine']) }, { 'b.txt': 'new' }];
  const { path, main, made, log } = await repositoryWith(mine, { 'a.txt': lines([18, 'theirs']) });
  expect(log('%s %an %ae %at')).toEqual([
    'step 1 Ann ann@example.org 1700000000',
    'step 2 Ann ann@example.org 1700000000',
  ]);
  expect(run(path, 'show', '-s', '--format=%b', made.commit).trim()).toBe('with a body');
  expect(run(path, 'rev-list', '--merges', '--count', made.commit)).toBe('0');
  expect(run(path, 'rev-parse', `${made.commit}~2`)).toBe(run(path, 'rev-parse', main));
  expect(run(path, 'show', `${made.commit}:a.txt`)).toBe(lines([2, 'mine'], [18, 'theirs']));
});

it('makes commits anew whose author or date git would not take from a person', async () => {
  const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
  const main = run(path, 'branch', '--show-current');
  const tree = run(path, 'rev-parse', 'HEAD^{tree}');
  const first = run(path, 'rev-parse', 'HEAD');
  let head = first;
  const authors = [' <a@b> 0 +0000', '., <a@b> 1 +0000', 'Ann <> 99999 -0330', 'Ann <a@b> 9999999999 +0200'];
  for (const [at, author] of authors.entries()) {
    write(path, `${at}.txt`, 'x\n');
    run(path, 'add', '-A');
    const made = run(path, 'write-tree');
    const text = `tree ${made}\nparent ${head}\nauthor ${author}\ncommitter Ann <a@b> 1700000000 +0000\n\nstep ${at}\n`;
    head = execFileSync('git', ['hash-object', '-w', '-t', 'commit', '--stdin'], { cwd: path, input: text })
      .toString()
      .trim();
  }
  run(path, 'update-ref', 'refs/heads/plan/one', head);
  run(path, 'reset', '-q', '--hard', first);
  expect(run(path, 'rev-parse', 'HEAD^{tree}')).toBe(tree);
  const repo = await inspectRepository(path);
  const made = await prepareMerge(repo, { from: 'plan/one', into: main, message: 'one', rebase: true });
  if (made.kind !== 'new') throw new Error(`nothing was made: ${made.kind}`);
  expect(run(path, 'log', '--reverse', '--date=raw', '--format=%s|%an|%ae|%ad', `${first}..${made.commit}`)).toBe(
    [
      'step 0|unknown|a@b|0 +0000',
      'step 1|unknown|a@b|1 +0000',
      'step 2|Ann||99999 -0330',
      'step 3|Ann|a@b|9999999999 +0200',
    ].join('\n'),
  );
});

it('lands as one commit with the tree of the merge where the commits conflict one by one', async () => {
  // The first commit is undone by the second, and main changed the same lines. Together the plan's commits do not conflict.
  const mine = [{ 'a.txt': lines([9, 'mine']) }, { 'a.txt': lines([2, 'mine']) }];
  const { path, made, log } = await repositoryWith(mine, { 'a.txt': lines([9, 'theirs']) });
  expect(log('%s')).toEqual(['one']);
  expect(run(path, 'show', `${made.commit}:a.txt`)).toBe(lines([2, 'mine'], [9, 'theirs']));
});

it.each<[what: string, mine: Files, theirs: Files | null, found: BroughtUp]>([
  ['the branch has not moved', { 'a.txt': lines([2, 'mine']) }, null, 'as_it_was'],
  ['another file came', { 'a.txt': lines([2, 'mine']) }, { 'c.txt': 'theirs' }, 'same_change'],
  [
    'lines elsewhere in its file came',
    { 'a.txt': lines([2, 'mine']) },
    { 'a.txt': lines([18, 'theirs']) },
    'same_change',
  ],
  [
    'half of its change came by somebody else',
    { 'a.txt': lines([2, 'mine'], [12, 'both']) },
    { 'a.txt': lines([12, 'both']) },
    'other_change',
  ],
  ['its file was renamed', { 'a.txt': lines([2, 'mine']) }, { 'a.txt': null, 'moved.txt': lines() }, 'other_change'],
  [
    'a file that it adds came as well',
    { 'a.txt': lines([2, 'mine']), 'b.txt': 'same' },
    { 'b.txt': 'same' },
    'other_change',
  ],
])('says whether bringing it up to date changed what it does: %s', async (_, mine, theirs, found) => {
  const { repo, made } = await repositoryWith([mine], theirs);
  const { tip, base: target, commit: merged } = made;
  expect(await broughtUp(repo, { head: tip, target, merged })).toBe(found);
});
