import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ask } from '../support/api.ts';
import { planOf, working } from '../support/cli.ts';
import { makeRepo } from '../support/daemon.ts';
import {
  begin,
  gate,
  ground,
  openGate,
  planText,
  register,
  say,
  startEngine,
  untilFile,
  untilPhase,
  untilPlan,
  untilStatus,
  waves,
} from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { expectFailure, expectProse, expectRefusal } from '../support/prose.ts';

it('a paused queue starts no agent, also in the next engine; what runs goes on, and the plan says what it waits for', async () => {
  const on = ground();
  const [begun, go, second] = ['begun', 'go', 'second'].map((name) => join(on.root, name)) as [string, string, string];
  const first = await startEngine({ on });
  await begin(
    first,
    'runs',
    planText([`echo $$ > '${begun}'; ${gate(go)}; echo a > a.txt`], [`echo b > '${second}'; echo b > b.txt`]),
  );
  await untilFile(begun);
  expect(await first.client.pauseQueue()).toMatchObject({ status: 'paused', changed: true, of: 'queue', pending: 0 });
  openGate(go);
  await begin(first, 'waits', planText(['echo c > c.txt']));
  // The first wave ends, is committed and merged; the second has asked for its agent.
  await untilPlan(first, 'runs', (shown) => shown.waiting_for?.detail.startsWith('the queue is paused') === true);
  const shown = await first.client.plan('demo', 'runs');
  expect(shown).toMatchObject({
    tasks_done: 1,
    wave: 2,
    waiting_for: { kind: 'slot' },
  });
  expectProse(shown.waiting_for?.detail ?? '', 'stator queue resume');
  await until(async () => (await first.client.queueStats()).pending === 2);
  expect(await first.client.queueStats()).toMatchObject({
    paused: true,
    pending: 2,
    notified: 0,
    completed: 1,
    running: 0,
    max_agents: 3,
  });
  await first.engine.stop();

  const next = await startEngine({ on });
  expect(await next.client.queueStats()).toMatchObject({ paused: true, pending: 2 });
  // It handles its requests, and starts none of the work.
  await begin(next, 'more', planText(['echo d > d.txt']));
  await until(async () => (await next.client.instances({ plan: 'more' }))[0]?.state === 'queued');
  expect(existsSync(second)).toBe(false);
  expect(await next.client.resumeQueue()).toMatchObject({ status: 'resumed', changed: true });
  for (const plan of ['runs', 'waits', 'more']) await untilStatus(next, plan, 'done');
  expect(existsSync(second)).toBe(true);
});

it('clearing takes ended runs off the list and leaves those that wait', async () => {
  const started = await startEngine();
  await begin(started, 'ended', planText(['echo a > a.txt', 'exit 1']));
  await untilPhase(started, 'ended', 'wave_waiting');
  await started.client.pauseQueue();
  await begin(started, 'waits', planText(['echo b > b.txt']));
  await until(async () => (await started.client.queueStats()).pending === 1);
  expect(await started.client.queueStats()).toMatchObject({ total: 3, pending: 1, completed: 1, error: 1 });
  expect(await started.client.clearQueue()).toEqual({ status: 'cleared', cleared: 2 });
  expect((await started.client.queue()).map(({ plan, state }) => [plan, state])).toEqual([['waits', 'pending']]);
  expect(await started.client.clearQueue()).toEqual({ status: 'cleared', cleared: 0 });
  // What was done is not forgotten by it.
  expect(await started.client.instances({ plan: 'ended' })).toHaveLength(2);
  await started.client.resumeQueue();
  await untilStatus(started, 'waits', 'done');
  expect((await started.client.queue()).map(({ plan, state }) => [plan, state])).toEqual([['waits', 'completed']]);
});

