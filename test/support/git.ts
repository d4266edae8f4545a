/** Real repositories in temporary folders, with a user's configuration that would break unattended commits. */
import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { inspectRepository, type Repository } from '../../runtime/work/git/repository.ts';
import { removeFolder } from './remove-folder.ts';
import { outputOf } from './small-shell.ts';
import { copyTemplate, initialise, type Template } from './template.ts';

const isolated = ['HOME', 'XDG_CONFIG_HOME', 'GIT_CONFIG_GLOBAL', 'GIT_CONFIG_NOSYSTEM', 'EMAIL'] as const;

/** A folder for every test of the file, removed after it; git sees no configuration of this machine. */
export function temporaryHome(): { readonly path: string } {
  const home = { path: '' };
  const before = new Map(isolated.map((name) => [name, process.env[name]]));
  beforeEach(() => {
    home.path = realpathSync(mkdtempSync(join(tmpdir(), 'stator-git-')));
    process.env.HOME = home.path;
    process.env.XDG_CONFIG_HOME = join(home.path, 'xdg');
    process.env.GIT_CONFIG_GLOBAL = join(home.path, 'gitconfig');
    process.env.GIT_CONFIG_NOSYSTEM = '1';
    delete process.env.EMAIL;
  });
  afterEach(() => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    removeFolder(home.path);
  });
  return home;
}

/** Runs git as the user would. */
export function run(cwd: string, ...args: string[]): string {
  return outputOf('git', args, cwd).trimEnd();
}

export function write(folder: string, file: string, text: string): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), text);
}

export function read(folder: string, file: string): string {
  return readFileSync(join(folder, file), 'utf8');
}

/** A repository with one commit (`a.txt` of three lines) on `main`. Its hooks fail, and its commits would be signed with a missing program. */
export function makeRepository(path: string, options: { isHostile?: boolean } = {}): string {
  copyTemplate(ofThreeLines, path);
  if (options.isHostile !== false) makeHostile(path);
  return path;
}

const ofThreeLines: Template = {
  name: 'three-lines',
  make(folder) {
    initialise(folder, { name: 'Ada Lovelace', email: 'ada@example.com' });
    write(folder, 'a.txt', 'one\ntwo\nthree\n');
    run(folder, 'add', '.');
    run(folder, 'commit', '-q', '-m', 'first');
  },
};

/** Avoids a git process for each setting. */
function configure(path: string, text: string): void {
  appendFileSync(join(path, '.git', 'config'), text);
}

function makeHostile(path: string): void {
  configure(path, '[commit]\n\tgpgSign = true\n[gpg]\n\tprogram = /nowhere/gpg\n');
  for (const hook of ['pre-commit', 'commit-msg', 'post-checkout', 'post-merge', 'reference-transaction']) {
    const file = join(path, '.git', 'hooks', hook);
    write(path, `.git/hooks/${hook}`, '#!/bin/sh\necho "hook ran" >&2\nexit 1\n');
    chmodSync(file, 0o755);
  }
}

/** The repository as the engine sees it. */
export async function openRepository(path: string): Promise<Repository> {
  return inspectRepository(makeRepository(path));
}

/** Everything in the user's checkout that must not change: status, HEAD, branch, index, files. */
export function checkoutState(path: string): unknown {
  return {
    index: readFileSync(join(path, '.git', 'index')).toString('base64'),
    head: readFileSync(join(path, '.git', 'HEAD'), 'utf8'),
    commit: run(path, 'rev-parse', 'HEAD'),
    status: run(path, '--no-optional-locks', 'status', '--porcelain=v2', '--branch'),
    text: read(path, 'a.txt'),
  };
}

/** Commits a file to a branch as another person would, in a temporary worktree; returns the commit. */
export function commitOn(repo: Repository, name: string, file: string, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'stator-by-hand-'));
  run(repo.path, '-c', 'core.hooksPath=/dev/null', 'worktree', 'add', '-q', '--detach', folder, name);
  write(folder, file, text);
  run(folder, 'add', '-A');
  run(folder, '-c', 'core.hooksPath=/dev/null', 'commit', '-q', '--no-gpg-sign', '-m', `${file} on ${name}`);
  const commit = run(folder, 'rev-parse', 'HEAD');
  run(repo.path, '-c', 'core.hooksPath=/dev/null', 'update-ref', `refs/heads/${name}`, commit);
  run(repo.path, 'worktree', 'remove', '--force', folder);
  return commit;
}
