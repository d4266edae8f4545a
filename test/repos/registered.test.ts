import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
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
  type TestEngine,
  untilFile,
  untilPlan,
  untilStatus,
} from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { expectFailure } from '../support/prose.ts';

/** An engine with these repos beside each other. */
async function withRepos(names: readonly string[], setup: Parameters<typeof startEngine>[0] = {}): Promise<TestEngine> {
  const started = await startEngine({ adds: false, ...setup });
  for (const name of names) await started.client.addRepo(makeRepo(join(started.root, name)), { trust: true });
  return started;
}

describe('a repo', () => {
  it('of daemon.toml is there before the first signal is handled', async () => {
    const on = ground();
    const first = await startEngine({ on, adds: false });
    await first.client.addRepo(on.repo, { trust: true });
    await register(first, 'early', planText(['echo x > x.txt']));
    await first.client.removeRepo({ project: 'demo' });
    await first.engine.stop();
    const db = new BetterSqlite3(join(on.home, 'taskstore.db'));
    db.prepare("INSERT INTO signals (project, plan, type) VALUES ('demo', 'early', 'implement_start')").run();
    db.close();
    writeFileSync(join(on.home, 'daemon.toml'), `repos = ["${on.repo}"]\nblueprint_skip_threshold = 0\n`);
    const started = await startEngine({ on, adds: false });
    await untilStatus(started, 'early', 'done');
    expect(await started.client.repos()).toMatchObject([{ project: 'demo', state: 'active', reason: null }]);
  });

  it('may have a name that every object of JavaScript has', async () => {
    const { root, client } = await startEngine({ adds: false });
    for (const name of ['constructor', 'toString', '__proto__'])
      await client.addRepo(makeRepo(join(root, name)), { trust: true });
    for (const project of ['constructor', 'toString', '__proto__']) {
      expect(await client.repo({ project })).toMatchObject({ state: 'active', reason: null });
      await client.registerPlan({ project, plan: 'login', content: planText(['true']) });
      expect(await client.explain(project, 'login')).toMatchObject({ waiting_for: null, engine_troubles: [] });
    }
  });

  it('is refused with the reason, whatever is wrong with it', async () => {
    const { root, client } = await startEngine();
    const empty = join(root, 'empty');
    mkdirSync(empty);
    const young = join(root, 'young');
    mkdirSync(young);
    git(young, 'init', '-q');
    const twin = makeRepo(join(root, 'archive', 'demo'));
    const refusals: [string, string, string][] = [
      ['demo', 'bad_repo', 'the path of a repository must be absolute, not demo'],
      [join(root, 'none'), 'bad_repo', `there is no folder ${join(root, 'none')}`],
      [empty, 'bad_repo', `${empty} is not a git repository`],
      [young, 'bad_repo', `${young} has no commit yet`],
      [join(root, 'demo'), 'conflict', `repo already registered: ${join(root, 'demo')}`],
      [
        twin,
        'conflict',
        `repo with basename "demo" already registered (path: ${join(root, 'demo')}); rename one of the directories or use distinct names`,
      ],
    ];
    for (const [path, code, message] of refusals)
      await expect(client.addRepo(path, { trust: true, mustBeNew: true })).rejects.toMatchObject({
        code,
        message: expect.stringContaining(message),
      });
  });

  it('is meant by each of its worktrees', async () => {
    const { root, client } = await startEngine({ adds: false });
    const main = makeRepo(join(root, 'lib'));
    git(main, 'worktree', 'add', '-q', '-b', 'side', join(root, 'side'));
    expect(await client.addRepo(join(root, 'side'), { trust: false })).toMatchObject({ project: 'lib', path: main });
  });

  it('of daemon.toml whose folder is missing stops no other repo, is reported, and is registered when the folder exists', async () => {
    const on = ground();
    const late = join(on.root, 'late');
    mkdirSync(on.home, { mode: 0o700 });
    writeFileSync(join(on.home, 'daemon.toml'), `repos = ["${on.repo}", "${late}"]\n`);
    const { client } = await startEngine({ on, adds: false });
    expect((await client.repos()).map(({ project }) => project)).toEqual(['demo']);
    expect((await client.status()).problems).toEqual([`repo ${late} is not registered: there is no folder ${late}`]);
    makeRepo(late);
    expect(await client.reload()).toEqual({ status: 'reloaded', problems: [], is_mistaken: false });
    expect((await client.repos()).map(({ project }) => project)).toEqual(['demo', 'late']);
  });

  it('that is removed while its agents run is refused; with stop they end, no attempt is spent, and adding it again goes on', async () => {
    const started = await withRepos(['a', 'b', 'c']);
    const { root, client, engine } = started;
    const [begun, go] = [join(root, 'begun'), join(root, 'go')];
    const work = (name: string) => planText([`echo $$ >> '${begun}-${name}'\n${gate(go)}\necho ${name} > out.txt`]);
    for (const name of ['a', 'b']) await begin(started, 'same', work(name), name);
    for (const name of ['a', 'b']) await untilFile(`${begun}-${name}`);
    await expectFailure(client.removeRepo({ project: 'a' }), 'conflict', 'same-w1-t1', 'stator repo remove a --stop');
    expect(await client.removeRepo({ project: join(root, 'a'), stop: true })).toEqual({
      status: 'removed',
      project: 'a',
      path: join(root, 'a'),
      notes: [`its plan is kept: stator repo add ${join(root, 'a')} brings it back`],
    });
    expect((await client.repos()).map(({ project }) => project)).toEqual(['b', 'c']);
    expect((await client.plans()).map(({ project }) => project)).toEqual(['b']);
    expect((await client.instances({ project: 'b' }))[0]).toMatchObject({ state: 'running' });
    await expect(client.removeRepo({ project: 'a' })).rejects.toMatchObject({ code: 'repo_not_found' });
    await expect(client.send({ project: 'a', plan: 'same', type: 'pause' })).rejects.toMatchObject({
      code: 'repo_not_found',
    });
    openGate(go);
    await untilStatus(started, 'same', 'done', 'b');
    expect(git(join(root, 'b'), 'show', 'plan/same:out.txt')).toBe('b');
    await client.addRepo(join(root, 'a'), { trust: true });
    const done = await untilStatus(started, 'same', 'done', 'a');
    expect(done.tasks_by_wave[0]?.tasks[0]).toMatchObject({ attempts: 2, reason: null });
    expect((await client.instances({ project: 'a' }))[0]).toMatchObject({ attempt: 1, state: 'succeeded' });
    expect(git(join(root, 'a'), 'show', 'plan/same:out.txt')).toBe('a');
    await engine.stop();
  });

  it('that daemon.toml lists comes back at the next start, and its removal says so', async () => {
    const on = ground();
    mkdirSync(on.home, { mode: 0o700 });
    const file = join(on.home, 'daemon.toml');
    writeFileSync(file, `repos = ["${on.repo}"]\n`);
    const started = await startEngine({ on, adds: false });
    expect((await started.client.removeRepo({ project: 'demo' })).notes).toEqual([
      `${file} lists it, so it comes back at the next start; take it out there too`,
    ]);
    await started.client.reload();
    expect(await started.client.repos()).toEqual([]);
    await started.engine.stop();
    const again = await startEngine({ on, adds: false });
    expect((await again.client.repos()).map(({ project }) => project)).toEqual(['demo']);
  });

  it('shares nothing with another one of whose plans have the same names', async () => {
    const started = await withRepos(['a', 'b', 'c'], { daemon: 'max_agents = 6\nblueprint_skip_threshold = 0\n' });
    const plans = ['one', 'two'];
    const content = (name: string, plan: string) =>
      planText([`pwd > where.txt\necho ${name}-${plan} > who.txt`], ['cat who.txt > again.txt']);
    await Promise.all(
      ['a', 'b', 'c'].flatMap((name) => plans.map((plan) => begin(started, plan, content(name, plan), name))),
    );
    for (const name of ['a', 'b', 'c'])
      for (const plan of plans) {
        await untilStatus(started, plan, 'done', name);
        expect(git(join(started.root, name), 'show', `plan/${plan}:again.txt`)).toBe(`${name}-${plan}`);
        expect(git(join(started.root, name), 'show', `plan/${plan}:where.txt`)).toContain(join(started.root, name));
      }
  });
});