it('a repo, a plan and one agent are paused each for itself: theirs wait and say for what, and the others go on', async () => {
  const on = ground();
  const first = await startEngine({ on, daemon: `max_agents = 8\n${waves}` });
  await first.client.addRepo(makeRepo(join(on.root, 'shop')), { trust: true });
  const { client } = first;
  const done = (name: string) => join(on.root, name);
  const noted = (name: string) => `echo x > '${done(name)}'; echo x > ${name}.txt`;
  await client.pauseQueue({ project: 'shop' });
  await register(first, 'held', planText([noted('held')]));
  await client.pauseQueue({ project: 'demo', plan: 'held' });
  // The first wave is over before the agent of the second is asked for.
  await register(first, 'two', planText([noted('one'), 'exit 1']));
  await begin(first, 'goods', planText([noted('goods')]), 'shop');
  for (const plan of ['held', 'two']) await say(first, plan, 'implement_start');
  await untilPhase(first, 'two', 'wave_waiting');
  await client.pauseQueue({ project: 'demo', title: 'two-w1-t2' });
  await say(first, 'two', 'retry_wave');
  await until(async () => (await client.queueStats()).held === 3);
  await first.engine.stop();

  const next = await startEngine({ on });
  const entries = await next.client.queue();
  const shown = entries.filter(({ state }) => state === 'pending');
  expect(shown.map(({ title, held_by: by, position }) => [title, by, position]).sort()).toEqual([
    ['goods-w1-t1', 'repo', null],
    ['held-w1-t1', 'plan', null],
    ['two-w1-t2', 'agent', null],
  ]);
  const details = Object.fromEntries(shown.map(({ plan, waiting_for: waits }) => [plan, waits?.detail]));
  expectProse(details.goods ?? '', 'goods-w1-t1', 'stator queue resume --project shop');
  expectProse(details.held ?? '', 'held-w1-t1', 'stator queue resume --plan held --project demo');
  expectProse(details.two ?? '', 'two-w1-t2', 'stator queue resume --agent two-w1-t2 --project demo');
  for (const { project, plan } of shown)
    expect((await next.client.explain(project, plan)).waiting_for?.detail).toBe(details[plan]);
  const { pauses } = await next.client.queueStats();
  expect(pauses.map(({ of, project, plan, title, titles }) => [of, project, plan, title, titles])).toEqual([
    ['plan', 'demo', 'held', null, ['held-w1-t1']],
    ['agent', 'demo', 'two', 'two-w1-t2', ['two-w1-t2']],
    ['repo', 'shop', null, null, ['goods-w1-t1']],
  ]);
  // What is paused twice waits for both.
  await next.client.pauseQueue();
  await next.client.resumeQueue({ project: 'demo', plan: 'held' });
  await until(async () => (await next.client.queue()).find(({ plan }) => plan === 'held')?.held_by === 'queue');
  await next.client.resumeQueue();
  await untilStatus(next, 'held', 'done');
  expect(existsSync(done('goods'))).toBe(false);
  const rest = await next.client.resumeQueue({ all: true });
  expect(rest).toMatchObject({ changed: true, pauses: [] });
  await untilStatus(next, 'goods', 'done', 'shop');
});

it('who waits for a pause takes no turn of the others, and no slot that a session could begin in', async () => {
  const on = ground();
  git(on.repo, 'remote', 'add', 'origin', 'https://git.example.test/acme/shop.git');
  const started = await startEngine({ on, daemon: `max_agents = 1\n${waves}` });
  const { client } = started;
  const go = join(on.root, 'go');
  await register(started, 'held', planText(['echo a > a.txt']));
  await client.pauseQueue({ project: 'demo', plan: 'held' });
  await say(started, 'held', 'implement_start');
  await until(async () => (await client.queueStats()).held === 1);
  const reference = 'git.example.test/acme/shop#1';
  const message = `\`\`\`sh\n${gate(go)}; echo b > b.txt\n\`\`\``;
  const { session } = await client.startIssue({ reference, message });
  await begin(started, 'after', planText(['echo c > c.txt']));
  await until(async () => (await client.explain('demo', 'after')).waiting_for?.kind === 'slot');
  expectProse((await client.explain('demo', 'after')).waiting_for?.detail ?? '', '1 of 1');
  // A session of a plan that is paused begins nothing either.
  await client.pauseQueue({ project: 'demo' });
  const second = client.startIssue({ reference: 'git.example.test/acme/shop#2', message });
  await expectFailure(second, 'limit_reached', 'demo');
  await client.resumeQueue({ all: true });
  openGate(go);
  for (const plan of [session.plan, 'held', 'after']) await untilStatus(started, plan, 'done');
});

it('a pause ends with its plan: another one of that name is not paused', async () => {
  const started = await startEngine();
  const { client } = started;
  await register(started, 'p', planText(['echo a > a.txt']));
  await client.pauseQueue({ project: 'demo', plan: 'p' });
  await client.deletePlan('demo', 'p');
  expect((await client.queueStats()).pauses).toEqual([]);
  await begin(started, 'p', planText(['echo a > a.txt']));
  await untilStatus(started, 'p', 'done');
});

it('an unknown repo, plan or agent cannot be paused, and the error names it', async () => {
  const { client } = await startEngine();
  await expectFailure(client.pauseQueue({ project: 'nobody' }), 'repo_not_found', 'nobody');
  await expectFailure(client.pauseQueue({ project: 'demo', plan: 'nobody' }), 'plan_not_found', 'demo/nobody');
  await expectFailure(client.pauseQueue({ project: 'demo', title: 'nobody' }), 'not_found', 'nobody');
  await expectFailure(client.pauseQueue({ plan: 'p' }), 'bad_request', 'project');
  await expectFailure(client.resumeQueue({ all: true, project: 'demo' }), 'bad_request');
  expect((await client.queueStats()).pauses).toEqual([]);
});

