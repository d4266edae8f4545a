import xterm from '@xterm/headless';
import { describe, expect, it } from 'vitest';
import { kindsWith } from '../../actors/kinds.ts';
import { publicMove } from '../../actors/recorder.ts';
import { instanceLines } from '../../cli/instance/view.ts';
import { noPaint, paintFor, table } from '../../cli/output.ts';
import { planLines } from '../../cli/plan/view.ts';
import { factLines } from '../../cli/run/fact-line.ts';
import { frame } from '../../cli/run/frame.ts';
import { outcomeOf } from '../../cli/run/outcome.ts';
import { resultLines, tookText } from '../../cli/run/result.ts';
import { createScreen } from '../../cli/run/screen.ts';
import { cutLine, paintLine } from '../../cli/spans.ts';
import { cut, cutMiddle, plain, widthOf } from '../../cli/text.ts';
import { usageText } from '../../cli/usage-text.ts';
import { planTree } from '../../machines/vocabulary/ids.ts';
import { duration, rangeText } from '../../machines/vocabulary/time-text.ts';
import type { HistoryEntry, InstanceEntry, PlanShow } from '../../runtime/api/client/client.ts';
import { expectProse } from '../support/prose.ts';
import { shownAgent } from '../support/shown-agent.ts';

const nowMs = Date.parse('2026-01-02T03:04:05Z');
const noUsage = { runs: 0, input_tokens: null, output_tokens: null, cost_usd: null };
type Task = PlanShow['tasks_by_wave'][number]['tasks'][number];

function task(number: number, title: string, more: Partial<Task> = {}): Task {
  return {
    number,
    title,
    status: 'pending',
    attempts: 0,
    reason: null,
    why: null,
    branch: '',
    after: [],
    waits_for_files: null,
    usage: noUsage,
    ...more,
  };
}

function plan(more: Partial<PlanShow> = {}): PlanShow {
  return {
    project: 'demo',
    plan: 'login',
    status: 'implementing',
    phase: 'wave_running',
    landing: null,
    accepts: [],
    blocked: null,
    wave: 2,
    waves: 3,
    tasks_done: 2,
    tasks: 7,
    branch: 'plan/login',
    auto_advance: true,
    drafts: [],
    topic: null,
    author: 'person',
    review_cycle: 0,
    paused: false,
    waiting_for: { kind: 'agent', detail: 'login-w2-t1 (<1m)', since: null },
    turn: 'agents',
    need: null,
    isolation: 'task',
    base: null,
    base_remote: null,
    left_undone: [],
    set_aside: [],
    merged: null,
    creating_pr: false,
    pr_refused: null,
    pr_remarks: [],
    merging: false,
    estimate: null,
    merge_refused: null,
    created_at: '2026-01-02T03:00:00.000Z',
    updated_at: '2026-01-02T03:04:00.000Z',
    file: null,
    budget: [],
    title: 'Log in',
    issues: [],
    goal: null,
    content: '',
    file_digest: null,
    file_as: null,
    questions: [],
    tasks_by_wave: [
      {
        number: 1,
        status: 'done',
        tasks: [
          task(1, 'Draw the form', { status: 'done', attempts: 1 }),
          task(2, 'Write the parser', { status: 'done' }),
        ],
      },
      {
        number: 2,
        status: 'running',
        tasks: [
          task(1, 'Store the sessions', { status: 'working', attempts: 2 }),
          task(2, '日本語の翻訳 🇯🇵 and a title that is longer than all the others are', {
            status: 'working',
            attempts: 1,
          }),
          task(3, 'Merge me', { status: 'merging', attempts: 1 }),
          task(4, 'No luck', { status: 'failed', attempts: 3, reason: 'check-failed', why: '2 tests failed' }),
        ],
      },
      { number: 3, status: 'pending', tasks: [task(1, 'Document it')] },
    ],
    usage: { ...noUsage, runs: 4 },
    runs: 4,
    run_list: [],
    pull_request: null,
    timestamps: {},
    ...more,
  };
}

function agent(title: string, more: Partial<InstanceEntry> = {}): InstanceEntry {
  return shownAgent({
    ...{ title, project: 'demo', plan: 'login', wave_number: 2, usage: noUsage },
    started_at: new Date(nowMs - 75_000).toISOString(),
    last_line: 'running 12 tests \x1b[31mof many\x1b[0m',
    ...more,
  });
}

