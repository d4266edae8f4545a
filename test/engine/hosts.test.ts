/** Two daemons with homes and repos of their own, over one store in PostgreSQL. */
import { appendFileSync, chmodSync, existsSync, mkdtempSync, readFileSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { hasBrowser, startBrowser } from '../support/browser.ts';
import { makeRepo } from '../support/daemon.ts';
import { write } from '../support/git.ts';
import { git, until } from '../support/ground.ts';
import { type Host, hostHere, hostOn, hostsGround, kill, must, register, statusOf } from '../support/hosts.ts';

const { server, database: lastDatabase, emptyStore } = await hostsGround();

/** As if that host had been seen so much later; below 0: earlier. */
const seenLater = (host: Host, ms: number) =>
  server.query(lastDatabase(), `UPDATE hosts SET seen = seen + ${ms} WHERE name = '${host.name}'`);

it('plans of two hosts keep one limit and are done once, over a killed daemon, and each host sees both', async () => {
  const url = await emptyStore();
  const [a, b] = [await hostHere(url, 'a'), await hostOn(url, 'b')];
  const log = join(mkdtempSync(join(tmpdir(), 'stator-hosts-')), 'log');
  appendFileSync(log, '');
  const task = (name: string) =>
    `echo "begin $STATOR_RUN" >> ${log}; sleep 0.4; echo ${name} > ${name}.txt; echo "end $STATOR_RUN" >> ${log}`;
  const waves = [['one', 'two'].map(task), ['three'].map(task)];
  const plans = ['p', 'q'];
  for (const plan of plans)
    for (const host of [a, b])
      await register(
        host,
        plan,
        waves.map((tasks) => tasks.map((text) => text.replaceAll('.txt', `-${plan}.txt`))),
      );
  await until(() => readFileSync(log, 'utf8').includes('end'));
  await kill(b);
  await must(b.ask('daemon', 'start'));
  // Each is asked for the plans of the other.
  for (const [asked, of] of [
    [a, b],
    [b, a],
  ] as const)
    for (const plan of plans) await until(async () => (await statusOf(asked, of, plan)) === 'done');

  const lines = readFileSync(log, 'utf8').trim().split('\n');
  let busy = 0;
  for (const line of lines) {
    busy += line.startsWith('begin') ? 1 : -1;
    expect(busy).toBeLessThanOrEqual(2);
  }
  expect(new Set(lines).size).toBe(lines.length);
  expect(lines).toHaveLength(2 * 3 * plans.length * 2);
  const database = lastDatabase();
  const [numbers] = await server.query(database, 'SELECT count(*) AS lines, max(seq) AS last FROM journal');
  expect(numbers?.lines).toBe(numbers?.last);
  const wrong = await server.query(
    database,
    "SELECT e.key, e.host FROM effects e JOIN repo_hosts r USING (project) WHERE e.host <> r.host AND e.host <> ''",
  );
  expect(wrong).toEqual([]);
  const failed = await server.query(
    database,
    "SELECT id, type, result FROM signals WHERE attempts > 1 OR status = 'failed'",
  );
  expect(failed).toEqual([]);
  for (const host of [a, b]) {
    expect(JSON.parse(await must(host.ask('plan', 'verify', '--all', '--json')))).toMatchObject({ ok: true });
    const listed = JSON.parse(await must(host.ask('plan', 'list', '--json', '--all'))) as { project: string }[];
    expect(new Set(listed.map(({ project }) => project))).toEqual(new Set(['repo-a', 'repo-b']));
    const repos = JSON.parse(await must(host.ask('repo', 'list', '--json'))) as { project: string; host: string }[];
    expect(repos.map(({ project, host: owner }) => [project, owner])).toEqual([
      ['repo-a', 'a'],
      ['repo-b', 'b'],
    ]);
  }
  expect(git(b.path, 'show', 'plan/p:three-p.txt').trim()).toBe('three');
});

it('a request for a plan of another host is handled there, and what needs its files is read there', async () => {
  const url = await emptyStore();
  const [a, b] = [await hostOn(url, 'a'), await hostOn(url, 'b')];
  const gate = join(mkdtempSync(join(tmpdir(), 'stator-hosts-')), 'gate');
  await register(b, 'p', [[`echo at work; while [ ! -e ${gate} ]; do sleep 0.1; done; echo one > one.txt`]]);
  const agent = async () => (await a.client().instances({}))[0];
  await until(async () => (await agent())?.state === 'running');
  const of = ['--project', b.project];
  expect(await must(a.ask('plan', 'explain', 'p', ...of))).toContain('p-w1-t1');
  await until(async () => (await must(a.ask('agent', 'logs', 'p-w1-t1', ...of))).includes('at work'));
  expect(await must(a.ask('plan', 'pause', 'p', ...of, '--yes'))).toContain('done: pause');
  await until(async () => (await b.client().plan(b.project, 'p')).paused);
  await until(async () => (await agent())?.state === 'queued');
  // What needs its files is read there, and done there only.
  expect(await must(a.ask('plan', 'diff', 'p', ...of))).toBe(await must(b.ask('plan', 'diff', 'p')));
  expect(await must(a.ask('repo', 'trust', b.project, '--show'))).toBe(
    await must(b.ask('repo', 'trust', b.project, '--show')),
  );
  const pushed = await a.ask('plan', 'push', 'p', ...of);
  expect([pushed.code, pushed.stderr]).toEqual([
    1,
    expect.stringContaining(`belongs to the host b: its files are there, in ${b.path}`),
  ]);
  const added = await a.ask('repo', 'add', makeRepo(join(a.root, 'other', b.project)));
  expect([added.code, added.stderr]).toEqual([1, expect.stringContaining('belongs to the host b')]);
  appendFileSync(gate, '');
  // Without a daemon of its own it is asked for all the same.
  await must(a.ask('daemon', 'stop'));
  expect(await must(a.ask('plan', 'resume', 'p', ...of))).toContain('done: resume');
  expect(await must(a.ask('agent', 'logs', 'p-w1-t1', '--follow', ...of))).toMatch(/^at work$/m);
  await must(a.ask('daemon', 'start'));
  await until(async () => (await statusOf(a, b, 'p')) === 'done');
  await must(b.ask('daemon', 'stop'));
  const { code, stderr } = await a.ask('plan', 'diff', 'p', ...of);
  expect([code, stderr]).toEqual([1, expect.stringContaining('belongs to the host b')]);
});

const isWithPage = hasBrowser();
if (!isWithPage) it.skip('a host that is lost is said on the page', () => {});

it('a host that is lost is said where its plans wait, and on the page; it goes on when it is back, and a removed one does not come back', async () => {
  const url = await emptyStore();
  const [a, b] = [await hostHere(url, 'a'), await hostOn(url, 'b')];
  const gate = join(mkdtempSync(join(tmpdir(), 'stator-hosts-')), 'gate');
  await register(b, 'p', [['echo one > one.txt'], [`while [ ! -e ${gate} ]; do sleep 0.1; done; echo two > two.txt`]]);
  await until(async () =>
    (await a.client().instances({})).some(({ title, state }) => title === 'p-w2-t1' && state === 'running'),
  );
  const hostsShown = isWithPage ? await hostsOnPage(a) : null;
  const alive = await a.ask('host', 'remove', 'b', '--yes');
  expect([alive.code, alive.stderr]).toEqual([1, expect.stringContaining('the host b is alive')]);
  const explain = async () => await must(a.ask('plan', 'explain', 'p', '--project', b.project));
  const daemon = b.owner()?.pid ?? 0;
  process.kill(daemon, 'SIGSTOP');
  await seenLater(b, -60_000);
  expect(await must(a.ask('host', 'list'))).toMatch(/b +alive, silent/);
  expect(await explain()).toMatch(/host b, not seen since .*, though its daemon is there/);
  await hostsShown?.('silent, seen');
  process.kill(daemon, 'SIGCONT');
  await kill(b);
  await seenLater(b, -60_000);
  const hosts = async () => (await a.client().hosts()).map(({ name, state, repos }) => [name, state, repos.join()]);
  await until(async () => (await hosts())[1]?.[1] === 'lost');
  expect(await must(a.ask('host', 'list'))).toMatch(/a \(this one\) +alive.*\nb +lost/);
  expect(await explain()).toMatch(/host b, not seen since/);
  await hostsShown?.('lost, seen');
  // 5 s are what a verdict is waited for.
  const merge = await a.ask('plan', 'merge', 'p', '--project', b.project, '--yes');
  expect([merge.code, merge.stdout]).toEqual([1, expect.stringMatching(/^pending: merge is signal \d+; see what/)]);
  await must(b.ask('daemon', 'start'));
  expect(await hosts()).toEqual([
    ['a', 'alive', 'repo-a'],
    ['b', 'alive', 'repo-b'],
  ]);
  await until(async () => !(await explain()).includes('not seen'));

  await must(a.ask('host', 'drain', 'b'));
  expect(await must(b.ask('host', 'show', 'b'))).toMatch(/state +draining/);
  await must(a.ask('host', 'drain', 'b', '--undo'));
  expect(await must(b.ask('host', 'show', 'b'))).toMatch(/state +alive/);
  await kill(b);
  // As after an outage of the database, until each host has its lock again.
  await seenLater(b, 60_000);
  expect((await hosts())[1]?.[1]).toBe('alive');
  await seenLater(b, -120_000);
  await until(async () => (await hosts())[1]?.[1] === 'lost');
  expect(await must(a.ask('host', 'remove', 'b', '--yes'))).toContain('without a host now: repo-b');
  const fenced = await b.ask('daemon', 'start');
  expect([fenced.code, fenced.stderr]).toEqual([69, expect.stringContaining('the host b was removed')]);
  expect((await a.ask('plan', 'list', '--json', '--all')).stdout).not.toContain('"plan":"p"');

  const clone = join(a.root, 'clones', b.project);
  git(b.path, 'clone', '-q', b.path, clone);
  git(clone, 'config', 'user.name', 'Ada');
  git(clone, 'config', 'user.email', 'ada@example.com');
  const without = await a.ask('repo', 'add', clone);
  expect([without.code, without.stderr]).toEqual([
    1,
    expect.stringMatching(/its branch plan\/p with the commit .* is not in .*the remote has none of it/),
  ]);
  git(clone, 'fetch', '-q', 'origin', 'plan/p:plan/p');
  await must(a.ask('repo', 'add', clone));
  appendFileSync(gate, '');
  await until(async () => (await statusOf(a, b, 'p')) === 'done', explain);
  const runs = await a.client().runLogs({ project: b.project, title: 'p-w2-t1', attempt: 2 });
  expect(runs).toHaveLength(1);
  expect(git(clone, 'show', 'plan/p:two.txt').trim()).toBe('two');
});

/** The page names both hosts. Returns what loads it anew and waits for a text about one of them. */
async function hostsOnPage(a: Host): Promise<(text: string) => Promise<void>> {
  const browser = await startBrowser();
  onTestFinished(() => browser.close());
  const { url } = JSON.parse(await must(a.ask('inspect', '--json'))) as { url: string };
  const { page } = await browser.open(url);
  const hosts = page.getByRole('region', { name: 'Hosts' });
  await hosts.getByText('a (this one)').waitFor();
  expect(await hosts.locator('li').allTextContents()).toEqual(['a (this one)0 agents, 1 repo', 'b1 agent, 1 repo']);
  await page.getByRole('region', { name: 'Repos' }).getByText('on b').waitFor();
  return async (text) => {
    await page.reload();
    await hosts.getByText(text).waitFor();
  };
}

it('another host goes on with the plans of a lost one from the remote, and each task is merged once', async () => {
  const url = await emptyStore();
  const [a, b] = [await hostHere(url, 'a'), await hostOn(url, 'b')];
  const folder = mkdtempSync(join(tmpdir(), 'stator-hosts-'));
  const [gate, bare] = [join(folder, 'gate'), join(folder, 'remote.git')];
  git(folder, 'init', '-q', '--bare', '-b', 'main', bare);
  git(b.path, 'push', '-q', bare, 'main');
  // What the engine pushes by itself runs no hook.
  write(bare, 'hooks/pre-receive', `#!/bin/sh\ntouch ${folder}/hook-ran\n`);
  chmodSync(join(bare, 'hooks/pre-receive'), 0o755);
  const waits = `while [ ! -e ${gate} ]; do sleep 0.1; done; echo three > three.txt`;
  const away = `${bare}-away`;
  renameSync(bare, away);
  git(b.path, 'remote', 'add', 'origin', bare);
  await register(b, 'p', [
    ['echo one > one.txt', 'echo two > two.txt'],
    [waits, 'echo four > four.txt'],
  ]);
  // The host a may not have heard of the repo yet.
  const seen = () =>
    a
      .client()
      .plan(b.project, 'p')
      .catch(() => null);
  await until(async () => (await seen())?.tasks_by_wave[1]?.tasks[1]?.status === 'done');
  // A push that fails delays nothing, and is reported.
  const explain = async () => await must(a.ask('plan', 'explain', 'p', '--project', b.project));
  expect(await explain()).toMatch(/its branches are not at the remote yet.*remote\.git/);
  renameSync(away, bare);
  const shared = (name: string) => git(bare, 'for-each-ref', '--format=%(objectname)', name).trim();
  const branch = `refs/stator/shared/${b.project}/p/heads/plan/p`;
  await until(() => shared(branch) === git(b.path, 'rev-parse', 'plan/p').trim());
  await until(async () => !(await explain()).includes('not at the remote'));
  expect(git(bare, 'for-each-ref', 'refs/heads').trim().split('\n')).toHaveLength(1);
  // What is done and not merged comes along.
  await register(b, 'o', [['echo zero > zero.txt']]);
  await until(async () => (await statusOf(a, b, 'o')) === 'done');
  const done = `refs/stator/shared/${b.project}/o/heads/plan/o`;
  await until(() => shared(done) === git(b.path, 'rev-parse', 'plan/o').trim());
  // Done too, and its work never came to the remote.
  await register(b, 'x', [['echo x > x.txt']]);
  await until(async () => (await statusOf(a, b, 'x')) === 'done');
  const unpushed = `refs/stator/shared/${b.project}/x`;
  await until(() => shared(`${unpushed}/heads/plan/x`) === git(b.path, 'rev-parse', 'plan/x').trim());
  await kill(b);
  for (const ref of git(bare, 'for-each-ref', '--format=%(refname)', unpushed).trim().split('\n'))
    git(bare, 'update-ref', '-d', ref);
  await seenLater(b, -60_000);
  await until(async () => (await a.client().host({ host: 'b' })).state === 'lost');
  await must(a.ask('host', 'remove', 'b', '--yes'));

  const clone = join(a.root, 'clones', b.project);
  git(folder, 'clone', '-q', bare, clone);
  git(clone, 'config', 'user.name', 'Ada');
  git(clone, 'config', 'user.email', 'ada@example.com');
  const head = shared(branch);
  const behind = git(clone, 'rev-parse', 'main').trim();
  git(bare, 'update-ref', branch, behind);
  const refused = await a.ask('repo', 'add', clone);
  expect([refused.code, refused.stderr]).toEqual([
    1,
    expect.stringContaining(`the remote has it at ${behind.slice(0, 12)}, which is older`),
  ]);
  expect(git(clone, 'for-each-ref', 'refs/heads/plan', 'refs/stator').trim()).toBe('');
  git(bare, 'update-ref', branch, head);
  const added = await a.ask('repo', 'add', clone);
  expect([added.code, added.stderr]).toEqual([
    0,
    expect.stringMatching(/fetched from the remote: the branches of (?:o, p|p, o)$/m),
  ]);
  expect(git(clone, 'show', 'plan/o:zero.txt').trim()).toBe('zero');
  expect(added.stderr).toContain('plan x is done, and its work is not here');
  await until(async () => (await a.client().plan(b.project, 'x')).blocked?.source === 'lost_work');
  const merge = await a.ask('plan', 'merge', 'x', '--project', b.project, '--yes');
  expect([merge.code, merge.stderr]).toEqual([1, expect.stringMatching(/plan\/x is not there any more.*x-w1-t1/s)]);
  appendFileSync(gate, '');
  await until(async () => (await statusOf(a, b, 'p')) === 'done', explain);
  const merges = git(clone, 'log', '--merges', '--format=%s', 'main..plan/p').trim().split('\n');
  expect([merges.length, new Set(merges).size]).toEqual([4, 4]);
  expect(git(clone, 'show', 'plan/p:three.txt').trim()).toBe('three');
  const { tasks_by_wave: waves } = await a.client().plan(b.project, 'p');
  expect(waves.flatMap(({ tasks }) => tasks.map(({ attempts }) => attempts))).toEqual([1, 1, 2, 1]);
  await until(() => shared(branch) === git(clone, 'rev-parse', 'plan/p').trim());
  expect(JSON.parse(await must(a.ask('plan', 'verify', '--all', '--json')))).toMatchObject({ ok: true });
  expect(existsSync(join(folder, 'hook-ran'))).toBe(false);
});
