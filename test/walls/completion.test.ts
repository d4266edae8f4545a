/** Names of folders, files and repos that others chose start nothing at TAB, when completion reads them. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Terminal, terminal } from '../support/cli.ts';
import { openPty } from '../support/pty.ts';

const main = join(import.meta.dirname, '../../dist/bin/stator.js');

/** A repo and a plan's file whose names are commands, and a PATH on which `stator` is the built program. */
async function named(): Promise<Terminal & { readonly inside: string; readonly env: NodeJS.ProcessEnv }> {
  const made = terminal();
  const inside = join(made.root, 'q$(touch mark)`touch mark`');
  renameSync(made.repo, inside);
  writeFileSync(join(inside, 'q$(touch mark).md'), '# A plan\n');
  const added = await made.stator(['repo', 'add', inside], { cwd: inside });
  expect(added, added.stderr).toMatchObject({ code: 0 });
  const bin = join(made.root, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'stator'), `#!/bin/sh\nexec ${process.execPath} ${main} "$@"\n`);
  chmodSync(join(bin, 'stator'), 0o755);
  return { ...made, inside, env: { ...made.env, PATH: `${bin}:${process.env.PATH}`, PS1: 'ready> ' } };
}

const has = (shell: string) => {
  try {
    execFileSync('sh', ['-c', `command -v ${shell}`]);
    return true;
  } catch {
    return false;
  }
};

const shells: readonly (readonly [string, readonly string[], string])[] = [
  ['bash', ['--norc', '--noprofile', '-i'], 'source <(stator completion bash); echo loaded:$?'],
  ['zsh', ['-f', '-i'], 'autoload -Uz compinit; compinit -u -D; source <(stator completion zsh); echo loaded:$?'],
  ['fish', ['-N', '-i'], 'stator completion fish | source; echo loaded:$status'],
];

for (const [shell, args, load] of shells) {
  it.runIf(has(shell))(
    `a folder, a repo and a file whose names are commands do not run at TAB in ${shell}`,
    async () => {
      const { inside, env } = await named();
      const pty = openPty(shell, args, { cwd: inside, env, columns: 160 });
      pty.type(`${load}\r`);
      await pty.until('loaded:0');
      pty.type('stator plan list --project q\t');
      await pty.until(/--project q\S*touch/);
      pty.type('\x15stator plan check q\t');
      await pty.until(/check q\S*touch/);
      expect(existsSync(join(inside, 'mark'))).toBe(false);
    },
  );
}
