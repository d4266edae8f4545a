/** Where the parts of a branch end, by the commits that their work ended with. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { inspectRepository } from '../../runtime/work/git/repository.ts';
import { endsOf } from '../../runtime/work/git/stack.ts';
import { makeRepository, run, temporaryHome, write } from '../support/git.ts';

const home = temporaryHome();

/**
 * The branch `plan`: `one` and `two` merged one after the other, then `main`, which got `theirs` meanwhile, then `three`. Main has another commit since.
 */
async function branched() {
  const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
  const commit = (name: string) => {
    write(path, name, name);
    run(path, 'add', '-A');
    run(path, 'commit', '-qm', name);
    return run(path, 'rev-parse', 'HEAD');
  };
  commit('begun');
  const main = run(path, 'branch', '--show-current');
  run(path, 'checkout', '-q', '-b', 'plan');
  const merge = (from: string) => {
    run(path, 'merge', '-q', '--no-ff', '-m', `merge ${from}`, from);
    return run(path, 'rev-parse', 'HEAD');
  };
  const on = (branch: string, ...names: string[]) => {
    run(path, 'checkout', '-q', '-B', branch);
    const made = names.map(commit);
    run(path, 'checkout', '-q', 'plan');
    return made;
  };
  const [oneA = '', oneB = ''] = on('one', 'one a', 'one b');
  const one = merge('one');
  const [twoA = ''] = on('two', 'two a');
  const two = merge('two');
  run(path, 'checkout', '-q', main);
  const theirs = commit('theirs');
  run(path, 'checkout', '-q', 'plan');
  const updated = merge(main);
  const [threeA = ''] = on('three', 'three a');
  const three = merge('three');
  run(path, 'checkout', '-q', main);
  commit('later');
  const repo = await inspectRepository(path);
  const ends = (parts: Readonly<Record<string, readonly string[]>>, head = three) =>
    endsOf(repo, { base: main, head, parts: Object.entries(parts).map(([name, commits]) => ({ name, commits })) });
  return { ends, main, one, two, three, updated, theirs, oneA, oneB, twoA, threeA };
}

it('is the first commit of the branch with all work of a part', async () => {
  const { ends, main, one, two, three, updated, theirs, oneA, oneB, twoA, threeA } = await branched();
  const found = await ends({ three: [threeA], two: [twoA], one: [oneB, oneA] });
  expect([...found]).toEqual([
    ['one', one],
    ['two', two],
    ['three', three],
  ]);
  expect([...(await ends({ both: [oneB, twoA] }))]).toEqual([['both', two]]);
  // The branch got what main had meanwhile in one of its own commits, though main has it as well.
  expect([...(await ends({ early: [oneA, theirs] }))]).toEqual([['early', updated]]);
  // Two parts that end at the same commit are one.
  expect([...(await ends({ one: [oneB], again: [oneA] }))]).toEqual([['one', one]]);
  expect([...(await ends({ one: [oneB], three: [threeA], none: ['0'.repeat(40)] }, two))]).toEqual([['one', one]]);
  expect([...(await ends({ one: [oneB] }, main))]).toEqual([]);
});
