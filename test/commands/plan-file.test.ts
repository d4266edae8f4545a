/** A plan is the file that it was registered from: another file of its name is another plan, and an edit is an edit of that file. */
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { planNameOf } from '../../machines/vocabulary/ids.ts';
import { planOf, type Terminal, working } from '../support/cli.ts';
import { git } from '../support/ground.ts';
import { expectRefusal } from '../support/prose.ts';

const small = planOf(['true']);
const edited = planOf(['echo more >more.txt']);

async function shown(made: Terminal, plan: string) {
  return JSON.parse((await made.stator(['plan', 'show', plan, '--json'])).stdout);
}

it('another file of the same name is refused with both paths, and is a plan of its own under --name', async () => {
  const made = working();
  made.write('x/plan.md', small);
  made.write('y/plan.md', edited);
  expect((await made.stator(['run', 'x/plan.md', '--trust'])).code).toBe(0);
  for (const verb of [['run'], ['plan', 'register']]) {
    const { code, stderr } = await made.stator([...verb, 'y/plan.md']);
    expectRefusal(stderr, 'x/plan.md', 'y/plan.md', '--name');
    expect(code).toBe(1);
  }
  expect((await made.stator(['run', 'y/plan.md', '--name', 'Other Plan'])).code).toBe(0);
  expect(git(made.repo, 'ls-tree', '--name-only', 'plan/other-plan').split('\n')).toContain('more.txt');
  // Each of them is known by its file from now on.
  expect((await made.stator(['run', 'y/plan.md'])).stdout).toContain('other-plan is already done');
  expect((await made.stator(['run', 'plan.md'], { cwd: join(made.repo, 'x') })).stdout).toContain(
    'plan is already done',
  );
});

it('P1.md, p1.md and p1.markdown make one name and are three files', async () => {
  const made = working();
  for (const file of ['P1.md', 'p1.md', 'p1.markdown']) made.write(file, small);
  expect((await made.stator(['plan', 'register', 'P1.md', '--trust'])).code).toBe(0);
  for (const file of ['p1.md', 'p1.markdown']) {
    expectRefusal((await made.stator(['run', file])).stderr, 'P1.md', file);
  }
  expect(await shown(made, 'p1')).toMatchObject({ file: 'P1.md', status: 'ready' });
});

it('a done plan whose file was edited says so with 1 and the verbs that do it again; one that was not is done', async () => {
  const made = working();
  made.write('p.md', small);
  expect((await made.stator(['run', 'p.md', '--trust'])).code).toBe(0);
  expect(await made.stator(['run', 'p.md'])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('already done'),
  });
  made.write('p.md', edited);
  const again = await made.stator(['run', 'p.md']);
  expect(again.code).toBe(1);
  expect(again.stdout).toBe(`p is done, and p.md was edited since: the edit is not carried out
  stator plan advance p start-over && stator run p.md
  stator run p.md --name <another name>
`);
  expect((await made.stator(['plan', 'advance', 'p', 'start-over'])).code).toBe(0);
  expect((await made.stator(['run', 'p.md'])).code).toBe(0);
  expect(git(made.repo, 'ls-tree', '--name-only', 'plan/p').split('\n')).toContain('more.txt');
});

it('a cancelled plan whose file was edited says how it is taken up with the edit', async () => {
  const made = working();
  made.write('p.md', small);
  expect((await made.stator(['plan', 'register', 'p.md', '--trust'])).code).toBe(0);
  expect((await made.stator(['plan', 'cancel', 'p'])).code).toBe(0);
  expect(await made.stator(['run', 'p.md'])).toMatchObject({
    code: 1,
    stdout: 'p is already cancelled\n  stator plan advance p reopen\n',
  });
  made.write('p.md', edited);
  const { code, stdout } = await made.stator(['run', 'p.md']);
  expect(stdout).toContain('p is cancelled, and p.md was edited since');
  expect(stdout).toContain('stator plan advance p reopen && stator run p.md');
  expect(code).toBe(1);
  expect((await made.stator(['plan', 'advance', 'p', 'reopen'])).code).toBe(0);
  expect((await made.stator(['run', 'p.md'])).code).toBe(0);
  expect(git(made.repo, 'ls-tree', '--name-only', 'plan/p').split('\n')).toContain('more.txt');
});

