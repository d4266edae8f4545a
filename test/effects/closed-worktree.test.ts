/** A worktree that its agent has closed to its own user. */
import { chmodSync, lstatSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openToOwner } from '../../runtime/base/platform/open-to-owner.ts';
import { begin, ground, planText, startEngine, untilStatus } from '../support/engine.ts';
import { git } from '../support/ground.ts';

it('is open again when the run has ended, and its work counts', async () => {
  const engine = await startEngine();
  await begin(engine, 'closes', planText(['echo made > made.txt; chmod 000 .']));
  await untilStatus(engine, 'closes', 'done');
  expect(git(engine.repo, 'show', 'plan/closes:made.txt')).toBe('made');
  const worktree = join(engine.repo, '.worktrees', 'plan-closes-w1-t1');
  const text = `closes-w1-t1 closed ${worktree} to its own user; it is open again (chmod u+rwx)`;
  expect(await engine.client.capture({ project: 'demo', title: 'closes-w1-t1' })).toContain(text);
});

it('is opened by nobody who does not own it, and a link in its place is not followed', async () => {
  const engine = ground();
  const closed = join(engine.root, 'closed');
  mkdirSync(closed);
  chmodSync(closed, 0);
  symlinkSync(closed, join(engine.root, 'link'));
  expect(openToOwner(join(engine.root, 'link'))).toBe(false);
  expect(lstatSync(closed).mode & 0o777).toBe(0);
  expect(openToOwner(closed)).toBe(true);
  expect(lstatSync(closed).mode & 0o777).toBe(0o700);
});