const agents = [
  agent('login-w2-t1', { attempt: 2 }),
  agent('login-w2-t2', { last_line: null }),
  agent('login-review-1', { role: 'reviewer', state: 'queued', started_at: null, last_line: null }),
];

function picture(width: number, height: number, shown = plan()): string {
  const view = { plan: shown, instances: agents, width, height, nowMs, startedMs: nowMs - 200_000, paint: noPaint };
  return frame({ ...view, footer: 'Ctrl-C detaches' }).join('\n');
}

it('an agent that writes down its own plan shows how far it is, and how full its context', () => {
  const work: InstanceEntry['work'] = {
    tool: '$ npm test',
    plan: [{ text: 'write', state: 'in_progress' }],
    context: { used: 50_000, size: 200_000 },
    text: '0 of 1 of its plan, 25 % of its context',
  };
  const view = { plan: plan(), width: 140, height: 24, nowMs, startedMs: nowMs, paint: noPaint, footer: '' };
  const shown = frame({ ...view, instances: [agent('login-w2-t1', { work, last_line: 'reads' })] }).join('\n');
  expect(shown).toContain('working 1m 15s  0 of 1 of its plan, 25 % of its context  reads');
  const lines = instanceLines(agent('login-w2-t1', { work }), noPaint, nowMs).join('\n');
  expect(lines).toMatch(/uses\s+\$ npm test\n\s*its plan\s+in progress: write\n/);
});

it('a run that a pause stopped is no attempt, and did not end well', () => {
  const [ended, started] = [new Date(nowMs - 60_000), new Date(nowMs - 75_000)].map((time) => time.toISOString());
  const run = { title: 'login-w2-t1', role: 'coder', profile: null, attempt: 1, reason: null } as const;
  const took = { input_tokens: null, output_tokens: null, cost_usd: null };
  const shown = plan({
    run_list: [
      { ...run, ...took, run: '1', state: 'failed', started_at: started ?? null, ended_at: ended ?? null },
      { ...run, ...took, run: '2', state: 'running', started_at: ended ?? null, ended_at: null },
    ],
  });
  const view = { instances: [agent('login-w2-t1')], width: 80, height: 24, nowMs, startedMs: nowMs, paint: noPaint };
  expect(frame({ ...view, plan: shown, footer: '' }).join('\n')).not.toContain('attempt 2');
  const lines = planLines(shown, { width: 80, nowMs, paint: noPaint, implied: null });
  expect(lines.join('\n')).toMatch(/1 Store the sessions {2}working, 2 runs\n/);
  expect(lines.filter((line) => line.startsWith('login-w2-t1')).map((line) => line.split(/ {2,}/)[2])).toEqual([
    'stopped',
    'running',
  ]);
});

it('a merge with more in it than was checked says so below the merge, and no text of it writes on the terminal', () => {
  const merged = {
    at: '2026-01-02T03:04:00.000Z',
    head: 'a'.repeat(40),
    into: 'main',
    note: 'more\x1b[31m than checked',
  };
  const showing = { width: 80, nowMs, paint: noPaint, implied: null };
  const lines = planLines(plan({ merged }), showing).map((line) => line.trim());
  const at = lines.findIndex((line) => line.startsWith('merged'));
  expect(lines[at]).toMatch(/^merged +into main, a{12}$/);
  expect(lines[at + 1]).toContain(' than checked');
  expect(lines.join('')).not.toContain('\x1b');
  expect(planLines(plan({ merged, merging: true }), showing).join('')).not.toContain('than checked');
  const refusal = { at: merged.at, why: 'check' as const, into: 'dev', files: [], detail: 'ended with 1\nmend it' };
  const shown = (of: object) => planLines(plan({ merge_refused: refusal, ...of }), showing).join('\n');
  expect(shown({ merged })).toMatch(/merged +into main(?:.*\n)+ +refused since: ended with 1; mend it\n/);
  expect(shown({ merged: null })).toMatch(/merged +no: ended with 1; mend it\n/);
});

