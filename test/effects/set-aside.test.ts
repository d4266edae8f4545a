/** Work that an agent takes away: nothing of it counts in silence, and nothing of it is lost. */
import { describe, expect, it } from 'vitest';
import { begin, planText, say, startEngine, untilPhase } from '../support/engine.ts';
import { git } from '../support/ground.ts';
import { noWallsHere } from '../support/walls.ts';

/** Three files that are tracked, and a branch of the plan's that has them. */
const files = 'echo 1 > one.txt; echo 2 > two.txt; echo 3 > three.txt';

const places = [
  { where: 'without walls', sandbox: 'off' },
  { where: 'inside walls', sandbox: 'bwrap' },
] as const;

describe.each(places.filter(({ sandbox }) => sandbox === 'off' || noWallsHere === null))(
  '$where an agent',
  ({ sandbox }) => {
    it('that takes its own worktree away has changed nothing, and the project keeps its files', async () => {
      const daemon = `blueprint_skip_threshold = 0\n[agents.default]\nsandbox = "${sandbox}"\n`;
      const made = await startEngine({ daemon, agents: { default: { preset: 'sh', attempts: 1 } } });
      await begin(made, 'away', planText([files], ['rm -rf "$PWD" 2> /dev/null || true']));
      const shown = await untilPhase(made, 'away', 'wave_waiting');
      expect(shown.tasks_by_wave[1]?.tasks).toMatchObject([{ status: 'failed', reason: 'no-change' }]);
      expect(git(made.repo, 'ls-tree', '-r', '--name-only', 'plan/away').split('\n')).toHaveLength(4);
      await say(made, 'away', 'retry_wave');
      const again = await untilPhase(made, 'away', 'wave_waiting');
      expect(again.tasks_by_wave[1]?.tasks).toMatchObject([{ status: 'failed', reason: 'no-change', attempts: 2 }]);
    });
  },
);
