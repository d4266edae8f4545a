/** Small texts and words that every surface shows in the same way. */
import { describe, expect, it } from 'vitest';
import { accountStateText, accountText, percentOf } from '../../machines/vocabulary/account-text.ts';
import { actText } from '../../machines/vocabulary/act-text.ts';
import { blockSources, blockText } from '../../machines/vocabulary/block-source.ts';
import { reasons } from '../../machines/vocabulary/effect.ts';
import { isSameTask, isSameWork, isYes, type TaskOutline } from '../../machines/vocabulary/family.ts';
import {
  budgetDetails,
  hookEvents,
  isNotifiedEvent,
  isUsualEvent,
  lifecycleEvents,
  machineEventOf,
  needEvents,
  noticeEvents,
} from '../../machines/vocabulary/hook-event.ts';
import { isHostName } from '../../machines/vocabulary/host-name.ts';
import { keys, typedBytes } from '../../machines/vocabulary/keys.ts';
import { landingOf, landingText, restartsText } from '../../machines/vocabulary/landing.ts';
import { mergeLines } from '../../machines/vocabulary/merge-text.ts';
import { noteProblem } from '../../machines/vocabulary/note.ts';
import { notificationTypes } from '../../machines/vocabulary/notification.ts';
import { counted, sumOfKnown } from '../../machines/vocabulary/numbers.ts';
import { cutWithNote, toolInputText } from '../../machines/vocabulary/permission-text.ts';
import { forgeMergeText, noPull } from '../../machines/vocabulary/plan-pull.ts';
import { isDraft } from '../../machines/vocabulary/plan-status.ts';
import { logCommand, reasonText } from '../../machines/vocabulary/reason-text.ts';
import { isFailure, isFinal, isLive, runStates } from '../../machines/vocabulary/run-state.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import { publicSignalTypes } from '../../machines/vocabulary/signal.ts';
import { slips } from '../../machines/vocabulary/slips.ts';

describe('an account', () => {
  const left = [
    { span: 'five_hour', percent: 80, until: 'noon' },
    { span: 'seven_day', percent: 40, until: 'Monday' },
    { span: 'seven_day_opus', percent: 3, until: 'Tuesday' },
    { span: 'month', percent: 50, until: 'May' },
    { span: 'last_seven_day', percent: 51, until: 'June' },
  ];
  it('says what is left of each of its limits', () => {
    expect(accountText({ account: 'a', until: null, used_percent: null, left })).toBe(
      'account a has 80% of its five hours left until noon; 40% of its week left until Monday; 3% of its week for opus left until Tuesday; 50% of its limit left until May; 51% of its limit left until June',
    );
    expect(accountText({ account: 'a', until: 'noon', used_percent: 90, left: left.slice(0, 1) })).toBe(
      'account a has used 90% of its limit, and the rest is its reserve until noon; 80% of its five hours left until noon',
    );
    expect(accountStateText('a', null)).toBe('account a is rate limited');
    expect([percentOf(null), percentOf(0.126), percentOf(1)]).toEqual([null, 13, 100]);
  });
});

describe('what a person did', () => {
  it('has a text for each signal that a person may send, and its name for one of a machine of your own', () => {
    for (const type of publicSignalTypes) expect(actText(type)).toMatch(/^[a-z]+( [a-z]+)*$/);
    expect([actText('cancel'), actText('approve_release'), actText('toString')]).toEqual([
      'cancelled',
      'approve release',
      'toString',
    ]);
    const texts = publicSignalTypes.map(actText);
    expect(new Set(texts).size).toBe(texts.length);
    expect([actText('plan_start'), actText('machine_started')]).toEqual(['started planning', 'started']);
  });
});

it('each block and each reason has a text of its own', () => {
  for (const texts of [blockSources.map(blockText), reasons.map(reasonText)]) {
    expect(new Set(texts).size).toBe(texts.length);
    for (const text of texts) expect(text).toMatch(/^[a-z]+( [a-z,]+)+$/);
  }
  expect(logCommand('login-w1-t1', 'exit-code')).toBe('stator agent logs login-w1-t1');
  expect(logCommand('login w1', null)).toBe("stator agent logs 'login w1'");
  expect(logCommand('login-w1-t1', 'check-failed')).toBe('stator agent logs login-w1-t1 --check');
});

it('a word of a command is quoted where a shell would read something else', () => {
  for (const word of ['a', 'a/b.md', 'x@y', '--a=b', '1,2:3+4%']) expect(shellWord(word)).toBe(word);
  const quoted = { '': "''", 'a b': "'a b'", "it's": "'it'\\''s'", $a: "'$a'", 'a;': "'a;'", ';a': "';a'" };
  for (const [word, text] of Object.entries(quoted)) expect(shellWord(word)).toBe(text);
});