describe('the picture of a plan at work', () => {
  it('fits 120 columns', () => {
    expect(picture(120, 40)).toMatchInlineSnapshot(`
      "login  implementing (wave 2 of 3) · 2/7 tasks · 3m 20s
      ✓ wave 1  2/2
        ✓ 1 Draw the form
        ✓ 2 Write the parser
      ● wave 2  0/4
        ● 1 Store the sessions                                      working, attempt 2 1m 15s  running 12 tests of many
        ● 2 日本語の翻訳 🇯🇵 and a title that is longer than all t…  working 1m 15s
        ● 3 Merge me                                                merging
        ✗ 4 No luck                                                 failed: 2 tests failed
      ○ wave 3  0/1
        ○ 1 Document it
      ○ reviewer  queued
      Ctrl-C detaches"
    `);
  });

  it('fits 80 columns', () => {
    expect(picture(80, 24)).toMatchInlineSnapshot(`
      "login  implementing (wave 2 of 3) · 2/7 tasks · 3m 20s
      ✓ wave 1  2/2
        ✓ 1 Draw the form
        ✓ 2 Write the parser
      ● wave 2  0/4
        ● 1 Store the sessions                  working, attempt 2 1m 15s  running 12…
        ● 2 日本語の翻訳 🇯🇵 and a title that …  working 1m 15s
        ● 3 Merge me                            merging
        ✗ 4 No luck                             failed: 2 tests failed
      ○ wave 3  0/1
        ○ 1 Document it
      ○ reviewer  queued
      Ctrl-C detaches"
    `);
  });

  it('has how much is left, where done tasks say it', () => {
    const estimate = { tasks: 2, from_ms: 61_000, to_ms: 400_000 };
    expectProse(picture(80, 24, plan({ estimate })).split('\n').slice(0, 3).join('\n'), '1m to 7m', '2 done tasks');
  });

  it('fits 40 columns', () => {
    expect(picture(40, 24)).toMatchInlineSnapshot(`
      "login  implementing (wave 2 of 3) · 2/7…
      ✓ wave 1  2/2
        ✓ 1 Draw the form
        ✓ 2 Write the par…
      ● wave 2  0/4
        ● 1 Store the ses…  working, attempt …
        ● 2 日本語の翻訳 …  working 1m 15s
        ● 3 Merge me        merging
        ✗ 4 No luck         failed: 2 tests f…
      ○ wave 3  0/1
        ○ 1 Document it
      ○ reviewer  queued
      Ctrl-C detaches"
    `);
  });

  it('keeps the cost if the line has no room for the whole usage, and cuts the name rather than the cost', () => {
    const used = { runs: 12, input_tokens: 1_210_000, output_tokens: 340_000, cost_usd: 12.5 };
    const head = (width: number, name = 'login') =>
      picture(width, 24, plan({ plan: name, usage: used })).split('\n')[0] ?? '';
    expect(head(120)).toContain('12 runs, 1.2M tokens in, 340k out, $12.50');
    expect(head(80)).toMatch(/^login {2}implementing .* · \$12\.50$/);
    const long = 'a-plan-with-a-name-that-is-rather-long';
    expect(head(80, long)).toMatch(/^a-plan-with…ather-long {2}implementing .* · \$12\.50$/);
  });

  it('folds what is done and what is to come where the terminal is low', () => {
    expect(picture(80, 12)).toMatchInlineSnapshot(`
      "login  implementing (wave 2 of 3) · 2/7 tasks · 3m 20s
      ✓ wave 1  2/2
      ● wave 2  0/4
        ● 1 Store the sessions                  working, attempt 2 1m 15s  running 12…
        ● 2 日本語の翻訳 🇯🇵 and a title that …  working 1m 15s
        ● 3 Merge me                            merging
        ✗ 4 No luck                             failed: 2 tests failed
      ○ wave 3  0/1
        ○ 1 Document it
      ○ reviewer  queued
      Ctrl-C detaches"
    `);
    expect(picture(80, 6)).toMatchInlineSnapshot(`
      "login  implementing (wave 2 of 3) · 2/7 tasks · 3m 20s
        ● 1 Store the sessions                  working, attempt 2 1m 15s  running 12…
        ● 2 日本語の翻訳 🇯🇵 and a title that …  working 1m 15s
        ● 3 Merge me                            merging
      … 2 more lines"
    `);
  });

  it('is never wider or taller than the terminal, whatever its size', () => {
    const many = plan({
      blocked: {
        reason: 'left\nor right? '.repeat(40),
        source: 'agent',
        at: '2026-01-02T03:04:00.000Z',
        scope: 'plan',
      },
      tasks_by_wave: [1, 2, 3].map((number) => ({
        number,
        status: number === 2 ? 'running' : 'pending',
        tasks: Array.from({ length: 50 }, (_, t) =>
          task(t + 1, '界'.repeat(30), { status: t < 9 ? 'working' : 'pending' }),
        ),
      })),
    });
    for (const shown of [plan(), many]) {
      for (const width of [1, 5, 20, 41, 80, 200]) {
        for (const height of [2, 3, 8, 24, 60]) {
          const lines = picture(width, height, shown).split('\n');
          expect(lines.length).toBeLessThan(height);
          expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(width);
        }
      }
    }
  });

  it('has colour on a terminal only, and not against the will of its owner', () => {
    expect(paintFor({ isTTY: true }, {})('bad', 'x')).toBe('\x1b[31mx\x1b[39m');
    expect(paintFor({ isTTY: true }, { NO_COLOR: '1' })('bad', 'x')).toBe('x');
    expect(paintFor({ isTTY: true }, { TERM: 'dumb' })('bad', 'x')).toBe('x');
    expect(paintFor({}, {})('bad', 'x')).toBe('x');
  });
});

