/** The board of `stator monitor`: what its keys do, in a pseudo terminal, over a real daemon with `sh` agents. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { carryOut, questionOf, readPage } from '../../cli/monitor/board/actions.ts';
import { type Key, press } from '../../cli/monitor/board/keys.ts';
import { pageRows, picture, rowAt, spaceOf } from '../../cli/monitor/board/picture.ts';
import { type Board, firstBoard, type News, type Target } from '../../cli/monitor/board/state.ts';
import { noPaint } from '../../cli/output.ts';
import { statusOf } from '../../cli/status/sort.ts';
import { widthOf } from '../../cli/text.ts';
import { broken } from '../../cli/typed.ts';
import type { InstanceEntry, PlanEntry, PlanShow } from '../../runtime/api/client/client.ts';
import { askingClaude } from '../support/asking-claude.ts';
import { planOf } from '../support/cli.ts';
import { type DaemonGround, daemonGround, shAgents } from '../support/daemon.ts';
import {
  asks,
  begin,
  gate,
  openGate,
  planText,
  startDaemonHere,
  startEngine,
  untilBlocked,
  untilStatus,
} from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { expectProse } from '../support/prose.ts';
import { openPty, type Pty } from '../support/pty.ts';
import { shownAgent } from '../support/shown-agent.ts';

const main = join(import.meta.dirname, '../../dist/bin/stator.js');
const nowMs = Date.parse('2026-01-02T03:04:05Z');
const at = '2026-01-02T03:00:05.000Z';
const usage = { runs: 0, input_tokens: null, output_tokens: null, cost_usd: null };

function plan(name: string, more: Partial<PlanEntry> = {}): PlanEntry {
  return {
    project: 'shop',
    plan: name,
    status: 'implementing',
    phase: 'wave_running',
    landing: null,
    accepts: [],
    blocked: null,
    questions: [],
    wave: 1,
    waves: 2,
    tasks_done: 1,
    tasks: 4,
    branch: `plan/${name}`,
    topic: null,
    author: 'person',
    review_cycle: 0,
    paused: false,
    waiting_for: more.status !== undefined ? null : { kind: 'agent', detail: '', since: at },
    turn: more.status !== undefined ? 'nobody' : more.waiting_for === undefined ? 'agents' : 'waiting',
    need: null,
    title: null,
    goal: null,
    created_at: at,
    updated_at: at,
    file: null,
    budget: [],
    usage,
    ...more,
  };
}

function agent(title: string, of: string, more: Partial<InstanceEntry> = {}): InstanceEntry {
  const line = 'says <b>this</b> \x1b[31m\u202eand that';
  return shownAgent({ title, project: 'shop', plan: of, started_at: at, last_line: line, usage, ...more });
}

function news(plans: readonly PlanEntry[], agents: readonly InstanceEntry[] = []): News {
  const stats = {
    total: 1,
    pending: 0,
    notified: 1,
    completed: 0,
    error: 0,
    paused: false,
    running: 1,
    max_agents: 3,
    oldest_pending: null,
    held: 0,
    pauses: [],
  };
  const seen = {
    engine: true,
    plans,
    agents,
    repos: [],
    warnings: [],
    pauses: [],
    forges: [],
    accounts: [],
  };
  return { seen, status: statusOf(seen), stats, near: null };
}

const reason = 'left or right?\n\x1b]52;c;eA==\x07';

const fleet: Board = {
  ...firstBoard(null),
  news: news(
    [
      plan('old', { status: 'done', phase: null, landing: 'pull_request_open', tasks_done: 4 }),
      plan('after', { waiting_for: { kind: 'after', detail: 'waits for login to be done', since: at } }),
      plan('login'),
      plan('asks', {
        blocked: { reason, source: 'agent', at, scope: 'plan' },
        turn: 'person',
        need: {
          source: 'agent',
          why: reason,
          since: at,
          until: null,
          do: ['stator plan answer asks "<your answer>"'],
          output: [],
        },
      }),
    ],
    [agent('login-w1-t1', 'login')],
  ),
};

function shot(board: Board, width = 80, height = 24): string {
  return picture(board, { width, height, nowMs }, noPaint).join('\n');
}

/** What the board says of the last key, or asks. */
function lastRow(board: Board): string {
  return shot(board).split('\n').at(-1) ?? '';
}

function keys(board: Board, ...pressed: readonly (Key | string)[]): ReturnType<typeof press> {
  let now: ReturnType<typeof press> = { board, command: null };
  for (const key of pressed)
    now = press(now.board, typeof key === 'string' ? { name: 'text', text: key } : key, { height: 20, nowMs });
  return now;
}

const asksToMerge: Board['confirmation'] = {
  lines: ['moves your branch main'],
  action: 'merge',
  target: { project: 'shop', plan: 'login', title: null, task: null, role: null },
};

