/** The line of a branch: plans that are done land one at a time, each checked as the very commit that the branch moves to. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { look } from '../../cli/status/look.ts';
import { statusOf } from '../../cli/status/sort.ts';
import type { OwnAgent } from '../../runtime/base/config/own-agents.ts';
import { isAlive } from '../support/daemon.ts';
import {
  begin,
  type EngineSetup,
  gate,
  ground,
  planText,
  say,
  script,
  startEngine,
  type TestEngine,
  untilBlocked,
  untilFile,
  untilPlan,
  untilStatus,
  waves,
} from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { machineClock } from '../support/machine-clock.ts';

/** An engine whose repo has that check; each check notes the commit that it ran on in `seen`. */
async function landing(
  check: string | null,
  { table = '', on = ground(), ...setup }: EngineSetup & { table?: string } = {},
) {
  const seen = join(on.root, 'seen');
  const lines = [
    '[landing]',
    ...(check === null ? [] : [`check = '''git rev-parse HEAD >> ${seen}; ${check}'''`]),
    table,
  ];
  writeFileSync(join(on.repo, '.gitignore'), '.stator\n');
  git(on.repo, 'add', '.gitignore');
  git(on.repo, 'commit', '-qm', 'ignore');
  mkdirSync(join(on.repo, '.stator'), { recursive: true });
  writeFileSync(join(on.repo, '.stator', 'config.toml'), `${lines.join('\n')}\n`);
  return { engine: await startEngine({ on, daemon: waves, ...setup }), on, seen };
}

async function done(engine: TestEngine, plan: string, sh: string): Promise<void> {
  await begin(engine, plan, planText([sh]));
  await untilStatus(engine, plan, 'done');
}

/** The next plan that asks is behind it in the line. */
async function inLine(engine: TestEngine, plan: string): Promise<void> {
  await say(engine, plan, 'land');
  await untilInLine(engine, plan);
}

async function untilInLine({ client }: TestEngine, plan: string): Promise<void> {
  await until(async () => {
    const lines = await client.landings();
    if (lines.some(({ current, line }) => [...current, ...line].some((each) => each.plan === plan))) return true;
    const { merged, merge_refused: refused } = await client.plan('demo', plan);
    return (merged ?? refused) !== null;
  });
}

const merged = (engine: TestEngine, plan: string) => untilPlan(engine, plan, (shown) => shown.landing === 'merged');

