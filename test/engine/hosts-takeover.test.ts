/** Several daemons over one store in PostgreSQL. One is lost: another one continues its plans by itself. */
import { appendFileSync, existsSync, mkdtempSync, readFileSync, renameSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { isAlive } from '../support/daemon.ts';
import { runFile, runFolders } from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { hostHere, hostOn, hostsGround, kill, must, register, remoteOf, statusOf, taker } from '../support/hosts.ts';
import { linkTo } from '../support/link.ts';

const { emptyStore } = await hostsGround();

const pidIn = (file: string) => Number(readFileSync(file, 'utf8').trim().split('\n').at(-1));

it('the repo of a lost host goes on at another one by itself; when the lost one is back, its agents are ended and its worktrees are kept', async () => {
  const url = await emptyStore();
  const [a, b] = [await taker(url, 'a', hostHere), await hostOn(url, 'b')];
  const bare = remoteOf(b);
  await must(b.ask('repo', 'trust', b.project));
  const folder = mkdtempSync(join(tmpdir(), 'stator-hosts-'));
  const [gate, pids] = [join(folder, 'gate'), join(folder, 'pids')];
  await register(b, 'p', [
    ['echo one > one.txt'],
    [
      `echo $$ >> ${pids}; n=0; while [ ! -e ${gate} ] && [ $n -lt 6000 ]; do n=$((n+1)); sleep 0.1; done; echo two > two.txt`,
    ],
  ]);
  await until(() => existsSync(pids));
  const first = pidIn(pids);
  const shared = `refs/stator/shared/${b.project}/p/heads/plan/p`;
  await until(
    () =>
      git(bare, 'for-each-ref', '--format=%(objectname)', shared).trim() === git(b.path, 'rev-parse', 'plan/p').trim(),
  );
  const explain = async () => await must(a.ask('plan', 'explain', 'p', '--project', b.project));

  const killedAtMs = Date.now();
  await kill(b);
  // Its task is begun anew, on the other host.
  await until(() => pidIn(pids) !== first, explain);
  // A daemon that is started anew meanwhile keeps its repos.
  expect(Date.now() - killedAtMs).toBeGreaterThan(9_000);
  const path = join(a.clones, b.project);
  expect(await a.client().repos()).toContainEqual(expect.objectContaining({ project: b.project, host: 'a', path }));
  expect(isAlive(first)).toBe(true);

  await must(b.ask('daemon', 'start'));
  await until(() => !isAlive(first));
  expect(existsSync(join(b.path, '.worktrees'))).toBe(true);
  expect((await b.client().hosts()).map(({ name, state, repos }) => [name, state, repos.join()])).toEqual([
    ['a', 'alive', 'repo-a,repo-b'],
    ['b', 'alive', ''],
  ]);
  appendFileSync(gate, '');
  await until(async () => (await statusOf(b, b, 'p')) === 'done', explain);
  expect(git(path, 'show', 'plan/p:one.txt').trim()).toBe('one');
  const { tasks_by_wave: waves } = await a.client().plan(b.project, 'p');
  expect(waves.flatMap(({ tasks }) => tasks.map(({ attempts }) => attempts))).toEqual([1, 2]);
  expect(readFileSync(pids, 'utf8').trim().split('\n')).toHaveLength(2);
  expect(JSON.parse(await must(a.ask('plan', 'verify', '--all', '--json')))).toMatchObject({ ok: true });
});

it('a task that was interrupted begins anew at another host if none of its work was at the remote; work that only the lost host had is done again, and its merge is not tried in vain', async () => {
  const url = await emptyStore();
  const [a, b] = [await taker(url, 'a', hostHere), await hostOn(url, 'b')];
  const bare = remoteOf(b);
  await must(b.ask('repo', 'trust', b.project));
  const folder = mkdtempSync(join(tmpdir(), 'stator-hosts-'));
  const gateOf = (plan: string) => join(folder, `gate-${plan}`);
  const log = join(folder, 'log');
  const waits = (plan: string) =>
    `n=0; while [ ! -e ${gateOf(plan)} ] && [ $n -lt 6000 ]; do n=$((n+1)); sleep 0.1; done`;
  await register(b, 'p', [[`${waits('p')}; echo one > one.txt`]]);
  await until(() => git(b.path, 'for-each-ref', 'refs/heads/plan/p-w1-t1') !== '');
  // None of their work reaches the remote, and a person has checked out the branch that the work of p is to be merged into.
  renameSync(bare, `${bare}-away`);
  git(b.path, 'worktree', 'add', '-q', join(folder, 'elsewhere'), 'plan/p');
  await register(b, 'q', [[`echo begin >> ${log}; ${waits('q')}; echo two > two.txt`]]);
  await until(() => existsSync(log));
  await must(b.ask('plan', 'pause', 'q', '--yes'));
  await until(async () => (await a.client().instances({ plan: 'q' }))[0]?.state === 'queued');
  appendFileSync(gateOf('p'), '');
  await until(() => b.log().includes('work.merge plan:repo-b/p/wave-1.2/task-1.1#2 (try 1)'), b.log);
  await kill(b);
  renameSync(`${bare}-away`, bare);
  await until(async () => (await a.client().host({ host: 'a' })).repos.includes(b.project));
  appendFileSync(gateOf('q'), '');
  await must(a.ask('plan', 'resume', 'q', '--project', b.project));
  for (const [plan, text] of [
    ['p', 'one'],
    ['q', 'two'],
  ] as const) {
    const explain = async () => await must(a.ask('plan', 'explain', plan, '--project', b.project));
    await until(async () => (await statusOf(a, b, plan)) === 'done', explain);
    const { tasks_by_wave: waves } = await a.client().plan(b.project, plan);
    expect(waves.flatMap(({ tasks }) => tasks.map(({ attempts }) => attempts))).toEqual([2]);
    expect(git(join(a.clones, b.project), 'show', `plan/${plan}:${text}.txt`).trim()).toBe(text);
  }
  expect(a.log()).not.toContain('work.merge');
  const [run = ''] = runFolders(a.home, 'p');
  expect(runFile(a.home, run, 'prompt')).toContain('is not in this repository: it was lost with the host that made it');
});

// 30 s are what is promised.
it('the agents of a host that cannot reach the store are paused, and go on when it can; after 30 s they are ended, and begun anew with no attempt spent', async () => {
  const link = await linkTo(await emptyStore());
  const a = await hostOn(link.url, 'a');
  const folder = mkdtempSync(join(tmpdir(), 'stator-hosts-'));
  const [log, end] = [join(folder, 'log'), join(folder, 'end')];
  const ticks = `n=0; while [ ! -e ${end} ] && [ $n -lt 1200 ]; do n=$((n+1)); echo x >> ${log}; sleep 0.5; done`;
  const ends = `trap 'echo end >> ${log}; exit 0' TERM`;
  await register(a, 'p', [[`echo begin >> ${log}; ${ends}; ${ticks}; echo one > one.txt`]]);
  const size = () => (existsSync(log) ? statSync(log).size : 0);
  await until(() => size() > 0);
  link.close();
  // It writes one line per half second.
  const stood = { size: 0, sinceMs: 0 };
  const isIdle = () => {
    if (size() !== stood.size) Object.assign(stood, { size: size(), sinceMs: Date.now() });
    return Date.now() - stood.sinceMs > 3_000;
  };
  await until(isIdle);
  await link.open();
  await until(() => size() > stood.size);
  expect(a.log()).not.toContain('are ended');
  const words = () => readFileSync(log, 'utf8').match(/begin|end/g);
  expect(words()).toEqual(['begin']);

  link.close();
  await until(() => words()?.includes('end') === true);
  await link.open();
  await until(() => words()?.length === 3);
  appendFileSync(end, '');
  await until(async () => (await statusOf(a, a, 'p').catch(() => '')) === 'done');
  expect(words()).toEqual(['begin', 'end', 'begin']);
  const { tasks_by_wave } = await a.client().plan(a.project, 'p');
  expect(tasks_by_wave[0]?.tasks[0]).toMatchObject({ status: 'done', reason: null });
});