describe('the picture of the board', () => {
  it('has who needs a person first, then what runs, waits and rests', () => {
    expect(shot(fleet, 80, 16)).toMatchInlineSnapshot(`
      "stator  1 need you  4 plans · 1 running · 1 of 3 slots taken
      needs you (1)
      > ! shop/asks   left or right? for 4m
      running (1)
        ● shop/login  implementing (wave 1 of 2), 1/4 tasks
            ● login-w1-t1  working 4m  says <b>this</b> and that
      waiting (1)
        ○ shop/after  waits for login to be done for 4m
      at rest (1)
        ✓ shop/old    done, pull request open, 4/4 tasks, 4m ago




      Enter plan  l log  d diff  h history  a answer  / filter  ? keys  q quit"
    `);
  });

  it('has the oldest need first, a repo that cannot be used among them, and the budget of what is under way', () => {
    const need = (since: string) => ({ source: 'agent' as const, why: 'asks', since, until: null, do: [], output: [] });
    const use = (spent: number) => ({ scope: 'plan' as const, measure: 'usd' as const, limit: 10, spent });
    const { seen } = news([
      plan('young', { turn: 'person', need: need('2026-01-02T03:02:05.000Z') }),
      plan('old', { turn: 'person', need: need(at) }),
      plan('costly', { status: 'done', budget: [use(9)] }),
      plan('busy', { budget: [use(1)] }),
    ]);
    const repo = { project: 'lib', path: '/lib', active_plans: 0, state: 'degraded' as const, reason: null };
    const { needs_you: needs, budget } = statusOf({ ...seen, repos: [repo] });
    expect(needs.map(({ project, plan: name }) => [project, name])).toEqual([
      ['lib', null],
      ['shop', 'old'],
      ['shop', 'young'],
    ]);
    expect(budget?.plan).toBe('busy');
  });

  it('names below the list what the marked plan takes, and nothing that it would refuse', () => {
    const wave = ['stator plan advance w retry-wave', 'stator plan advance w advance-wave'];
    const need = { source: 'wave' as const, why: 'wave 1 failed', since: at, until: null, do: wave, output: [] };
    const plans = [
      plan('w', { turn: 'person', need }),
      plan('runs'),
      plan('done', { status: 'done', phase: null, landing: 'not_merged', accepts: ['merge', 'land'] }),
      plan('ready', { status: 'ready', phase: null, turn: 'nobody' }),
    ];
    const board = { ...firstBoard(null), news: news(plans, [agent('runs-w1-t1', 'runs')]) };
    const acts = (marked: string) => {
      const marks = { ...board.marks, fleet: { id: marked, index: 0 } };
      const foot =
        shot({ ...board, marks }, 160)
          .split('\n')
          .at(-1) ?? '';
      return foot.split('  ').filter((key) => /^[airm] /.test(key));
    };
    expect(['shop/w', 'shop/runs', 'shop/done', 'shop/ready'].map(acts)).toEqual([
      ['r retry'],
      [],
      ['m merge'],
      ['i start'],
    ]);
  });

  it('an agent that writes down its own plan shows how far it is', () => {
    const work = { tool: null, plan: [], context: null, text: '1 of 2 of its plan' };
    const busy = news([plan('login')], [agent('login-w1-t1', 'login', { work })]);
    expect(shot({ ...fleet, news: busy }, 90, 8)).toContain('working 4m  1 of 2 of its plan  says');
  });

  it('counts as queued who waits to be started, and not who asks a person', () => {
    const at = (state: InstanceEntry['state']) => news([plan('login')], [agent('login-w1-t1', 'login', { state })]);
    const shown = (state: InstanceEntry['state']) => {
      const { stats, ...others } = at(state);
      return shot({ ...fleet, news: { ...others, stats: { ...stats, pending: 1 } } }).split('\n')[0];
    };
    expect(shown('queued')).toContain(', 1 queued');
    expect(shown('backing_off')).toContain(', 1 queued');
    expect(shown('waiting')).not.toContain('queued');
  });

  it('says of a plan that it has not heard of yet that it asks, and shows nothing of another one', () => {
    const near = { project: 'shop', plan: 'login' };
    const loading = shot({ ...fleet, near });
    expect(loading).toContain('asking the engine');
    expect(loading).not.toMatch(/no waves|no agents/);
    if (fleet.news === null) throw new Error('the fleet is known');
    const waiting_for = { kind: 'wave_confirmation', detail: '1 of its tasks is not done\ntask 1', since: at } as const;
    const shown = {
      plan: {
        ...plan('other', { waiting_for }),
        tasks_by_wave: [],
        questions: [],
        estimate: null,
      } as unknown as PlanShow,
      instances: [],
    }; // as much as is drawn of it
    const stale = { ...fleet, near, news: { ...fleet.news, near: shown } };
    expect(shot(stale)).toContain('asking the engine');
    expect(shot(stale)).not.toContain('shop/other');
    const known = { ...stale, near: { project: 'shop', plan: 'other' } };
    expect(shot(known)).toContain('it has no waves and no agents yet');
    expect(shot(known)).toContain('1 of its tasks is not done; task 1');
  });

  it('is lower than the terminal and narrower, whatever its size and whatever is on it', () => {
    const many = news(
      Array.from({ length: 60 }, (_, index) => plan(`日本語-${index}`, { plan: `p${index}-${'x'.repeat(index * 2)}` })),
      [agent('p1-w1-t1', 'p1-x', { last_line: '🇯🇵 日本語 '.repeat(40) })],
    );
    const text = { kind: 'log' as const, target: { project: 'shop', plan: 'p', title: null, task: null, role: null } };
    const lines = [{ tone: 'plain' as const, text: '日本 a word and more of them '.repeat(30) }];
    const boards = (width: number): Board[] => [
      firstBoard(null),
      fleet,
      { ...fleet, isHelp: true },
      { ...fleet, news: many },
      { ...fleet, link: { kind: 'waits', why: 'the store is locked '.repeat(20) } },
      { ...fleet, message: { tone: 'bad', lines: ['refused: it is '.repeat(40), 'hint: '.repeat(50)] } },
      keys({ ...fleet, filter: 'x '.repeat(100) }, '/').board,
      {
        ...fleet,
        page: {
          ...text,
          title: 'log '.repeat(50),
          lines,
          rows: pageRows({ lines }, width),
          top: 7,
          follows: false,
          search: '',
          permission: null,
        },
      },
    ];
    for (const width of [1, 5, 20, 40, 80, 200])
      for (const height of [1, 2, 3, 5, 10, 24, 60])
        for (const board of boards(width)) {
          const rows = picture(board, { width, height, nowMs }, noPaint);
          expect(rows.length).toBeLessThanOrEqual(Math.max(1, height - 1));
          // A cluster of two columns has no room in one.
          expect(rows.filter((row) => widthOf(row) > Math.max(2, width - 1))).toEqual([]);
          expect(spaceOf(board, { width, height, nowMs })).toBeGreaterThan(0);
        }
  });

  it('its keys are read whole on a small terminal', () => {
    const page = shot(keys(fleet, '?').board);
    expect(page).toContain('stator monitor: keys');
    expect(page).not.toContain('…');
  });

  it('shows text of others as text', () => {
    const text = shot(fleet, 99);
    expect(text).toContain('says <b>this</b> and that');
    expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\u202e]/);
  });

  it('from 100 columns on, the log or the diff of the marked entry is shown beside the list', () => {
    const lines = Array.from({ length: 40 }, (_, index) => ({ tone: 'plain' as const, text: `line ${index}` }));
    const board: Board = { ...fleet, sideKind: 'log', side: { kind: 'log', of: '', title: 'log of asks', lines } };
    expect(shot(board, 99)).not.toContain('log of asks');
    const wide = shot(board, 120).split('\n');
    expect(wide.find((row) => row.includes('log of asks'))).toMatch(/^needs you \(1\) +│ log of asks$/);
    // The end of the log.
    expect(wide.some((row) => row.endsWith('│ line 39'))).toBe(true);
    expect(shot({ ...board, side: { kind: 'diff', of: '', title: 'diff of asks', lines } }, 120)).not.toContain('line');
    const turned = keys({ ...board, side: { kind: 'diff', of: '', title: 'diff of asks', lines } }, 'o').board;
    expect(shot(turned, 120)).toMatch(/│ diff of asks\n.*│ line 0$/m);
    expect(shot(keys(board, '?').board, 120)).not.toContain('log of asks');
  });

  it('what a plan needs is beside the list in full, and its row shows more of it than of its name', () => {
    const name = 'a-plan-with-a-name-that-is-longer-than-a-third';
    const why = `${'the error in words '.repeat(30)}\nand its last line`;
    const need = {
      source: 'wave' as const,
      why,
      since: at,
      until: null,
      do: [`stator plan advance ${name} retry-wave`],
      output: [],
    };
    const board: Board = { ...firstBoard(null), news: news([plan(name, { turn: 'person', need }), plan('quiet')]) };
    const wide = shot(board, 200, 40).split('\n');
    expect(wide.find((row) => row.includes(`│ ${name} needs you`))).toMatch(/^needs you \(1\)/);
    for (const part of ['│ and its last line', `│ stator plan advance ${name} retry-wave`])
      expect(wide.some((row) => row.endsWith(part))).toBe(true);
    expect(wide.find((row) => row.startsWith('> ! shop/'))).toContain(
      'shop/a-plan-w…than-a-third  the error in words the error in words the er… │',
    );
    // A plan that needs nothing has its log there, and `o` turns on.
    const quiet = keys(board, 'j').board;
    expect(shot(quiet, 200, 40)).not.toContain('needs you\n');
    expect([keys(quiet, 'o').board.sideKind, keys(board, 'o').board.sideKind]).toEqual(['diff', 'log']);
    expect(keys(quiet, 'o', 'o').board.sideKind).toBe('need');
  });

  it('a click finds the row under it, and nothing beside the list or on a heading', () => {
    const looking = { width: 120, height: 24, nowMs };
    const lines = shot(fleet, 120).split('\n');
    const line = lines.findIndex((row) => row.includes('shop/login'));
    const marked = keys(fleet, 'j').board.marks.fleet.index;
    expect(rowAt(fleet, looking, { line, column: 5 })).toBe(marked);
    for (const place of [
      { line, column: 100 },
      { line: line - 1, column: 5 },
      { line: 0, column: 5 },
      { line: 22, column: 5 },
    ])
      expect(rowAt(fleet, looking, place)).toBeNull();
  });

  it('a command is typed by its name, completed by Tab, and does what its key does', () => {
    const tab: Key = { name: 'tab' };
    const enter: Key = { name: 'enter' };
    expect(lastRow(keys(fleet, ':').board)).toBe('command, Tab completes (Esc: leave it)> _');
    expect(shot(keys(fleet, ':', 'h').board)).toContain('help  history\n');
    expect(keys(fleet, ':', 'hi', tab).board.input?.text).toBe('history');
    expect(keys(fleet, ':', 'go shop/lo', tab).board.input?.text).toBe('go shop/login');
    expect(keys(fleet, ':', 'go shop/lo', enter).board.near).toEqual({ project: 'shop', plan: 'login' });
    expect(keys(fleet, ':', 'sort cost', enter).board.sorting).toBe('cost');
    expect(keys(fleet, ':', 'diff', enter).command).toEqual(keys(fleet, 'd').command);
    expect(keys(fleet, ':', 'quit', enter).command).toEqual({ kind: 'quit', exitCode: 0 });
    expect(lastRow(keys(fleet, ':', 'me', enter).board)).toBe('"me" may be: merge, message');
    expect(lastRow(keys(fleet, ':', 'dance', enter).board)).toBe('there is no command "dance"');
  });

  it('without an engine says that it shows what is stored', () => {
    expect(shot({ ...fleet, link: { kind: 'stored', why: 'no engine runs' } })).toMatch(
      /^no engine runs: this is the stored state, and nothing can be changed from here\n/,
    );
  });

  it('breaks long lines of a text at words', () => {
    expect(broken('one two three', 8)).toEqual(['one two ', 'three']);
    expect(broken('x'.repeat(10), 4)).toEqual(['xxxx', 'xxxx', 'xx']);
  });
});