describe('the screen', () => {
  it('draws each picture in one write, over the one before, and gives the cursor back', () => {
    const writes: string[] = [];
    const stream = { isTTY: true, columns: 80, rows: 24, write: (text: string) => writes.push(text) };
    const screen = createScreen(stream);
    screen.draw([], ['one', 'two']);
    screen.draw(['a fact'], ['three']);
    expect(writes).toEqual(['\x1b[?25l\rone\x1b[K\ntwo\x1b[K\n\x1b[J', '\x1b[2A\ra fact\x1b[K\nthree\x1b[K\n\x1b[J']);
    screen.close({ keepsBlock: false });
    expect(writes.slice(2).join('')).toBe('\x1b[1A\r\x1b[J\x1b[?25h');
    screen.close({ keepsBlock: false });
    expect(writes).toHaveLength(4);
  });

  it.each([
    ['narrower', [60]],
    ['wider', [120]],
    ['narrower and wider again', [40, 100]],
  ])('leaves nothing stale on a terminal that became %s, however tall it is', async (_how, widths) => {
    const emulator = new xterm.Terminal({ cols: 80, rows: 24, convertEol: true, allowProposedApi: true });
    let written = '';
    const stream = { isTTY: true, columns: 80, rows: 24, write: (text: string) => (written += text) };
    const screen = createScreen(stream);
    for (const columns of [80, ...widths]) {
      emulator.resize(columns, 24);
      stream.columns = columns;
      const block = ['head', ...Array.from({ length: 18 }, () => 'x'.repeat(90)), 'foot'];
      screen.draw(
        [`fact ${columns}`],
        block.map((line) => cut(line, columns)),
      );
      await new Promise<void>((resolve) => emulator.write(written, resolve));
      written = '';
    }
    const { active } = emulator.buffer;
    const rows = Array.from({ length: 24 }, (_, row) => active.getLine(active.baseY + row)?.translateToString(true));
    expect(rows.filter((row) => row === 'head')).toHaveLength(1);
    expect(rows.filter((row) => row === 'foot')).toHaveLength(1);
    expect(rows.filter((row) => row?.startsWith('xxx'))).toHaveLength(18);
    expect(rows).toContain(`fact ${widths.at(-1)}`);
    screen.close({ keepsBlock: true });
  });
});

