/** A repo of several as a person types it: made, mistyped, planned in, landed in all of them. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { daemonGround } from '../support/daemon.ts';
import { git } from '../support/ground.ts';

/** `api` and `web` are registered; a person works in the folder beside them. */
async function ground() {
  const made = daemonGround('');
  const { root, stator } = made;
  const at = (name: string) => join(root, name);
  for (const name of ['api', 'web']) {
    git(root, 'clone', '-q', made.repo, at(name));
    git(at(name), 'remote', 'remove', 'origin');
    git(at(name), 'config', 'user.name', 'Ann');
    git(at(name), 'config', 'user.email', 'ann@example.org');
    expect(await stator(['repo', 'add', at(name)])).toMatchObject({ code: 0 });
  }
  return { ...made, at };
}

const document = `# Both

## Wave 1

### Task 1: the server
**Repo:** api
**Files:** file.txt
**Check:** grep v2 file.txt

\`\`\`sh
echo v2 > api/file.txt
\`\`\`

### Task 2: the page
**Repo:** web
**Check:** grep v2 file.txt

\`\`\`sh
echo v2 > web/file.txt
\`\`\`
`;

it('makes a repo of several, plans in it, and lands in all of them', async () => {
  const { at, root, stator } = await ground();
  const typed = async (words: readonly string[], cwd = root) => {
    const { code, stdout, stderr } = await stator(['--project', 'shop', ...words].slice(cwd === root ? 2 : 0), { cwd });
    return { code, said: `${stdout}${stderr}`.replaceAll(root, '<root>') };
  };
  expect(await typed(['repo', 'compose', at('shop'), 'api', 'web'])).toMatchObject({
    code: 0,
    said: expect.stringContaining('added shop (<root>/shop)') as string,
  });
  expect(readFileSync(join(at('shop'), 'api', 'README.md'), 'utf8')).toBe('hello\n');
  expect(readFileSync(join(at('shop'), '.stator', 'config.toml'), 'utf8')).toContain(
    '[members.api]\nbranch = "main"\n',
  );

  appendFileSync(
    join(at('shop'), '.stator', 'config.toml'),
    '[landing]\ncheck = "test $(cat api/file.txt) = $(cat web/file.txt)"\n[agents.default]\npreset = "sh"\n[agents.reviewer]\nenabled = false\n',
  );
  const file = join(root, 'both.md');
  writeFileSync(file, document);
  expect((await stator(['run', file, '--trust'], { cwd: at('shop') })).code).toBe(0);
  const before = ['api', 'web'].map((name) => git(at(name), 'rev-parse', 'main'));
  const landed = await stator(['plan', 'land', 'both'], { cwd: at('shop') });
  expect(landed).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^both is merged: plan\/both is in main, /) as string,
  });
  for (const [index, name] of ['api', 'web'].entries()) {
    expect(readFileSync(join(at(name), 'file.txt'), 'utf8')).toBe('v2\n');
    const [, back = ''] =
      new RegExp(`^${name}: .* take it back: git -C ${at(name)} (.+)$`, 'm').exec(landed.stdout) ?? [];
    git(at(name), ...back.split(' '));
    expect(git(at(name), 'rev-parse', 'main^{tree}')).toBe(git(at(name), 'rev-parse', `${before[index]}^{tree}`));
  }
});

it('lands in none where a checkout of one of them is in the way, and says which', async () => {
  const { at, root, stator } = await ground();
  expect((await stator(['repo', 'compose', at('shop'), 'api', 'web'])).code).toBe(0);
  appendFileSync(
    join(at('shop'), '.stator', 'config.toml'),
    '[agents.default]\npreset = "sh"\n[agents.reviewer]\nenabled = false\n',
  );
  writeFileSync(join(root, 'both.md'), document);
  expect((await stator(['run', join(root, 'both.md'), '--trust'], { cwd: at('shop') })).code).toBe(0);
  writeFileSync(join(at('web'), 'file.txt'), 'mine\n');
  const before = git(at('api'), 'rev-parse', 'main');
  const refused = await stator(['plan', 'merge', 'both'], { cwd: at('shop') });
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('nothing has landed in any of the repos');
  expect(refused.stderr).toContain(`${at('web')}, where main is checked out, has changes of its own in file.txt`);
  expect(git(at('api'), 'rev-parse', 'main')).toBe(before);
  expect(readFileSync(join(at('web'), 'file.txt'), 'utf8')).toBe('mine\n');
  git(at('web'), 'clean', '-qf');
  expect((await stator(['plan', 'merge', 'both'], { cwd: at('shop') })).code).toBe(0);
  expect(readFileSync(join(at('web'), 'file.txt'), 'utf8')).toBe('v2\n');
});