describe('a key of the board', () => {
  it('moves the mark over plans and agents, and headings are passed over', () => {
    const marked = (...pressed: string[]) => /^> (.*)$/m.exec(shot(keys(fleet, ...pressed).board))?.[1];
    expect(marked()).toMatch(/^! shop\/asks/);
    expect(marked('j')).toMatch(/^● shop\/login/);
    expect(marked('j', 'j')).toMatch(/^ {4}● login-w1-t1/);
    expect(marked('G')).toMatch(/^✓ shop\/old/);
    expect(marked('G', 'k', 'j', 'j', 'g')).toMatch(/^! shop\/asks/);
    // A plan that was paused moves, and the next space resumes the same one.
    expect([marked('S'), marked(' ', 'S')]).toEqual([
      expect.stringMatching(/^○ shop\/after/),
      expect.stringMatching(/^! shop\/asks/),
    ]);
  });

  it('puts the plans in order by name, age and cost, and back', () => {
    const order = (...pressed: string[]) =>
      [...shot(keys(fleet, ...pressed).board).matchAll(/^[> ] .* shop\/(\w+)/gm)].map(([, name]) => name);
    expect(order()).toEqual(['asks', 'login', 'after', 'old']);
    expect(order('S')).toEqual(['after', 'asks', 'login', 'old']);
    expect(shot(keys(fleet, 'S').board)).toContain('by name (4)');
    // An agent stays below its plan.
    expect(shot(keys(fleet, 'S').board)).toMatch(/shop\/login.*\n.*login-w1-t1/);
    expect(order('S', 'S', 'S', 'S')).toEqual(order());
  });

  it('chooses an event by its number', () => {
    const target = { project: 'shop', plan: 'login', title: null, task: null, role: null };
    const input = { kind: 'transition', target, text: '', question: null, title: '', number: null } as const;
    const asked: Board = {
      ...fleet,
      input: { ...input, mayBeEmpty: false, permission: null, choices: ['cancel', 'pause'] },
    };
    expect(keys(asked, '2').command).toMatchObject({ kind: 'do', action: 'transition', input: { text: 'pause' } });
    expect(keys(asked, ' ', { name: 'enter' }).command).toBeNull();
    expect(keys(asked, '3').board.input?.text).toBe('3');
  });

  it('stays with its plan when others come and go', () => {
    const { board } = keys(fleet, 'j');
    const more = { ...board, news: news([plan('login'), plan('another', { status: 'ready', phase: null })]) };
    expect(shot(more)).toMatch(/^> ● shop\/login/m);
    const gone = { ...board, news: news([plan('another', { status: 'ready', phase: null })]) };
    expect(shot(gone)).toMatch(/^> ○ shop\/another/m);
  });

  it('shows only entries that contain the typed text, ignoring case', () => {
    const { board } = keys(fleet, '/', 'L', 'o', 'g', 'i', 'n', '-', 'w');
    expect(shot(board)).toContain('login-w1-t1');
    expect(shot(board)).not.toContain('shop/asks');
    expect(shot(keys(board, { name: 'escape' }).board)).toContain('shop/asks');
    expectProse(shot(keys(board, 'z', 'z').board, 80, 6));
  });

  it('is carried out after it was said what it does, and only y is a yes', () => {
    const merge = keys(fleet, 'j', 'm').command;
    expect(merge).toMatchObject({ kind: 'do', action: 'merge', target: { plan: 'login' } });
    expect(keys(fleet, 'j', 'x').command).toMatchObject({ action: 'end', target: { plan: 'login', title: null } });
    expect(keys(fleet, 'j', 'j', 'x').command).toMatchObject({ action: 'end', target: { title: 'login-w1-t1' } });
    expect(keys(fleet, 'j', ' ').command).not.toHaveProperty('isSure');
    if (merge?.kind !== 'do') throw new Error('m merges');
    const lines = ['moves your branch main: plan/login is merged into it', 'ends 1 agent: login-w1-t1 (coder)'];
    const asked: Board = { ...fleet, confirmation: { lines, action: 'merge', target: merge.target } };
    expectProse(shot(asked).split('\n').slice(-3).join('\n'), ...lines, '(y/n)');
    expect(keys(asked, 'y').command).toMatchObject({ action: 'merge', target: { plan: 'login' }, isSure: true });
    const answered = new Set<string>();
    for (const no of ['n', 'm', ' ', { name: 'enter' }, { name: 'escape' }] satisfies (Key | string)[]) {
      const { board, command } = keys(asked, no);
      expect(command).toBeNull();
      answered.add(lastRow(board));
    }
    expectProse([...answered].join('\n'));
    expect(answered.size).toBe(1);
  });

  it('is not pressed by pasted text: a line of it may spell a command', () => {
    const pasted: Key = { name: 'paste', text: 'x\ny' };
    expect(keys(fleet, pasted)).toEqual({ board: fleet, command: null });
    const asking = keys(fleet, 'j', 'j', 's', pasted);
    expect(asking.command).toBeNull();
    expect(asking.board.input?.text).toBe('x y');
    expect(keys(asking.board, { name: 'enter' }).command).toMatchObject({
      action: 'send',
      target: { title: 'login-w1-t1' },
    });
    expect(keys({ ...fleet, confirmation: asksToMerge }, pasted).command).toBeNull();
  });

  it('takes a long paste whole, in the pieces in which terminals pass it on, or says that it is too long', () => {
    const piece: Key = { name: 'paste', text: 'a log line\n'.repeat(370) };
    const { board } = keys(fleet, 'j', 'j', 's', ...Array.from({ length: 10 }, () => piece));
    expect(board.input?.text).toBe('a log line '.repeat(3_700));
    const full = keys(board, ...Array.from({ length: 10 }, () => piece)).board;
    expect(full.input?.text).toMatch(/^(?:a log line )+$/);
    expectProse(shot(full).split('\n').slice(-3).join('\n'), 'the end of the text is not in it');
  });

  it('shows one very long line of other letters at once', () => {
    const line = '{"say":"é😀 日本"} '.repeat(3_500);
    const rows = broken(line, 79);
    expect(rows.join('')).toBe(line);
    expect(Math.max(...rows.map(widthOf))).toBeLessThanOrEqual(79);
  });

  it('ends the board with 0 and with 130', () => {
    expect(keys(fleet, 'q').command).toEqual({ kind: 'quit', exitCode: 0 });
    for (const board of [fleet, keys(fleet, '/').board, { ...fleet, confirmation: asksToMerge }])
      expect(keys(board, { name: 'ctrl', letter: 'c' }).command).toEqual({ kind: 'quit', exitCode: 130 });
  });
});