describe('a configuration', () => {
  it('that changes what it starts is not in force before somebody says so; everything else is, with the reload', async () => {
    const started = await startEngine({ adds: false, agents: {} });
    const { repo, client } = started;
    const file = join(repo, '.stator', 'config.toml');
    mkdirSync(join(repo, '.stator'));
    writeFileSync(file, 'max_active_plans = 1\n[agents.default]\npreset = "sh"\nattempts = 1\n');
    await client.addRepo(repo, { trust: true });
    const configured = async (key: string) =>
      (await client.repo({ project: 'demo' })).config.find((entry) => entry.key === key);
    expect(await configured('max_active_plans')).toEqual({ key: 'max_active_plans', value: 1, origin: `${file}:1` });
    writeFileSync(file, 'max_active_plans = 2\n[agents.default]\npreset = "sh"\nattempts = 4\n');
    expect(await client.reload()).toEqual({ status: 'reloaded', problems: [], is_mistaken: false });
    expect(await configured('max_active_plans')).toMatchObject({ value: 2 });
    expect(await configured('agents.coder.attempts')).toMatchObject({ value: 4 });
    writeFileSync(file, 'max_active_plans = 3\n[agents.default]\npreset = "command"\nprogram = "./own.sh"\n');
    expect((await client.reload()).problems).toEqual([
      `demo: changed, not in force: ${repo} may now start: agents: command ./own.sh; say yes with: stator repo trust demo`,
    ]);
    const shown = await client.repo({ project: 'demo' });
    expect(shown).toMatchObject({ enables: ['agents: sh'], untrusted: ['agents: command ./own.sh'], problem: null });
    expect(await configured('max_active_plans')).toMatchObject({ value: 2 });
    expect(await client.trustRepo({ project: 'demo' })).toMatchObject({
      status: 'trusted',
      before: ['agents: sh'],
      enables: ['agents: command ./own.sh'],
      changes: ['- agents: sh', '+ agents: command ./own.sh'],
    });
    expect(await configured('max_active_plans')).toMatchObject({ value: 3 });
    writeFileSync(file, 'max_active_plan = 3\n');
    const problem = `${file}, line 1: unknown key max_active_plan; did you mean max_active_plans?`;
    expect((await client.reload()).problems).toEqual([`demo: changed, not in force: ${problem}`]);
    expect(await client.repo({ project: 'demo' })).toMatchObject({ problem, state: 'active' });
    await expect(client.trustRepo({ project: 'demo' })).rejects.toMatchObject({ code: 'bad_config', message: problem });
  });

  it('is shown whole, with the file and the line of each value: budgets, notes, and further tables of agents too', async () => {
    const daemon = 'base_fetch = true\n[budget]\nusd = 50\n[agents.check]\nnice = 5\n';
    const { repo, home, client } = await startEngine({ adds: false, agents: {}, daemon });
    const [own, users] = [join(repo, '.stator', 'config.toml'), join(home, 'daemon.toml')];
    mkdirSync(join(repo, '.stator'));
    const lines = [
      ...['confirm_file_size = "20MiB"', 'confirm_new_files = ""', '[budget.day]', 'tokens = 9'],
      ...['[notes]', 'tokens = 7', '[agents.default]', 'preset = "sh"', 'max_cost_usd = 3'],
      ...['[agents.reviewer]', 'preset = "claude"', 'trusted_files = ["scripts"]', '[agents.slow]', 'timeout = "2h"'],
    ];
    writeFileSync(own, `${lines.join('\n')}\n`);
    await client.addRepo(repo, { trust: true });
    const { config } = await client.repo({ project: 'demo' });
    const set = config.filter(({ origin }) => origin !== 'default').map(({ key, ...rest }) => [key, rest] as const);
    expect(Object.fromEntries(set)).toMatchObject({
      base_fetch: { value: true, origin: `${users}:1` },
      confirm_file_size: { value: '20MiB', origin: `${own}:1` },
      confirm_new_files: { value: '', origin: `${own}:2` },
      'budget.usd': { value: 50, origin: `${users}:3` },
      'budget.day.tokens': { value: 9, origin: `${own}:4` },
      'notes.tokens': { value: 7, origin: `${own}:6` },
      'agents.coder.max_cost_usd': { value: 3, origin: `${own}:9` },
      'agents.reviewer.trusted_files': { value: ['scripts'], origin: `${own}:12` },
      'agents.slow.timeout': { value: '2h', origin: `${own}:14` },
      'agents.check.nice': { value: 5, origin: `${users}:5` },
    });
  });

  it('of the daemon that is broken is reported and not used; one that is mended is in force at once', async () => {
    const started = await startEngine({
      daemon: 'max_agents = 1\nmax_active_plans = 1\nblueprint_skip_threshold = 0\n',
    });
    const { home, root, client } = started;
    const file = join(home, 'daemon.toml');
    const go = join(root, 'go');
    for (const plan of ['one', 'two']) await begin(started, plan, planText([`${gate(go)}\necho x > ${plan}.txt`]));
    const waits = async () => (await client.explain('demo', 'two')).waiting_for;
    await until(async () => (await waits())?.kind === 'plan_limit');
    expect((await waits())?.detail).toBe('1 of 1 plans implement');
    writeFileSync(file, 'max_agents = "many"\n');
    expect((await client.reload()).problems[0]).toContain(`${file}, line 1: max_agents`);
    expect((await waits())?.kind).toBe('plan_limit');
    writeFileSync(file, 'max_agents = 1\nblueprint_skip_threshold = 0\n');
    expect((await client.reload()).problems).toEqual([]);
    await until(async () => (await waits())?.kind === 'slot');
    writeFileSync(file, 'max_agents = 2\nblueprint_skip_threshold = 0\n');
    expect((await client.reload()).problems).toEqual([]);
    await until(async () => (await waits())?.kind === 'agent');
    openGate(go);
    for (const plan of ['one', 'two']) await untilStatus(started, plan, 'done');
  });

  it('that is saved is in force without a reload where it starts nothing new, and else it is said what is not', async () => {
    const started = await startEngine({ adds: false, agents: {} });
    const { repo, client } = started;
    const file = join(repo, '.stator', 'config.toml');
    await client.addRepo(repo, { trust: true });
    const inForce = async (key: string) =>
      (await client.repo({ project: 'demo' })).config.find((entry) => entry.key === key)?.value;
    const problems = async () => (await client.status()).problems;
    // The folder itself is new.
    mkdirSync(join(repo, '.stator'));
    writeFileSync(file, 'max_active_plans = 4\n');
    await until(async () => (await inForce('max_active_plans')) === 4);
    await until(() => started.log.some((line) => line.includes('the files of demo: changed, and in force')));
    // Many editors save by replacing the file.
    writeFileSync(`${file}.new`, 'max_active_plans = 5\n[agents.default]\npreset = "command"\nprogram = "./own.sh"\n');
    renameSync(`${file}.new`, file);
    const text = `demo: changed, not in force: ${repo} may now start: agents: command ./own.sh; say yes with: stator repo trust demo`;
    await until(async () => (await problems()).includes(text));
    await until(() => started.log.some((line) => line.includes(text)));
    expect(await inForce('max_active_plans')).toBe(4);
    await client.trustRepo({ project: 'demo' });
    expect(await inForce('max_active_plans')).toBe(5);
    expect(await problems()).toEqual([]);
    mkdirSync(join(repo, '.stator', 'prompts'));
    writeFileSync(join(repo, '.stator', 'prompts', 'coder.md'), 'Be quick: {{task}}\n');
    await until(async () => (await problems()).some((line) => line.startsWith('demo: changed, not in force:')));
    rmSync(join(repo, '.stator', 'prompts'), { recursive: true });
    await until(async () => (await problems()).length === 0);
  });

  it('of the daemon that is saved is in force without a reload, and is kept out where it is broken or gone', async () => {
    const started = await startEngine({ daemon: 'max_active_plans = 1\n' });
    const { home, client, log } = started;
    const file = join(home, 'daemon.toml');
    const inForce = async () => {
      const { config } = await client.repo({ project: 'demo' });
      return config.find(({ key }) => key === 'max_active_plans')?.value;
    };
    await until(async () => (await inForce()) === 1);
    writeFileSync(file, 'max_agents = "many"\n');
    await until(async () =>
      (await client.status()).problems.some((line) => line.startsWith('changed, not in force: ')),
    );
    expect(await inForce()).toBe(1);
    rmSync(file);
    await until(() => log.some((line) => line.includes(`${file} is gone; what it said stays in force`)));
    expect((await client.status()).problems).toEqual([
      `${file} is gone; what it said stays in force until the next start or reload`,
    ]);
    expect(await inForce()).toBe(1);
    writeFileSync(`${file}.new`, 'max_active_plans = 2\n');
    renameSync(`${file}.new`, file);
    await until(async () => (await inForce()) === 2);
    expect((await client.status()).problems).toEqual([]);
  });

  it('changed while nobody looked is in force soon after the start, where it starts nothing new', async () => {
    const on = ground();
    mkdirSync(join(on.repo, '.stator'));
    const file = join(on.repo, '.stator', 'config.toml');
    writeFileSync(file, 'priority = 1\n');
    const first = await startEngine({ on });
    await first.engine.stop();
    writeFileSync(file, 'priority = 7\n');
    const { client } = await startEngine({ on, adds: false });
    await until(
      async () => (await client.repo({ project: 'demo' })).config.find(({ key }) => key === 'priority')?.value === 7,
    );
  });
});

