/** The verbs of plans, at the command line, beside an engine: what each flag promises, both with it and without. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { storeFile } from '../../runtime/base/platform/home.ts';
import { planOf, type Terminal, terminal, working } from '../support/cli.ts';
import { makeRepo } from '../support/daemon.ts';
import { gate, openGate, startEngine, type TestEngine, untilRunning, untilStatus } from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { expectProse, expectRefusal } from '../support/prose.ts';

interface Scene extends Terminal {
  readonly engine: TestEngine;
  /** What a verb answers under `--json`. */
  json<Answer = Shown>(...words: string[]): Promise<Answer>;
  /** Runs a verb that must succeed, and answers what it printed. */
  must(...words: string[]): Promise<string>;
}

/** What `plan show --json` prints, as far as it is asked for here. */
interface Shown {
  readonly plan: string;
  readonly status: string;
  readonly phase: string | null;
  readonly paused: boolean;
  readonly topic: string | null;
  readonly branch: string;
  readonly content: string;
  readonly wave: number;
  readonly budget: readonly { readonly scope: string; readonly limit: number }[];
}

async function scene({ max = 8 }: { max?: number } = {}): Promise<Scene> {
  const made = terminal();
  const engine = await startEngine({ on: made, daemon: `max_agents = ${max}\nblueprint_skip_threshold = 0\n` });
  const must = async (...words: string[]) => {
    const { code, stdout, stderr } = await made.stator(words);
    expect({ words, code, stderr }).toEqual({ words, code: 0, stderr: expect.anything() });
    return stdout;
  };
  return {
    ...made,
    engine,
    must,
    json: async (...words) => JSON.parse((await made.stator([...words, '--json'])).stdout),
  };
}

const shown = ({ json }: Scene, plan: string) => json('plan', 'show', plan);
const small = planOf(['true']);

describe('plan answer', () => {
  it('brings lost work back with --restore, goes on without it with --accept, and takes one of them, of a plan alone', async () => {
    const made = await scene();
    const { engine, must, repo } = made;
    const files = () => git(repo, 'ls-tree', '--name-only', 'plan/a').split('\n');
    const lose = async () => {
      git(repo, 'update-ref', 'refs/heads/plan/a', 'main');
      const refused = await made.stator(['plan', 'merge', 'a', '--yes']);
      expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('stator plan answer a --restore')]);
    };
    await engine.client.registerPlan({ project: 'demo', plan: 'a', content: planOf(['echo a > a.txt']) });
    await must('plan', 'advance', 'a', 'implement_start', '--yes');
    await untilStatus(engine, 'a', 'done');
    await lose();
    for (const words of [
      ['a', '--restore', '--accept'],
      ['a#1', '--accept'],
      ['a', '--all', '--restore'],
    ])
      expect((await made.stator(['plan', 'answer', ...words])).code, words.join(' ')).toBe(64);
    const plain = await made.stator(['plan', 'answer', 'a']);
    expect([plain.code, files()]).toEqual([1, ['README.md']]);
    await must('plan', 'answer', 'a', '--restore');
    expect(files()).toContain('a.txt');
    await lose();
    await must('plan', 'answer', 'a', '--accept');
    expect(files()).toEqual(['README.md']);
    expect((await shown(made, 'a')).status).toBe('done');
  });
});

describe('plan merge', () => {
  it('names the tasks that are not in it', async () => {
    const made = await scene();
    const { engine, must } = made;
    await engine.client.registerPlan({ project: 'demo', plan: 'a', content: planOf(['echo a > a.txt', 'exit 1']) });
    await must('plan', 'advance', 'a', 'implement_start', '--yes');
    await until(async () => (await shown(made, 'a')).phase === 'wave_waiting');
    await must('plan', 'advance', 'a', 'advance_wave', '--yes');
    await untilStatus(engine, 'a', 'done');
    expect(await must('plan', 'merge', 'a', '--yes')).toContain('without 1 of 2 tasks: w1 t2');
    const { without } = await made.json<{ without: unknown[] }>('plan', 'merge', 'a', '--yes');
    expect(without).toEqual([expect.objectContaining({ wave: 1, number: 2, status: 'failed' })]);
  });
});

