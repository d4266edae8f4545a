/** git may find its settings at unexpected places: a program that is named at any of them is overridden. */
import { appendFileSync, cpSync, existsSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { tryOwnGit } from '../../runtime/work/git/git.ts';
import { type Ground, git, makeGround } from '../support/ground.ts';

const ff = Buffer.from([0xff]);
let ground: Ground | null = null;

afterEach(() => {
  ground?.remove();
  ground = null;
});

interface Trap {
  readonly repo: string;
  readonly root: string;
  /** `.git` of the repository. */
  readonly gitDir: string;
  /** Settings that start a program for every file. */
  readonly evil: string;
}

function trap(): Trap {
  ground = makeGround();
  const { repo, root } = ground;
  writeFileSync(join(repo, '.gitattributes'), '* filter=trap\n');
  writeFileSync(join(repo, 'file'), 'text\n');
  const evil = `[filter "trap"]\n\tclean = "touch '${join(root, 'mark')}'; cat"\n`;
  return { repo, root, gitDir: join(repo, '.git'), evil };
}

/** Runs `git add` in that folder; returns whether the program ran. */
async function adds(folder: string): Promise<boolean> {
  await tryOwnGit(folder, ['add', '-A', '--', '.']).catch((thrown: unknown) => {
    if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'unsafe_path')) throw thrown;
  });
  return existsSync(join(ground?.root ?? '', 'mark'));
}

/** A git folder elsewhere, beside a folder that the link `way` leads into: `way/../far` is that git folder, and only the system knows it. */
function behindLink({ root, gitDir, evil }: Trap, way: string): void {
  mkdirSync(join(root, 'away', 'deep'), { recursive: true });
  cpSync(gitDir, join(root, 'away', 'far'), { recursive: true });
  appendFileSync(join(root, 'away', 'far', 'config'), evil);
  symlinkSync(join(root, 'away', 'deep'), way);
}

const line = '\n'.repeat(9_000);

const attempts: readonly [string, (trap: Trap) => string][] = [
  [
    'above an empty .git folder, which git passes over',
    ({ repo, gitDir, evil }) => {
      appendFileSync(join(gitDir, 'config'), evil);
      mkdirSync(join(repo, 'sub', '.git'), { recursive: true });
      writeFileSync(join(repo, 'sub', 'file'), 'text\n');
      return join(repo, 'sub');
    },
  ],
  [
    'above a folder that is reached by a link',
    ({ repo, root, gitDir, evil }) => {
      appendFileSync(join(gitDir, 'config'), evil);
      mkdirSync(join(repo, 'sub'));
      writeFileSync(join(repo, 'sub', 'file'), 'text\n');
      symlinkSync(join(repo, 'sub'), join(root, 'way'));
      return join(root, 'way');
    },
  ],
  [
    'behind a .git file with thousands of empty lines',
    ({ repo, root, gitDir, evil }) => {
      appendFileSync(join(gitDir, 'config'), evil);
      renameSync(gitDir, join(root, 'far'));
      writeFileSync(gitDir, `gitdir: ${join(root, 'far')}${line}`);
      return repo;
    },
  ],
  [
    'behind a .git file that goes through a link and back',
    (made) => {
      behindLink(made, join(made.repo, 'way'));
      rmSync(made.gitDir, { recursive: true });
      writeFileSync(made.gitDir, 'gitdir: way/../far\n');
      return made.repo;
    },
  ],
  [
    'behind a .git file that is no UTF-8',
    ({ repo, root, gitDir, evil }) => {
      appendFileSync(join(gitDir, 'config'), evil);
      const far = Buffer.concat([Buffer.from(join(root, 'far')), ff]);
      renameSync(gitDir, far);
      writeFileSync(gitDir, Buffer.concat([Buffer.from('gitdir: '), far, Buffer.from('\n')]));
      return repo;
    },
  ],
  [
    'behind a commondir with thousands of empty lines',
    ({ repo, root, gitDir, evil }) => {
      git(repo, 'worktree', 'add', '-q', join(root, 'tree'));
      appendFileSync(join(gitDir, 'config'), evil);
      appendFileSync(join(gitDir, 'worktrees', 'tree', 'commondir'), line);
      writeFileSync(join(root, 'tree', '.gitattributes'), '* filter=trap\n');
      return join(root, 'tree');
    },
  ],
  [
    'behind a commondir that goes through a link and back',
    (made) => {
      const { repo, root, gitDir } = made;
      git(repo, 'worktree', 'add', '-q', join(root, 'tree'));
      const entry = join(gitDir, 'worktrees', 'tree');
      behindLink(made, join(entry, 'way'));
      writeFileSync(join(entry, 'commondir'), 'way/../far\n');
      writeFileSync(join(root, 'tree', '.gitattributes'), '* filter=trap\n');
      return join(root, 'tree');
    },
  ],
  [
    'in an included file behind a link and back',
    (made) => {
      behindLink(made, join(made.gitDir, 'way'));
      appendFileSync(join(made.gitDir, 'config'), '[include]\n\tpath = way/../far/config\n');
      return made.repo;
    },
  ],
  [
    'in an included file whose name is no UTF-8',
    ({ repo, gitDir, evil }) => {
      writeFileSync(Buffer.concat([Buffer.from(join(gitDir, 'more')), ff]), evil);
      const include = [Buffer.from('[include]\n\tpath = more'), ff, Buffer.from('\n')];
      appendFileSync(join(gitDir, 'config'), Buffer.concat(include));
      return repo;
    },
  ],
  [
    'for a filter whose name is no UTF-8',
    ({ repo, gitDir, evil }) => {
      const named = (text: string) => Buffer.from(text.replaceAll('trap"', 'trap\xff"'), 'latin1');
      appendFileSync(join(gitDir, 'config'), named(evil));
      writeFileSync(join(repo, '.gitattributes'), Buffer.concat([Buffer.from('* filter=trap'), ff, Buffer.from('\n')]));
      return repo;
    },
  ],
];

describe('a program that is named where git looks and a reader may not', () => {
  it.each(attempts)('does not run: %s', async (_where, make) => {
    expect(await adds(make(trap()))).toBe(false);
  });

  it('would run in each of these with plain git', () => {
    for (const [where, make] of attempts) {
      const made = trap();
      git(make(made), 'add', '-A', '--', '.');
      expect(existsSync(join(made.root, 'mark')), where).toBe(true);
      ground?.remove();
    }
  });

  it('leaves a repository below another one, and a worktree of it, as usable as before', async () => {
    const { repo, root, gitDir } = trap();
    rmSync(join(repo, '.gitattributes'));
    mkdirSync(join(repo, 'inner'));
    cpSync(gitDir, join(repo, 'inner', '.git'), { recursive: true });
    git(repo, 'worktree', 'add', '-q', join(root, 'tree'));
    for (const folder of [join(repo, 'inner'), join(root, 'tree')]) {
      const shown = await tryOwnGit(folder, ['rev-parse', '--show-toplevel']);
      expect(shown).toMatchObject({ exitCode: 0, stdout: folder });
    }
  });
});
