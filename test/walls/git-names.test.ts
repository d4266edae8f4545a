/** Names that git would take for something else: a flag, the current branch, another ref. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { planOf, working } from '../support/cli.ts';
import { git } from '../support/ground.ts';

it.each(['@', 'refs/heads/main', 'heads/main', 'tags/x', 'FETCH_HEAD', 'a1'.repeat(20)])(
  'a plan does not get a branch of the name %j',
  async (branch) => {
    const made = working();
    made.write('p.md', planOf(['true']));
    const { code, stderr } = await made.stator(['plan', 'register', 'p.md', '--trust', `--branch=${branch}`]);
    const main = git(made.repo, 'rev-parse', 'refs/heads/main');
    expect([code === 0, stderr]).toEqual([false, expect.stringContaining('branch')]);
    expect((await made.stator(['plan', 'list', '--json'])).stdout).toBe('[]\n');
    expect(git(made.repo, 'for-each-ref', '--format=%(refname)', 'refs/heads')).toBe('refs/heads/main');
    expect(git(made.repo, 'rev-parse', 'HEAD')).toBe(main);
  },
);

it('a remote whose name is a flag is not pushed to, and starts no program', async () => {
  const made = working();
  made.write('p.md', planOf(['true']));
  expect((await made.stator(['run', 'p.md', '--trust'])).code).toBe(0);
  const trap = join(made.root, 'trap');
  writeFileSync(trap, `#!/bin/sh\ntouch ${made.root}/mark\n`, { mode: 0o755 });
  mkdirSync(join(made.root, 'far.git'));
  git(join(made.root, 'far.git'), 'init', '-q', '--bare');
  const name = `--receive-pack=${trap}`;
  writeFileSync(
    join(made.repo, '.git', 'config'),
    `[core]\n\tbare = false\n[remote "${name}"]\n\turl = ${made.root}/far.git\n[remote "origin"]\n\turl = ${made.root}/far.git\n[user]\n\tname = A\n\temail = a@b\n`,
  );
  for (const words of [
    ['plan', 'push', 'p', `--remote=${name}`],
    ['plan', 'push', 'p', `--remote=${made.root}/far.git`],
  ]) {
    const { code, stderr } = await made.stator(words);
    expect([code, stderr]).toEqual([1, expect.stringContaining('remote')]);
  }
  expect(existsSync(join(made.root, 'mark'))).toBe(false);
  git(made.repo, 'config', 'remote.pushDefault', name);
  expect((await made.stator(['plan', 'push', 'p'])).code).toBe(1);
  expect(git(made.root, 'ls-remote', join(made.root, 'far.git'))).toBe('');
  expect((await made.stator(['plan', 'push', 'p', '--remote', 'origin'])).code).toBe(0);
});
