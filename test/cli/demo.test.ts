/** `stator demo`, as it is typed. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { terminal } from '../support/cli.ts';
import { git } from '../support/ground.ts';

// Two runs of a plan of two waves, with its review and a fix.
it('plays its plan to the end, with its review and the fix, and leaves nothing; with --keep its folder, and how to look around in it', async () => {
  const made = terminal();
  const folders = () => readdirSync(made.root).filter((name) => name.startsWith('stator-demo-'));
  const old = join(made.root, 'old');
  mkdirSync(old);
  writeFileSync(join(old, 'git'), '#!/bin/sh\necho git version 2.37.0\n', { mode: 0o755 });
  for (const PATH of ['', old])
    expect(await made.start(['demo'], { env: { PATH } }).ended).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^error: git .*\nhint: install git/),
    });
  const unbuilt = join(made.root, 'unbuilt.cjs');
  writeFileSync(
    unbuilt,
    `const M = require('module'), { _load } = M; M._load = function (name) {
      if (name === 'better-sqlite3') throw new Error('Could not locate the bindings file. Tried:');
      return _load.apply(this, arguments); };`,
  );
  expect(await made.start(['demo'], { env: { NODE_OPTIONS: `--require ${unbuilt}` } }).ended).toMatchObject({
    code: 78,
    stderr: expect.stringMatching(/^error: .*is not built\nhint: build it/),
  });
  expect(folders()).toEqual([]);
  const [gone, kept] = await Promise.all([made.start(['demo']).ended, made.start(['demo', '--keep']).ended]);
  for (const { code, stdout, stderr } of [gone, kept]) expect(code, stdout + stderr).toBe(0);
  const [folder = '', ...more] = folders();
  expect(more).toEqual([]);
  const root = join(made.root, folder);
  expect(kept.stderr).toContain(`kept: ${root}`);
  expect(gone.stderr).toContain('--keep');
  expect(gone.stderr).toMatch(/it was in \S+, and is gone/);
  expect(gone.stdout).toMatch(/^review: approved, by the reviewer, after 1 round of fixing$/m);
  // Its commands would look for the plan in the home and the folder of the user.
  for (const { stdout } of [gone, kept]) expect(stdout).not.toContain('stator plan merge');
  expect(gone.stdout).toMatch(/^what happened\n[\s\S]* the review asks for changes; fixing\n/m);
  expect(gone.stdout).toMatch(/^what is on plan\/hello now\n\* [0-9a-f]+ fix round 1 /m);
  const tip = (branch: string) => git(join(root, 'hello'), 'log', '--format=%s', '-1', branch);
  expect([tip('plan/hello'), tip('main')]).toEqual(['fix round 1 (hello)', 'an empty stage']);
  const shown = await made.stator(['plan', 'show', 'hello', '--json'], {
    cwd: join(root, 'hello'),
    env: { STATOR_HOME: join(root, 'home') },
  });
  expect(JSON.parse(shown.stdout)).toMatchObject({ status: 'done', landing: 'not_merged' });
  expect(existsSync(made.home)).toBe(false);
});
