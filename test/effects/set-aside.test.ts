/** Work that an agent removes, leaves half done or leaves elsewhere: none of it counts without a report, and none of it is lost. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  begin,
  ground,
  planText,
  say,
  startEngine,
  type TestEngine,
  untilPhase,
  untilPlan,
  untilStatus,
} from '../support/engine.ts';
import { git } from '../support/ground.ts';
import { machineClock } from '../support/machine-clock.ts';
import { noWallsHere } from '../support/walls.ts';

/** Three files that are tracked, and a branch of the plan's that has them. */
const files = 'echo 1 > one.txt; echo 2 > two.txt; echo 3 > three.txt';

const commit = 'git -c core.hooksPath=/dev/null -c commit.gpgSign=false commit -q';

function startAgents(sandbox: 'off' | 'bwrap', attempts: number, config = ''): Promise<TestEngine> {
  const on = ground();
  mkdirSync(join(on.repo, '.stator'));
  writeFileSync(join(on.repo, '.stator', 'config.toml'), config);
  const daemon = `blueprint_skip_threshold = 0\n[agents.default]\nsandbox = "${sandbox}"\n`;
  return startEngine({ on, daemon, agents: { default: { preset: 'sh', attempts } } });
}

/** What the refs of attempts have as that file. */
function heldAs({ repo }: TestEngine, file: string): string[] {
  const refs = git(repo, 'for-each-ref', '--format=%(refname)', 'refs/stator/attempts').split('\n');
  return refs.map((ref) => git(repo, 'show', `${ref}:${file}`));
}

const places = [
  { where: 'without walls', sandbox: 'off' },
  { where: 'inside walls', sandbox: 'bwrap' },
] as const;

describe.each(places.filter(({ sandbox }) => sandbox === 'off' || noWallsHere === null))(
  '$where an agent',
  ({ sandbox }) => {
    it('that takes its own worktree away has changed nothing, and the project keeps its files', async () => {
      const { clock, pass } = machineClock();
      const daemon = `blueprint_skip_threshold = 0\n[agents.default]\nsandbox = "${sandbox}"\n`;
      const made = await startEngine({ daemon, clock, agents: { default: { preset: 'sh', attempts: 1 } } });
      // A worktree that is away is waited for, as a disk that may come back.
      const untilOver = () =>
        untilPlan(made, 'away', ({ phase, waiting_for: what }) => {
          if (what?.kind === 'repo') pass(10_000);
          return phase === 'wave_waiting';
        });
      await begin(made, 'away', planText([files], ['rm -rf "$PWD" 2> /dev/null || true']));
      const shown = await untilOver();
      expect(shown.tasks_by_wave[1]?.tasks).toMatchObject([{ status: 'failed', reason: 'no-change' }]);
      expect(git(made.repo, 'ls-tree', '-r', '--name-only', 'plan/away').split('\n')).toHaveLength(4);
      await say(made, 'away', 'retry_wave');
      const again = await untilOver();
      expect(again.tasks_by_wave[1]?.tasks).toMatchObject([{ status: 'failed', reason: 'no-change', attempts: 2 }]);
    });

    it('that ends in the middle of a conflicting merge has failed, and every report names where its work is kept', async () => {
      const made = await startAgents(sandbox, 2);
      const { repo, client } = made;
      const first = [
        `git checkout -q -b side; echo side > one.txt; git add -A; ${commit} -m side`,
        `git checkout -q -; echo main > one.txt; git add -A; ${commit} -m main`,
        'git merge -q side > /dev/null || true',
      ].join('\n');
      const task = `if [ "$STATOR_ATTEMPT" = 1 ]; then\n${first}\nelse cp "$STATOR_PROMPT_FILE" prompt.txt; fi`;
      await begin(made, 'merging', planText(['echo begin > one.txt'], [task]));
      const shown = await untilStatus(made, 'merging', 'done');
      expect(git(repo, 'show', 'plan/merging:one.txt')).toBe('begin');
      const held = heldAs(made, 'one.txt');
      expect(held.some((text) => text.includes('<<<<<<<'))).toBe(true);
      if (sandbox === 'bwrap') expect(held).toContain('side');
      const ref = 'refs/stator/attempts/merging#';
      const prompt = git(repo, 'show', 'plan/merging:prompt.txt');
      expect([prompt.includes('one.txt'), prompt.includes(ref)]).toEqual([true, true]);
      expect(shown.run_list).toMatchObject([{}, { attempt: 1, reason: 'set-aside' }, { attempt: 2 }]);
      expect(shown.set_aside).toEqual([expect.stringContaining(ref)]);
      const history = await client.history('demo', 'merging');
      expect(history.find(({ reason }) => reason === 'set-aside')?.why).toContain(ref);
      const told = (await client.notifications()).filter(({ type }) => type === 'work_set_aside');
      expect(told).toMatchObject([{ message: expect.stringContaining(ref) }]);
    });

    it('that ends in a merge in which one side deleted a file has failed, too', async () => {
      const made = await startAgents(sandbox, 1);
      const task = [
        `git checkout -q -b side; git rm -q one.txt; ${commit} -m side`,
        `git checkout -q -; echo main > one.txt; git add -A; ${commit} -m main`,
        'git merge -q side > /dev/null || true',
      ].join('\n');
      await begin(made, 'half', planText(['echo begin > one.txt'], [task]));
      const shown = await untilPhase(made, 'half', 'wave_waiting');
      expect(shown.tasks_by_wave[1]?.tasks).toMatchObject([{ status: 'failed', reason: 'set-aside' }]);
    });

    it('that resolved a merge and did not commit it has its merge committed', async () => {
      const made = await startAgents(sandbox, 1);
      const task = [
        `git checkout -q -b side; echo side > one.txt; git add -A; ${commit} -m side`,
        `git checkout -q -; echo main > one.txt; git add -A; ${commit} -m main`,
        'git merge -q side > /dev/null || true',
        'echo both > one.txt',
      ].join('\n');
      await begin(made, 'whole', planText(['echo begin > one.txt'], [task]));
      await untilStatus(made, 'whole', 'done');
      expect(git(made.repo, 'show', 'plan/whole:one.txt')).toBe('both');
      expect(git(made.repo, 'log', '--format=%s', 'plan/whole').split('\n')).toContain('side');
    });

    it('that commits elsewhere what conflicts with its branch has failed, and both are kept', async () => {
      const made = await startAgents(sandbox, 1);
      const { repo } = made;
      const task = [
        `echo mine > one.txt; git add -A; ${commit} -m mine`,
        `git checkout -q -b other HEAD~1; echo other > one.txt; git add -A; ${commit} -m other`,
      ].join('\n');
      await begin(made, 'elsewhere', planText(['echo begin > one.txt'], [task]));
      const shown = await untilPhase(made, 'elsewhere', 'wave_waiting');
      expect(shown.tasks_by_wave[1]?.tasks).toMatchObject([{ status: 'failed', reason: 'set-aside' }]);
      expect(shown.tasks_by_wave[1]?.tasks[0]?.why).toContain('-aside');
      expect(shown.set_aside).toEqual([expect.stringContaining('-aside')]);
      expect(heldAs(made, 'one.txt')).toContain('other');
      expect(git(repo, 'show', 'plan/elsewhere-w2-t1:one.txt')).toBe('mine');
    });

    it('that commits elsewhere what goes with its branch has all of it on its branch', async () => {
      const made = await startAgents(sandbox, 1);
      const task = [
        `echo mine > mine.txt; git add -A; ${commit} -m mine`,
        `git checkout -q -b other HEAD~1; echo other > other.txt; git add -A; ${commit} -m other`,
      ].join('\n');
      await begin(made, 'both', planText([task]));
      const shown = await untilStatus(made, 'both', 'done');
      expect(git(made.repo, 'ls-tree', '--name-only', 'plan/both').split('\n')).toEqual([
        'README.md',
        'mine.txt',
        'other.txt',
      ]);
      expect(shown.set_aside).toEqual([]);
    });
  },
);