/** What agents wait for is there at the end, whether the test passed or not. */
const opening: (() => void)[] = [];

afterEach(() => {
  for (const open of opening.splice(0)) open();
});

/** A daemon with a plan that asks, a task that waits for a gate, and one that has failed; and a way to open boards on it. */
async function workplace(start: (made: DaemonGround) => Promise<unknown> = startDaemonHere) {
  const made = daemonGround(`auto_create_pr = false\n${shAgents}`);
  const [go, asked] = [join(made.root, 'go'), join(made.root, 'asked')];
  const block = (script: string) => `\`\`\`sh\n${script}\n\`\`\`\n`;
  const asksOnce = `test -e '${asked}' || { touch '${asked}'; ${asks('left or right?')}; }`;
  const hostile = String.raw`printf 'a \033]0;owned\007 \033[2J<b>bold</b> \342\200\256end\n'`;
  made.write(
    'login.md',
    [
      '# Login\n\n## Wave 1\n',
      `### Task 1: The <b>form</b>\n\n${block(`echo form > form.txt\n${hostile}\n${gate(go)}`)}`,
      `### Task 2: Asks\n\n${block(`echo q > q.txt\n${asksOnce}`)}`,
    ].join('\n'),
  );
  made.write('bad.md', `# Bad\n\n## Wave 1\n\n### Task 1: Fails\n\n${block('echo x > x.txt\nexit 3')}`);
  await start(made);
  expect((await made.stator(['repo', 'add', '.', '--trust'])).code).toBe(0);
  // In order: the plan that has waited longest comes first.
  expect((await made.stator(['plan', 'register', 'login.md', '--start'])).code).toBe(0);
  await until(async () => (await made.client().plan('demo', 'login')).blocked !== null);
  expect((await made.stator(['plan', 'register', 'bad.md', '--start'])).code).toBe(0);
  opening.push(() => openGate(go));
  const env = { ...made.env, CI: 'true' };
  const board = (options: { columns?: number; rows?: number; more?: string } = {}): Pty => {
    const { more = '', ...size } = options;
    // What the terminal showed before, and how it is left: only a shell can show both.
    const script = `echo before; node ${more} '${main}' monitor; echo "code $?"; stty -a | tr ';' '\\n' | grep -E -o '[-]?(icanon|echo) ' | tr -d '\\n'`;
    return openPty('/bin/sh', ['-c', script], { cwd: made.repo, env, ...size });
  };
  return { ...made, board, open: () => openGate(go) };
}

