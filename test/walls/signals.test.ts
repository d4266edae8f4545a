/** A signal file counts only from a run that may send that signal, in its place and during its time. */
import { spawn } from 'node:child_process';
import {
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  afterwards,
  begin,
  gate,
  ground,
  openGate,
  planText,
  register,
  say,
  script,
  startEngine,
  type TestEngine,
  untilStatus,
} from '../support/engine.ts';
import {
  drop,
  forceStatus,
  fromFiles,
  left,
  reasonOf,
  signalsOf,
  untilGone,
  untilRefused,
  withPlan,
} from '../support/gateway.ts';
import { git, until } from '../support/ground.ts';
import { expectProse } from '../support/prose.ts';

const isRoot = process.getuid?.() === 0;
const signals = '.stator/signals';

/** A shell line that writes a signal file, in the folder in which it runs. */
function word(name: string, folder = signals): string {
  return `mkdir -p ${folder} && echo good > ${folder}/${name}`;
}

function worktree({ repo }: Pick<TestEngine, 'repo'>, branch: string): string {
  return join(repo, '.worktrees', branch);
}

/** An engine whose reviewer is running once `ready` exists, until the gate `go` is opened. */
async function withHeldReviewer() {
  const on = ground();
  const [ready, go] = [join(on.root, 'ready'), join(on.root, 'go')];
  const program = script(join(on.root, 'judge'), `: > ${ready}\n${gate(go)}`);
  const reviewer = { preset: 'command', program, attempts: 1 } as const;
  const engine = await startEngine({ on, daemon: '', agents: { default: { preset: 'sh', attempts: 1 }, reviewer } });
  return { on, engine, ready, go };
}

