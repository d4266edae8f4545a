/** `stator plan merge` as a person types it, with and without an engine; and a `run` that merges by itself. */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { planOf, working } from '../support/cli.ts';
import { script } from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { expectProse } from '../support/prose.ts';

describe('a plan that is done', () => {
  it('is not merged before it is, wherever it is listed', async () => {
    const made = working();
    made.write('p.md', planOf(['true']));
    git(made.repo, 'add', '-A');
    git(made.repo, 'commit', '-qm', 'plan');
    const run = await made.stator(['run', 'p.md', '--trust']);
    expect(run.stdout).toMatch(/^p is done, not merged$/m);
    const said = async (...args: string[]) => (await made.stator(args)).stdout;
    const listed = async (landing: string) => {
      expect(await said('plan', 'list')).toContain(`done, ${landing.replaceAll('_', ' ')}`);
      expect(await said('plan', 'show', 'p')).toContain(`done, ${landing.replaceAll('_', ' ')}`);
      expect(JSON.parse(await said('plan', 'list', '--json'))).toMatchObject([{ plan: 'p', landing }]);
      expect(JSON.parse(await said('plan', 'show', 'p', '--json'))).toMatchObject({ plan: 'p', landing });
    };
    await listed('not_merged');
    expect(await said('status')).toContain('1 plan: 1 done (1 not merged: p)');
    expect(JSON.parse(await said('status', '--json'))).toMatchObject({
      not_merged: [{ project: 'demo', plan: 'p', landing: 'not_merged' }],
    });
    expect((await made.stator(['plan', 'merge', 'p'])).code).toBe(0);
    await listed('merged');
    expect(await said('status')).toContain('1 plan: 1 done\n');
    expect(JSON.parse(await said('status', '--json'))).toMatchObject({ not_merged: [], counts: { done: 1 } });
  });
});

it('a plan whose branch was moved after its approval is not merged, and plan merge says that it is judged again', async () => {
  const made = working();
  const reviewer = '[agents.reviewer]\npreset = "command"\nprogram = "true"\n';
  made.write('.stator/config.toml', `[agents.default]\npreset = "sh"\n${reviewer}`);
  made.write('p.md', planOf(['true']));
  git(made.repo, 'add', '-A');
  git(made.repo, 'commit', '-qm', 'plan');
  expect(await made.stator(['run', 'p.md', '--trust'])).toMatchObject({ code: 0 });
  const more = git(made.repo, 'commit-tree', '-p', 'plan/p', '-m', 'by hand', 'plan/p^{tree}');
  git(made.repo, 'update-ref', 'refs/heads/plan/p', more);
  const refused = await made.stator(['plan', 'merge', 'p']);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('refused: p is reviewing');
  expect(refused.stderr).toContain('it was done, and is judged again, because its branch has moved since');
});

describe('status', () => {
  it('names the newest plans that are not merged, and the command that names all of them', async () => {
    const made = working();
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      made.write(`${name}.md`, planOf(['true']));
      expect((await made.stator(['plan', 'register', `${name}.md`, '--trust'])).code).toBe(0);
      const done = ['plan', 'advance', name, '--to', 'done', '--force'];
      if (name !== 'e') expect(await made.stator(done)).toMatchObject({ code: 0 });
    }
    const { stdout } = await made.stator(['status']);
    expect(stdout).toContain('5 plans: 1 ready, 4 done (4 not merged: d, c, b and 1 more)\n');
    const command = /^all that are not merged: stator (.*)$/m.exec(stdout)?.[1]?.split(' ') ?? [];
    const listed = JSON.parse((await made.stator([...command, '--json'])).stdout);
    expect(listed.map(({ plan }: { plan: string }) => plan).toSorted()).toEqual(['a', 'b', 'c', 'd']);
    const { not_merged: all } = JSON.parse((await made.stator(['status', '--json'])).stdout);
    expect(all.map(({ plan }: { plan: string }) => plan)).toEqual(['d', 'c', 'b', 'a']);
  });
});