it.each([
  [['api/inside', 'api'], 'is inside of the repository'],
  [['full', 'api'], 'is not empty'],
  [['shop', 'api', 'wbe'], 'repo not registered: wbe'],
  [['shop', 'api', 'api'], 'api is named twice'],
  [['shop'], '<repos> is missing'],
])('stator repo compose %j says what is wrong, and makes nothing', async ([folder = '', ...repos], said) => {
  const { at, stator } = await ground();
  mkdirSync(at('full'));
  writeFileSync(join(at('full'), 'a'), '');
  const typed = await stator(['repo', 'compose', at(folder), ...repos]);
  expect(typed.code).not.toBe(0);
  expect(typed.stderr).toContain(said);
  expect(existsSync(join(at(folder), '.git'))).toBe(false);
  expect(existsSync(join(at('full'), 'a'))).toBe(true);
});

it('plan check says which repo a task names, and what to do if that repo is no member', async () => {
  const { at, root, stator } = await ground();
  writeFileSync(join(root, 'both.md'), document);
  const alone = await stator(['plan', 'check', join(root, 'both.md')], { cwd: at('web') });
  expect(alone.stdout + alone.stderr).toContain(
    'task 1 is for the repo "api", and this repo has no members; make one of them all, and register the plan there: stator repo compose <folder> web api',
  );
  expect(alone.stdout + alone.stderr).toContain(
    'task 2 is for the repo "web", and that is this one; leave the line out',
  );
  expect((await stator(['repo', 'compose', at('shop'), 'api', 'web'])).code).toBe(0);
  const good = await stator(['plan', 'check', join(root, 'both.md')], { cwd: at('shop') });
  expect(good.stdout).toMatch(/repo: api; check: grep v2 file.txt; files: api\/file.txt/);
  writeFileSync(join(root, 'both.md'), document.replace('**Repo:** web', '**Repo:** wbe'));
  const mistyped = await stator(['plan', 'check', join(root, 'both.md')], { cwd: at('shop') });
  expect(mistyped.stdout + mistyped.stderr).toContain('it is no member of this one; did you mean web?');
  writeFileSync(join(root, 'both.md'), `**Repo:** wbe\n${document.replace('**Repo:** web', '')}`);
  const head = await stator(['plan', 'check', join(root, 'both.md')], { cwd: at('shop') });
  expect(head.stdout + head.stderr).toMatch(/both\.md:1: .*"wbe", and it is no member of this one; did you mean web\?/);
  expect(head.stdout + head.stderr).not.toContain('task 2');
});

it('a plan whose head names the repo that it is written for is worked on there', async () => {
  const { at, root, stator } = await ground();
  mkdirSync(join(at('web'), '.stator'));
  writeFileSync(
    join(at('web'), '.stator', 'config.toml'),
    '[agents.default]\npreset = "sh"\n[agents.reviewer]\nenabled = false\n',
  );
  const task = '### Task 1: t\n**Check:** grep v2 file.txt\n\n```sh\necho v2 > file.txt\n```\n';
  writeFileSync(join(root, 'alone.md'), `**Repo:** web\n\n## Wave 1\n${task}`);
  const ended = await stator(['run', join(root, 'alone.md'), '--trust'], { cwd: at('web') });
  expect([ended.code, git(at('web'), 'show', 'plan/alone:file.txt')]).toEqual([0, 'v2']);
});