describe('a coder', () => {
  it('does not approve its own work by a file that it commits and hides from git', async () => {
    const { engine, ready, go } = await withHeldReviewer();
    const path = `${signals}/review-approved-login`;
    const commit = `git add -f ${path} && git commit -qm x && git update-index --skip-worktree ${path}`;
    await begin(engine, 'login', planText([`echo a > a.txt && ${word('review-approved-login')} && ${commit}`]));
    await until(() => existsSync(ready));
    const folder = join(worktree(engine, 'plan-login'), signals);
    // The engine removed it from the branch; a process that outlived the coder would write it again.
    const place = worktree(engine, 'plan-login');
    const id = git(place, 'rev-parse', 'HEAD:a.txt');
    git(place, 'update-index', '--add', '--cacheinfo', `100644,${id},${path}`);
    git(place, 'update-index', '--skip-worktree', path);
    drop(folder, 'review-approved-login', 'good');
    await untilRefused(folder, 'review-approved-login');
    expectProse(reasonOf(folder, 'review-approved-login'), 'git');
    expect((await engine.client.plan('demo', 'login')).status).toBe('reviewing');
    expect(await fromFiles(engine)).toEqual([]);
    openGate(go);
    await untilStatus(engine, 'login', 'done');
  });

  it('does not bring a signal file into the plan’s branch, whatever it does to the index', async () => {
    const on = ground();
    writeFileSync(join(on.repo, 'kept'), 'x');
    mkdirSync(join(on.repo, '.kasmos', 'signals'), { recursive: true });
    writeFileSync(join(on.repo, '.kasmos', 'signals', '.gitkeep'), '');
    git(on.repo, 'add', '-f', '.');
    git(on.repo, 'commit', '-qm', 'a folder that the user keeps in git');
    const engine = await startEngine({ on });
    const path = `${signals}/review-approved-login`;
    const other = '.kasmos/signals/review-approved-login';
    await begin(
      engine,
      'login',
      planText(
        [
          `echo a > a.txt && ${word('review-approved-login')} && git add -f ${path} && git commit -qm x && git update-index --skip-worktree ${path}`,
        ],
        [
          `echo b > b.txt && ${word('review-approved-login', '.kasmos/signals')} && git add -f ${other} && git update-index --skip-worktree ${other} && git rm -qf kept`,
        ],
      ),
    );
    await untilStatus(engine, 'login', 'done');
    const files = git(engine.repo, 'ls-tree', '-r', '--name-only', 'plan/login').split('\n');
    expect(files).toEqual(['.kasmos/signals/.gitkeep', 'README.md', 'a.txt', 'b.txt']);
    expect(engine.log.filter((line) => line.includes('added signal files to git'))).toHaveLength(2);
  });

  it('does not speak for a reviewer from its own worktree', async () => {
    const engine = await startEngine();
    const go = join(engine.root, 'go');
    await begin(engine, 'login', planText([`${word('review-approved-login')} && ${gate(go)}; echo a > a.txt`]));
    const folder = join(worktree(engine, 'plan-login-w1-t1'), signals);
    await untilRefused(folder, 'review-approved-login');
    expectProse(reasonOf(folder, 'review-approved-login'), 'review_approved', 'reviewer');
    openGate(go);
    await untilStatus(engine, 'login', 'done');
    expect(await fromFiles(engine)).toEqual([]);
  });

  it('does not end another task, and ends its own', async () => {
    const engine = await startEngine();
    const go = join(engine.root, 'go');
    const forged = 'implement-task-finished-w1-t2-login';
    await begin(
      engine,
      'login',
      planText([`${word(forged)} && echo a > a.txt && ${gate(go)}`, `echo b > b.txt && ${gate(go)}`]),
    );
    const folder = join(worktree(engine, 'plan-login-w1-t1'), signals);
    await untilRefused(folder, forged);
    const { tasks_by_wave } = await engine.client.plan('demo', 'login');
    expect(tasks_by_wave[0]?.tasks.map(({ status }) => status)).toEqual(['working', 'working']);
    drop(folder, 'implement-task-finished-w1-t1-login');
    await until(async () => (await fromFiles(engine)).some(({ status }) => status === 'done'));
    expect((await fromFiles(engine)).map(({ payload }) => payload)).toEqual([{ wave_number: 1, task_number: 1 }]);
    openGate(go);
    await untilStatus(engine, 'login', 'done');
  });

  it('does not start a wave, as a person may from the main folder', async () => {
    const engine = await startEngine();
    const go = join(engine.root, 'go');
    const name = 'implement-wave-2-login';
    await begin(engine, 'login', planText([`${word(name)} && echo a > a.txt && ${gate(go)}`], ['echo b > b.txt']));
    const folder = join(worktree(engine, 'plan-login-w1-t1'), signals);
    await untilRefused(folder, name);
    expectProse(reasonOf(folder, name), 'person');
    openGate(go);
    await untilStatus(engine, 'login', 'done');
  });

  it('does not pass a word by as one that an engine has taken already', async () => {
    const on = ground();
    const engine = await startEngine({ on });
    const go = join(on.root, 'go');
    const name = 'review-approved-login';
    const taken = `${signals}/processing`;
    const mark = '00000000-0000-4000-8000-000000000000';
    await begin(engine, 'login', planText([`${word(`${name}.${mark}`, taken)} && ${gate(go)}; echo a > a.txt`]));
    const folder = join(worktree(engine, 'plan-login-w1-t1'), signals);
    await until(() => existsSync(join(folder, 'processing', `${name}.${mark}`)));
    // An engine that starts handles the existing files.
    await engine.engine.stop();
    const next = await startEngine({ on, adds: false });
    await untilRefused(folder, name);
    openGate(go);
    await untilStatus(next, 'login', 'done');
    expect(await fromFiles(next)).toEqual([]);
  });
});

it('what a process that outlived its run writes into its worktree does not count', async () => {
  const { engine, ready, go } = await withHeldReviewer();
  await begin(engine, 'login', planText(['echo a > a.txt']));
  await until(() => existsSync(ready));
  // From a role that worked in this worktree a while ago, written now.
  const folder = signalsOf(worktree(engine, 'plan-login'));
  drop(folder, 'implement-finished-login', 'again');
  await untilRefused(folder, 'implement-finished-login');
  expectProse(reasonOf(folder, 'implement-finished-login'), 'coder', 'fixer');
  openGate(go);
  await untilStatus(engine, 'login', 'done');
});

