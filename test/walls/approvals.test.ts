/** An approval does not cover commits that nobody has reviewed. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import {
  agentClient,
  begin,
  gate,
  ground,
  leaveToken,
  openGate,
  planText,
  say,
  script,
  startEngine,
  untilPlan,
  untilStatus,
} from '../support/engine.ts';
import { type Ground, git } from '../support/ground.ts';
import { expectFailure, expectProse } from '../support/prose.ts';

/** Another process commits a file to the plan's branch. */
function sneak({ root, repo }: Ground, file = 'evil.txt'): string {
  const place = join(root, `sneak-${file}`);
  git(repo, 'worktree', 'add', '-q', '--detach', place, 'plan/login');
  writeFileSync(join(place, file), 'unseen\n');
  git(place, 'add', '.');
  git(place, 'commit', '-qm', 'a small fix');
  const commit = git(place, 'rev-parse', 'HEAD');
  git(repo, 'worktree', 'remove', '--force', place);
  git(repo, 'update-ref', 'refs/heads/plan/login', commit);
  return commit;
}

/** A reviewer that records each commit that it reviews, and then runs `rest`. */
function reviewedOn(on: Ground, rest = 'true') {
  const seen = join(on.root, 'seen');
  const program = script(join(on.root, 'judge'), `git rev-parse HEAD >> ${seen}\n${rest}`);
  const agents = {
    default: { preset: 'sh', attempts: 1 },
    reviewer: { preset: 'command', program, attempts: 3 },
  } as const;
  return { agents, seen: () => readFileSync(seen, 'utf8').trim().split('\n') };
}

const work = planText(['echo a > a.txt']);

it('a commit that came after the approval is not merged by `plan merge`: it is looked at first', async () => {
  const on = ground();
  const { agents, seen } = reviewedOn(on);
  const engine = await startEngine({ on, agents });
  await begin(engine, 'login', work);
  await untilStatus(engine, 'login', 'done');
  const approved = git(on.repo, 'rev-parse', 'plan/login');
  const commit = sneak(on);
  const { signal } = await engine.client.send({ project: 'demo', plan: 'login', type: 'merge' });
  expect(signal.status).toBe('failed');
  expect(git(on.repo, 'ls-tree', '--name-only', 'main')).toBe('README.md');
  await untilStatus(engine, 'login', 'done');
  expect(seen()).toEqual([approved, commit]);
  await say(engine, 'login', 'merge');
  await untilPlan(engine, 'login', (shown) => shown.merged !== null);
  expect(git(on.repo, 'ls-tree', '--name-only', 'main').split('\n')).toContain('evil.txt');
});

it('a commit that came between the approval and `auto_merge` is not merged: it is looked at first', async () => {
  const on = ground();
  const { agents, seen } = reviewedOn(on);
  const sneaked: string[] = [];
  const tips: string[] = [];
  const engine = await startEngine({
    on,
    agents,
    daemon: 'blueprint_skip_threshold = 0\nauto_merge = true\n',
    faults(point) {
      if (point === 'plan-merge.before-merge' && sneaked.length === 0) sneaked.push(sneak(on));
      if (point === 'plan-merge.after-merge') tips.push(git(on.repo, 'rev-parse', 'main'));
    },
  });
  const before = git(on.repo, 'rev-parse', 'main');
  await begin(engine, 'login', work);
  const shown = await untilPlan(engine, 'login', ({ merged }) => merged !== null);
  expect(tips[0]).toBe(before);
  expect(seen()).toHaveLength(2);
  expect(seen()[1]).toBe(sneaked[0]);
  expect(shown.status).toBe('done');
  const refused = (await engine.client.history('demo', 'login')).find(({ event }) => event === 'merge_refused');
  expect(refused).toMatchObject({ from: 'lifecycle.done', to: 'lifecycle.underway.reviewing.working' });
});

it('a commit that came after the approval is not pushed: the plan goes back, and both commits are named', async () => {
  const on = ground();
  const { agents } = reviewedOn(on);
  const remote = join(on.root, 'far.git');
  git(on.root, 'init', '-q', '--bare', '-b', 'main', remote);
  git(on.repo, 'remote', 'add', 'origin', remote);
  const engine = await startEngine({ on, agents });
  await begin(engine, 'login', work);
  await untilStatus(engine, 'login', 'done');
  const approved = git(on.repo, 'rev-parse', 'plan/login').slice(0, 12);
  const commit = sneak(on).slice(0, 12);
  await expectFailure(engine.client.pushPlan('demo', 'login', {}), 'refused', 'plan/login', approved, commit);
  expect(git(remote, 'for-each-ref')).toBe('');
  await untilStatus(engine, 'login', 'done');
  expect((await engine.client.pushPlan('demo', 'login', {})).status).toBe('pushed');
});

it('a review does not approve another commit than the one that it began with, said by a signal', async () => {
  const on = ground();
  const [token, go] = [join(on.root, 'token'), join(on.root, 'go')];
  const { agents } = reviewedOn(on, `${leaveToken(token)}\n${gate(go)}`);
  const engine = await startEngine({ on, agents });
  await begin(engine, 'login', work);
  const reviewer = await agentClient(token);
  const looked = git(on.repo, 'rev-parse', 'plan/login').slice(0, 12);
  const commit = sneak(on);
  const word = { project: 'demo', plan: 'login', type: 'review_approved' } as const;
  const { signal } = await reviewer.send(word);
  expect(signal.status).toBe('failed');
  expectProse(signal.refused?.guard ?? '', 'stale_approval: ', looked, `plan/login is at ${commit.slice(0, 12)}`);
  expect((await reviewer.send({ ...word, payload: { reviewed_sha: commit } })).signal.status).toBe('done');
  openGate(go);
  await untilStatus(engine, 'login', 'done');
});

it('a person who approves answers for the branch as it is', async () => {
  const on = ground();
  const go = join(on.root, 'go');
  const { agents } = reviewedOn(on, gate(go));
  const engine = await startEngine({ on, agents });
  await begin(engine, 'login', work);
  await untilStatus(engine, 'login', 'reviewing');
  sneak(on);
  await say(engine, 'login', 'review_approved');
  openGate(go);
  await untilStatus(engine, 'login', 'done');
});