describe('plan list', () => {
  it('lists the plans of this repo, with --all those of all repos, and with --not-merged those that wait to be merged', async () => {
    const made = await scene();
    const { engine, must } = made;
    const other = makeRepo(join(made.root, 'other'));
    await engine.client.addRepo(other, { trust: true });
    for (const plan of ['a', 'b']) await engine.client.registerPlan({ project: 'demo', plan, content: small });
    await engine.client.registerPlan({ project: 'other', plan: 'c', content: small });
    await must('plan', 'advance', 'b', '--to', 'done', '--force');
    const listed = async (cwd: string, ...flags: string[]) => {
      const { stdout } = await made.stator(['plan', 'list', '--json', ...flags], { cwd });
      return (JSON.parse(stdout) as Shown[]).map(({ plan }) => plan).sort();
    };
    expect(await listed(made.repo)).toEqual(['a', 'b']);
    expect(await listed(other)).toEqual(['c']);
    expect(await listed(other, '--all')).toEqual(['a', 'b', 'c']);
    expect(await listed(made.root)).toEqual(['a', 'b', 'c']);
    expect(await listed(made.repo, '--not-merged')).toEqual(['b']);
    expect(await listed(other, '--not-merged')).toEqual([]);
    expect(await listed(other, '--not-merged', '--all')).toEqual(['b']);
  });
});

describe('plan register', () => {
  it('starts nothing without --start, nothing that is planned with --plan-only, and goes on with --yes', async () => {
    const made = await scene();
    made.write('a.md', small);
    for (const flag of ['--yes', '--plan-only']) {
      const refused = await made.stator(['plan', 'register', 'a.md', flag]);
      expect([refused.code, refused.stderr]).toEqual([64, expect.stringContaining('--start')]);
    }
    expect(await made.json('plan', 'list')).toEqual([]);
    await made.must('queue', 'pause');
    for (const [name, flags, status] of [
      ['a', [], 'ready'],
      ['b', ['--start', '--plan-only'], 'ready'],
      ['c', ['--start', '--yes'], 'implementing'],
      ['d', ['--start'], 'implementing'],
    ] as const) {
      made.write(`${name}.md`, small);
      await made.must('plan', 'register', `${name}.md`, ...flags);
      expect([name, (await shown(made, name)).status]).toEqual([name, status]);
    }
  });

  it('says that a plan is registered whose start is refused', async () => {
    const made = await scene();
    made.write('circle.md', small.replace('\n', '\n\n**After:** circle\n'));
    const refused = await made.stator(['plan', 'register', 'circle.md', '--start']);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/registered \S+\/circle, which is not started:\n.*error: circle waits for itself/s);
    expect((await shown(made, 'circle')).status).toBe('ready');
  });

  it('takes a name, a branch, a topic, and with --force a file that is no markdown by its name', async () => {
    const made = await scene();
    made.write('notes.txt', small);
    const refused = await made.stator(['plan', 'register', 'notes.txt']);
    expect([refused.code, refused.stderr]).toEqual([64, expect.stringContaining('--force')]);
    expect(await made.json('plan', 'list')).toEqual([]);
    const flags = ['--name', 'notes', '--branch', 'topic/notes', '--topic', 'ui'];
    await made.must('plan', 'register', 'notes.txt', '--force', ...flags);
    expect(await shown(made, 'notes')).toMatchObject({ branch: 'topic/notes', topic: 'ui', status: 'ready' });
    const draft = [
      '--draft',
      '--content',
      small,
      '--topic',
      'ui',
      '--branch',
      'b',
      '--issue',
      'https://forge.test/a/b/issues/1',
    ];
    await made.must('plan', 'register', 'By Draft', ...draft);
    expect(await shown(made, 'by-draft')).toMatchObject({
      branch: 'b',
      topic: 'ui',
      content: expect.stringContaining('forge.test'),
    });
  });

  it('plans with the same --topic are implemented one at a time, those of others at once', async () => {
    const made = await scene();
    const go = join(made.root, 'go');
    made.write('a.md', planOf([gate(go)]));
    for (const name of ['b', 'c']) made.write(`${name}.md`, small);
    await made.must('plan', 'register', 'a.md', '--start', '--topic', 'ui');
    await untilRunning(made.engine, 'a-w1-t1');
    await made.must('plan', 'register', 'b.md', '--start', '--topic', 'ui');
    await made.must('plan', 'register', 'c.md', '--start', '--topic', 'api');
    await untilStatus(made.engine, 'c', 'done');
    expect(await shown(made, 'b')).toMatchObject({ waiting_for: { kind: 'topic' } });
    openGate(go);
    await untilStatus(made.engine, 'b', 'done');
    made.write('d.md', small);
    expect(await made.stator(['run', 'd.md', '--topic', 'docs'])).toMatchObject({ code: 0 });
    expect(await shown(made, 'd')).toMatchObject({ topic: 'docs', status: 'done' });
  });
});

