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
  untilPlan,
  untilStatus,
} from '../support/engine.ts';
import { git } from '../support/ground.ts';
import { machineClock } from '../support/machine-clock.ts';
import { noWallsHere } from '../support/walls.ts';

const six = 'mkdir d; for n in 1 2 3 4 5 6; do echo $n > d/$n.txt; done';

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
    it('that ends in the middle of a conflicting merge has failed, and every report names where its work is kept; what it merged, or committed elsewhere without a conflict, is on its branch', async () => {
      const made = await startAgents(sandbox, 2, 'confirm_deletions = false\n');
      const { repo, client } = made;
      const merging = (branch: string, file: string) => [
        `git checkout -q -b ${branch}; echo side > ${file}; git add -A; ${commit} -m ${branch}`,
        `git checkout -q -; echo main > ${file}; git add -A; ${commit} -m main`,
        `git merge -q ${branch} > /dev/null || true`,
      ];
      const first = merging('side', 'one.txt').join('\n');
      const conflicting = `if [ "$STATOR_ATTEMPT" = 1 ]; then\n${first}\nelse cp "$STATOR_PROMPT_FILE" prompt.txt; fi`;
      const resolved = [...merging('resolved', 'two.txt'), 'echo both > two.txt'].join('\n');
      const elsewhere = [
        `echo mine > mine.txt; git add -A; ${commit} -m mine`,
        `git checkout -q -b other HEAD~1; echo other > other.txt; git add -A; ${commit} -m other`,
      ].join('\n');
      const begun = `echo begin > one.txt; echo begin > two.txt; ${six}; echo 7 > d/7.txt`;
      await begin(made, 'merging', planText([begun], [conflicting, resolved, elsewhere], ['rm -r d']));
      // What the last wave deletes is not asked about where confirm_deletions is off.
      const shown = await untilStatus(made, 'merging', 'done');
      expect(git(repo, 'show', 'plan/merging:one.txt')).toBe('begin');
      const held = heldAs(made, 'one.txt');
      expect(held.some((text) => text.includes('<<<<<<<'))).toBe(true);
      if (sandbox === 'bwrap') expect(held).toContain('side');
      const ref = 'refs/stator/attempts/merging#';
      const prompt = git(repo, 'show', 'plan/merging:prompt.txt');
      expect([prompt.includes('one.txt'), prompt.includes(ref)]).toEqual([true, true]);
      const runs = shown.run_list.filter(({ title }) => title === 'merging-w2-t1');
      expect(runs).toMatchObject([{ attempt: 1, reason: 'set-aside' }, { attempt: 2 }]);
      expect(shown.run_list).toHaveLength(6);
      expect(shown.set_aside).toEqual([expect.stringContaining(ref)]);
      const history = await client.history('demo', 'merging');
      expect(history.find(({ reason }) => reason === 'set-aside')?.why).toContain(ref);
      const told = (await client.notifications()).filter(({ type }) => type === 'work_set_aside');
      expect(told).toMatchObject([{ message: expect.stringContaining(ref) }]);
      expect(git(repo, 'show', 'plan/merging:two.txt')).toBe('both');
      expect(git(repo, 'log', '--format=%s', 'plan/merging').split('\n')).toContain('resolved');
      expect(git(repo, 'ls-tree', '--name-only', 'plan/merging').split('\n')).toEqual(
        ['README.md', 'mine.txt', 'one.txt', 'other.txt', 'prompt.txt', 'two.txt'], // and no d
      );
    });

    it('that takes its own worktree away has changed nothing; one that ends in a merge in which a side deleted a file, or elsewhere with a conflict, has failed, and all is kept', async () => {
      const { clock, pass } = machineClock();
      const daemon = `blueprint_skip_threshold = 0\n[agents.default]\nsandbox = "${sandbox}"\n`;
      const made = await startEngine({ daemon, clock, agents: { default: { preset: 'sh', attempts: 1 } } });
      // A worktree that is away is waited for, as a disk that may come back.
      const untilOver = () =>
        untilPlan(made, 'away', ({ phase, waiting_for: what }) => {
          if (what?.kind === 'repo') pass(10_000);
          return phase === 'wave_waiting';
        });
      const deleting = [
        `git checkout -q -b side; git rm -q one.txt; ${commit} -m side`,
        `git checkout -q -; echo main > one.txt; git add -A; ${commit} -m main`,
        'git merge -q side > /dev/null || true',
      ].join('\n');
      const elsewhere = [
        `echo mine > two.txt; git add -A; ${commit} -m mine`,
        `git checkout -q -b other HEAD~1; echo other > two.txt; git add -A; ${commit} -m other`,
      ].join('\n');
      const begun = 'for file in one two three; do echo begin > $file.txt; done';
      await begin(made, 'away', planText([begun], ['rm -rf "$PWD" 2> /dev/null || true', deleting, elsewhere]));
      const { tasks_by_wave: waves, set_aside: aside } = await untilOver();
      expect(waves[1]?.tasks).toMatchObject([
        { status: 'failed', reason: 'no-change' },
        { status: 'failed', reason: 'set-aside' },
        { status: 'failed', reason: 'set-aside', why: expect.stringContaining('-aside') },
      ]);
      expect(aside.filter((text) => text.includes('away-w2-t3') && text.includes('-aside'))).toHaveLength(1);
      expect(heldAs(made, 'two.txt')).toContain('other');
      expect(git(made.repo, 'show', 'plan/away-w2-t3:two.txt')).toBe('mine');
      expect(git(made.repo, 'ls-tree', '-r', '--name-only', 'plan/away').split('\n')).toHaveLength(4);
      await say(made, 'away', 'retry_wave');
      const again = await untilOver();
      expect(again.tasks_by_wave[1]?.tasks[0]).toMatchObject({ status: 'failed', reason: 'no-change', attempts: 2 });
    });
  },
);

