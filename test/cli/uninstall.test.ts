/** `stator uninstall`: it shows what is stator's, then removes it, and leaves what would be lost. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { foreignEntries } from '../../runtime/base/platform/home.ts';
import { planOf, type Terminal, working } from '../support/cli.ts';
import { isAlive } from '../support/daemon.ts';
import { git, until } from '../support/ground.ts';

/** A repo with a plan that is merged and one whose only task failed after it had changed something. */
async function worked(): Promise<Terminal> {
  const made = working();
  made.write('good.md', planOf(['true']));
  made.write('bad.md', planOf(['echo more >more; exit 1']));
  expect((await made.stator(['run', 'good.md', '--trust'])).code).toBe(0);
  expect((await made.stator(['plan', 'merge', 'good', '--yes'])).code).toBe(0);
  expect((await made.stator(['run', 'bad.md'])).code).toBe(1);
  return made;
}

const refsOf = (repo: string) => git(repo, 'for-each-ref', '--format=%(refname)').split('\n');

it('shows what would go and asks; then takes the worktrees, branches, refs and the home, and keeps what is merged nowhere', async () => {
  const { stator, repo, home } = await worked();
  const before = refsOf(repo);
  const shown = await stator(['uninstall', '--dry-run']);
  expect(shown.code).toBe(0);
  expect(shown.stdout).toMatch(/repo demo .*: \d worktrees?, 2 branches, 1 ref would go; 1 plan under way\n/);
  expect(shown.stdout).toContain('kept:\n  ref refs/stator/attempts/bad#');
  const unasked = await stator(['uninstall']);
  expect(unasked.code).toBe(1);
  expect(unasked.stderr).toContain('--yes');
  expect(refsOf(repo)).toEqual(before);
  expect(existsSync(home)).toBe(true);

  git(repo, 'update-ref', 'refs/heads/plan/bad', git(repo, 'commit-tree', 'main^{tree}', '-p', 'main', '-m', 'more'));
  const { code, stdout } = await stator(['uninstall', '--yes', '--json']);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    service: null,
    daemon: null,
    home: { path: home, state: 'gone' },
    notes: [],
  });
  expect(existsSync(home)).toBe(false);
  expect(existsSync(join(repo, '.worktrees'))).toBe(false);
  const left = ['refs/heads/main', 'refs/heads/plan/bad', expect.stringMatching(/^refs\/stator\/attempts\/bad#/)];
  expect(refsOf(repo)).toEqual(left);
  expect(git(repo, 'worktree', 'list').split('\n')).toHaveLength(1);

  const again = await stator(['uninstall', '--yes']);
  expect(again).toMatchObject({ code: 0, stdout: `nothing to remove: there is no ${home}\n` });
  expect(existsSync(home)).toBe(false);
});

it('stops the service, the daemon and its agents first, and keeps as a ref what they had not committed', async () => {
  const { stator, repo, home, root, write } = working();
  const bin = join(root, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'systemctl'), `#!/bin/sh\necho "$*" >>'${join(root, 'told')}'\n`);
  chmodSync(join(bin, 'systemctl'), 0o755);
  const how = { env: { HOME: root, XDG_CONFIG_HOME: '', PATH: `${bin}:${process.env.PATH}` } };
  expect((await stator(['daemon', 'install', '--for', 'systemd'], how)).code).toBe(0);
  write('p.md', planOf(['echo $$ >pid', 'exec sleep 600'].map((line, at) => (at === 0 ? line : `${line}`))));
  write('long.md', planOf(['echo kept >kept; exec sleep 600']));
  expect((await stator(['daemon', 'start'])).code).toBe(0);
  expect((await stator(['plan', 'register', 'long.md', '--start', '--trust'])).code).toBe(0);
  const worktree = join(repo, '.worktrees', 'plan-long');
  await until(() => existsSync(join(worktree, 'kept')));
  const shown = await stator(['uninstall', '--dry-run'], how);
  expect(shown.stdout).toMatch(
    /^service .*stator\.service: would go\ndaemon \(pid \d+\) and its agents: would be stopped\n/,
  );
  expect((await stator(['daemon', 'status'])).code).toBe(0);

  const { code, stdout } = await stator(['uninstall', '--yes'], how);
  expect(code).toBe(0);
  const [kept = ''] = refsOf(repo).filter((name) => name.startsWith('refs/stator/attempts/long#'));
  expect(stdout).toContain(`kept:\n  ref ${kept} of demo: `);
  expect(git(repo, 'show', `${kept}:kept`)).toBe('kept');
  expect(existsSync(home)).toBe(false);
  expect(existsSync(join(root, '.config/systemd/user/stator.service'))).toBe(false);
  expect(readFileSync(join(root, 'told'), 'utf8')).toContain('--user disable --now stator.service');
  expect((await stator(['daemon', 'status'])).code).toBe(69);
  // A service without a home: somebody deleted that by hand.
  expect((await stator(['daemon', 'install', '--for', 'systemd'], how)).code).toBe(0);
  rmSync(home, { recursive: true, force: true });
  expect(await stator(['uninstall', '--yes'], how)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^service \S+: gone\n$/),
  });
  expect(existsSync(home)).toBe(false);
});