it('a host has a name of letters and digits', () => {
  for (const name of ['a', 'A1', 'build-3.local_x', 'x'.repeat(63)])
    expect([name, isHostName(name)]).toEqual([name, true]);
  for (const name of ['', '-a', '.a', '_a', 'a b', ' a', 'x'.repeat(64)])
    expect([name, isHostName(name)]).toEqual([name, false]);
});

it('a count has its noun in the plural but for one, and a sum is that of what is known', () => {
  expect([counted(0, 'task'), counted(1, 'task'), counted(3, 'task')]).toEqual(['0 tasks', '1 task', '3 tasks']);
  expect([sumOfKnown([]), sumOfKnown([null]), sumOfKnown([1, null, 2]), sumOfKnown([0])]).toEqual([null, null, 3, 0]);
});

describe('an event of a hook', () => {
  it('of a machine has the name of the machine and a public state', () => {
    expect(machineEventOf('release.works well.now')).toEqual({ machine: 'release', tag: 'works well.now' });
    for (const event of ['', '.works', 'release', 'release.', 'release. ', 'plan.works', `release.${'x'.repeat(101)}`])
      expect([event, machineEventOf(event)]).toEqual([event, null]);
    expect(machineEventOf(`release.${'x'.repeat(100)}`)).not.toBe(null);
  });

  it('is one of the table or of a machine; notices and those of machines come only to a hook that names them', () => {
    expect([
      isNotifiedEvent('cancel'),
      isNotifiedEvent('release.works'),
      isNotifiedEvent('x'),
      isNotifiedEvent(7),
    ]).toEqual([...[true, true, false, false]]);
    expect(hookEvents.filter((event) => !isUsualEvent(event))).toEqual([...noticeEvents]);
    expect(isUsualEvent('release.works')).toBe(false);
    expect(new Set(hookEvents).size).toBe(hookEvents.length);
    expect(hookEvents).toEqual(expect.arrayContaining([...lifecycleEvents, 'run_failed', 'forge_down', 'pr_created']));
    for (const event of hookEvents) expect(event).toMatch(/^[a-z]+(_[a-z]+)*$/);
    for (const event of [...noticeEvents, ...needEvents]) expect(notificationTypes).toContain(event);
    for (const type of notificationTypes) expect(type).toMatch(/^[a-z]+(_[a-z]+)+$/);
  });

  it('of a budget has its limit', () => {
    const use = { scope: 'plan', measure: 'usd', limit: 5, spent: 4, title: 'x' } as const;
    expect(budgetDetails(use)).toEqual({
      ...{ budget_scope: 'plan', budget_measure: 'usd', budget_limit: 5, budget_spent: 4 },
    });
  });
});

describe('where the work of a done plan is', () => {
  const merged = { at: 10, head: 'h', into: 'main', tip: 't' };
  const merge = { work: null, into: null, refused: null, merged };
  const request = { number: 7, url: '', server: '', head: '', pass: 2, cycles: 0, failing: {} };
  const pull = { ...noPull, request };
  const of = (plan: object, ...tags: string[]) =>
    landingOf({ head: null, pass: 2, timestamps: {}, ...plan }, new Set(tags));
  it('follows from its merges, its pull request and its line', () => {
    const found = [of({}), of({ merge: null, pull: null }), of({ merge, timestamps: { done_at: 11 } })];
    expect(found).toEqual(['not_merged', 'not_merged', 'not_merged']);
    expect([of({ merge }), of({ merge, timestamps: { done_at: 10 } })]).toEqual(['merged', 'merged']);
    expect(of({ merge, timestamps: { done_at: 11 } }, 'merge:in_line')).toBe('in_line');
    expect(of({ pull }, 'pull:merged')).toBe('merged');
    expect([of({ pull, pass: 3 }, 'pull:merged'), of({ pull: noPull }, 'pull:merged')]).toEqual([
      'not_merged',
      'not_merged',
    ]);
    expect(of({ pull }, 'pull:open')).toBe('pull_request_open');
    expect(of({ pull }, 'pull:open', 'merge:in_line')).toBe('in_line');
  });

  it('says into which branch it was merged, with the notes about that', () => {
    expect(mergeLines({ head: 'a'.repeat(40), into: 'main' })).toEqual(['into main, aaaaaaaaaaaa']);
    expect(mergeLines({ head: 'abc', into: 'main', note: 'one\ntwo' })).toEqual(['into main, abc', 'one', 'two']);
  });

  it('is written behind one plan or a number of plans', () => {
    expect(landingText('pull_request_open')).toBe('pull request open');
    expect(landingText('pull_request_open', 1)).toBe('pull request open');
    expect(landingText('pull_request_open', 2)).toBe('with an open pull request');
    expect(landingText('not_merged', 2)).toBe('not merged');
    expect(restartsText(1)).toMatch(/^begun anew 1 time, /);
    const states = ['asked', 'scheduled', 'watched', 'refused'] as const;
    const texts = states.map((state) => forgeMergeText({ state, detail: 'not green' }));
    expect(texts[3]).toBe('not merged: not green');
    expect(new Set(texts).size).toBe(4);
  });
});