describe('work that deletes more than half of the files', () => {
  const six = 'mkdir d; for n in 1 2 3 4 5 6; do echo $n > d/$n.txt; done';

  it('waits for a person with a question of its own: yes takes it', async () => {
    const made = await startAgents('off', 1);
    const { client, repo } = made;
    await begin(made, 'tidy', planText([six], ['rm -r d; echo new > new.txt']));
    const { questions } = await untilPlan(made, 'tidy', (plan) => plan.questions.length > 0);
    expect(questions).toMatchObject([{ number: 1, title: 'tidy-w2-t1', question: expect.stringContaining('6 of 7') }]);
    expect((await client.plan('demo', 'tidy')).tasks_by_wave[1]?.tasks).toMatchObject([{ status: 'asking' }]);
    expect((await client.notifications()).map(({ type }) => type)).toContain('agent_asks');
    expect(git(repo, 'ls-tree', '--name-only', 'plan/tidy')).toContain('d');
    await say(made, 'tidy', 'answer', { questions: [1], body: 'yes' });
    await untilStatus(made, 'tidy', 'done');
    expect(git(repo, 'ls-tree', '--name-only', 'plan/tidy').split('\n')).toEqual(['README.md', 'new.txt']);
  });

  it('goes back to the agent with the words of a person who does not want it', async () => {
    const made = await startAgents('off', 2);
    const task = 'if [ "$STATOR_ATTEMPT" = 1 ]; then rm -r d; else cp "$STATOR_PROMPT_FILE" p.txt; fi';
    await begin(made, 'keep', planText([six], [task]));
    await untilPlan(made, 'keep', ({ questions }) => questions.length > 0);
    await say(made, 'keep', 'answer', { questions: [1], body: 'yes, but keep the third one' });
    const shown = await untilStatus(made, 'keep', 'done');
    expect(shown.run_list).toMatchObject([{}, { reason: 'deletions' }, { attempt: 2 }]);
    expect(git(made.repo, 'ls-tree', '--name-only', 'plan/keep')).toContain('d');
    expect(git(made.repo, 'show', 'plan/keep:p.txt')).toContain('keep the third one');
  });

  it('is cancelled with its plan, and its question with it', async () => {
    const made = await startAgents('off', 1);
    await begin(made, 'stop', planText([six], ['rm -r d']));
    await untilPlan(made, 'stop', ({ questions }) => questions.length > 0);
    await say(made, 'stop', 'cancel');
    const shown = await untilStatus(made, 'stop', 'cancelled');
    expect([shown.questions, shown.blocked]).toEqual([[], null]);
  });

  it.each([
    ['where confirm_deletions is off', 'rm -r d', 'confirm_deletions = false\n'],
    ['where the files were moved', 'git mv d e', ''],
    ['where it is a handful', 'rm d/1.txt d/2.txt d/3.txt d/4.txt', ''],
  ])('asks nobody %s', async (_, task, config) => {
    const made = await startAgents('off', 1, config);
    await begin(made, 'quiet', planText([six], [task]));
    await untilStatus(made, 'quiet', 'done');
  });
});