describe('the line of a branch', () => {
  it('lands plans one after another, each checked as the very commit that the branch moves to', async () => {
    const { engine, on, seen } = await landing('test -f README.md');
    await done(engine, 'one', 'echo 1 > one.txt');
    await done(engine, 'two', 'echo 2 > two.txt');
    await inLine(engine, 'one');
    await inLine(engine, 'two');
    const [one, two] = [await merged(engine, 'one'), await merged(engine, 'two')];
    const first = git(on.repo, 'rev-parse', 'main~1');
    expect(one.merged).toMatchObject({ head: first, into: 'main' });
    expect(two.merged).toMatchObject({ head: git(on.repo, 'rev-parse', 'main'), into: 'main' });
    expect(git(on.repo, 'log', '--first-parent', '--format=%s', '-2', 'main')).toBe(
      'Merge plan two: A plan\nMerge plan one: A plan',
    );
    expect(readFileSync(seen, 'utf8').trim().split('\n')).toEqual([first, two.merged?.head]);
    expect(existsSync(join(on.repo, 'two.txt'))).toBe(true);
    expect(git(on.repo, 'status', '--porcelain')).toBe('');
    await until(() => readdirSync(join(on.repo, '.worktrees')).length === 0);
    expect(await engine.client.landings()).toMatchObject([{ branch: 'main', state: 'empty', current: [], line: [] }]);
  });

  it('says who is before a plan; a person pauses the line, puts one first, takes one out, and lets it go on', async () => {
    const { engine, on } = await landing(gate('../../go'));
    for (const name of ['one', 'two', 'three', 'four']) await done(engine, name, `echo 1 > ${name}.txt`);
    for (const plan of ['one', 'two', 'three', 'four']) await inLine(engine, plan);
    const { client } = engine;
    await until(async () => (await client.landing({ project: 'demo' })).state === 'checking');
    expect((await client.plan('demo', 'three')).waiting_for).toMatchObject({
      kind: 'landing',
      detail: 'it waits in line for main and is behind one, two',
    });
    const { waiting } = statusOf(await look(client, undefined));
    expect(waiting.find(({ plan }) => plan === 'three')).toMatchObject({
      kind: 'landing',
      why: 'it waits in line for main and is behind one, two',
    });
    expect((await client.plan('demo', 'one')).waiting_for).toMatchObject({
      detail: 'it waits in line for main and is merged with it, and the check runs on that',
    });
    await expect(client.deletePlan('demo', 'three')).rejects.toMatchObject({
      code: 'conflict',
      hint: 'take it out first with: stator landing remove three',
    });
    await client.landFirst({ project: 'demo', plan: 'four' });
    await client.leaveLanding({ project: 'demo', plan: 'two' });
    expect(await client.pauseLanding({ project: 'demo' })).toMatchObject({
      paused: true,
      current: [{ plan: 'one' }],
      line: [{ plan: 'four' }, { plan: 'three' }],
    });
    const two = await untilPlan(engine, 'two', (shown) => shown.landing === 'not_merged');
    expect(two.waiting_for).toBe(null);
    writeFileSync(join(on.repo, 'go'), '');
    await until(async () => (await client.landing({ project: 'demo' })).state === 'empty');
    expect(git(on.repo, 'log', '--format=%s', '-1', 'main')).toBe('ignore');
    expect((await client.plan('demo', 'one')).waiting_for?.detail).toContain('stator landing resume main');
    await client.resumeLanding({ project: 'demo', branch: 'main' });
    await merged(engine, 'three');
    const landed = git(on.repo, 'log', '--first-parent', '--format=%s', '-3', 'main');
    expect(landed).toBe('Merge plan three: A plan\nMerge plan four: A plan\nMerge plan one: A plan');
  });

  it('does not move a branch to what was not checked: a commit of somebody else begins it anew, and what comes to a plan after it has landed lands, too', async () => {
    const { engine, on, seen } = await landing(`${gate('../../go')}; test -f ../../all || rm ../../go`);
    await done(engine, 'one', 'echo 1 > one.txt');
    await say(engine, 'one', 'land');
    await untilFile(seen);
    writeFileSync(join(on.repo, 'README.md'), 'by hand\n');
    git(on.repo, 'commit', '-qam', 'by hand');
    const byHand = git(on.repo, 'rev-parse', 'main');
    writeFileSync(join(on.repo, 'go'), '');
    await until(async () => (await engine.client.landing({ project: 'demo' })).restarts === 1);
    expect((await engine.client.plan('demo', 'one')).waiting_for?.detail).toMatch(
      /^it waits in line for main and is .*; begun anew 1 time, because the branch had moved$/,
    );
    writeFileSync(join(on.repo, 'all'), '');
    writeFileSync(join(on.repo, 'go'), '');
    const { merged: found } = await merged(engine, 'one');
    const [first, second, ...more] = readFileSync(seen, 'utf8').trim().split('\n');
    expect([second, ...more]).toEqual([found?.head]);
    expect(first).not.toBe(second);
    expect(git(on.repo, 'rev-parse', 'main^1')).toBe(byHand);
    expect((await engine.client.landing({ project: 'demo' })).restarts).toBe(0);
    // What comes to the plan's branch afterwards has not landed with it.
    const copy = join(on.root, 'copy');
    git(on.repo, 'worktree', 'add', '-q', '--detach', copy, 'plan/one');
    writeFileSync(join(copy, 'two.txt'), '2');
    git(copy, 'add', 'two.txt');
    git(copy, 'commit', '-qm', 'more');
    git(on.repo, 'update-ref', 'refs/heads/plan/one', git(copy, 'rev-parse', 'HEAD'));
    await say(engine, 'one', 'land');
    await until(() => existsSync(join(on.repo, 'two.txt')));
  });

  it('ends a check that hangs after half an hour, with all that it started, says so, and lands the plan behind', async () => {
    const { clock, pass } = machineClock();
    const hang = 'sleep 86400 & echo $! > ../../pid; mv ../../pid ../../hanging; wait';
    const { engine, on } = await landing(`test ! -f hangs.txt || { ${hang}; }`, { clock });
    await done(engine, 'one', 'echo 1 > hangs.txt');
    await done(engine, 'two', 'echo 2 > two.txt');
    await inLine(engine, 'one');
    await inLine(engine, 'two');
    await untilFile(join(on.repo, 'hanging'));
    const hanging = Number(readFileSync(join(on.repo, 'hanging'), 'utf8'));
    expect(isAlive(hanging)).toBe(true);
    // The check runs before the engine knows it, and reads the clock from which it counts.
    await until(async () => {
      pass(31 * 60_000);
      return (await engine.client.plan('demo', 'one')).blocked !== null;
    });
    const { blocked } = await untilBlocked(engine, 'one');
    expect(blocked?.reason).toContain('ran for more than 30m');
    await merged(engine, 'two');
    await until(() => !isAlive(hanging));
    expect(git(on.repo, 'ls-tree', '--name-only', 'main')).not.toContain('hangs.txt');
  });

  it('asks a person where no fixer is on, and lets the others land; an answer puts the plan in line again', async () => {
    const { engine, on } = await landing('test ! -f bad.txt');
    await done(engine, 'bad', 'echo 1 > bad.txt');
    await done(engine, 'clash', 'echo mine > same.txt');
    await done(engine, 'good', 'echo 1 > good.txt; echo yours > same.txt');
    for (const plan of ['bad', 'good', 'clash']) await inLine(engine, plan);
    await merged(engine, 'good');
    const bad = await untilBlocked(engine, 'bad');
    expect(bad.merge_refused).toMatchObject({ why: 'check', into: 'main' });
    expect(bad.blocked?.reason).toContain('exited with 1');
    const clash = await untilBlocked(engine, 'clash');
    expect(clash.merge_refused).toMatchObject({ why: 'conflict', files: ['same.txt'] });
    expect(git(on.repo, 'log', '--first-parent', '--format=%s', '-1', 'main')).toBe('Merge plan good: A plan');
    git(on.repo, 'rm', '-q', 'same.txt');
    git(on.repo, 'commit', '-qm', 'without it');
    await say(engine, 'clash', 'resolve');
    await merged(engine, 'clash');
  });

  it('asks a person at once where the fixer changed nothing, and starts it again only after an answer; what it merges then lands by itself', async () => {
    const on = ground();
    const fixes = join(on.root, 'fixes');
    const runs = () => (existsSync(fixes) ? readFileSync(fixes, 'utf8').split('\n').length - 1 : 0);
    const program = script(join(on.root, 'fixer'), `echo x >> '${fixes}'`);
    const fixer = { preset: 'command', program, attempts: 1, sandbox: 'off' } satisfies OwnAgent;
    const agents = { default: { preset: 'sh', attempts: 1 }, fixer } satisfies EngineSetup['agents'];
    const { engine, seen } = await landing('test -f same.txt', { on, agents });
    await done(engine, 'one', 'echo yours > same.txt');
    await done(engine, 'two', 'echo mine > same.txt');
    await say(engine, 'one', 'land');
    await merged(engine, 'one');
    // A long subject of somebody's commit does not fill the fixer's message.
    git(on.repo, 'commit', '-q', '--allow-empty', '-m', 'x'.repeat(100_000));
    await say(engine, 'two', 'land');
    const { blocked } = await untilBlocked(engine, 'two');
    expect(blocked).toMatchObject({ source: 'failed', reason: expect.stringContaining('its fixer changed nothing') });
    expect(runs()).toBe(1);
    await say(engine, 'two', 'resolve');
    await until(() => runs() === 2);
    const { review_cycle: cycle } = await untilBlocked(engine, 'two');
    expect([runs(), cycle]).toEqual([2, 2]);
    const fix = [
      'grep -q "Merge plan one: A plan" "$STATOR_PROMPT_FILE" || exit 1',
      'grep -q "git merge main" "$STATOR_PROMPT_FILE" || exit 1',
      '! grep -q "x\\{201\\}" "$STATOR_PROMPT_FILE" || exit 1',
      'git merge -q main && exit',
      'git show HEAD:same.txt > same.txt; git show main:same.txt >> same.txt',
      'git add same.txt; git commit -qm "both stand"',
    ].join('\n');
    script(program, fix);
    await say(engine, 'two', 'resolve');
    const two = await merged(engine, 'two');
    expect(git(on.repo, 'show', 'main:same.txt')).toBe('mine\nyours');
    expect(readFileSync(seen, 'utf8').trim().split('\n').at(-1)).toBe(two.merged?.head);
    expect(two).toMatchObject({ review_cycle: 3, blocked: null });
  });

  it('puts each plan that is done in line by itself with auto = true, checks several once, and moves the branch to no commit that did not pass', async () => {
    const { engine, on, seen } = await landing('test ! -f bad.txt', { table: 'auto = true\nbatch = 4' });
    const { client } = engine;
    const begun = git(on.repo, 'rev-parse', 'main');
    await client.pauseLanding({ project: 'demo', branch: 'main' });
    for (const plan of ['one', 'two', 'bad', 'four']) {
      await done(engine, plan, `echo 1 > ${plan}.txt`);
      await untilInLine(engine, plan);
    }
    await client.resumeLanding({ project: 'demo', branch: 'main' });
    await merged(engine, 'four');
    await untilBlocked(engine, 'bad');
    const checked = readFileSync(seen, 'utf8').trim().split('\n');
    // All four; the first two; the third alone; the fourth.
    expect(checked).toHaveLength(4);
    const log = git(on.repo, 'reflog', 'main', '--format=%H').split('\n');
    const stood = log.slice(0, log.indexOf(begun));
    expect(stood).toEqual([checked[3], checked[1]]);
    expect(git(on.repo, 'log', '--first-parent', '--format=%s', `${begun}..main`).split('\n')).toEqual([
      'Merge plan four: A plan',
      'Merge plan two: A plan',
      'Merge plan one: A plan',
    ]);
    const head = async (plan: string) => (await client.plan('demo', plan)).merged?.head;
    expect([await head('one'), await head('two')]).toEqual([git(on.repo, 'rev-parse', 'main~2'), checked[1]]);
  });

  it('lands the commits of a plan on top of the branch with strategy = "rebase", and the plan counts as landed', async () => {
    const { engine, on, seen } = await landing('true', { table: 'strategy = "rebase"' });
    await done(engine, 'one', 'echo 1 > one.txt');
    await done(engine, 'two', 'echo 2 > two.txt');
    await inLine(engine, 'one');
    await inLine(engine, 'two');
    await merged(engine, 'one');
    const two = await merged(engine, 'two');
    expect(git(on.repo, 'rev-list', '--merges', '--count', 'main')).toBe('0');
    expect(git(on.repo, 'log', '--format=%s', '-2', 'main')).not.toContain('Merge');
    expect(readFileSync(seen, 'utf8').trim().split('\n').at(-1)).toBe(git(on.repo, 'rev-parse', 'main'));
    expect(two.merged?.head).toBe(git(on.repo, 'rev-parse', 'main'));
    // The commits as they were are on its own branch alone.
    await expect(engine.client.deletePlan('demo', 'one', { clear: 'branches' })).rejects.toMatchObject({
      code: 'refused',
    });
  });

  describe('with a reviewer', () => {
    /** `moved` changed the name of a file in which `edit` changes a line. */
    async function reviewed(table: string) {
      const on = ground();
      const looks = join(on.root, 'looks');
      const look = `cat "$STATOR_PROMPT_FILE" > /dev/null; git log -1 --format=%s >> ${looks}`;
      const reviewer = { preset: 'command', program: '/bin/sh', flags: ['-c', look], attempts: 1 } satisfies OwnAgent;
      const agents = { default: { preset: 'sh', attempts: 1 }, reviewer } satisfies EngineSetup['agents'];
      const made = await landing('true', { on, agents, table });
      await done(made.engine, 'moved', 'git mv README.md READ.md');
      await done(made.engine, 'edit', 'echo more >> README.md');
      await say(made.engine, 'moved', 'land');
      await merged(made.engine, 'moved');
      await say(made.engine, 'edit', 'land');
      const edit = await merged(made.engine, 'edit');
      expect(git(on.repo, 'show', 'main:READ.md')).toContain('more');
      return { ...made, edit, looks: readFileSync(looks, 'utf8').trim().split('\n') };
    }

    it('has what it approved reviewed again where bringing it up to date changed what it does', async () => {
      const { on, edit, looks } = await reviewed('');
      expect(looks).toHaveLength(3);
      // It was judged as it landed: with what came meanwhile.
      expect(looks[2]).toBe('Merge main into plan/edit');
      expect(edit.merged?.head).toBe(git(on.repo, 'rev-parse', 'main'));
      expect(git(on.repo, 'diff', '--stat', 'plan/edit', 'main')).toBe('');
    });

    it('lands it as it is with review_again = "never"', async () => {
      expect((await reviewed('review_again = "never"')).looks).toHaveLength(2);
    });
  });
});
