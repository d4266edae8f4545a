/** An engine that is killed while it sets worktrees up, or merges a plan into the user's branch: everything is done, and each thing once. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { FaultPoint } from '../../runtime/engine/engine.ts';
import { createGrounds, type Scenario } from '../support/crash.ts';
import { expectJournalToReplay, expectRunsToBelong } from '../support/crash-proof.ts';
import { begin, ground, planText, startEngine, untilPhase, untilPlan } from '../support/engine.ts';
import { git } from '../support/ground.ts';

const grounds = createGrounds();
afterEach(() => grounds.clear());

/** Merges by itself; every worktree gets a file and a command. */
function scenario(): { made: Scenario; setups: string } {
  const made = grounds.make();
  const setups = join(made.root, 'setups');
  mkdirSync(made.home, { recursive: true, mode: 0o700 });
  writeFileSync(join(made.home, 'daemon.toml'), 'blueprint_skip_threshold = 0\nauto_merge = true\n');
  mkdirSync(join(made.repo, '.stator'));
  const toml = `[worktree]\ncopy = [".env"]\nsetup = "test -s .env && echo $STATOR_RUN >> ${setups}"\n`;
  writeFileSync(join(made.repo, '.stator', 'config.toml'), toml);
  writeFileSync(join(made.repo, '.gitignore'), '.stator/\n.env\n');
  git(made.repo, 'add', '.');
  git(made.repo, 'commit', '-qm', 'configured');
  writeFileSync(join(made.repo, '.env'), 'KEY=1\n');
  return { made, setups };
}

describe('an engine that is killed', () => {
  it('at each line of a setup or a merge loses nothing, and merges once', async () => {
    const { made, setups } = scenario();
    const base = git(made.repo, 'rev-parse', 'main');
    const points: FaultPoint[] = [
      'setup.before-copy',
      'setup.after-copy',
      'plan-merge.before-merge',
      'plan-merge.after-merge',
    ];
    for (const point of points) {
      const { how, said } = await made.live({ fault: { point, nth: 1 } }).ended;
      expect(how, `${point}\n${said}`).toBe('killed');
      expectRunsToBelong(made.home);
    }
    const { how, said } = await made.carry();
    expect(how, said).toBe('done');
    expect(git(made.repo, 'rev-list', '--first-parent', '--count', `${base}..main`)).toBe('1');
    expect(git(made.repo, 'rev-parse', 'main^2')).toBe(git(made.repo, 'rev-parse', `plan/${made.plan}`));
    expect(git(made.repo, 'status', '--porcelain')).toBe('');
    const runs = readFileSync(setups, 'utf8').trim().split('\n');
    expect(new Set(runs).size).toBe(6);
    expect(runs).toHaveLength(6);
    await expectJournalToReplay(made.home);
  }, 120_000);

  it('before it took a failed task back does so the next time', async () => {
    const on = ground();
    mkdirSync(join(on.repo, '.stator'));
    writeFileSync(join(on.repo, '.stator', 'config.toml'), 'isolation = "plan"\n');
    let times = 0;
    const engine = await startEngine({
      on,
      faults: (point) => {
        if (point !== 'undo.before-reset') return;
        times += 1;
        if (times === 1) throw new Error('killed here');
      },
    });
    await begin(engine, 'undone', planText(['echo a > a.txt; git add -A; git commit -qm a; exit 1', 'ls > seen.txt']));
    await untilPhase(engine, 'undone', 'wave_waiting');
    await untilPlan(engine, 'undone', () => times > 1);
    expect(git(on.repo, 'ls-tree', '--name-only', 'plan/undone').split('\n')).toEqual(['README.md', 'seen.txt']);
  });
});
