/**
 * Programs that a repository's own configuration, attributes and hooks name are not started: git would obey them, so every git of the engine
 * overrides them.
 */
import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { planOf, type Terminal, terminal, working } from '../support/cli.ts';
import { git } from '../support/ground.ts';

interface Trapped extends Terminal {
  /** A program that leaves a mark, and passes its input on. */
  readonly program: string;
  marks(): string[];
}

function trapped(made: Terminal): Trapped {
  const program = join(made.root, 'trap');
  const mark = join(made.root, 'mark');
  writeFileSync(program, `#!/bin/sh\necho "$0 $*" >>${mark}\ncase "$*" in *clean*|*smudge*) cat ;; esac\n`);
  chmodSync(program, 0o755);
  const marks = () => (existsSync(mark) ? readFileSync(mark, 'utf8').trim().split('\n') : []);
  return { ...made, program, marks };
}

/** Everything in `git help --config` that names a program, and the settings that only the manual pages mention. */
function programVariables(): string[] {
  const listed = execFileSync('git', ['help', '--config'], { encoding: 'utf8' }).split('\n');
  const names =
    /(command|cmd|program|helper|editor|pager|hooksPath|fsmonitor|textconv|askpass|gitProxy|external|clean|smudge|\.driver|diffFilter|packObjectsHook|uploadpack|receivepack)$/i;
  const more = ['core.fsmonitor', 'filter.<driver>.process', 'remote.<name>.vcs', 'hook.<name>.command', 'gpg.program'];
  const found = [...listed.filter((name) => names.test(name)), ...more];
  return [...new Set(found)]
    .filter((name) => !/^(clean|column|color|advice)\.|^diff\.<driver>\.binary|^gitcvs\.|cachetextconv$/.test(name))
    .map((name) => name.replace('<url>', 'https://example.com').replace('<name>', 'origin').replace('<format>', 'ssh'))
    .map((name) => name.replace('<token>', 'sign').replace(/<[^>]*>/, 'trap'));
}

/** Writes every setting, hook and attribute that could start the program into the repository. */
function arm({ repo, root, program }: Trapped): void {
  git(root, 'init', '-q', '--bare', '-b', 'main', join(root, 'far.git'));
  git(repo, 'remote', 'add', 'origin', join(root, 'far.git'));
  writeFileSync(join(repo, '.gitattributes'), '* filter=trap diff=trap merge=trap\n');
  git(repo, 'add', '-A');
  git(repo, 'commit', '-qm', 'attributes');
  for (const name of programVariables()) git(repo, 'config', '--add', name, `${program} ${name}`);
  git(repo, 'config', '--add', 'hook.origin.event', 'reference-transaction');
  git(repo, 'config', 'log.showSignature', 'true');
  git(repo, 'config', 'commit.gpgSign', 'true');
  git(repo, 'config', 'submodule.recurse', 'true');
  const hooks = join(repo, '.git', 'hooks');
  mkdirSync(hooks, { recursive: true });
  const all =
    'pre-commit post-commit commit-msg pre-merge-commit post-merge post-checkout pre-push reference-transaction';
  for (const hook of [...all.split(' '), 'post-index-change', 'prepare-commit-msg', 'pre-rebase', 'post-rewrite']) {
    writeFileSync(join(hooks, hook), `#!/bin/sh\n${program} hook ${hook}\n`);
    chmodSync(join(hooks, hook), 0o755);
  }
}

describe('a repository that names programs everywhere', () => {
  it('does not start one when it is added, worked in, checked and merged', async () => {
    const made = trapped(working());
    arm(made);
    expect(programVariables().length).toBeGreaterThan(25);
    made.write('p.md', planOf(['echo changed >>README.md'], ['echo again >>README.md']));
    const run = await made.stator(['run', 'p.md', '--trust']);
    expect(run, run.stdout + run.stderr).toMatchObject({ code: 0 });
    const merged = await made.stator(['plan', 'merge', 'p']);
    expect(merged, merged.stderr).toMatchObject({ code: 0 });
    for (const verb of [['plan', 'diff', 'p'], ['doctor'], ['status'], ['repo', 'show', 'demo']])
      await made.stator(verb);
    expect(readFileSync(join(made.repo, 'README.md'), 'utf8')).toBe('hello\nchanged\nagain\n');
    expect(made.marks()).toEqual([]);
  });

  it('does not start one by a file that it includes, whatever the condition', async () => {
    const made = trapped(working());
    writeFileSync(join(made.repo, '.gitattributes'), '* filter=trap\n');
    git(made.repo, 'add', '-A');
    git(made.repo, 'commit', '-qm', 'attributes');
    const hidden = join(made.root, 'hidden');
    git(made.root, 'config', '--file', hidden, 'filter.trap.smudge', `${made.program} smudge`);
    git(made.repo, 'config', 'includeIf.onbranch:plan/**.path', '../../deeper');
    git(made.root, 'config', '--file', join(made.root, 'deeper'), 'include.path', hidden);
    made.write('p.md', planOf(['true']));
    const run = await made.stator(['run', 'p.md', '--trust']);
    expect(run, run.stdout + run.stderr).toMatchObject({ code: 0 });
    expect(made.marks()).toEqual([]);
  });

  it('is not read where its configuration is a pipe', async () => {
    const made = terminal();
    rmSync(join(made.repo, '.git', 'config'));
    execFileSync('mkfifo', [join(made.repo, '.git', 'config')]);
    const { code, stderr } = await made.stator(['repo', 'add', made.repo]);
    expect([code, stderr.includes(join(made.repo, '.git', 'config'))]).toEqual([1, true]);
  });
});

