/** Commits that people pushed to a part of a stack are made anew on top of the plan's branch. */
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { takePushed } from '../../runtime/work/git/pushed.ts';
import { inspectRepository } from '../../runtime/work/git/repository.ts';
import { makeRepository, run, temporaryHome, write } from '../support/git.ts';

const home = temporaryHome();
let path = '';
let [main, part, plan] = ['', '', ''];

const git = (...args: string[]) => run(path, ...args);
const head = () => git('rev-parse', 'HEAD');
const at = (commit: string) => git('checkout', '-q', '--detach', commit);

function commit(name: string, text: string, author = 'Eve'): string {
  write(path, name, text);
  git('add', '-A');
  git('commit', '-qm', `${author}: ${name}`, '--author', `${author} <${author}@here.test>`);
  return head();
}

/** `main` has one file, the part adds another, and the plan adds a third on top of it. */
beforeEach(() => {
  path = makeRepository(join(home.path, 'demo'), { isHostile: false });
  main = commit('main.txt', 'main\n', 'Ann');
  part = commit('a.txt', '1\n', 'Ann');
  plan = commit('b.txt', 'b\n', 'Ann');
  at(part);
});

async function taken(ranges: readonly { from: string; to: string; without?: string[] }[], into = main) {
  const made = await takePushed(await inspectRepository(path), { pushes: ranges, onto: plan, into });
  if (made.kind === 'conflict') return { conflict: made.to, files: made.files };
  const files = git('diff', '--name-only', plan, made.head).split('\n').filter(Boolean);
  return {
    log: git('log', '--reverse', '--format=%an %s', `${plan}..${made.head}`).split('\n').filter(Boolean),
    files,
  };
}

describe('what people pushed', () => {
  it('comes one by one, with its authors, and once', async () => {
    commit('one.txt', 'one\n');
    const to = commit('two.txt', 'two\n', 'Bob');
    const found = { log: ['Eve Eve: one.txt', 'Bob Bob: two.txt'], files: ['one.txt', 'two.txt'] };
    expect(await taken([{ from: part, to }])).toEqual(found);
    expect(
      await taken([
        { from: part, to },
        { from: part, to },
      ]),
    ).toEqual(found);
  });

  it('comes as one change where commits were replaced by force', async () => {
    at(main);
    const to = commit('a.txt', '1\nand more\n');
    expect(await taken([{ from: part, to }])).toEqual({ log: ['Eve Eve: a.txt'], files: ['a.txt'] });
  });

  it('comes without the branch that it lands on, merged into it or below it', async () => {
    at(main);
    const newer = commit('newer.txt', 'newer\n', 'Ann');
    at(part);
    git('merge', '-q', '-m', 'up to date', newer);
    const merged = head();
    expect(await taken([{ from: part, to: merged }], newer)).toEqual({ log: [], files: [] });
    at(newer);
    const rebased = commit('a.txt', '1\nand more\n');
    expect(await taken([{ from: part, to: rebased }], newer)).toEqual({ log: ['Eve Eve: a.txt'], files: ['a.txt'] });
  });

  it('comes without the part above that was merged into it, by a squash or a merge', async () => {
    commit('one.txt', 'one\n');
    const squashed = commit('b.txt', 'b\nlonger\n', 'Ann');
    expect(await taken([{ from: part, to: squashed, without: [plan, squashed] }])).toMatchObject({
      files: ['one.txt'],
    });
    git('reset', '-q', '--hard', `${squashed}~1`);
    git('merge', '-q', '-m', 'the part above', plan);
    expect(await taken([{ from: part, to: head(), without: [plan, head()] }])).toMatchObject({ files: ['one.txt'] });
  });

  it('names the files of a conflict also where it comes without the part above', async () => {
    const to = commit('b.txt', 'theirs\n');
    git('merge', '-q', '-s', 'ours', '-m', 'the part above', plan);
    expect(await taken([{ from: part, to: head(), without: [plan, head()] }])).toEqual({
      conflict: head(),
      files: ['b.txt'],
    });
    expect(to).not.toBe(head());
  });

  it('comes as the change that it is in the end where it conflicts on the way', async () => {
    commit('b.txt', 'mine\n');
    git('rm', '-q', 'b.txt');
    const to = commit('one.txt', 'one\n');
    expect(await taken([{ from: part, to }])).toEqual({ log: ['Eve Eve: one.txt'], files: ['one.txt'] });
  });

  it('is named if it conflicts, until a push above it or a merge by hand has resolved that', async () => {
    const to = commit('b.txt', 'theirs\n');
    expect(await taken([{ from: part, to }])).toEqual({ conflict: to, files: ['b.txt'] });
    write(path, 'b.txt', 'b\nboth\n');
    git('commit', '-qam', 'both');
    const above = head();
    expect(
      await taken([
        { from: part, to },
        { from: plan, to: above },
      ]),
    ).toMatchObject({ files: ['b.txt'] });
    at(plan);
    git('merge', '-q', '--strategy=ours', '-m', 'mine', to);
    plan = head();
    expect(await taken([{ from: part, to }])).toEqual({ log: [], files: [] });
  });

  it('is named if a person began the branch anew with something else that conflicts', async () => {
    git('checkout', '-q', '--orphan', 'other');
    const to = commit('b.txt', 'other\n');
    git('rm', '-q', '--cached', 'main.txt');
    expect(await taken([{ from: part, to }])).toMatchObject({ conflict: to });
  });
});
