/** A repository cannot make stator write elsewhere: `.git/info/exclude` is the only file of the user's own repository to which stator adds lines. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Terminal, terminal } from '../support/cli.ts';

const start = '# start file of a shell\n';

/** A repository whose exclude file is `$HOME/.profile` by a link. */
function linked(): Terminal & { readonly profile: string } {
  const made = terminal();
  const profile = join(made.root, '.profile');
  writeFileSync(profile, start);
  rmSync(join(made.repo, '.git', 'info', 'exclude'), { force: true });
  mkdirSync(join(made.repo, '.git', 'info'), { recursive: true });
  symlinkSync(profile, join(made.repo, '.git', 'info', 'exclude'));
  return { ...made, profile };
}

describe('an exclude file that the repository made a link', () => {
  it('does not lead a line of ours into the start file of a shell', async () => {
    const made = linked();
    const { code, stderr } = await made.stator(['repo', 'add', made.repo]);
    expect(code).toBe(1);
    expect(stderr).toContain(join(made.repo, '.git', 'info', 'exclude'));
    expect(readFileSync(made.profile, 'utf8')).toBe(start);
    expect((await made.stator(['repo', 'list', '--json'])).stdout).toBe('[]\n');
  });

  it('does not lead there by its folder either', async () => {
    const made = linked();
    const info = join(made.repo, '.git', 'info');
    rmSync(join(info, 'exclude'));
    const elsewhere = join(made.root, 'elsewhere');
    renameSync(info, elsewhere);
    symlinkSync(elsewhere, info);
    const { code, stderr } = await made.stator(['repo', 'add', made.repo]);
    expect([code, stderr.includes(info)]).toEqual([1, true]);
    expect(existsSync(join(elsewhere, 'exclude'))).toBe(false);
  });
});

it.each(['trees\ntouch /tmp/owned #', 'trees\rx', 'trees\u001b[2J'])(
  'a folder of worktrees named %j does not become a line of its own',
  async (dir) => {
    const made = terminal();
    made.write('.stator/config.toml', `[worktree]\ndir = ${JSON.stringify(dir)}\n`);
    const { code, stderr } = await made.stator(['repo', 'add', made.repo]);
    expect(code).not.toBe(0);
    expect(stderr).toContain('.stator/config.toml, line 2: worktree.dir');
    const file = join(made.repo, '.git', 'info', 'exclude');
    expect(existsSync(file) ? readFileSync(file, 'utf8') : '').not.toContain('touch');
  },
);