/** A process of its own, for a test that stops or kills it. */
async function startDaemon({ stator }: DaemonGround): Promise<void> {
  expect((await stator(['daemon', 'start'])).code).toBe(0);
}

/** The shell's only child: the board. */
function childOf({ pid }: Pty): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim());
}

/** As the shell left it: the earlier screen, lines that are broken, a cursor, letters that are shown. */
function expectGivenBack(pty: Pty, code: number): void {
  expect(pty.screen()).toMatch(new RegExp(`^before\\n[^]*^code ${code}\\n`, 'm'));
  expect(pty.screen()).toMatch(/(?<!-)icanon /);
  expect(pty.screen()).toMatch(/ echo$/);
  const escapes = pty.written().match(/\x1b\[\?(?:7|25|1049|2004)[hl]/g) ?? [];
  const last = (mode: string) => escapes.findLast((one) => one.startsWith(`\x1b[?${mode}`));
  expect([last('7'), last('25'), last('1049'), last('2004')]).toEqual([
    '\x1b[?7h',
    '\x1b[?25h',
    '\x1b[?1049l',
    '\x1b[?2004l',
  ]);
}

it('an action is about the marked row: its agent’s question, its task, its agent, its plan that the reviewer refuses', async () => {
  const reviewer = { preset: 'command', program: 'false', sandbox: 'off' } as const;
  const engine = await startEngine({ agents: { default: { preset: 'sh', attempts: 1 }, reviewer } });
  const { client, repo } = engine;
  await begin(engine, 'asks', planText([asks('left?'), asks('up?')]));
  await begin(engine, 'over', planText(['echo a > a.txt', 'echo b > b.txt']));
  await until(async () => (await client.plan('demo', 'asks')).questions.length === 2);
  await untilBlocked(engine, 'over');
  const target = (name: string, more: Partial<Target> = {}) => ({
    ...asksToMerge.target,
    project: 'demo',
    plan: name,
    ...more,
  });
  const first = await questionOf(client, target('asks', { title: 'asks-w1-t1' }));
  const second = await questionOf(client, target('asks', { title: 'asks-w1-t2' }));
  expect([first.question, second.question]).toEqual([
    expect.stringContaining('asks-w1-t1 asks: left?'),
    expect.stringContaining('asks-w1-t2 asks: up?'),
  ]);
  const seen: Board = { ...firstBoard(null), news: news(await client.plans('demo')) };
  const { command } = keys(seen, '/', ...'over', { name: 'enter' }, 'a');
  expect(command).toEqual({ kind: 'ask', target: target('over') });
  const refused = await questionOf(client, target('over'));
  expect(refused.question).toMatch(/--accept accepts the\s+work as it is/);
  await carryOut(client, { action: 'answer', target: target('over'), input: { ...refused, text: '--accept' } });
  await untilStatus(engine, 'over', 'done');
  const [accepted] = (await client.history('demo', 'over')).filter(({ event }) => event === 'resolve');
  expect(accepted?.origin).toBe('person');
  // A flag of another question is an answer like any other.
  const said = await carryOut(client, {
    action: 'answer',
    target: target('asks'),
    input: { ...second, text: '--accept' },
  });
  expect(said.lines.join()).toContain('done: answer');
  const retried = await carryOut(client, { action: 'retry', target: target('asks', { title: 'asks-w1-t1' }) });
  expect(retried.lines[0]).toMatch(/agent asks-w1-t1|agent_restart/);
  const { lines } = await readPage(client, 'diff', target('over', { task: 'w1-t1' }));
  const text = lines.map((line) => line.text).join('\n');
  expect(text).toContain('a.txt');
  expect(text).not.toMatch(/b\.txt|not shown/);
  writeFileSync(join(repo, 'a.txt'), 'mine');
  const merged = await carryOut(client, { action: 'merge', target: target('over') });
  expect([merged.tone, merged.lines[0]]).toEqual(['bad', expect.stringMatching(/^refused: .*a\.txt/)]);
});

/** Boards that look at a plan that is started, and at a daemon that does not answer for a while. */
async function actFromBoard(made: Awaited<ReturnType<typeof workplace>>): Promise<void> {
  made.write('next.md', '# Next\n\n## Wave 1\n\n### Task 1: It\n\n```sh\necho next > next.txt\n```\n');
  expect((await made.stator(['plan', 'register', 'next.md'])).code).toBe(0);
  const pty = made.board({ columns: 120, rows: 40 });
  await pty.until('● login-w1-t1  working');
  pty.type('gj');
  await pty.until(/│ log of login-w1-t1/);
  await pty.until(/│ .*<b>bold<\/b> end/);
  // What is typed into a slow line comes in one piece.
  pty.type(':go demo/ne\t\r');
  await pty.until(/^demo\/next {2}/m);
  pty.type('\x1b');
  await pty.until(/^needs you/m);
  pty.type('/demo/next\r');
  await pty.until(/^> ○ demo\/next/m);
  // One key ends no plan, also if none of its agents works.
  await made.client().send({ project: 'demo', plan: 'next', type: 'pause' });
  pty.type('x');
  await pty.until(/^cancels next; it can be reopened$/m);
  await pty.until('do it? (y/n)');
  pty.type('y');
  await pty.until('done: cancel; next is cancelled');
  pty.type('i');
  await pty.until('done: reopen; next is');
  await made.client().send({ project: 'demo', plan: 'next', type: 'resume' });
  pty.type('i');
  await until(async () => (await made.client().plan('demo', 'next')).status === 'done');
  pty.type('o');
  await pty.until(/│ diff of demo\/next/);
  await pty.until(/│ \+next/);

  // What was typed is there again if it was not sent: the key before it is still at work, or it is refused.
  pty.type('/');
  await pty.until('filter (Esc: leave it)> ');
  pty.type('\x1b');
  await pty.until(/● login-w1-t1/);
  const daemon = made.owner()?.pid ?? 0;
  process.kill(daemon, 'SIGSTOP');
  pty.type('gj ');
  await pty.until('at it …');
  pty.type('s');
  await pty.until('message (Esc: leave it)> _');
  pty.type('use the key\r');
  await pty.until('the last key is still at work');
  await pty.until('message (Esc: leave it)> use the key_');
  process.kill(daemon, 'SIGCONT');
  await pty.until('done: agent_pause');
  pty.type('\r');
  await pty.until('done: agent_send');
  pty.type(' ');
  await pty.until('done: agent_resume');
  pty.type('/demo/next\r');
  await pty.until(/^> ✓ demo\/next/m);
  pty.type('\r');
  await pty.until(/^> +✓ w1-t1 It/m);
  pty.type('s');
  await pty.until('message (Esc: leave it)> _');
  pty.type('too late\r');
  await pty.until(/^refused: /m);
  await pty.until('message (Esc: leave it)> too late_');
  pty.type('\x1b');
  await pty.until('Esc all plans');
  pty.type('\x1b');
  await pty.until('q quit');
  pty.type('q');
  await pty.until(/^code 0$/m);
}

describe('the board on a terminal of 120x40', () => {
  it('without an engine shows what is stored, changes nothing, and goes on with the engine that comes; the mouse marks and opens', async () => {
    let stop = async () => {};
    const made = await workplace(async (on) => {
      stop = (await startDaemonHere(on)).engine.stop;
    });
    await until(async () => (await made.client().plan('demo', 'bad')).need !== null);
    made.open();
    await stop();
    const pty = made.board({ columns: 120, rows: 40 });
    await pty.until(/: this is the stored state, and nothing can be changed from here\n.*\nneeds you \(/);
    await pty.until(/│ login needs you/);
    const line = pty
      .screen()
      .split('\n')
      .findIndex((row) => row.includes('! demo/bad'));
    const click = `\x1b[<0;6;${line + 1}M\x1b[<0;6;${line + 1}m`;
    pty.type(click);
    await pty.until(/^> ! demo\/bad/m);
    await pty.until(/│ bad needs you/);
    pty.type('r');
    await pty.until('no_daemon: no engine answered the key');
    // What is stored is read like any other state.
    pty.type('h');
    await pty.until('history of demo/bad');
    pty.type('\x1b[<64;6;3M');
    pty.type('q');
    await pty.until(/^> ! demo\/bad/m);
    pty.type(click);
    await pty.until(/^demo\/bad {2}/m);
    await startDaemonHere(made);
    await pty.until(/^demo\/bad {2}/m);
    await until(() => !pty.screen().includes('this is the stored state'));
    pty.type('\x03');
    await pty.ended;
    expectGivenBack(pty, 130);
    expect(pty.written().lastIndexOf('\x1b[?1000l')).toBeGreaterThan(pty.written().lastIndexOf('\x1b[?1000h'));
  });
});

describe('the board on a terminal of 80x24', () => {
  it('opens logs, diff, history and prompt, takes an answer, shows refusals, merges, and gives the terminal back', async () => {
    const made = await workplace();
    const pty = made.board();
    await pty.until(/! demo\/login +question 1 of login-w1-t2: left or/);
    await pty.until('wave 1 of bad failed: task 1');
    await pty.until('● login-w1-t1  working');
    // The third may still be queued.
    expectProse(
      pty
        .screen()
        .split('\n')[0]
        ?.replace(/, \d+ queued$/, '') ?? '',
    );

    // One step of the mark is two rows, and not the screen.
    pty.type('g');
    await pty.until(/^> ! demo\/login/m);
    const before = pty.written().length;
    pty.type('j');
    await pty.until(/^> {5}● login-w1-t1/m);
    expect(pty.written().length - before).toBeLessThan(600);

    pty.type('l');
    await pty.until('log of login-w1-t1');
    await pty.until('<b>bold</b> end');
    // The title is the board's own; for what needs a person already nothing rings.
    const own = '\x1b]0;stator: 2 need you\x1b\\';
    expect(pty.written()).toContain(`\x1b[22;0t${own}`);
    expect(pty.written().replaceAll(own, '')).not.toMatch(/owned|\x1b\]|\u202e|\x07/);
    pty.type('p');
    await pty.until('prompt of the coder of w1-t1 (built-in)');
    pty.type('h');
    await pty.until('history of demo/login');
    await pty.until('wave 1 task 2 asks (question 1): left or right?');
    pty.type('/');
    await pty.until('search (Esc: leave it)> _');
    pty.type('nothing like it\r');
    await pty.until('"nothing like it" is not in it');
    pty.type('q');
    await pty.until(/^needs you \(2\)$/m);

    // Refused, as the verb refuses it.
    pty.type('gr');
    await pty.until(/refused: login is implementing \(wave running\), so its wave\s+cannot\s+be\s+run\s+again/);
    await pty.until('hint: it accepts now: ');
    pty.type('m');
    await pty.until(/refused: login is .* it cannot be\s+merged/);
    // What ends work says first what it ends.
    pty.type('x');
    await pty.until(/^ends \d agents?: .*login-w1-t1 \(coder\)/m);
    await pty.until('do it? (y/n)');
    pty.type('n');
    await pty.until('nothing was done');

    // What has no key of its own is sent by its name.
    pty.type('Gt');
    await pty.until(/^bad takes: .*advance_wave/m);
    // What needs more than its name is not offered.
    expect(pty.screen()).not.toMatch(/needs_decision|raise_budget/);
    pty.type('advance_wave\r');
    await pty.until('done: advance_wave; bad is done');

    pty.type('ga');
    await pty.until('login-w1-t2 asks: left or right?');
    pty.type('go lefd\x7ft');
    await pty.until('answer (Esc: leave it)> go left_');
    pty.resize(50, 12);
    await pty.until(/login-w1-t2 asks: left or right\?\nanswer \(Esc: leave it\)> go left_$/m);
    expect(pty.screen().split('\n').length).toBeLessThanOrEqual(12);
    pty.type('\r');
    await pty.until('done: answer; login is implementing');
    pty.resize(80, 24);
    made.open();
    pty.type('/login\r');
    await pty.until(/✓ demo\/login +done, not merged, 2\/2 tasks/);
    expect(pty.screen()).not.toContain('demo/bad');

    pty.type('gd');
    await pty.until('diff of demo/login');
    await pty.until(/form\.txt +\+1 -0/);
    pty.type('q');
    await pty.until(/> ✓ demo\/login/);
    pty.type('\r');
    await pty.until(/^demo\/login {2}done, not merged · 2\/2 tasks/m);
    await pty.until('w1-t1 The <b>form</b>');
    pty.type('m');
    await pty.until('moves your branch main: plan/login is merged into it, +2 -0 in form.txt, q.txt');
    pty.type('y');
    await pty.until(/login is merged: plan\/login is in main/);
    expect(git(made.repo, 'ls-tree', '--name-only', 'main').split('\n')).toContain('form.txt');
    pty.type('\x1b');
    await pty.until(/^at rest \(1\)$/m);
    pty.type('q');
    await pty.ended;
    expectGivenBack(pty, 0);
    expect(pty.written()).toMatch(/\x1b\]0;\x1b\\\x1b\[23;0t(?!.*\x1b\]0;stator)/s);
  });

  it('shows what an agent may not do unasked, with its deadline, and allows or denies just that', async () => {
    const made = daemonGround('');
    const long = `echo ${'x '.repeat(900)} > one.txt`;
    askingClaude(made, [[long], ['echo two > two.txt']]);
    made.write('p.md', planOf(['true']));
    await startDaemonHere(made);
    expect((await made.stator(['repo', 'add', '.', '--trust'])).code).toBe(0);
    expect((await made.stator(['plan', 'register', 'p.md', '--start'])).code).toBe(0);
    expect((await made.stator(['queue', 'pause'])).code).toBe(0);
    const pty = openPty(process.execPath, [main, 'monitor'], { cwd: made.repo, env: made.env });
    await pty.until(
      /^stator {2}1 need you .*\npaused: the queue; nobody waits for it; go on with: stator queue resume\n/,
    );
    await pty.until(/! demo\/p {2}p-w1-t1 asks whether it may use Bash: /);
    await pty.until(/● p-w1-t1 {2}asks to use Bash, denied in 59m {2}/);

    // From near as well; and its end can be read before it is answered, where it does not fit.
    pty.type('\r');
    await pty.until(/^! p-w1-t1 asks whether it may use Bash: a answers$/m);
    pty.type('a');
    await pty.until(/^denied at \d\d:\d\d:\d\d if nobody answers until then\n\n\| echo x x x/m);
    await pty.until('y allow it once  n deny  w deny with a word  space on  ? keys  Esc later');
    pty.type('G');
    await pty.until(' > one.txt');
    pty.type('w');
    await pty.until('denied, and p-w1-t1 gets the reason, or what it should do instead');
    pty.type('shorter\r');
    await pty.until(/^done: agent_deny; /m);
    await pty.until(/asks to use Bash, denied in 59m {2}echo two/);
    pty.type('a');
    await pty.until('| echo two > two.txt');
    pty.type('y');
    await pty.until(/^done: agent_allow; /m);
    await pty.until(/^demo\/p {2}done/m);
    expect(git(made.repo, 'ls-tree', '--name-only', 'plan/p')).toMatch(/^two\.txt$/m);
    expect((await made.stator(['agent', 'logs', 'p-w1-t1'])).stdout).toContain('denied: shorter');
    pty.type('\x03');
    expect(await pty.ended).toBe(130);
  });

  it('of a daemon shows what the marked agent says and changed, and starts a plan; boards give the terminal back whatever ends them, go on with the next daemon, and are lines where they are not wanted', async () => {
    const made = await workplace(startDaemon);
    await actFromBoard(made);
    const thrower = `--import 'data:text/javascript,process.on("SIGUSR2",()=>{throw new Error("out of the blue")})'`;
    const ctrlC = made.board();
    const failing = made.board({ more: thrower });
    const killed = (['TERM', 'HUP'] as const).map((signal) => ({
      signal,
      pty: made.board({ columns: 60, rows: 10 }),
    }));
    const boards = [ctrlC, failing, ...killed.map(({ pty }) => pty)];
    const shell = (script: string) => openPty('/bin/sh', ['-c', script], { cwd: made.repo, env: made.env });
    const lines = [
      shell(`TERM=dumb node '${main}' monitor --since 1h`),
      openPty(process.execPath, [main, 'monitor', '--lines', '--since', '1h'], { cwd: made.repo, env: made.env }),
    ];
    for (const pty of boards) await pty.until(/^needs you \(2\)$/m);
    for (const pty of lines) await pty.until('demo/bad the wave is over');

    process.kill(made.owner()?.pid ?? Number.NaN, 'SIGKILL');
    for (const pty of [...boards, ...lines]) await pty.until('the engine went away; waiting for the next one');
    ctrlC.type('r');
    await ctrlC.until('no_daemon: no engine answered the key');
    await startDaemonHere(made);
    for (const pty of boards) await pty.until(/^stator .*\nneeds you \(2\)$/m);
    for (const pty of lines) {
      await pty.until('an engine is there again');
      expect(pty.written()).not.toMatch(/\x1b\[\?(?:1049|25)/);
    }

    ctrlC.type('\x03');
    await ctrlC.ended;
    expectGivenBack(ctrlC, 130);
    process.kill(childOf(failing), 'SIGUSR2');
    await failing.ended;
    expect(failing.screen()).toContain('error: a bug: out of the blue');
    expectGivenBack(failing, 70);
    const codes = { TERM: 143, HUP: 129 };
    for (const { signal, pty } of killed) {
      process.kill(childOf(pty), `SIG${signal}`);
      await pty.ended;
      expectGivenBack(pty, codes[signal]);
    }
  });
});