it('what lay in a worktree before a run began there is not a word of that run', async () => {
  const { engine, ready, go } = await withHeldReviewer();
  // In a folder that makes every check fail, until the reviewer runs.
  const planted = `${word('review-approved-login')} && echo x > ${signals}/processing`;
  await begin(engine, 'login', planText([`echo a > a.txt && ${planted}`]));
  await until(() => existsSync(ready));
  const folder = join(worktree(engine, 'plan-login'), signals);
  expect(left(folder)).toEqual(['review-approved-login']);
  rmSync(join(folder, 'processing'));
  await untilRefused(folder, 'review-approved-login');
  expect(await fromFiles(engine)).toEqual([]);
  openGate(go);
  await untilStatus(engine, 'login', 'done');
});

describe('a word that its run left in time counts', () => {
  it('when its run has ended before anybody could take it', async () => {
    const on = ground();
    const [again, go] = [join(on.root, 'again'), join(on.root, 'go')];
    const blocked = `mkdir -p ${signals} && echo x > ${signals}/processing && ${word('planner-finished-login')}`;
    const program = script(
      join(on.root, 'planner'),
      `if [ -e ${again} ]; then ${gate(go)}; else : > ${again}; ${blocked}; fi`,
    );
    const engine = await startEngine({
      on,
      agents: { default: { preset: 'sh', attempts: 1 }, planner: { preset: 'command', program, attempts: 2 } },
    });
    await register(engine, 'login', planText(['echo a > a.txt']));
    await say(engine, 'login', 'plan_start');
    await until(async () => (await engine.client.instances({ project: 'demo', plan: 'login' }))[0]?.attempt === 2);
    const folder = join(worktree(engine, 'plan-login'), signals);
    expect(left(folder)).toEqual(['planner-finished-login']);
    rmSync(join(folder, 'processing'));
    await untilStatus(engine, 'login', 'done');
    expect((await fromFiles(engine)).map(({ type, status }) => [type, status])).toEqual([['planner_finished', 'done']]);
    openGate(go);
  });

  it('when no engine ran while it was said', async () => {
    const on = ground();
    const [ready, go] = [join(on.root, 'ready'), join(on.root, 'go')];
    const program = script(
      join(on.root, 'planner'),
      `: > ${ready}; ${gate(go)}; ${word('planner-finished-login')}; : > ${go}.said`,
    );
    const agents = {
      default: { preset: 'sh' as const, attempts: 1 },
      planner: { preset: 'command' as const, program, attempts: 1 },
    };
    const engine = await startEngine({ on, agents });
    await register(engine, 'login', planText(['echo a > a.txt']));
    await say(engine, 'login', 'plan_start');
    await until(() => existsSync(ready));
    await engine.engine.stop();
    openGate(go);
    await until(() => existsSync(`${go}.said`));
    const next = await startEngine({ on, agents, adds: false });
    await untilStatus(next, 'login', 'done');
    expect((await fromFiles(next)).map(({ type, status }) => [type, status])).toEqual([['planner_finished', 'done']]);
  });
});