describe('a fact as text', () => {
  const around = plan({ blocked: { reason: 'left or right?', source: 'agent', at: '', scope: 'plan' } });
  const fact = (actor: string, event: string, from: string, to: string, more: Partial<HistoryEntry> = {}) => {
    const { before, after } = publicMove(kindsWith([]).of(planTree('a', 'p')).chartAt(actor), { from, to });
    const entry = {
      ...{ seq: 1, at: '', signal: null, origin: 'engine', actor, event, from, to, effects: [], refused: null },
      ...{ from_tags: [...before], to_tags: [...after] },
      ...{ attempt: null, reason: null, why: null, questions: [], until: null, stands_in: null, resumed: false },
      ...more,
    };
    return factLines(entry, around)?.join('\n').trimStart() ?? null;
  };

  const agent = 'wave-2.7/task-1.7/agent';
  const reviewing = 'lifecycle.underway.reviewing.working';
  const fixing = 'lifecycle.underway.implementing.fixing.working';

  it('says of what happened, with its wave, its task and its title', () => {
    const facts: [string, string, string, string, Partial<HistoryEntry>?][] = [
      [agent, 'run_started', 'starting', 'running'],
      [agent, 'run_exited', 'judging', 'running', { attempt: 2 }],
      [agent, 'run_exited', 'judging', 'running', { attempt: 1, resumed: true }],
      [agent, 'run_exited', 'judging', 'backingOff', { why: 'a\x1b[2Jb' }],
      [
        agent,
        'run_exited',
        'judging',
        'backingOff',
        { attempt: 1, reason: 'exit-code', why: 'Invalid API key · Please run /login' },
      ],
      ['wave-2.7/task-4.7/agent', 'run_exited', 'running', 'backingOff'],
      ['wave-1.1/task-2.1', 'ended', 'accepting', 'done'],
      ['wave-2.7/task-4.7', 'ended', 'working', 'failed'],
      ['wave-2.7', 'begun', '', 'running'],
      ['wave-2.7', 'retry', 'settled', 'running'],
      ['wave-2.7', 'ended', 'running', 'settled'],
      ['reviewer.3', 'run_started', 'starting', 'running'],
      ['fixer.4/agent', 'run_started', 'starting', 'running'],
      ['fixer.4', 'ended', 'accepting', 'done'],
      ['', 'implement_start', 'lifecycle.ready.planned', 'lifecycle.underway.implementing.requesting'],
      ['', 'review_changes_requested', reviewing, fixing],
      ['', 'review_changes_requested', reviewing, fixing, { why: 'No French.\nNo tests.' }],
      ['', 'review_approved', reviewing, 'lifecycle.done'],
      ['wave-2.7/task-4.7/agent', 'needs_decision', 'running', 'stopping', { why: 'left or right?' }],
      ['wave-2.7/task-4.7/agent', 'answered', 'waiting.decision', 'queued', { why: 'left' }],
      ['', 'answer', '', '', { why: 'left', questions: [2] }],
      ['', 'block', 'attention.clear', 'attention.blocked'],
    ];
    const told = facts.map(([actor, event, from, to, more]) => {
      const text = fact(actor, event, from, to, more);
      expect(text, `${actor} ${event}`).not.toBeNull();
      return `${actor} ${event}: ${from} → ${to}\n${text}`;
    });
    expect(told.join('\n')).not.toContain('\x1b');
    expectProse(told.join('\n'), 'wave 2 task 1', 'wave 1 task 2', 'Store the sessions', 'left or right?');
  });

  it.each([
    ['wave-2.7/task-1.7', 'agent_delivered', 'working', 'committing'],
    ['', 'begun', '', 'gate.open'],
  ])('is none of what concerns the engine alone: %s %s: %s → %s', (actor, event, from, to) => {
    expect(fact(actor, event, from, to)).toBeNull();
  });

  it('has the reset of a rate limit as a time to come', () => {
    const at = '2026-01-02T03:04:05.000Z';
    const limited = fact(agent, 'run_exited', 'running', 'waiting.rateLimit', {
      at,
      until: '2026-01-02T05:04:05.000Z',
    });
    expect(limited).toMatch(/ \d\d:\d\d, in 2h 00m$/);
    expectProse(limited?.replace(/\d\d:\d\d(?=, in )/, '<time>') ?? '', 'wave 2 task 1 ');
  });

  it('tells every refusal, with who was refused and why', () => {
    const refused = { by: 'plan', state: 'ready.draft', guard: 'not planned yet: run plan_start first', accepts: [] };
    const told = fact('', 'implement_start', 'x', 'x', { origin: 'file', refused });
    expectProse(told ?? '', 'implement_start', 'file', refused.guard);
  });
});