it('only a person holds the queue', async () => {
  const { engine } = await startEngine();
  const headers = { authorization: 'Bearer nobody' };
  for (const key of ['POST /v1/queue/pause', 'POST /v1/queue/resume', 'POST /v1/queue/clear'] as const)
    expect((await ask(engine, key, { headers })).status).toBe(401);
});

it('on the command line, with no engine running: it is kept until one does', async () => {
  const { stator, write } = working();
  write('plan.md', planOf(['true']));
  expect(await stator(['plan', 'register', 'plan.md', '--trust'])).toMatchObject({ code: 0 });
  const words: string[] = [];
  const say = async (...args: string[]) => {
    const { code, stdout } = await stator(['queue', ...args]);
    expect(code, args.join(' ')).toBe(0);
    words.push(`$ stator queue ${args.join(' ')}\n${stdout}`);
  };
  await say('pause');
  const nothing = { project: null, plan: null, title: null };
  const since = expect.any(String);
  expect(JSON.parse((await stator(['queue', 'stats', '--json'])).stdout)).toEqual({
    total: 0,
    pending: 0,
    notified: 0,
    completed: 0,
    error: 0,
    paused: true,
    held: 0,
    pauses: [{ of: 'queue', ...nothing, since, pending: 0, titles: [] }],
    running: 0,
    max_agents: 3,
    oldest_pending: null,
  });
  await say('stats');
  expect(JSON.parse((await stator(['queue', 'pause', '--json'])).stdout)).toMatchObject({
    ...{ status: 'paused', changed: false, of: 'queue', pending: 0 },
    ...nothing,
  });
  await say('resume');
  await say('resume');
  await say('clear');
  expectProse(words.join('\n'), 'stator queue resume');
});

it('on the command line a part is named by the repo, the plan or the title, and what else is paused stays so', async () => {
  const { stator, write, root } = working();
  write('plan.md', planOf(['true']));
  expect(await stator(['plan', 'register', 'plan.md', '--trust'])).toMatchObject({ code: 0 });
  const words: string[] = [];
  const expectSaid = async (args: readonly string[], wanted: number, ...places: string[]) => {
    const { code, stdout, stderr } = await stator(['queue', ...args]);
    const said = `${stdout}${stderr.replace('no engine runs\n', '')}`;
    expect(code, said).toBe(wanted);
    for (const place of places) expect(said).toContain(place);
    words.push(`$ stator queue ${args.join(' ')}\n${said}`);
  };
  const [ofPlan, ofRepo] = ['stator queue resume --plan plan --project demo', 'stator queue resume --project demo'];
  await expectSaid(['pause', '--plan', 'plan.md'], 0, 'demo/plan', ofPlan);
  await expectSaid(['pause', '--project', 'demo'], 0, ofRepo);
  await expectSaid(['resume'], 0, ofRepo, ofPlan);
  const status = await stator(['status', '--json']);
  expect(JSON.parse(status.stdout).pauses.map(({ of }: { of: string }) => of)).toEqual(['repo', 'plan']);
  expect((await stator(['status'])).stdout).toContain(ofRepo);
  await expectSaid(['list'], 0, 'demo/plan');
  await expectSaid(['resume', '--all'], 0);
  await expectSaid(['pause', '--agent', 'a', '--plan', 'plan'], 64, '--agent');
  await expectSaid(['resume', '--all', '--plan', 'plan'], 64, '--all');
  await expectSaid(['pause', '--agent', 'nobody'], 1, 'stator agent list');
  await expectSaid(['pause', '--plan', 'nobody'], 1, 'demo/nobody');
  await expectSaid(['pause', '--plan', 'paln'], 1, 'plan?');
  await expectSaid(['resume', '--plan', 'plann'], 1, 'plan?');
  await expectSaid(['clear', '--project', 'demo'], 64);
  expectProse(words.join('\n'));
  const outside = await stator(['queue', 'pause', '--plan', 'plan'], { cwd: root });
  expect(outside.code).toBe(1);
  expectRefusal(outside.stderr, '--project');
});

it('an invalid number of agents is refused with its place, the value found and the accepted ones', async () => {
  const { stator, home } = working();
  mkdirSync(home, { recursive: true, mode: 0o700 });
  for (const value of ['0', '-1', '"three"']) {
    writeFileSync(join(home, 'daemon.toml'), `\nmax_agents = ${value}\n`);
    const { code, stderr } = await stator(['queue', 'stats']);
    expect(code).toBe(78);
    expectRefusal(stderr, 'daemon.toml, line 2: max_agents', value, '1000');
  }
});
