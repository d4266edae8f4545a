/** Agents that make repositories of their own inside their worktree: their work counts, and their content is kept and reported, with walls and without. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { begin, planText, script, startEngine, untilPhase, untilStatus } from '../support/engine.ts';
import { git } from '../support/ground.ts';
import { noWallsHere } from '../support/walls.ts';

const commit =
  'git -c user.name=Ada -c user.email=ada@example.com -c core.hooksPath=/dev/null -c commit.gpgSign=false commit -q';

const places = [
  { where: 'without walls', sandbox: 'off' },
  { where: 'inside walls', sandbox: 'bwrap' },
] as const;

const linked = [
  'echo done > done.txt',
  'git worktree add -q .claude/worktrees/agent-x -b sub-x',
  `cd .claude/worktrees/agent-x; echo inner > inner.txt; git add -A; ${commit} -m inner; echo open > open.txt`,
];

describe.each(places.filter(({ sandbox }) => sandbox === 'off' || noWallsHere === null))(
  '$where a linked worktree inside of its own',
  ({ sandbox }) => {
    const daemon = `blueprint_skip_threshold = 0\n[agents.default]\nsandbox = "${sandbox}"\n`;
    const start = (attempts = 1) => startEngine({ daemon, agents: { default: { preset: 'sh', attempts } } });
    const refs = (repo: string) => git(repo, 'for-each-ref', '--format=%(refname)', 'refs/stator/attempts').split('\n');

    it('is left out, kept with its whole content, and reported in the notices, the history and the log', async () => {
      const made = await start();
      const { repo, client } = made;
      const clone = `git clone -q . copy; cd copy; echo c > c.txt; git add -A; ${commit} -m c`;
      const ignored =
        "echo '/cache/' > .gitignore; git worktree add -q --detach cache/z; echo z > cache/z/z.txt; echo b > b.txt";
      await begin(made, 'inside', planText([[...linked, 'cd ../../..', clone].join('\n'), ignored]));
      await untilStatus(made, 'inside', 'done');
      expect(git(repo, 'ls-tree', '-r', '--name-only', 'plan/inside').split('\n')).toEqual([
        '.gitignore',
        'README.md',
        'b.txt',
        'done.txt',
      ]);
      // What the run's end saved; the removal of its worktree saves it too, under the name of the removal.
      const kept = (name: string) => refs(repo).find((ref) => ref.includes(`#agent#1#demo-nested-${name}`)) ?? 'none';
      const filesOf = (ref: string) => git(repo, 'ls-tree', '-r', '--name-only', ref).split('\n');
      expect(filesOf(kept('agent-x'))).toEqual(['README.md', 'inner.txt', 'open.txt']);
      expect(filesOf(kept('z-'))).toEqual(['README.md', 'z.txt']);
      const saved = refs(repo).filter((ref) => ref.includes('-nested-'));
      expect(saved.filter((ref) => !ref.startsWith('refs/stator/attempts/inside#'))).toEqual([]);
      const notices = (await client.notifications()).filter(({ type }) => type === 'nested_kept');
      expect(notices.map(({ message }) => message).join('\n')).toContain(
        `.claude/worktrees/agent-x (sub-x) is kept as ${kept('agent-x')}`,
      );
      const history = await client.history('demo', 'inside');
      const told = history.filter(({ event }) => event === 'run_noted').map(({ why }) => why);
      expect(told.join('\n')).toContain(kept('z-'));
      const first = (await client.instances({ project: 'demo' })).find(({ title }) => title === 'inside-w1-t1');
      expect(readFileSync(first?.log ?? '', 'utf8')).toContain(kept('agent-x'));
    });

    it('of an attempt that failed is kept too, and the next attempt can make one of that name', async () => {
      const made = await start(2);
      const fails = `${linked.join('\n')}\ncd ../../..; test "$STATOR_ATTEMPT" = 2`;
      const task = `git branch -D sub-x 2> /dev/null || true\n${fails}`;
      await begin(made, 'again', planText([task]));
      await untilStatus(made, 'again', 'done');
      expect(git(made.repo, 'ls-tree', '-r', '--name-only', 'plan/again').split('\n')).toEqual([
        'README.md',
        'done.txt',
      ]);
      expect(refs(made.repo).filter((ref) => ref.includes('-nested-agent-x'))).toHaveLength(2);
    });

    it('with all of the work in it leaves none for the task', async () => {
      const made = await start();
      await begin(made, 'empty', planText([linked.slice(1).join('\n')]));
      const shown = await untilPhase(made, 'empty', 'wave_waiting');
      expect(shown.tasks_by_wave[0]?.tasks).toMatchObject([{ status: 'failed', reason: 'no-change' }]);
    });

    it('of a judge is kept', async () => {
      const command = { preset: 'command', program: './review.sh', attempts: 1, enabled: true } as const;
      const made = await startEngine({
        daemon,
        agents: { default: { preset: 'sh', attempts: 1 }, reviewer: command },
      });
      script(join(made.repo, 'review.sh'), linked.join('\n'));
      await begin(made, 'judged', planText(['echo a > a.txt']));
      await untilStatus(made, 'judged', 'done');
      const ref = refs(made.repo).find((name) => name.includes('reviewer') && name.includes('-nested-')) ?? 'none';
      expect(git(made.repo, 'show', `${ref}:open.txt`)).toBe('open');
    });
  },
);
