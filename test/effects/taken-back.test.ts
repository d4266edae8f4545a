/** If an agent reverts its own commits, that is its decision: its task is judged by the last commit, and refs keep what it left. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { begin, planText, startEngine, type TestEngine, untilPhase, untilStatus } from '../support/engine.ts';
import { git } from '../support/ground.ts';
import { noWallsHere } from '../support/walls.ts';

const commit = 'git -c core.hooksPath=/dev/null -c commit.gpgSign=false commit -q';
const commitFile = (name: string) => `echo ${name} > ${name}; git add -A; ${commit} -m '${name}'`;

const places = [
  { where: 'without walls', sandbox: 'off' },
  { where: 'inside walls', sandbox: 'bwrap' },
] as const;

function takenBack({ repo }: TestEngine): string[] {
  const refs = git(repo, 'for-each-ref', '--format=%(refname)', 'refs/stator/attempts');
  return refs.split('\n').filter((ref) => ref.includes('-taken-back-'));
}

const filesOf = ({ repo }: TestEngine, name: string) => git(repo, 'ls-tree', '-r', '--name-only', name).split('\n');

async function logOf({ client }: TestEngine): Promise<string> {
  const [first] = await client.instances({ project: 'demo' });
  return readFileSync(first?.log ?? '', 'utf8');
}

describe.each(places.filter(({ sandbox }) => sandbox === 'off' || noWallsHere === null))(
  '$where what an agent took back',
  ({ sandbox }) => {
    const daemon = `blueprint_skip_threshold = 0\n[agents.default]\nsandbox = "${sandbox}"\n`;
    const start = () => startEngine({ daemon, agents: { default: { preset: 'sh', attempts: 1 } } });

    it('is kept and named in its log, and git deletes none of it', async () => {
      const made = await start();
      const task = [
        commitFile('first.txt'),
        commitFile('second.txt'),
        'git reset -q --hard HEAD~2',
        'git checkout -q --detach',
        commitFile('aside.txt'),
        'git checkout -q -',
        commitFile('end.txt'),
      ];
      await begin(made, 'back', planText([task.join('\n')]));
      await untilStatus(made, 'back', 'done');
      expect(filesOf(made, 'plan/back')).toEqual(['README.md', 'end.txt']);
      const [one = '', two = '', ...more] = takenBack(made);
      expect(more).toEqual([]);
      git(made.repo, 'reflog', 'expire', '--expire=now', '--all');
      git(made.repo, 'gc', '--prune=now', '--quiet');
      expect([filesOf(made, one), filesOf(made, two)].sort()).toEqual([
        ['README.md', 'aside.txt'],
        ['README.md', 'first.txt', 'second.txt'],
      ]);
      const log = await logOf(made);
      expect(log).toContain('back-w1-t1 took back commits of its own; they are kept: ');
      for (const [subject, ref] of [one, two].map((ref) => [git(made.repo, 'show', '-s', '--format=%s', ref), ref]))
        expect(log).toContain(`"${subject}" as ${ref}`);
    });

    it('is kept also where it left them by a move for which the log of HEAD has no words', async () => {
      const made = await start();
      const task = [
        commitFile('first.txt'),
        'git update-ref HEAD HEAD~1',
        'git rm -qf first.txt',
        'echo open > open.txt',
      ];
      await begin(made, 'silent', planText([task.join('\n')]));
      await untilStatus(made, 'silent', 'done');
      expect(filesOf(made, 'plan/silent')).toEqual(['README.md', 'open.txt']);
      expect(takenBack(made).map((ref) => filesOf(made, ref))).toEqual([['README.md', 'first.txt']]);
    });

    it('is kept also where it ended on a branch that has no commit', async () => {
      const made = await start();
      const task = [
        commitFile('first.txt'),
        'git reset -q --hard HEAD~1',
        'echo open > open.txt',
        'git symbolic-ref HEAD refs/heads/none',
      ];
      await begin(made, 'unborn', planText([task.join('\n')]));
      await untilStatus(made, 'unborn', 'done');
      expect(filesOf(made, 'plan/unborn')).toEqual(['README.md', 'open.txt']);
      expect(takenBack(made).map((ref) => filesOf(made, ref))).toEqual([['README.md', 'first.txt']]);
    });

    it('does not keep its run from its end where it shares no history with the commit that the run ended on', async () => {
      const made = await start();
      const task = [
        commitFile('first.txt'),
        'git reset -q --soft HEAD~1',
        `${commit} --amend -m 'another first commit'`,
        'git rm -qf first.txt',
        `${commit} -m without; echo end > end.txt`,
      ];
      await begin(made, 'root', planText([task.join('\n')]));
      const { tasks_by_wave: waves } = await untilPhase(made, 'root', 'wave_waiting');
      expect(waves[0]?.tasks[0]?.reason).toBe('merge-failed');
      expect(takenBack(made).map((ref) => filesOf(made, ref))).toEqual([['README.md', 'first.txt']]);
    });

    it('is not what it amended, squashed or put on another base', async () => {
      const made = await start();
      const task = [
        commitFile('a.txt'),
        `echo more >> a.txt; ${commit} --amend -a -m amended`,
        commitFile('b.txt'),
        `git reset -q --soft HEAD~2; ${commit} -m squashed`,
        `git checkout -q -b base HEAD~1; ${commitFile('c.txt')}; git checkout -q -`,
        'git rebase -q base; git branch -q -D base',
      ];
      await begin(made, 'kept', planText([task.join('\n')]));
      await untilStatus(made, 'kept', 'done');
      expect(filesOf(made, 'plan/kept')).toEqual(['README.md', 'a.txt', 'b.txt', 'c.txt']);
      expect(takenBack(made)).toEqual([]);
      expect(await logOf(made)).not.toContain('took back');
    });
  },
);