describe('the outcome of a plan', () => {
  const steps = (more: Partial<PlanShow>, instances: Pick<InstanceEntry, 'live'>[] = []) => {
    const outcome = outcomeOf(plan(more), instances);
    return outcome.kind === 'goes-on' ? 'goes on' : [outcome.kind, ...outcome.steps];
  };

  it('needs a person only when none of its agents runs any more', () => {
    const blocked = { reason: 'left?', source: 'agent' as const, at: '', scope: 'plan' as const };
    expect(steps({ blocked }, [{ live: true }])).toBe('goes on');
    expect(steps({ blocked }, [{ live: false }])).toEqual([
      'needs-person',
      'stator plan answer login "<your answer>"',
      'stator plan cancel login',
    ]);
    expect(steps({})).toBe('goes on');
    expect(steps({ paused: true })).toEqual(['needs-person', 'stator plan resume login']);
    const ways = ['stator plan advance login retry-wave', 'stator plan advance login advance-wave'];
    const need = { source: 'wave' as const, why: 'wave 2 failed', since: '', until: null, do: ways, output: [] };
    expect(steps({ phase: 'wave_waiting', need })).toEqual(['needs-person', ...ways]);
    expect(steps({ status: 'done', phase: null })).toEqual([
      'done',
      'git log --oneline plan/login',
      'stator plan merge login',
    ]);
    expect(steps({ status: 'cancelled', phase: null })).toEqual(['cancelled', 'stator plan advance login reopen']);
  });
});

describe('text', () => {
  it('is as wide as the terminal shows it', () => {
    const widths: [string, number][] = [
      ['abc', 3],
      ['déjà', 4],
      ['de\u0301ja\u0300', 4],
      ['日本', 4],
      ['🇯🇵', 2],
      ['👩‍👩‍👧', 2],
      ['✓ ● ○ ✗ …', 9],
      ['a\u200bb', 2],
    ];
    for (const [text, width] of widths) expect([text, widthOf(text)]).toEqual([text, width]);
    expect(cut('日本語', 5)).toBe('日本…');
    expect(cut('日本語', 4)).toBe('日…');
    expect(cut('abc', 0)).toBe('');
  });

  it('of others cannot move the cursor or turn the direction of writing', () => {
    expect(plain('a\x1b[2Jb\r\nc\u202ed')).toBe('ab cd');
  });

  it('says times in two units', () => {
    expect([0, 59_999, 61_000, 3_600_000, 90_000_000].map(duration)).toEqual([
      '0s',
      '59s',
      '1m 01s',
      '1h 00m',
      '1d 1h',
    ]);
  });

  it('says what agents took, as far as they say it', () => {
    const texts = [
      { runs: 3, input_tokens: 1_234_567, output_tokens: 40_400, cost_usd: 3.1 },
      { runs: 1, input_tokens: null, output_tokens: 980, cost_usd: null },
      { runs: 2, input_tokens: 999_600, output_tokens: 9_960, cost_usd: 0.001 },
      { ...noUsage, runs: 1 },
      noUsage,
    ].map(usageText);
    expect(texts.at(-1)).toBe('');
    expectProse(texts.join('\n'), '1.2M', '40k', '$3.10', '980', '1M', '10k', '$0.01');
  });

  it('is rounded where nobody knows it to the second: down at its beginning, up at its end', () => {
    const ranges = [
      [0, 1_000],
      [59_000, 119_000],
      [121_000, 1_000_000],
      [60_000, 60_000],
      [3_599_000, 10_000_000],
      [10_800_000, 20_000_000],
    ] as const;
    expectProse(ranges.map(([from, to]) => rangeText(from, to)).join('\n'), '55m', '2h 50m', '3h', '6h');
  });

  it('in tables is aligned, and the widest column gives way first', () => {
    const rows = [
      ['a', 'short', 'x'.repeat(50)],
      ['日本', 'a longer one', 'y'],
    ];
    expect(table(['id', 'name', 'text'], rows, { width: 40 }).join('\n')).toMatchInlineSnapshot(`
      "id    name          text
      a     short         xxxxxxxxxxxxxxxxxxx…
      日本  a longer one  y"
    `);
    const id = 'msg_01kg9wz7q8abcdefghjkmnpqrs';
    expect(table(['error', 'id'], [['x'.repeat(90), id]], { width: 60 })[1]).toContain(id);
  });

  it('of plans cut a long name in its middle, and leave the columns beside it what they need', () => {
    const long = 'rename-the-column-of-customers-and-migrate-all-of-the-invoices-2026';
    const rows = [
      [long, 'implementing (wave 2 of 3)', '3/12', 'waits for a permission of rename-w1-t1: npm test'],
      ['login', 'done, not merged', '4/4', ''],
    ];
    const headings = ['plan', 'status', 'tasks', 'waits for'];
    expect(table(headings, rows, { width: 80 }).join('\n')).toMatchInlineSnapshot(`
      "plan                         status                      tasks  waits for
      rename-the-co…invoices-2026  implementing (wave 2 of 3)  3/12   waits for a per…
      login                        done, not merged            4/4"
    `);
    for (const width of [60, 80, 100, 120, 200]) {
      const lines = table(headings, rows, { width });
      expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(width);
      expect(lines[1]).toMatch(/^rename-.*2026 {2}implementing/);
    }
    expect(table(headings, rows, { width: null })[1]).toContain(`${long}  implementing (wave 2 of 3)  3/12`);
    expect(['日本語の計画-1', long, 'ab'].map((name) => cutMiddle(name, 9))).toMatchInlineSnapshot(`
      [
        "日本…画-1",
        "rena…2026",
        "ab",
      ]
    `);
  });
});

