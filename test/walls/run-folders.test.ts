/** A run folder that somebody prepared cannot be mistaken for a run that never began. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { watchRun } from '../../runtime/work/agents/liveness.ts';
import { begin, ground, planText, runFolders, startEngine, untilBlocked } from '../support/engine.ts';
import { createRun, until } from '../support/run.ts';

it('a reviewer’s end that lies in its folder before it is started does not approve', async () => {
  const on = ground();
  const planted: string[] = [];
  const engine = await startEngine({
    on,
    daemon: 'auto_review_fix = false\n',
    agents: {
      default: { preset: 'sh', attempts: 1 },
      reviewer: { preset: 'command', program: 'echo "not good"; exit 1', attempts: 1 },
    },
    faults(point) {
      if (point !== 'agent-run.before-worktree' || planted.length > 0) return;
      const folder = runFolders(on.home, 'login').find((name) => name.includes('reviewer'));
      if (folder === undefined) return;
      planted.push(folder);
      writeFileSync(join(on.home, 'runs', folder, 'exit'), '000\n');
      // The disk was full for a short time, so the start is tried again.
      throw new EngineError('disk_full', 'no space left', 'free some');
    },
  });
  await begin(engine, 'login', planText(['echo a > a.txt']));
  const { blocked } = await untilBlocked(engine, 'login');
  expect(planted).toHaveLength(1);
  expect(blocked).toMatchObject({ source: 'review', reason: expect.stringContaining('not good') });
  expect(runFolders(on.home, 'login')).not.toContain(planted[0]);
});

const forever = new AbortController().signal;

it.each([
  ['without any secret', '000'],
  ['with another secret', '000 guess'],
  ['with the sign for none', '000 -'],
])('an end that an agent writes itself, %s, counts for nothing when its wrapper is killed', async (_how, text) => {
  const run = createRun('until [ -e go ]; do sleep 0.01; done; kill -9 $PPID');
  await run.start();
  writeFileSync(run.folder.exit, `${text}\n`);
  writeFileSync(join(run.request.cwd, 'go'), '');
  expect(await watchRun(run.folder, { abort: forever, pollMs: 50 })).toEqual({ kind: 'lost' });
});

it('the secret of a run is in no environment and no command line of its processes, and no descriptor holds it', async () => {
  const look =
    'cat /proc/$PPID/environ /proc/$PPID/cmdline /proc/$$/environ /proc/$$/cmdline >seen; ls -l /proc/$$/fd /proc/$PPID/fd >fds; : >looked';
  const run = createRun(look);
  await run.start();
  expect(await watchRun(run.folder, { abort: forever })).toEqual({ kind: 'exited', code: 0 });
  await until(() => run.read('looked') !== null);
  expect(run.read('seen')).toContain('STATOR_RUN=');
  expect(run.read('seen')).not.toContain(run.folder.secret);
  expect(run.read('fds')).not.toMatch(/ 3 -> /);
});
