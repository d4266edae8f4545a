/** A program that an agent leaves cannot run with the rights of stator's user. */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { diskUsage } from '../../runtime/base/platform/disk-usage.ts';
import { removeTree } from '../../runtime/base/platform/remove-tree.ts';
import { walkTree } from '../../runtime/base/platform/walk-tree.ts';
import { dropSpecialBits } from '../../runtime/work/agents/stopping.ts';
import { begin, ground, planText, startEngine, untilPhase } from '../support/engine.ts';
import { noWallsHere, startWalled } from '../support/walls.ts';

const modeOf = (path: string) => lstatSync(path).mode & 0o7777;
/** A program that another user of the machine could start. */
const leaves = (folder: string) =>
  `mkdir -p ${folder}/deep; cp /bin/sh ${folder}/deep/shell; chmod 6777 ${folder}/deep/shell; test -u ${folder}/deep/shell && touch ${folder}/was-set`;

describe.skipIf(process.platform !== 'linux')('a program with the setuid bit', () => {
  it('that an agent leaves in its worktree has lost it when the run has ended', async () => {
    const engine = await startEngine();
    await begin(engine, 'leaves', planText([`${leaves('.')}; exit 3`]));
    await untilPhase(engine, 'leaves', 'wave_waiting');
    const worktree = join(engine.repo, '.worktrees', 'plan-leaves-w1-t1');
    expect(modeOf(join(worktree, 'was-set'))).toBeGreaterThan(0);
    expect(modeOf(join(worktree, 'deep', 'shell'))).toBe(0o777);
  });

  it.skipIf(noWallsHere !== null)(
    'that it leaves in a folder that its walls let it write to has lost it, too',
    async () => {
      const on = ground();
      const cache = join(on.root, 'cache');
      const engine = await startWalled(`writable = ["${cache}"]\n`, { on });
      await begin(engine, 'leaves', planText([`${leaves(cache)}; exit 3`]));
      await untilPhase(engine, 'leaves', 'wave_waiting');
      expect(modeOf(join(cache, 'was-set'))).toBeGreaterThan(0);
      expect(modeOf(join(cache, 'deep', 'shell'))).toBe(0o777);
    },
  );

  it('has lost it also where no path reaches it, and what lies there counts as disk', async () => {
    const { root } = ground();
    const script = [
      "const fs = require('node:fs'); const name = 'a'.repeat(200);",
      'for (let depth = 0; depth < 60; depth += 1) { fs.mkdirSync(name); process.chdir(name); }',
      "fs.copyFileSync('/bin/sh', 'shell'); fs.chmodSync('shell', 0o6777);",
    ];
    execFileSync(process.execPath, ['-e', script.join('\n')], { cwd: root });
    const isSet = async () => {
      for await (const { path, found } of walkTree(root))
        if (path.toString().endsWith('/shell')) return found.mode & 0o7777;
      return null;
    };
    expect(await isSet()).toBe(0o6777);
    await dropSpecialBits(root);
    expect(await isSet()).toBe(0o777);
    expect(await diskUsage(root)).toBeGreaterThan(lstatSync('/bin/sh', { throwIfNoEntry: true }).blocks);
    await removeTree(root);
  });

  it('has lost it also where its name is no UTF-8', async () => {
    const { root } = ground();
    const shell = Buffer.concat([Buffer.from(`${root}/shell-`), Buffer.from([0xff, 0xfe])]);
    copyFileSync('/bin/sh', shell);
    chmodSync(shell, 0o6777);
    await dropSpecialBits(root);
    expect(lstatSync(shell).mode & 0o7777).toBe(0o777);
    await removeTree(root);
    expect(existsSync(root)).toBe(false);
  });

  it('keeps it where a link leads there, and a folder keeps what says whose group its files have', async () => {
    const { root } = ground();
    const [worktree, elsewhere] = [join(root, 'worktree'), join(root, 'elsewhere')];
    for (const folder of [worktree, elsewhere]) mkdirSync(folder);
    chmodSync(worktree, 0o2755);
    for (const folder of [worktree, elsewhere]) {
      writeFileSync(join(folder, 'program'), '');
      chmodSync(join(folder, 'program'), 0o4711);
    }
    symlinkSync(elsewhere, join(worktree, 'folder'));
    symlinkSync(join(elsewhere, 'program'), join(worktree, 'link'));
    await dropSpecialBits(worktree);
    const kept = [modeOf(join(worktree, 'program')), modeOf(worktree), modeOf(join(elsewhere, 'program'))];
    expect(kept).toEqual([0o711, 0o2755, 0o4711]);
  });
});
