/** A killed git has given no answer: that never counts as a no. */
import { execFileSync } from 'node:child_process';
import { chmodSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { identity } from '../../runtime/work/git/identity.ts';
import { readRef } from '../../runtime/work/git/refs.ts';
import { inspectRepository } from '../../runtime/work/git/repository.ts';
import { planOf, terminal } from '../support/cli.ts';
import { makeRepository, temporaryHome } from '../support/git.ts';
import { expectRefusal } from '../support/prose.ts';

const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();

/** A folder for PATH with a git that runs `instead` if its arguments match, and is the real git otherwise. */
function gitThat(folder: string, matches: string, instead: string): string {
  writeFileSync(join(folder, 'git'), `#!/bin/sh\ncase "$*" in ${matches}) ${instead};; esac\nexec ${real} "$@"\n`);
  chmodSync(join(folder, 'git'), 0o755);
  return `${folder}:${process.env.PATH}`;
}

const deaths = [
  ['killed', 'kill -9 $$', /SIGKILL/],
  ['killed behind a program that stands before it', 'exit 137', /signal 9/],
  ['unable to read its configuration', 'echo "fatal: bad config line 1" >&2; exit 128', /bad config line 1/],
] as const;

describe('git that is', () => {
  const home = temporaryHome();

  for (const [how, instead, said] of deaths) {
    it(`${how} leaves open who commits, and what a ref is`, async () => {
      const path = makeRepository(join(home.path, 'demo'));
      const before = process.env.PATH;
      try {
        process.env.PATH = gitThat(home.path, '"var "*|*cat-file*|*rev-parse*', instead);
        const failed = { code: 'git_failed', message: expect.stringMatching(said) };
        await expect(identity({ path })).rejects.toMatchObject(failed);
        await expect(readRef({ path }, 'refs/heads/nowhere')).rejects.toMatchObject(failed);
      } finally {
        process.env.PATH = before;
      }
    });
  }

  it('put into a repository by an agent is not run, nor is a library of git, if a searched folder is relative or empty', async () => {
    const path = makeRepository(join(home.path, 'demo'));
    const { PATH, LD_LIBRARY_PATH } = process.env;
    gitThat(path, '*', 'kill -9 $$');
    writeFileSync(join(path, 'libz.so.1'), 'no library');
    try {
      Object.assign(process.env, { PATH: `.::${PATH}`, LD_LIBRARY_PATH: '/nowhere:;.' });
      expect(await readRef({ path }, 'refs/heads/main')).toMatch(/^[0-9a-f]{40}$/);
    } finally {
      process.env.PATH = PATH;
      if (LD_LIBRARY_PATH === undefined) delete process.env.LD_LIBRARY_PATH;
      else process.env.LD_LIBRARY_PATH = LD_LIBRARY_PATH;
    }
  });

  it('killed does not detach a checkout', async () => {
    const path = makeRepository(join(home.path, 'demo'));
    // The format of early gits, which only git itself reads.
    rmSync(join(path, '.git', 'HEAD'));
    symlinkSync('refs/heads/main', join(path, '.git', 'HEAD'));
    const before = process.env.PATH;
    try {
      process.env.PATH = gitThat(home.path, '*symbolic-ref*', 'exit 143');
      await expect(inspectRepository(path)).rejects.toMatchObject({ code: 'git_failed' });
    } finally {
      process.env.PATH = before;
    }
  });
});

describe('run and doctor, where git was killed', () => {
  it('say so, and not that nobody is set', async () => {
    const { stator, root, write } = terminal();
    write('p.md', planOf(['true']));
    const PATH = gitThat(root, '"var GIT_AUTHOR"*', 'kill -9 $$');
    const run = await stator(['run', 'p.md'], { env: { PATH } });
    expectRefusal(run.stderr, 'git var GIT_AUTHOR_IDENT', 'SIGKILL');
    expect(run.stderr).not.toContain('is not set');
    expect(run.code).toBe(1);
    const doctor = await stator(['doctor'], { env: { PATH } });
    expect(doctor.stdout).toMatch(/✗ {2}git identity .*SIGKILL/);
  });

  it('say so of the repository too', async () => {
    const { stator, root, repo } = terminal();
    const PATH = gitThat(root, '*rev-parse*', 'kill -9 $$');
    const { code, stderr } = await stator(['plan', 'list'], { cwd: join(repo, '.git'), env: { PATH } });
    expectRefusal(stderr, 'SIGKILL');
    expect(code).toBe(1);
  });
});