it('a plan that came without a file is bound to the first that is run or registered under its name', async () => {
  const made = working();
  made.write('p.md', small);
  made.write('other/p.md', small);
  made.write('q.md', small);
  made.write('other/q.md', small);
  await made.stator(['repo', 'add', made.repo, '--trust']);
  for (const plan of ['p', 'q']) {
    expect((await made.stator(['plan', 'create', plan, '--content', small])).code).toBe(0);
    expect((await shown(made, plan)).file).toBe(null);
  }
  expect((await made.stator(['run', 'p.md'])).code).toBe(0);
  expect((await made.stator(['plan', 'register', 'q.md'])).code).toBe(0);
  for (const plan of ['p', 'q']) {
    expect((await shown(made, plan)).file).toBe(`${plan}.md`);
    expect((await made.stator(['run', `other/${plan}.md`])).code).toBe(1);
  }
});

it('a file that was moved takes its plan along; one that lies outside of the repo is known by its whole path', async () => {
  const made = working();
  made.write('p.md', small);
  expect((await made.stator(['run', 'p.md', '--trust'])).code).toBe(0);
  mkdirSync(join(made.repo, 'docs'));
  renameSync(join(made.repo, 'p.md'), join(made.repo, 'docs/p.md'));
  expect((await made.stator(['run', 'docs/p.md'])).stdout).toContain('p is already done');
  expect((await shown(made, 'p')).file).toBe('docs/p.md');
  rmSync(join(made.repo, 'docs/p.md'));
  // Another text of that name is a move only where a person says so.
  made.write('elsewhere/p.md', edited);
  expectRefusal((await made.stator(['run', 'elsewhere/p.md'])).stderr, 'docs/p.md', 'elsewhere/p.md');
  expect((await made.stator(['run', 'elsewhere/p.md', '--name', 'p'])).stdout).toContain(
    'p is done, and elsewhere/p.md was edited',
  );
  made.write('../outside.md', small);
  expect((await made.stator(['plan', 'register', '../outside.md'])).code).toBe(0);
  expect((await shown(made, 'outside')).file).toBe(join(made.root, 'outside.md'));
  // What is done of a plan is not done again because its file has another name.
  rmSync(join(made.root, 'outside.md'));
  made.write('renamed.md', small);
  expect((await made.stator(['run', 'renamed.md'])).stdout).toContain('outside is done');
  expect((await shown(made, 'outside')).file).toBe('renamed.md');
});

it('a file in another worktree of the repo is the same file', async () => {
  const made = working();
  made.write('docs/p.md', small);
  git(made.repo, 'add', '-A');
  git(made.repo, 'commit', '-qm', 'a plan');
  git(made.repo, 'worktree', 'add', '-q', join(made.root, 'tree'));
  expect((await made.stator(['run', 'docs/p.md', '--trust'])).code).toBe(0);
  const there = await made.stator(['run', 'docs/p.md'], { cwd: join(made.root, 'tree') });
  expect(there).toMatchObject({ code: 0, stdout: expect.stringContaining('p is already done') });
});

it('a plan that works on one branch is not run on another', async () => {
  const made = working();
  made.write('p.md', small);
  expect((await made.stator(['plan', 'register', 'p.md', '--trust'])).code).toBe(0);
  const { code, stderr } = await made.stator(['run', 'p.md', '--branch', 'feature/p']);
  expectRefusal(stderr, 'plan/p', 'feature/p');
  expect(code).toBe(1);
});

it('a name is made of letters as people write them out', () => {
  const names: [string, string | null][] = [
    ['plän-ü.md', 'plaen-ue'],
    ['PLA\u0308N-U\u0308.markdown', 'plaen-ue'],
    ['Straße.md', 'strasse'],
    ['Café Señor.md', 'cafe-senor'],
    ['smørrebrød.md', 'smoerrebroed'],
    ['v1.2_Final.MD', 'v1.2_final'],
    ['a..b.lock.md', 'a.b'],
    ['日本.md', null],
  ];
  for (const [file, name] of names) expect([file, planNameOf(file)]).toEqual([file, name]);
});
