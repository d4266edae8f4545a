/** What a run folder that somebody laid out beforehand does not do any more: stand for a run that never was. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { begin, ground, planText, runFolders, startEngine, untilBlocked } from '../support/engine.ts';

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
      // The disk was full for a moment: the start is tried again.
      throw new EngineError('store_full', 'no space left', 'free some');
    },
  });
  await begin(engine, 'login', planText(['echo a > a.txt']));
  const { blocked } = await untilBlocked(engine, 'login');
  expect(planted).toHaveLength(1);
  expect(blocked).toMatchObject({ source: 'review', reason: expect.stringContaining('not good') });
  expect(runFolders(on.home, 'login')).not.toContain(planted[0]);
});