describe('in the main folder', () => {
  it.runIf(isRoot)('a file of another user does not approve', async () => {
    const engine = await withPlan();
    await forceStatus(engine, 'login', 'reviewing');
    const folder = signalsOf(engine.repo);
    const draft = join(folder, 'staging', 'x');
    mkdirSync(join(folder, 'staging'));
    writeFileSync(draft, 'good');
    chownSync(draft, 65_534, 65_534);
    renameSync(draft, join(folder, 'review-approved-login'));
    await untilRefused(folder, 'review-approved-login');
    expect(reasonOf(folder, 'review-approved-login')).toContain('belongs to the user 65534');
    expect((await engine.client.plan('demo', 'login')).status).toBe('reviewing');
  });

  it('a second name of a file that lies elsewhere does not carry that file’s text into a plan', async () => {
    const engine = await withPlan();
    await forceStatus(engine, 'login', 'reviewing');
    const folder = signalsOf(engine.repo);
    writeFileSync(join(engine.root, 'secret'), 'the key');
    linkSync(join(engine.root, 'secret'), join(folder, 'review-changes-login'));
    await untilRefused(folder, 'review-changes-login');
    expectProse(reasonOf(folder, 'review-changes-login'));
    expect(await fromFiles(engine)).toEqual([]);
  });

  it('a draft that a killed writer left beside its word does not take that word away', async () => {
    const engine = await withPlan();
    await forceStatus(engine, 'login', 'reviewing');
    const folder = signalsOf(engine.repo);
    mkdirSync(join(folder, 'staging'));
    writeFileSync(join(folder, 'staging', 'draft'), 'good');
    linkSync(join(folder, 'staging', 'draft'), join(folder, 'review-approved-login'));
    await untilGone(folder);
    expect((await fromFiles(engine)).map(({ type }) => type)).toEqual(['review_approved']);
  });

  it('a file that came with a commit does not approve', async () => {
    const engine = await withPlan();
    await forceStatus(engine, 'login', 'reviewing');
    const folder = signalsOf(engine.repo);
    writeFileSync(join(engine.root, 'word'), 'good');
    const id = git(engine.repo, 'hash-object', '-w', join(engine.root, 'word'));
    git(engine.repo, 'update-index', '--add', '--cacheinfo', `100644,${id},${signals}/review-approved-login`);
    git(engine.repo, 'commit', '-qm', 'a feature');
    git(engine.repo, 'checkout', '-q', '--', '.');
    await untilRefused(folder, 'review-approved-login');
    expectProse(reasonOf(folder, 'review-approved-login'), 'git');
    expect(await fromFiles(engine)).toEqual([]);
  });
});

describe('a folder of ours that was exchanged with a link', () => {
  for (const name of ['failed', 'processing'])
    it(`is not written through: ${name}`, async () => {
      const engine = await withPlan();
      const folder = signalsOf(engine.repo);
      const elsewhere = join(engine.root, 'elsewhere');
      mkdirSync(elsewhere);
      symlinkSync(elsewhere, join(folder, name));
      for (let each = 0; each < 20; each += 1) drop(folder, `evil-${each}`);
      await until(() => engine.log.some((line) => line.includes(`${name} is a link to`)));
      expect(readdirSync(elsewhere)).toEqual([]);
      rmSync(join(folder, name));
      await untilGone(folder);
      expect(readdirSync(elsewhere)).toEqual([]);
    });

  it('is not written through while it is exchanged again and again', async () => {
    const engine = await withPlan();
    const folder = signalsOf(engine.repo);
    const elsewhere = join(engine.root, 'elsewhere');
    mkdirSync(elsewhere);
    mkdirSync(join(folder, 'failed'));
    symlinkSync(elsewhere, join(folder, '.link'));
    const end = flipping(join(folder, 'failed'), join(folder, '.link'), join(folder, '.real'));
    const names = Array.from({ length: 300 }, (_, each) => `evil-${each}`);
    for (const name of names) writeFileSync(join(folder, name), '');
    await untilGone(folder);
    await end();
    expect(readdirSync(elsewhere)).toEqual([]);
  });
});

/** A process that replaces a folder by a link and back, as fast as it can; the returned function ends it. */
function flipping(place: string, link: string, aside: string): () => Promise<void> {
  const program = `
    const { renameSync } = require('node:fs');
    const [, place, link, aside] = process.argv;
    const move = (from, to) => { try { renameSync(from, to); } catch {} }; // somebody else makes the folder anew meanwhile
    for (let turn = 0; ; turn += 1) {
      move(place, aside + turn);
      move(link, place);
      move(place, link);
      move(aside + turn, place);
    }`;
  const child = spawn(process.execPath, ['-e', program, place, link, aside], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const end = () => {
    child.kill('SIGKILL');
    return ended;
  };
  afterwards(end);
  return end;
}