describe('stator plan merge', () => {
  it('merges without an engine, says where the plan is, and says so again', async () => {
    const made = working();
    made.write('p.md', planOf(['true']));
    git(made.repo, 'add', '-A');
    git(made.repo, 'commit', '-qm', 'plan');
    const early = await made.stator(['plan', 'register', 'p.md', '--trust']);
    expect(early.code).toBe(0);
    const refused = await made.stator(['plan', 'merge', 'p']);
    expect(refused.code).toBe(1);
    expectProse(refused.stderr, 'refused: p is planned', 'stator plan advance p');
    expect((await made.stator(['run', 'p.md'])).code).toBe(0);

    made.write('w1t1.txt', 'mine\n');
    const overlap = await made.stator(['plan', 'merge', 'p']);
    expect(overlap).toMatchObject({ code: 1, stdout: '' });
    expectProse(overlap.stderr, made.repo, ' w1t1.txt');
    expect(readFileSync(join(made.repo, 'w1t1.txt'), 'utf8')).toBe('mine\n');
    const json = await made.stator(['plan', 'merge', 'p', '--json']);
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({
      merged: null,
      merge_refused: { why: 'overlap', files: ['w1t1.txt'] },
    });

    rmSync(join(made.repo, 'w1t1.txt'));
    const merged = await made.stator(['plan', 'merge', 'p']);
    const head = git(made.repo, 'rev-parse', 'main').slice(0, 12);
    expect(merged).toMatchObject({ code: 0 });
    const again = await made.stator(['plan', 'merge', 'p']);
    expect(again).toMatchObject({ code: 0 });
    const shown = (await made.stator(['plan', 'show', 'p'])).stdout.split('\n');
    const row = shown.find((line) => line.startsWith('merged '));
    for (const text of [merged.stdout, again.stdout, row]) expectProse(text ?? '', 'main', head);
    git(made.repo, 'branch', 'dev', 'main~1');
    const elsewhere = await made.stator(['plan', 'merge', 'p', '--into', 'dev']);
    const dev = git(made.repo, 'rev-parse', 'dev').slice(0, 12);
    expect(elsewhere).toMatchObject({ code: 0 });
    expectProse(elsewhere.stdout, 'dev', dev);
    expect(git(made.repo, 'show', 'dev:w1t1.txt')).toBe('made');
  });

  /** A plan that is done, and a git that does `instead` where it is to move the branch of the checkout. */
  async function doneWith(instead: (root: string) => string) {
    const made = working();
    made.write('p.md', planOf(['true']));
    git(made.repo, 'add', '-A');
    git(made.repo, 'commit', '-qm', 'plan');
    expect((await made.stator(['run', 'p.md', '--trust'])).code).toBe(0);
    const real = (process.env.PATH ?? '')
      .split(delimiter)
      .map((folder) => join(folder, 'git'))
      .find(existsSync);
    const shims = join(made.root, 'shims');
    mkdirSync(shims);
    script(join(shims, 'git'), `case "$*" in *--ff-only*) ${instead(made.root)};; esac\nexec '${real}' "$@"`);
    return { ...made, env: { PATH: `${shims}:${process.env.PATH}` } };
  }

  it('that a killed git stopped is tried again without an engine, and 0 means that it is merged', async () => {
    const dies = (killed: string) => `touch '${killed}' "$(pwd)/.git/index.lock"; kill -9 $$`;
    const killedIn = (root: string) => join(root, 'killed');
    const made = await doneWith((root) => `test -e '${killedIn(root)}' || { ${dies(killedIn(root))}; }`);
    const merged = await made.stator(['plan', 'merge', 'p'], { env: made.env });
    expect([merged.code, existsSync(killedIn(made.root))], merged.stderr).toEqual([0, true]);
    expect(git(made.repo, 'show', 'main:w1t1.txt')).toBe('made');
    expect(existsSync(join(made.repo, '.git', 'index.lock'))).toBe(false);
  });

  it('that is not there yet when the verb ends has not ended with 0', async () => {
    const made = await doneWith(() => 'echo "fatal: No space left on device" >&2; exit 128');
    const kept = await made.stator(['plan', 'merge', 'p'], { env: made.env });
    expect(kept.code).toBe(1);
    expectProse(kept.stderr, 'pending');
    const status = JSON.parse((await made.stator(['status', '--json'])).stdout);
    expect(status).toMatchObject({ waiting: [{ plan: 'p', kind: 'repo' }] });
    const again = await made.stator(['plan', 'merge', 'p']);
    expect(again.code, again.stderr).toBe(0);
    expect(git(made.repo, 'show', 'main:w1t1.txt')).toBe('made');
  });

  it('of a task waits while somebody looks at the branch, and a run in a pipe says so', async () => {
    const made = working();
    made.write('p.md', planOf([`git -C '${made.repo}' switch -q plan/p`, 'true', 'true']));
    const run = made.watch(['run', 'p.md', '--trust']);
    await until(() => run.stdout().includes('switch --detach'));
    const told = run.stdout().split('\n');
    expectProse(told.find((line) => line.includes('switch --detach')) ?? '', 'plan/p', made.repo);
    const explained = await made.stator(['plan', 'explain', 'p', '--json']);
    expect(explained.stdout).toContain('"kind":"repo"');
    git(made.repo, 'switch', '-q', 'main');
    const { code } = await run.ended;
    expect(code).toBe(0);
  });

  it('is done by a run where auto_merge is on: the run ends when the plan is merged', async () => {
    const made = working();
    made.write('p.md', planOf(['true']));
    made.write('.stator/config.toml', 'auto_merge = true\n[agents.default]\npreset = "sh"\nattempts = 1\n');
    git(made.repo, 'add', '-A');
    git(made.repo, 'commit', '-qm', 'plan');
    const { code, stdout } = await made.stator(['run', 'p.md', '--trust']);
    expectProse(stdout.slice(stdout.search(/^p is /m)), 'main');
    expect(code).toBe(0);
    expect(readFileSync(join(made.repo, 'w1t1.txt'), 'utf8')).toBe('made\n');
  });
});