describe('a repo that cannot be used', () => {
  it('is degraded with its reason, delays no other repo, and continues by itself', async () => {
    const started = await withRepos(['a', 'b']);
    const { root } = started;
    const [path, away] = [join(root, 'a'), join(root, 'away')];
    await register(started, 'same', planText(['echo a > a.txt']), 'a');
    renameSync(path, away);
    await begin(started, 'same', planText(['echo b > b.txt']), 'b');
    await untilStatus(started, 'same', 'done', 'b');
    // Nothing runs there, so only its folder is checked, now and then; a plan that should begin notices it at once.
    await expect(say(started, 'same', 'implement_start', undefined, 'a')).rejects.toThrow();
    renameSync(away, path);
    await say(started, 'same', 'implement_start', undefined, 'a');
    await untilStatus(started, 'same', 'done', 'a');
  });

  it('says so where an agent left its checkout on a branch that is not there, twice, with the command that puts it back', async () => {
    const started = await withRepos(['a']);
    const path = join(started.root, 'a');
    const head = git(path, 'rev-parse', 'main');
    for (const [plan, does, branch, command] of [
      ['other', 'symbolic-ref HEAD refs/heads/gone', 'gone', 'symbolic-ref HEAD refs/heads/main'],
      ['none', 'update-ref -d refs/heads/main', 'main', `update-ref refs/heads/main ${head}`],
    ] as const) {
      await begin(started, plan, planText([`for _ in 1 2; do git -C '${path}' ${does}; done; echo a > a.txt`]), 'a');
      const waiting = await untilPlan(started, plan, ({ waiting_for: why }) => why?.kind === 'repo', 'a');
      const told = `HEAD of ${path} is on the branch ${branch}, which has no commit; put it back: git -C ${path} ${command}`;
      expect(waiting.waiting_for?.detail).toContain(told);
      await until(async () => (await started.client.repos())[0]?.reason === told);
      execFileSync('sh', ['-c', `git -C ${path} ${command}`]);
      await untilStatus(started, plan, 'done', 'a');
      expect([git(path, 'symbolic-ref', 'HEAD'), git(path, 'rev-parse', 'HEAD')]).toEqual(['refs/heads/main', head]);
    }
  });

  it('lets its plans wait where it goes in the middle of their work: no attempt is spent', async () => {
    const started = await withRepos(['a', 'b']);
    const { root, client } = started;
    const [path, away, begun, go] = ['a', 'away', 'begun', 'go'].map((name) => join(root, name)) as [
      string,
      string,
      string,
      string,
    ];
    await begin(started, 'same', planText([`echo x > '${begun}'\n${gate(go)}`], ['echo two > two.txt']), 'a');
    await untilFile(begun);
    renameSync(path, away);
    openGate(go);
    await until(async () => (await client.repos())[0]?.state === 'degraded');
    expect((await client.repos())[0]).toMatchObject({ project: 'a', reason: `there is no folder ${path}` });
    await begin(started, 'same', planText(['echo b > b.txt']), 'b');
    await untilStatus(started, 'same', 'done', 'b');
    const waiting = await untilPlan(started, 'same', (plan) => plan.waiting_for?.kind === 'repo', 'a');
    expect(waiting.waiting_for?.detail).toBe(
      `repo a cannot be used now: there is no folder ${path}; its plans continue when that is over`,
    );
    expect(waiting).toMatchObject({ status: 'implementing', blocked: null });
    rmSync(path, { recursive: true, force: true });
    renameSync(away, path);
    const settled = await untilPlan(
      started,
      'same',
      (plan) => plan.status === 'done' || plan.phase === 'wave_waiting',
      'a',
    );
    expect(settled.blocked).toBeNull();
    expect(settled.tasks_by_wave.flatMap(({ tasks }) => tasks.map(({ attempts }) => attempts))[0]).toBe(1);
    expect((await client.repos())[0]).toMatchObject({ state: 'active', reason: null });
  });

  it('whose git hangs delays no other repo', async () => {
    const on = ground();
    const bin = join(on.root, 'bin');
    const [slow, hanging, release] = ['slow', 'hanging', 'release'].map((name) => join(on.root, name)) as [
      string,
      string,
      string,
    ];
    mkdirSync(bin);
    makeRepo(slow);
    const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
    writeFileSync(
      join(bin, 'git'),
      `#!/bin/sh\ncase "$PWD" in '${slow}'*) if [ -e '${hanging}.on' ]; then echo $$ >> '${hanging}'; ${gate(release)}; fi;; esac\nexec '${real}' "$@"\n`,
      { mode: 0o755 },
    );
    const before = process.env.PATH;
    process.env.PATH = `${bin}:${before}`;
    try {
      const started = await startEngine({ on });
      await started.client.addRepo(slow, { trust: true });
      await register(started, 'same', planText(['echo s > s.txt']), 'slow');
      await say(started, 'same', 'implement_start', undefined, 'slow');
      await untilStatus(started, 'same', 'done', 'slow');
      await register(started, 'next', planText(['echo n > n.txt'], ['echo m > m.txt']), 'slow');
      writeFileSync(`${hanging}.on`, '');
      const stuck = say(started, 'next', 'implement_start', undefined, 'slow');
      await untilFile(hanging);
      await begin(started, 'same', planText(['echo d > d.txt'], ['echo e > e.txt']), 'demo');
      await untilStatus(started, 'same', 'done', 'demo');
      // The one before it is still where it was.
      expect((await started.client.plan('slow', 'next')).status).toBe('ready');
      openGate(release);
      await stuck;
      await untilStatus(started, 'next', 'done', 'slow');
    } finally {
      writeFileSync(release, '');
      process.env.PATH = before;
    }
  });
});
