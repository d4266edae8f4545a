/** A repo is named by its name or by a folder, in every verb; and a name that is a way up in an address is a name that is not there. */
import { appendFileSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { planOf, working } from '../support/cli.ts';

it('every verb of a repo takes its folder, and any folder inside of it', async () => {
  const made = working();
  made.write('p.md', planOf(['true']));
  expect((await made.stator(['plan', 'register', 'p.md', '--trust'])).code).toBe(0);
  mkdirSync(join(made.repo, 'inside'));
  const verbs = [['show'], ['pause'], ['resume'], ['trust'], ['trust', '--show'], ['trust', '--revoke'], ['trust']];
  for (const [index, verb] of verbs.entries()) {
    const folder = ['.', './inside', made.repo, '../demo/'][index % 4] ?? '.';
    const { code, stderr, stdout } = await made.stator(['repo', ...verb, folder, '--json']);
    expect([verb, folder, code, stderr.replace('no engine runs\n', '')]).toEqual([verb, folder, 0, '']);
    expect(JSON.parse(stdout).project).toBe('demo');
  }
  expect((await made.stator(['repo', 'remove', '.'])).code).toBe(0);
});

it('the printed commands of a repo whose name has a space work when they are pasted', async () => {
  const made = working();
  const shop = join(made.root, 'my shop');
  renameSync(made.repo, shop);
  writeFileSync(join(shop, 'p.md'), planOf(['true']));
  const stator = (...args: string[]) => made.stator(args, { cwd: shop });
  await stator('repo', 'add', '.', '--trust');
  await stator('repo', 'pause', '.');
  await stator('plan', 'register', 'p.md', '--start');
  expect((await stator('plan', 'explain', 'p')).stdout).toContain("go on with: stator repo resume 'my shop'\n");
  expect((await stator('queue', 'pause', '--project', 'my shop')).stdout).toContain(
    "stator queue resume --project 'my shop'\n",
  );
  appendFileSync(join(shop, '.stator/config.toml'), '[worktree]\nsetup = "true"\n');
  expect((await stator('repo', 'trust', '--show')).stdout).toContain("until you say stator repo trust 'my shop':\n");
  await stator('plan', 'cancel', 'p');
  expect((await stator('repo', 'remove', '.')).stderr).toContain(`stator repo add '${shop}' brings it back`);
});

it('a printed command about a plan of another repo than the folder names the project', async () => {
  const made = working();
  for (const name of ['first', 'second'])
    made.write(`${name}.md`, `${name === 'first' ? '' : '**After:** first\n\n'}${planOf(['true'])}`);
  await made.stator(['plan', 'register', 'first.md', '--trust']);
  await made.stator(['plan', 'register', 'second.md', '--start']);
  const outside = { cwd: made.root };
  const all = async (...args: string[]) => Object.values(await made.stator(args, outside)).join('\n');
  const start = 'stator plan advance --project demo first';
  for (const asked of [['plan', 'list'], ['status'], ['plan', 'show', 'demo/second']]) {
    expect(await all(...asked), asked.join(' ')).toContain(start);
    expect((await made.stator(asked)).stdout).toContain('stator plan advance first');
  }
  for (const plan of [['demo/second'], ['second', '--project', 'demo']]) {
    expect(await all('plan', 'explain', ...plan)).toContain(start);
    expect(await all('plan', 'resume', ...plan)).toContain('stator plan explain --project demo second');
    expect(await all('plan', 'merge', ...plan)).toContain('where it is: stator plan show --project demo second');
  }
  for (const plan of [['demo/frist'], ['frist', '--project', 'demo']])
    expect(await all('plan', 'show', ...plan)).toContain('all of them: stator plan list --project demo');
  // The form works as it is printed.
  expect((await made.stator(['plan', 'explain', '--project', 'demo', 'second'], outside)).code).toBe(0);
});

it('a folder that is no repo, is absent or is not registered is refused with that reason', async () => {
  const made = working();
  const json = async (...args: string[]) =>
    JSON.parse((await made.stator([...args, '--json'])).stderr.split('\n').at(-2) ?? '');
  expect(await json('repo', 'show', './nowhere')).toMatchObject({ code: 'bad_repo' });
  expect(await json('repo', 'show', '..')).toMatchObject({ code: 'bad_repo' });
  made.write('a-file', '');
  for (const path of [join(made.root, 'nowhere'), join(made.root, 'nowhere', 'either'), join(made.repo, 'a-file')])
    expect(await json('repo', 'add', path)).toMatchObject({ code: 'bad_repo', error: expect.stringContaining(path) });
  expect(await json('repo', 'pause', '.')).toMatchObject({
    code: 'repo_not_found',
    hint: expect.stringContaining(`stator repo add ${made.repo}`),
  });
});

it('a plan that is called like a way up is not there', async () => {
  const made = working();
  made.write('p.md', planOf(['true']));
  await made.stator(['plan', 'register', 'p.md', '--trust']);
  for (const name of ['.', '..'])
    for (const verb of [
      ['plan', 'show'],
      ['plan', 'pause'],
      ['plan', 'explain'],
      ['plan', 'history'],
      ['plan', 'merge'],
    ]) {
      const { code, stderr } = await made.stator([...verb, name]);
      expect([verb, code]).toEqual([verb, 1]);
      expect(stderr).toMatch(/no plan is called|plan not found/);
      expect(stderr).toContain('stator plan list');
    }
});