it('a note is one line of visible text', () => {
  for (const text of ['use tabs', ' use tabs\n', 'x'.repeat(500), 'é 🙂'])
    expect([text, noteProblem(text)]).toEqual([text, null]);
  expect(noteProblem(' \n')).toBe('it is empty');
  expect(noteProblem('x'.repeat(501))).toBe('it has 501 characters');
  for (const text of ['a\nb', 'a\rb']) expect(noteProblem(text)).toBe('it has more than one line');
  for (const text of ['a\u0007b', 'a\u200bb', 'a\u2028b', 'a\u2029b', 'a\ud800b'])
    expect(noteProblem(text)).toBe('it holds an invisible character');
});

it('a run is live while it has a process, or waits without having ended', () => {
  const ended = (state: string, ended_at: number | null) => isLive({ state, ended_at });
  expect(runStates.filter((state) => ended(state, null))).toEqual([
    'starting',
    'running',
    'waiting',
    'paused',
    'stopping',
  ]);
  expect(runStates.filter((state) => ended(state, 5))).toEqual(['starting', 'running', 'paused', 'stopping']);
  expect(runStates.filter((state) => isFinal({ state }))).toEqual(['succeeded', 'failed', 'cancelled']);
  expect(runStates.filter((state) => isFailure({ state, reason: 'timeout' }))).toEqual(['failed']);
  expect([null, 'needs_decision'].map((reason) => isFailure({ state: 'failed', reason }))).toEqual([false, false]);
});

it('a plan is a draft while nothing has begun and it has no waves', () => {
  expect(isDraft({ status: 'ready', phase: null })).toBe(true);
  expect(isDraft({ status: 'ready', phase: 'planned' })).toBe(false);
  expect(isDraft({ status: 'done', phase: null })).toBe(false);
});

it('an answer is a bare yes, whatever its case', () => {
  for (const answer of ['y', 'yes', ' YES! ', 'Yes.']) expect([answer, isYes(answer)]).toEqual([answer, true]);
  for (const answer of ['', 'ye', 'yes, but', 'no yes', 'yes!!', 'oh y'])
    expect([answer, isYes(answer)]).toEqual([answer, false]);
});

it('a task is the same by its title, and its work by its text', () => {
  const task: TaskOutline = { number: 1, title: 'a', hasCheck: false, after: [], files: [], digest: 'x' };
  expect([isSameTask(task, undefined), isSameWork(task, undefined)]).toEqual([false, false]);
  expect([isSameTask(task, { ...task, title: 'b' }), isSameWork(task, { ...task, title: 'b' })]).toEqual([
    false,
    false,
  ]);
  expect([isSameTask(task, { ...task, digest: 'y' }), isSameWork(task, { ...task, digest: 'y' })]).toEqual([
    true,
    false,
  ]);
  expect(isSameWork(task, { ...task, number: 2 })).toBe(true);
});

it.each([
  ['wave', 'wave', 0],
  ['', '', 0],
  ['wve', 'wave', 1],
  ['waave', 'wave', 1],
  ['wafe', 'wave', 1],
  ['waev', 'wave', 1],
  ['awve', 'wave', 1],
  ['aw', 'wa', 1],
  ['wv', 'wave', 2],
  ['evaw', 'wave', 3],
  ['', 'ab', 2],
  ['', 'abc', 3],
  ['abcdef', 'wave', 3],
  ['plan', 'wave', 3],
])('from %j to %j there are %i slips, at most 3', (word, other, count) => {
  expect([slips(word, other), slips(other, word)]).toEqual([count, count]);
});

it('a key and a line of text are the bytes that a terminal sends', () => {
  expect(keys.map((key) => typedBytes({ key }))).toEqual([
    ...['\r', '\t', '\x1b', '\x7f', '\x1b[A', '\x1b[B', '\x1b[C', '\x1b[D', '\x03', '\x04', '\x0c', '\x15'],
  ]);
  expect(typedBytes({ text: 'two\nlines' })).toBe('two\rlines\r');
});

it('what an agent asks to use is a command as it is typed, or JSON, and a cut never leaves half of a character', () => {
  expect(toolInputText({ command: 'ls' })).toBe('ls');
  expect(toolInputText({ command: 'ls', cwd: '/' })).toBe('ls\n{"cwd":"/"}');
  expect(toolInputText({ path: 'a' })).toBe('{\n  "path": "a"\n}');
  expect(cutWithNote('x😀', 3)).toBe('x😀');
  expect(cutWithNote('x😀y', 2)).toBe('x\ufffd\n… and 2 more characters, which are not shown');
});