describe('the document of a plan', () => {
  it('is registered as a draft with the problems that prevent a plan, and hints only at commands that are accepted', async () => {
    const made = await scene();
    made.write('p.md', '## Wave 1\n### Task 1:\n### Task 2:\n### Task 3:\n### Task 4:\n');
    const { stderr } = await made.stator(['plan', 'register', 'p.md']);
    expect(stderr).toContain('p.md:4: ');
    expect(stderr).not.toContain('p.md:5: ');
    expectProse(stderr, 'stator plan check p.md');
    const advanced = await made.stator(['plan', 'advance', 'p']);
    expect([advanced.code, advanced.stderr]).toEqual([1, expect.not.stringContaining('start it with')]);
  });

  it('is replaced by update-content from a file or from standard input; a file that is no markdown needs --force', async () => {
    const made = await scene();
    made.write('p.md', small);
    await made.must('plan', 'register', 'p.md');
    made.write('new.txt', `${small}\nfrom a file\n`);
    const update = ['plan', 'update-content', 'p', '--file', 'new.txt'];
    expect((await made.stator(update)).code).toBe(64);
    expect((await shown(made, 'p')).content).toBe(small);
    await made.must(...update, '--force');
    expect((await shown(made, 'p')).content).toContain('from a file');
    made.write('broken.md', small.replace('### Task 1', '### Task'));
    const broken = await made.stator(['plan', 'update-content', 'p', '--file', 'broken.md']);
    expect([broken.code, broken.stderr]).toEqual([0, expect.stringMatching(/broken\.md:\d+: .*### Task/)]);
    await made.must(...update, '--force');
    const empty = await made.stator(['plan', 'update-content', 'p'], { input: '\n' });
    expectRefusal(empty.stderr, 'empty', '--file <file>');
    expect((await shown(made, 'p')).content).toContain('from a file');
  });

  it('is printed by export, written with --write, and over an edited file with --force only', async () => {
    const made = await scene();
    made.write('p.md', small);
    await made.must('plan', 'register', 'p.md');
    const file = join(made.repo, 'p.md');
    await made.stator(['plan', 'update-content', 'p'], { input: `${small}\nmore\n` });
    expect(await made.must('plan', 'export', 'p')).toContain('more');
    expect(readFileSync(file, 'utf8')).toBe(small);
    writeFileSync(file, 'edited by hand\n');
    const refused = await made.stator(['plan', 'export', 'p', '--write']);
    expect([refused.code, readFileSync(file, 'utf8')]).toEqual([1, 'edited by hand\n']);
    expectRefusal(refused.stderr, 'p.md', '--force');
    await made.must('plan', 'export', 'p', '--write', '--force');
    expect(readFileSync(file, 'utf8')).toContain('more');
    await made.stator(['plan', 'update-content', 'p'], { input: small });
    await made.must('plan', 'export', 'p', '--write');
    expect(readFileSync(file, 'utf8')).toBe(small);
  });
});

interface Answer {
  readonly signal: { readonly id: number; readonly status: string };
}

/** Each sends one signal. */
const signals = [
  ...[
    'plan start p',
    'plan resume p',
    'plan cancel p',
    'plan advance p review-approved',
    'plan answer p',
    'plan merge p',
  ],
  ...['plan pr p', 'plan raise-budget p 9 USD', 'signal send review-approved p', 'signal emit review-approved p'],
  ...['plan implement p', 'plan start-over p'],
  ...['plan transition p review-approved', 'plan resolve p', 'plan set-status p ready --force'],
];

describe('a verb that sends a signal', () => {
  it('prints the verdict, and with --no-wait only that it was sent', async () => {
    const { engine, json } = await scene();
    await engine.client.registerPlan({ project: 'demo', plan: 'p', content: small });
    await json('queue', 'pause');
    for (const line of signals) {
      await json('plan', 'advance', 'p', '--to', 'ready', '--force');
      const sent = await json<Answer>(...line.split(' '), '--no-wait');
      const verdict = await json<Answer>(...line.split(' '));
      expect([line, sent.signal.status, verdict.signal.status]).toEqual([
        line,
        'pending',
        expect.stringMatching(/^(?:done|failed)$/),
      ]);
      const { status } = await json<{ status: string }>('signal', 'show', String(sent.signal.id));
      expect([line, status]).toEqual([line, expect.stringMatching(/^(?:done|failed)$/)]);
    }
  });
});

describe('plan advance', () => {
  it('takes the next step, implements from --wave on, and refuses flags that do not go with the step', async () => {
    const made = await scene();
    const { engine, must } = made;
    await must('queue', 'pause');
    const content = planOf(['true'], ['true'], ['true']);
    for (const plan of ['a', 'b']) await engine.client.registerPlan({ project: 'demo', plan, content });
    await must('plan', 'advance', 'a');
    expect(await shown(made, 'a')).toMatchObject({ status: 'implementing', wave: 1 });
    await must('plan', 'advance', 'b', '--wave', '2', '--yes');
    expect(await shown(made, 'b')).toMatchObject({ status: 'implementing', wave: 2, tasks_done: 1 });
    for (const [flags, place] of [
      [['reopen', '--wave', '2'], '--wave'],
      [['cancel', '--plan-only'], '--plan-only'],
      [['--to', 'ready', '--wave', '2'], '--to'],
    ] as const) {
      const refused = await made.stator(['plan', 'advance', 'a', ...flags]);
      expect([refused.code, refused.stderr]).toEqual([64, expect.stringContaining(place)]);
    }
    await must('plan', 'cancel', 'a');
    await must('plan', 'advance', 'a', 'reopen', '--plan-only');
    expect(await shown(made, 'a')).toMatchObject({ status: 'ready', phase: 'planned' });
  });

  it('sets a status, and cancels or pauses a done plan, with --force only', async () => {
    const made = await scene();
    await made.engine.client.registerPlan({ project: 'demo', plan: 'p', content: small });
    const refused = await made.stator(['plan', 'advance', 'p', '--to', 'done']);
    expect([refused.code, (await shown(made, 'p')).status]).toEqual([1, 'ready']);
    await made.must('plan', 'advance', 'p', '--to', 'done', '--force');
    expect((await shown(made, 'p')).status).toBe('done');
    for (const words of [
      ['plan', 'pause', 'p'],
      ['plan', 'advance', 'p', 'pause'],
      ['plan', 'cancel', 'p'],
      ['plan', 'advance', 'p', 'cancel'],
    ]) {
      for (const yes of [[], ['--yes']]) expect((await made.stator([...words, ...yes])).code, words.join(' ')).toBe(1);
      expect(await shown(made, 'p')).toMatchObject({ status: 'done', paused: false });
    }
    await made.must('plan', 'pause', 'p', '--force');
    expect(await shown(made, 'p')).toMatchObject({ status: 'done', paused: true });
    await made.must('plan', 'resume', 'p');
    await made.must('plan', 'advance', 'p', 'cancel', '--force');
    expect((await shown(made, 'p')).status).toBe('cancelled');
  });
});

describe('plan pause', () => {
  it('stops the agents, which costs no attempt; with --wait they finish, and nothing new starts', async () => {
    const made = await scene();
    const { engine, root } = made;
    const [go, begun] = [join(root, 'go'), join(root, 'begun')];
    made.write('p.md', planOf([`echo x >>'${begun}'; ${gate(go)}`], ['true']));
    await made.must('plan', 'register', 'p.md', '--start');
    await untilRunning(engine, 'p-w1-t1');
    const agents = () => made.json<{ title: string; state: string; attempt: number }[]>('agent', 'list', 'p');
    await made.must('plan', 'pause', 'p');
    await until(async () => (await agents()).every(({ state }) => state !== 'running'));
    expect(await shown(made, 'p')).toMatchObject({ paused: true, status: 'implementing' });
    await made.must('plan', 'resume', 'p', '--yes');
    await until(() => readFileSync(begun, 'utf8') === 'x\nx\n');
    await untilRunning(engine, 'p-w1-t1');
    await made.must('plan', 'pause', 'p', '--wait', '--yes');
    expect(await shown(made, 'p')).toMatchObject({ paused: true });
    expect(await agents()).toMatchObject([{ title: 'p-w1-t1', state: 'running', attempt: 1 }]);
    openGate(go);
    await until(async () => (await shown(made, 'p')).wave === 2);
    const states = (await agents()).map(({ title, state, attempt }) => [title, state, attempt]).sort();
    expect(states).toEqual([
      ['p-w1-t1', 'succeeded', 1],
      ['p-w2-t1', 'queued', 1],
    ]);
    expect(await shown(made, 'p')).toMatchObject({ waiting_for: { kind: 'paused' } });
    await made.must('plan', 'resume', 'p');
    await untilStatus(engine, 'p', 'done');
  });
});

it('an agent that cancels its plan gets the reason why it may not', async () => {
  const made = working();
  made.write('p.md', planOf(['(stator plan cancel p; stator plan pause p --json) >said.txt 2>&1 || true']));
  expect((await made.stator(['run', 'p.md', '--trust'])).code).toBe(0);
  expect(git(made.repo, 'show', 'plan/p:said.txt')).toMatchInlineSnapshot(`
    "error: only a person may send "cancel", not agent:p-coder
    hint: ask for it with: stator signal emit needs_decision --payload "<why>"
    {"error":"only a person may send \\"pause\\", not agent:p-coder","code":"not_allowed","hint":"ask for it with: stator signal emit needs_decision --payload \\"<why>\\""}"
  `);
});

describe('plan raise-budget', () => {
  it('sets a new limit, or adds to the limit, and refuses an invalid amount', async () => {
    const made = await scene();
    await made.engine.client.registerPlan({ project: 'demo', plan: 'p', content: `**Budget:** 5 USD\n\n${small}` });
    const limit = async () => (await shown(made, 'p')).budget.map((each) => each.limit);
    expect(await limit()).toEqual([5]);
    await made.must('plan', 'raise-budget', 'p', '10', 'USD');
    expect(await limit()).toEqual([10]);
    await made.must('plan', 'raise-budget', 'p', '+2.5 USD');
    expect(await limit()).toEqual([12.5]);
    const wrong = await made.stator(['plan', 'raise-budget', 'p', 'much']);
    expect(wrong.code).toBe(64);
    expectRefusal(wrong.stderr, '"much"');
    const none = await made.stator(['plan', 'raise-budget', 'p', '+90 minutes']);
    expect(none.code).toBe(64);
    expectRefusal(none.stderr, 'the plan has no limit of agent minutes');
    expect(await limit()).toEqual([12.5]);
    expect(await made.stator(['plan', 'choose', 'p', '1'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('has no drafts'),
    });
  });
});

describe('plan merge', () => {
  it('merges a plan that depends on an unmerged one with --with-after only, and into another branch with --into', async () => {
    const made = await scene();
    const { engine, repo } = made;
    made.write('a.md', planOf(['true']));
    await made.must('plan', 'register', 'a.md', '--start');
    made.write('b.md', `**After:** a\n\n${planOf(['echo b >b.txt'])}`);
    await made.must('plan', 'register', 'b.md', '--start');
    for (const plan of ['a', 'b']) await untilStatus(engine, plan, 'done');
    const head = git(repo, 'rev-parse', 'main');
    const refused = await made.stator(['plan', 'merge', 'b', '--yes']);
    expect([refused.code, git(repo, 'rev-parse', 'main')]).toEqual([1, head]);
    expect(refused.stdout + refused.stderr).toContain('--with-after');
    git(repo, 'branch', 'release', 'main');
    await made.must('plan', 'merge', 'b', '--with-after');
    const files = (branch: string) => git(repo, 'ls-tree', '--name-only', branch).split('\n');
    expect([files('main'), files('release')]).toEqual([['README.md', 'b.txt', 'w1t1.txt'], ['README.md']]);
    await made.must('plan', 'merge', 'b', '--with-after', '--into', 'release', '--yes');
    expect(files('release')).toEqual(['README.md', 'b.txt', 'w1t1.txt']);
  });
});

describe('plan history', () => {
  it('prints all lines, or those after the line of --after', async () => {
    const made = await scene();
    await made.engine.client.registerPlan({ project: 'demo', plan: 'p', content: small });
    for (const word of ['pause', 'resume', 'cancel']) await made.must('plan', word, 'p');
    const lines = await made.json<{ seq: number; event: string }[]>('plan', 'history', 'p');
    const pause = lines.find(({ event }) => event === 'pause');
    const later = await made.json<{ seq: number; event: string }[]>('plan', 'history', 'p', '--after', `${pause?.seq}`);
    expect(later).toEqual(lines.filter(({ seq }) => seq > (pause?.seq ?? 0)));
    expect(later.map(({ event }) => event)).toEqual(['resume', 'cancel']);
    expect((await made.stator(['plan', 'history', 'p', '--after', 'x'])).code).toBe(64);
    const db = new Database(storeFile(made.home));
    db.exec(`INSERT INTO journal (at, tree, type, origin, actor, event, from_state, to_state)
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2100)
      SELECT at, tree, type, origin, actor, event, from_state, to_state FROM n, (SELECT * FROM journal WHERE event = 'pause')`);
    expect((await made.json<unknown[]>('plan', 'history', 'p')).length).toBe(lines.length + 2_100);
    db.prepare('DELETE FROM journal WHERE seq > ?').run(lines.at(-1)?.seq); // it is verified at the end
    db.close();
  });
});

describe('plan replay', () => {
  it('says what the plan would have become with another answer', async () => {
    const made = await scene();
    const { engine, root } = made;
    const asks = `[ -e '${root}/asked' ] || { touch '${root}/asked'; stator signal emit needs_decision --payload 'tabs or spaces?'; exit 1; }`;
    made.write('p.md', planOf([asks]));
    await made.must('plan', 'register', 'p.md', '--start');
    await until(async () => (await engine.client.plan('demo', 'p')).questions.length === 1);
    const open = await made.json('plan', 'replay', 'p', '--answer', '1=tabs');
    expect(open).toMatchObject({ was: { status: 'implementing', questions: 1 }, would_be: { status: 'done' } });
    expect((await shown(made, 'p')).status).toBe('implementing');
    await made.must('plan', 'answer', 'p', 'spaces');
    await untilStatus(engine, 'p', 'done');
  });
});

describe('plan simulate', () => {
  it('draws the same with the same --seed, plays --runs times, and takes a file that is no markdown with --force', async () => {
    const made = terminal();
    const durations = 'coder = "5m..50m"\n';
    made.write('times.toml', durations);
    made.write('p.txt', planOf(['true', 'true'], ['true']));
    const simulate = ['plan', 'simulate', 'p.txt', '--durations', 'times.toml', '--json'];
    expect((await made.stator(simulate)).code).toBe(64);
    const drawn = async (...flags: string[]) => {
      const { code, stdout, stderr } = await made.stator([...simulate, '--force', ...flags]);
      expect(code, stderr).toBe(0);
      return JSON.parse(stdout);
    };
    const [first, again, other] = [await drawn('--seed', '1'), await drawn('--seed', '1'), await drawn('--seed', '2')];
    expect(again).toEqual(first);
    expect(other.duration_ms).not.toBe(first.duration_ms);
    expect(await drawn('--seed', '1', '--runs', '5')).toMatchObject({ runs: expect.anything() });
    expect(existsSync(made.home)).toBe(false);
  });
});

describe('a name from kasmos', () => {
  it('does what it did there', async () => {
    const made = await scene();
    const { engine } = made;
    await made.must('queue', 'pause');
    await engine.client.registerPlan({ project: 'demo', plan: 'p', content: planOf(['true'], ['true']) });
    const old = async (line: string, status: string) => {
      const { code, stderr } = await made.stator(line.split(' '));
      expect({ line, code, stderr }).toEqual({
        line,
        code: 0,
        stderr: expect.not.stringContaining('deprecated'),
      });
      expect([line, (await shown(made, 'p')).status]).toEqual([line, status]);
    };
    await old('plan implement p --wave 2 --yes', 'implementing');
    expect((await shown(made, 'p')).wave).toBe(2);
    await old('plan transition p cancel', 'cancelled');
    await old('plan transition p reopen --yes', 'ready');
    await old('plan transition p --to reviewing --force', 'reviewing');
    await old('plan set-status p ready --force', 'ready');
    await old('plan resolve p', 'ready');
    expect((await made.stator(['plan', 'set-status', 'p', 'done'])).code).toBe(1);
    await old('plan create q --content x', 'ready');
    expect((await shown(made, 'q')).content).toBe('x');
  });

  it('of a step of a wave takes that step', async () => {
    const made = await scene();
    const { engine, root } = made;
    const go = join(root, 'go');
    made.write('p.md', planOf([`[ -e '${go}' ]`], ['true']));
    await made.must('plan', 'register', 'p.md', '--start');
    const waiting = () => until(async () => (await shown(made, 'p')).phase === 'wave_waiting');
    const attempts = async () => (await engine.client.runLogs({ project: 'demo', title: 'p-w1-t1' })).length;
    await waiting();
    await made.must('plan', 'transition', 'p', 'retry-wave', '--yes');
    await until(
      async () => (await engine.client.history('demo', 'p')).filter(({ event }) => event === 'run_exited').length === 2,
    );
    await waiting();
    expect(await attempts()).toBe(1);
    await made.must('plan', 'transition', 'p', 'advance-wave', '--yes');
    await untilStatus(engine, 'p', 'done');
    await made.must('plan', 'start-over', 'p', '--plan-only', '--yes');
    expect(await shown(made, 'p')).toMatchObject({ status: 'ready', tasks_done: 0 });
  });
});