describe('what a run came to', () => {
  const at = '2026-01-02T03:04:05.000Z';
  const files = [
    {
      path: 'src/a very/long/way/down/\x1b[31mto\u202e/the/file/that/was/changed/by/the/second/task.ts',
      added: 1200,
      removed: 3,
    },
    { path: 'logo.png', added: null, removed: null },
    ...Array.from({ length: 8 }, (_, index) => ({ path: `f${index}`, added: index, removed: 1 })),
  ];
  const result = {
    diff: { files, total: { files: 10, insertions: 1228, deletions: 11 } },
    review: { verdict: 'changes_requested' as const, by: 'agent:login-review-2', at, why: null },
    verification: { verdict: 'approved' as const, by: 'person', at, why: null },
    notes: [],
  };

  it('is who judged it and how, and what changed, within 80 columns and a few lines', () => {
    expect(resultLines(result, { plan: 'login', cycle: 2, width: 80 }).join('\n')).toMatchInlineSnapshot(`
      "review: asks for changes, by login-review-2, after 1 round of fixing
      verification: approved, by a person
      10 files changed, +1228 -11
        …ry/long/way/down/to/the/file/that/was/changed/by/the/second/task.ts  +1200 -3
        logo.png                                                              binary
        f0                                                                    +0 -1
        f1                                                                    +1 -1
        f2                                                                    +2 -1
        f3                                                                    +3 -1
        f4                                                                    +4 -1
        and 3 more: stator plan diff login --stat"
    `);
  });

  it('is nothing where nobody judged and nothing is committed', () => {
    const nothing = { diff: null, review: null, verification: null, notes: [] };
    expect(resultLines(nothing, { plan: 'login', cycle: 0, width: null })).toEqual([]);
  });

  it('says of how many runs the cost is known, where it is not known of all', () => {
    const said = {
      run: 'r',
      title: 't',
      role: 'coder',
      profile: null,
      attempt: 1,
      state: 'succeeded',
      reason: null,
      started_at: at,
      ended_at: at,
    };
    const [paid, silent] = [
      { ...said, input_tokens: null, output_tokens: null, cost_usd: 0.5 },
      { ...said, input_tokens: null, output_tokens: null, cost_usd: null },
    ];
    const startedMs = Date.parse(at);
    const took = (...list: PlanShow['run_list']) => {
      const cost = list.some(({ cost_usd }) => cost_usd !== null) ? 0.5 : null;
      return tookText(
        plan({ run_list: list, runs: list.length, usage: { ...noUsage, runs: list.length, cost_usd: cost } }),
        { startedMs, nowMs: startedMs + 24_000 },
      );
    };
    const earlier = { ...paid, started_at: new Date(startedMs - 1).toISOString() };
    const all = [took(paid, silent), took(paid), took(silent, silent), took(earlier, paid)];
    expectProse(all.join('\n'), '$0.50', '1 of 2 runs', '24s this time; in all 2 runs');
  });
});

describe('a line of spans', () => {
  const line = (...texts: string[]) => texts.map((text) => ({ tone: 'plain' as const, text }));
  it.each([
    [['hello', 'world'], 10, 'helloworld'],
    [['hello', 'world'], 9, 'hellowor…'],
    [['hello', 'world'], 5, 'hell…'],
    [['hello', 'world'], 6, 'hello…'],
    [['hello', '', 'world'], 5, 'hell…'],
    [['hello', '   '], 5, 'hello'],
    [['hello'], 0, ''],
    [[], 5, ''],
  ])('of %j has at most %i columns, and says by … that it is cut', (texts, width, shown) => {
    expect(paintLine(cutLine(line(...texts), width), noPaint)).toBe(shown);
  });
});