describe("the user's own filters", () => {
  it('run, and those of the repository do not take their place; no token is shown to them', async () => {
    const made = trapped(working());
    writeFileSync(join(made.repo, '.gitattributes'), '*.txt filter=own\n');
    git(made.repo, 'add', '-A');
    git(made.repo, 'commit', '-qm', 'attributes');
    const seen = join(made.root, 'seen');
    const own = `sh -c 'env >>${seen}; tr a-z A-Z'`;
    appendFileSync(join(made.root, 'gitconfig'), `[filter "own"]\n\tclean = "${own}"\n`);
    git(made.repo, 'config', 'filter.own.clean', `${made.program} clean`);
    made.write('p.md', planOf(['true']));
    const run = await made.start(['run', 'p.md', '--trust'], { env: { GITHUB_TOKEN: 'hush' } }).ended;
    expect(run, run.stdout + run.stderr).toMatchObject({ code: 0 });
    expect(made.marks()).toEqual([]);
    expect(git(made.repo, 'show', 'plan/p:w1t1.txt')).toBe('MADE');
    expect(readFileSync(seen, 'utf8')).toContain('PATH=');
    expect(readFileSync(seen, 'utf8')).not.toContain('hush');
  });
});

it('a missing object of a repository with a promisor does not start a program when it is added', async () => {
  const made = trapped(terminal());
  for (const [name, value] of [
    ['core.repositoryformatversion', '1'],
    ['extensions.partialClone', 'origin'],
    ['remote.origin.url', 'ssh://example.com/repo'],
    ['remote.origin.promisor', 'true'],
    ['core.sshCommand', made.program],
    ['protocol.ssh.allow', 'always'],
  ] as const)
    git(made.repo, 'config', name, value);
  writeFileSync(join(made.repo, '.git', 'refs', 'heads', 'main'), `${'12'.repeat(20)}\n`);
  await made.stator(['repo', 'add', made.repo]);
  for (const url of [`ext::${made.program}`, `${made.root}/far.git`]) {
    git(made.repo, 'config', 'remote.origin.url', url);
    git(made.repo, 'config', 'remote.origin.uploadpack', made.program);
    git(made.repo, 'config', 'protocol.ext.allow', 'always');
    await made.stator(['repo', 'add', made.repo]);
  }
  expect(made.marks()).toEqual([]);
});

it('a folder that poses as a bare repository does not start a program when it is added', async () => {
  const made = trapped(terminal());
  const posing = join(made.repo, 'docs');
  git(made.root, 'init', '-q', '--bare', posing);
  git(posing, 'config', 'core.fsmonitor', made.program);
  git(posing, 'config', 'core.bare', 'false');
  git(posing, 'config', 'core.worktree', made.repo);
  const { code } = await made.stator(['repo', 'add', posing]);
  expect([code, made.marks()]).toEqual([1, []]);
});

it('a repository that an agent puts into its worktree does not start a program when its work is committed', async () => {
  const made = trapped(working());
  const script = [
    'git init -q lib && cd lib',
    'git config user.name a && git config user.email a@b',
    "echo '*.x filter=trap' >.gitattributes && echo one >a.x && git add . && git commit -qm lib && cd ..",
    'git -c advice.addEmbeddedRepo=false add lib && git commit -qm link',
    `printf '[filter "trap"]\\n\\tclean = ${made.program} clean\\n[core]\\n\\tfsmonitor = ${made.program}\\n' >>lib/.git/config`,
    'echo two >lib/a.x',
  ].join('\n');
  made.write('p.md', planOf([script]));
  await made.stator(['run', 'p.md', '--trust']);
  expect((await made.stator(['plan', 'show', 'p'])).stdout).toContain('done, not merged');
  expect(git(made.repo, 'ls-tree', '-r', '--name-only', 'plan/p').split('\n')).not.toContain('lib');
  expect(made.marks()).toEqual([]);
});
