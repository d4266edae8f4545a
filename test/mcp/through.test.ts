import { expect, it } from 'vitest';
import { daemonGround } from '../support/daemon.ts';
import { afterwards } from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { overStdio } from '../support/mcp.ts';
import { planned } from '../support/planner.ts';

// A daemon is started three times.
it('a client sees a plan through from a rough idea to its merge by tools alone, while the daemon is killed and started anew', async () => {
  const ground = daemonGround('');
  planned(ground, '# A file\n\n## Wave 1\n\n### Task 1: make it\n\n```sh\necho made > made.txt\n```\n');
  const start = async () => {
    const daemon = ground.start(['daemon', 'start', '--foreground']);
    await until(() => daemon.stderr().includes('owns'));
    return daemon;
  };
  const kill = async (daemon: Awaited<ReturnType<typeof start>>) => {
    daemon.child.kill('SIGKILL');
    await daemon.ended;
  };
  const first = await start();
  expect((await ground.stator(['repo', 'add', '.', '--trust'])).code).toBe(0);
  const { mcp, use } = await overStdio({ env: ground.env, cwd: ground.repo });
  afterwards(() => mcp.close());
  await use('task_create', { name: 'A file', description: 'something with a file in it' });
  await kill(first);
  // Asked while no daemon runs.
  expect(await use('daemon_status')).toEqual({ running: false });
  expect(await use('task_show', { filename: 'a-file' })).toMatchObject({ status: 'ready' });
  const second = await start();
  expect(await use('task_transition', { filename: 'a-file', event: 'plan_start' })).toMatchObject({
    signal: { status: 'done' },
  });
  const waiting = use('wait_for_event', { filename: 'a-file', until: 'done', timeout_seconds: 50 });
  await kill(second);
  await start();
  let waited = await waiting;
  while (waited.reached !== true) waited = await use('wait_for_event', { filename: 'a-file', until: 'done' });
  expect(waited).toMatchObject({ plan: { status: 'done' } });
  expect(await use('task_diff', { filename: 'a-file' })).toMatchObject({ files: [{ path: 'made.txt' }] });
  expect(await use('task_merge', { filename: 'a-file' })).toMatchObject({ merged: { into: 'main' } });
  expect(git(ground.repo, 'show', 'main:made.txt')).toBe('made');
});