it('saves what an agent had not committed, also where the daemon was killed', async () => {
  const { stator, repo, home, write } = working();
  write('long.md', planOf(['echo kept >kept; exec sleep 600']));
  expect((await stator(['daemon', 'start'])).code).toBe(0);
  expect((await stator(['plan', 'register', 'long.md', '--start', '--trust'])).code).toBe(0);
  await until(() => existsSync(join(repo, '.worktrees', 'plan-long', 'kept')));
  const { pid } = JSON.parse((await stator(['daemon', 'status', '--json'])).stdout);
  process.kill(pid, 'SIGKILL');
  await until(() => !isAlive(pid));
  const preview = await stator(['uninstall', '--dry-run']);
  expect(preview.stdout).toContain('1 worktree, 1 branch would go; 1 plan under way');

  const { code, stdout } = await stator(['uninstall', '--yes']);
  expect(code).toBe(0);
  const [kept = ''] = refsOf(repo).filter((name) => name.startsWith('refs/stator/attempts/'));
  expect(stdout).toContain(`  ref ${kept} of demo: `);
  expect(git(repo, 'show', `${kept}:kept`)).toBe('kept');
  expect([existsSync(home), existsSync(join(repo, '.worktrees'))]).toEqual([false, false]);
});

it('leaves a home that holds what is not of stator, and is refused to agents', async () => {
  const { stator, home, repo } = await worked();
  writeFileSync(join(home, 'thesis.txt'), 'mine');
  const refused = await stator(['uninstall', '--yes', '--json'], { env: { STATOR_TOKEN: 'x' } });
  expect([refused.code, JSON.parse(refused.stderr).code]).toEqual([1, 'not_allowed']);
  expect(refsOf(repo)).toContain('refs/heads/plan/good');
  const { code, stdout } = await stator(['uninstall', '--yes']);
  expect(code).toBe(1);
  expect(stdout).toContain('thesis.txt');
  expect(readFileSync(join(home, 'thesis.txt'), 'utf8')).toBe('mine');
  expect(refsOf(repo)).not.toContain('refs/heads/plan/good');
  const rest = await stator(['uninstall', '--dry-run']);
  expect(rest.stdout).toMatch(/^repo demo \(.*\): what is left there is kept; 1 plan under way\nkept:\n {2}ref /);
});

it('takes a home for its own with everything that stator makes in one', () => {
  const home = mkdtempSync(join(tmpdir(), 'stator-home-'));
  const sources = ['cli', 'runtime'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  );
  const made = sources
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/join\((?:home|resolve\(home\)), '([\w.-]+)'/g)])
    .map(([, name = '']) => name)
    // Where a service of the user lies.
    .filter((name) => !['.config', 'Library'].includes(name));
  expect(made.length).toBeGreaterThan(12);
  for (const name of made) writeFileSync(join(home, name), '');
  expect(foreignEntries(home)).toEqual([]);
  rmSync(home, { recursive: true });
});
