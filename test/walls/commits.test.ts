/** Agents inside walls commit in a separate git folder, and a real engine collects their commits, as any user and after a kill anywhere. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { killAtEach } from '../support/crash-kills.ts';
import { begin, planText, script, untilPlan, untilStatus } from '../support/engine.ts';
import { git } from '../support/ground.ts';
import { noWallsHere, startWalled } from '../support/walls.ts';

const command = (program: string) => ({ preset: 'command', program, attempts: 1, enabled: true }) as const;
const sh = { preset: 'sh', attempts: 1 } as const;

describe.skipIf(noWallsHere !== null)(
  `the commits of agents inside of walls${noWallsHere === null ? '' : ` (skipped: ${noWallsHere})`}`,
  () => {
    test('are on the branch, and nothing else that they did to git is in the repository', async () => {
      const made = await startWalled();
      const { repo } = made;
      const before = readFileSync(join(repo, '.git', 'config'), 'utf8');
      const does = [
        'echo a > a.txt; git add -A; git commit -qm "by itself"',
        'git config core.fsmonitor false; git branch mine; git tag v1; git update-ref refs/heads/main HEAD',
        `echo x > '${repo}/.git/hooks/post-checkout' || true; git stash list; git gc -q`,
      ];
      await begin(made, 'own', planText([does.join('\n'), 'echo b > b.txt']));
      await untilStatus(made, 'own', 'done');
      expect(git(repo, 'log', '--format=%s', 'plan/own')).toContain('by itself');
      expect(git(repo, 'ls-tree', '-r', '--name-only', 'plan/own').split('\n')).toEqual([
        'README.md',
        'a.txt',
        'b.txt',
      ]);
      expect(git(repo, 'for-each-ref', '--format=%(refname)', 'refs/tags', 'refs/heads/mine')).toBe('');
      expect(git(repo, 'log', '--format=%s', 'main')).toBe('begin');
      expect(readFileSync(join(repo, '.git', 'config'), 'utf8')).toBe(before);
      expect(existsSync(join(repo, '.git', 'hooks', 'post-checkout'))).toBe(false);
      expect(git(repo, 'fsck', '--no-dangling')).toBe('');
    });

    test('of a failed attempt are kept, and the next attempt can look at them', async () => {
      const made = await startWalled('', { agents: { default: { ...sh, attempts: 2 } } });
      const { repo, home } = made;
      const does = [
        'if [ "$STATOR_ATTEMPT" = 1 ]; then echo first > a.txt; git add -A; git commit -qm first; exit 1; fi',
        'git log -1 --format=%s $(git for-each-ref --format="%(refname)" refs/stator/attempts | head -1) > seen.txt',
      ];
      await begin(made, 'twice', planText([does.join('\n')]));
      await untilStatus(made, 'twice', 'done');
      expect(git(repo, 'show', 'plan/twice:seen.txt')).toBe('first');
      expect(git(repo, 'ls-tree', '-r', '--name-only', 'plan/twice').split('\n')).toEqual(['README.md', 'seen.txt']);
      const [first = ''] = git(repo, 'for-each-ref', '--format=%(refname)', 'refs/stator/attempts').split('\n');
      expect(git(repo, 'show', `${first}:a.txt`)).toBe('first');
      expect(readdirSync(join(home, 'runs')).length).toBeGreaterThan(1);
    });

    test('are taken off the branch where a reviewer made them, and counted where a verifier did', async () => {
      const agents = { default: sh, reviewer: command('./review.sh'), verifier: command('./verify.sh') };
      const made = await startWalled('', { agents });
      const { repo } = made;
      script(join(repo, 'review.sh'), 'echo x > sneaked.txt; git add sneaked.txt; git commit -qm sneaked');
      const payload = '{\\"reviewed_sha\\":\\"$(git rev-parse HEAD)\\"}';
      script(
        join(repo, 'verify.sh'),
        `test ! -e sneaked.txt || exit 1\nseq 3 > mended.txt; git add mended.txt; git commit -qm mended\nstator signal emit verify_approved "$STATOR_PLAN" --payload "${payload}"`,
      );
      await begin(made, 'judged', planText(['echo a > a.txt']));
      const { review_cycle: cycle } = await untilStatus(made, 'judged', 'done');
      expect(cycle).toBe(0);
      expect(git(repo, 'show', 'plan/judged:mended.txt')).toBe('1\n2\n3');
      expect(git(repo, 'log', '--format=%s', 'plan/judged')).not.toContain('sneaked');
      const lines = await made.client.history('demo', 'judged');
      expect(lines.filter(({ actor, refused }) => actor === '' && refused !== null)).toEqual([]);
    });

    test('that are broken are said so, and the files count as they lie in the worktree', async () => {
      const made = await startWalled();
      const { repo, log } = made;
      const breaks = 'd=$(git rev-parse --git-dir); rm -rf "$d"/objects/??; printf 5 > "$d/index"';
      await begin(made, 'broken', planText([`echo a > a.txt; git add -A; git commit -qm lost; ${breaks}`]));
      await untilPlan(made, 'broken', ({ status, blocked }) => status === 'done' || blocked !== null);
      expect(git(repo, 'show', 'plan/broken:a.txt')).toBe('a');
      expect(git(repo, 'log', '--format=%s', 'plan/broken')).not.toContain('lost');
      expect(log.join('\n')).toContain('what broken-w1-t1 committed could not be taken over');
      expect(git(repo, 'fsck', '--no-dangling')).toBe('');
    });

    test('of a check count for nothing', async () => {
      const made = await startWalled();
      const { repo, home } = made;
      const fields = '**Check:** echo x > x.txt && git add -A && git commit -qm "by the check"';
      await begin(made, 'checked', planText([{ sh: 'echo a > a.txt', fields }]));
      await untilPlan(made, 'checked', ({ status, blocked }) => status === 'done' || blocked !== null);
      expect(git(repo, 'log', '--format=%s', 'plan/checked')).not.toContain('by the check');
      const checks = readdirSync(join(home, 'runs')).filter((name) => name.includes('-check-'));
      expect(checks.map((name) => existsSync(join(home, 'runs', name, 'git')))).toEqual([false]);
    });

    test('are neither lost nor made twice where the engine is killed while it takes them over', async () => {
      await killAtEach(
        [
          { point: 'agent-run.before-collect', nth: 3 },
          { point: 'agent-run.after-collect', nth: 2 },
        ],
        { isWalled: true },
      );
    });
  },
);