describe('work that deletes more than half of the files', () => {
  it('waits for a person with a question of its own: other words go back to the agent, and yes takes it; nobody is asked where the files were moved', async () => {
    const made = await startAgents('off', 2);
    const { client, repo } = made;
    const kept = 'if [ "$STATOR_ATTEMPT" = 1 ]; then rm -r d; else cp "$STATOR_PROMPT_FILE" p.txt; fi';
    const text = planText([six], [kept], ['git mv d e; git rm -q README.md'], ['rm -r e; echo new > new.txt']);
    await begin(made, 'tidy', text);
    const { questions } = await untilPlan(made, 'tidy', (plan) => plan.questions.length > 0);
    expect(questions).toMatchObject([{ number: 1, title: 'tidy-w2-t1', question: expect.stringContaining('6 of 7') }]);
    expect((await client.plan('demo', 'tidy')).tasks_by_wave[1]?.tasks).toMatchObject([{ status: 'asking' }]);
    expect((await client.notifications()).map(({ type }) => type)).toContain('agent_asks');
    expect(git(repo, 'ls-tree', '--name-only', 'plan/tidy')).toContain('d');
    await say(made, 'tidy', 'answer', { questions: [1], body: 'yes, but keep the third one' });
    const isLast = ({ title }: { readonly title: string | null }) => title === 'tidy-w4-t1';
    const { questions: last, run_list: runs } = await untilPlan(made, 'tidy', (plan) => plan.questions.some(isLast));
    expect(runs).toMatchObject([{}, { reason: 'deletions' }, { attempt: 2 }, {}, {}]);
    expect(git(repo, 'ls-tree', '--name-only', 'plan/tidy').split('\n')).toEqual(['e', 'p.txt']);
    expect(git(repo, 'show', 'plan/tidy:p.txt')).toContain('keep the third one');
    await say(made, 'tidy', 'answer', { questions: last.filter(isLast).map(({ number }) => number), body: 'yes' });
    await untilStatus(made, 'tidy', 'done');
    expect(git(repo, 'ls-tree', '--name-only', 'plan/tidy').split('\n')).toEqual(['new.txt', 'p.txt']);
  });

  it('is cancelled with its plan, and its question with it; nobody is asked for a handful', async () => {
    const made = await startAgents('off', 1);
    const four = 'echo a > a.txt; echo b > b.txt; echo c > c.txt; echo d > d.txt';
    await begin(made, 'stop', planText([four], [`rm [abcd].txt; ${six}`], ['rm -r d']));
    const { questions } = await untilPlan(made, 'stop', (plan) => plan.questions.length > 0);
    expect(questions).toMatchObject([{ title: 'stop-w3-t1' }]);
    await say(made, 'stop', 'cancel');
    const shown = await untilStatus(made, 'stop', 'cancelled');
    expect([shown.questions, shown.blocked]).toEqual([[], null]);
  });
});
