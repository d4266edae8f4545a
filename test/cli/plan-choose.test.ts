/** Several planners write drafts while their daemon is killed; a person chooses one by its number. */
import { execFileSync } from 'node:child_process';
import { chmodSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { daemonGround } from '../support/daemon.ts';
import { until } from '../support/ground.ts';
import { killLeft, processesWith } from '../support/leftovers.ts';

const planner = `#!/bin/sh
number=\${STATOR_TITLE##*-}
: >"$STATOR_HOME/began-$number"
while test -e "$STATOR_HOME/hold"; do sleep 0.1; done
test "$number" = 3 && exit 1
printf '# Shop\\n\\n## Wave 1\\n\\n### Task 1: as draft %s says\\n\\n\`\`\`sh\\necho %s >shop.txt\\n\`\`\`\\n' "$number" "$number" >"$STATOR_TEMP_DIR/plan.md"
stator plan update-content "$STATOR_PLAN" --file "$STATOR_TEMP_DIR/plan.md" && stator signal emit planner_finished
`;

// Planners of three, and two daemons.
it('drafts are written over a kill of the daemon, one fails, one is chosen, and nothing of the others is left but their texts', async () => {
  const made = daemonGround('planner_drafts = 3\nmax_coordinators = 3\nauto_advance = false\n');
  const { stator, write, home, repo } = made;
  const said = async (...words: string[]) => {
    const { code, stdout, stderr } = await stator(words);
    return { code, text: `${stdout}${stderr}` };
  };
  write('planner.sh', planner);
  chmodSync(join(repo, 'planner.sh'), 0o755);
  write(
    '.stator/config.toml',
    '[agents.default]\npreset = "sh"\n[agents.planner]\npreset = "command"\nprogram = "./planner.sh"\nattempts = 1\n',
  );
  write('shop.md', '# Shop\n\nSomething to sell.\n');
  writeFileSync(join(home, 'hold'), '');
  expect((await said('daemon', 'start')).code).toBe(0);
  for (const words of [
    ['repo', 'add', '.', '--trust'],
    ['plan', 'register', 'shop.md'],
    ['plan', 'start', 'shop'],
  ])
    expect(await said(...words)).toMatchObject({ code: 0 });
  const began = () => readdirSync(home).filter((name) => name.startsWith('began-')).length;
  await until(() => began() === 3);
  const killed = made.owner()?.pid;
  killLeft(processesWith((entries) => entries.includes(`STATOR_HOME=${home}`)).filter(({ pid }) => pid === killed));
  await until(() => made.owner() === null);
  expect((await said('daemon', 'start')).code).toBe(0);
  rmSync(join(home, 'hold'));
  const shown = () => made.client().plan('demo', 'shop');
  await until(async () => (await shown()).blocked !== null);
  expect((await shown()).drafts.map(({ state, tasks }) => [state, tasks])).toEqual([
    ['finished', 1],
    ['finished', 1],
    ['failed', 0],
  ]);
  expect((await said('plan', 'explain', 'shop')).text).toContain('waits for a person to choose among 2 drafts');
  expect(await said('plan', 'choose', 'shop', '7')).toMatchObject({
    code: 64,
    text: expect.stringContaining('3 (failed)'),
  });
  expect(await said('plan', 'choose', 'shop', '3')).toMatchObject({
    code: 1,
    text: expect.stringContaining('has failed'),
  });
  expect((await said('plan', 'show', 'shop', '--draft', 'shop-plan-1')).text).toContain('as draft 1 says');
  expect(await said('plan', 'show', 'shop', '--draft', '3')).toMatchObject({ code: 64 });
  expect(await said('plan', 'choose', 'shop', '2')).toMatchObject({ code: 0 });
  expect(await said('plan', 'choose', 'shop', '1')).toMatchObject({ code: 1 });
  expect(await said('plan', 'choose', 'shop', '1', '--no-wait')).toMatchObject({
    code: 0,
    text: expect.stringContaining('pending'),
  });
  expect((await said('plan', 'export', 'shop')).text).toContain('as draft 2 says');
  expect(await shown()).toMatchObject({ status: 'ready', phase: 'planned', drafts: [{}, { state: 'chosen' }, {}] });
  const git = (...words: string[]) => execFileSync('git', words, { cwd: repo, encoding: 'utf8' });
  await until(() => !git('worktree', 'list').includes('draft'));
  expect(git('branch', '--list', 'plan/*')).not.toContain('draft');
  expect(await said('plan', 'verify', 'shop')).toMatchObject({ code: 0 });
});
