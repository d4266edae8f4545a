/** What a plan's root reads off what it remembers: its need of people, its waves, its results, and which edits of its document are refused. */
import { describe, expect, it } from 'vitest';
import {
  advances,
  afterEnd,
  allDone,
  approvalOf,
  attentionOf,
  budgetOf,
  claimedFiles,
  documentFacts,
  doneWork,
  editObstacle,
  hasOpenTask,
  isFinished,
  isLeftBehind,
  isSession,
  isSmall,
  keptResults,
  needOf,
  nextWave,
  onlyDone,
  type PlanContext,
  type Question,
  questionName,
  selfFixLines,
  timeOf,
  waveNumberOf,
  waveOf,
  withMarked,
  withOwnWork,
  withoutWork,
  withResults,
} from '../../machines/plan/context.ts';
import { markedResult, type TaskResult } from '../../machines/vocabulary/family.ts';
import { defaultPolicy } from '../../machines/vocabulary/policy.ts';

const done = (commit?: string): TaskResult => ({
  ...{ status: 'done', runs: 1, reason: null, detail: '', run: 'x#1' },
  ...(commit === undefined ? {} : { commit }),
});
const failed: TaskResult = { status: 'failed', runs: 3, reason: 'exit-code', detail: 'no', run: 'x#3' };

/** A document with these waves, each a list of tasks with their bodies. */
function text(waves: readonly (readonly string[])[]): string {
  const tasks = (wave: readonly string[]) => wave.map((task, index) => `### Task ${index + 1}: ${task}\n`).join('\n');
  return `# Plan\n\n${waves.map((wave, index) => `## Wave ${index + 1}\n\n${tasks(wave)}`).join('\n')}`;
}

/** A plan with that document. Every other part has the value that it has before a plan begins, as far as these functions read it. */
function plan(waves: readonly (readonly string[])[], more: Partial<PlanContext> = {}): PlanContext {
  const begun = {
    ...{ plan: 'hello', policy: defaultPolicy, liveChildren: {}, activeChildId: null, wave: 0, wantedWave: null },
    ...{ passed: 0, results: {}, questions: [], blocked: null, head: 'head', archivePending: false, advance: null },
    ...{ reviewedSha: null, verifiedSha: null, at: 1 },
  };
  return { ...documentFacts(text(waves)), ...begun, ...more } as PlanContext; // all that the functions read
}

const two = [['one', 'two'], ['three']];

describe('the facts of a document', () => {
  it('are its tasks, with what machines must know of them', () => {
    const { waves, isParsed, problem } = documentFacts(
      text([['one\n\n**Check:** true\n**Files:** a.ts\n**Agent:** strong\n\nText', '[x] two\n\n**After:** 1']]),
    );
    expect({ isParsed, problem }).toEqual({ isParsed: true, problem: null });
    const [one, second] = waves[0]?.tasks ?? [];
    expect(one).toMatchObject({ number: 1, title: 'one', hasCheck: true, after: [], files: ['a.ts'], agent: 'strong' });
    expect(one).not.toHaveProperty('isDone');
    expect(second).toMatchObject({ number: 2, hasCheck: false, after: [1] });
    expect(second).not.toHaveProperty('agent');
  });

  it('name the first problem with its line, and no wave, where it does not parse', () => {
    const facts = documentFacts('# Plan\n\n## Wave 1\n\n### Task 1: a\n\n### Task 1: b\n');
    expect(facts).toMatchObject({ isParsed: false, waves: [] });
    expect(facts.problem).toMatch(/^line \d+: ./);
  });

  it('know a task’s text by its digest: blank space around it and the kind of line ends do not count', () => {
    const digest = (content: string) => documentFacts(content).waves[0]?.tasks[0]?.digest;
    const plain = text([['one\n\nfirst\nsecond']]);
    expect(digest(`${plain}\n\n\n`)).toBe(digest(plain));
    expect(digest(plain.replaceAll('\n', '\r\n'))).toBe(digest(plain));
    expect(digest(text([['one\n\nfirst\nthird']]))).not.toBe(digest(plain));
  });

  it('name a host only if the document has one', () => {
    expect(documentFacts(text([['one']]))).not.toHaveProperty('host');
    expect(documentFacts(text([['one']]).replace('\n\n', '\n\n**Host:** big\n\n'))).toMatchObject({ host: 'big' });
  });
});

describe('the need of people', () => {
  const question = (number: number, more: Partial<Question> = {}): Question => ({
    ...{ number, title: 'hello-w1-t1', childId: 'wave-1.1', run: 'x#1', question: 'tabs?', at: 5 },
    ...more,
  });
  const block = (source: 'failed' | 'override' | 'budget', at = 3) => ({ reason: 'it failed', source, at });
  const attention = (more: Partial<PlanContext>) =>
    attentionOf(plan(two, { liveChildren: { 'wave-1.1': 'wave' }, ...more }));

  it('depends on what waits: the plan, some of its tasks, or nothing', () => {
    expect(attention({})).toBe('clear');
    expect(attention({ blocked: block('failed') })).toBe('blocked');
    expect(attention({ blocked: block('failed'), questions: [question(1)] })).toBe('blocked');
    expect(attention({ blocked: block('override') })).toBe('override');
    expect(attention({ questions: [question(1)] })).toBe('asked');
    expect(attention({ blocked: block('override'), questions: [question(1)] })).toBe('asked');
    expect(attention({ questions: [question(1), question(2, { childId: null })] })).toBe('blocked');
    expect(attention({ questions: [question(1, { childId: 'reviewer-1' })] })).toBe('blocked');
  });

  it('has every reason, and each question with its number and its agent', () => {
    expect(needOf({ blocked: null, questions: [] })).toBeNull();
    expect(needOf({ blocked: block('failed'), questions: [] })).toEqual(block('failed'));
    expect(needOf({ blocked: null, questions: [question(2), question(3, { title: null, at: 9 })] })).toEqual({
      ...{ reason: 'question 2 of hello-w1-t1: tabs?\n\nquestion 3: tabs?', source: 'agent', at: 5 },
    });
    expect(needOf({ blocked: block('failed'), questions: [question(2)] })).toEqual({
      ...{ reason: 'it failed\n\nquestion 2 of hello-w1-t1: tabs?', source: 'failed', at: 3 },
    });
    expect(needOf({ blocked: block('override', 8), questions: [question(2)] })).toMatchObject({
      source: 'agent',
      at: 5,
    });
    const budget = { measure: 'usd' } as never;
    expect(needOf({ blocked: { ...block('budget'), budget }, questions: [question(2)] })).toMatchObject({ budget });
    expect(questionName({ number: 4, title: null })).toBe('question 4');
  });
});

describe('approvals and budgets', () => {
  it('a verification says more than a review', () => {
    expect(approvalOf({ verifiedSha: null, reviewedSha: null })).toBeNull();
    expect(approvalOf({ verifiedSha: null, reviewedSha: 'r' })).toEqual({ sha: 'r', by: 'reviewer' });
    expect(approvalOf({ verifiedSha: 'v', reviewedSha: 'r' })).toEqual({ sha: 'v', by: 'verifier' });
  });

  it('the lines of a verification’s own fixes are counted over all its attempts', () => {
    expect(selfFixLines({ selfFix: { a: 3, b: 4 } })).toBe(7);
    expect(selfFixLines({})).toBe(0);
  });

  it('a plan without a budget has none, and none is raised', () => {
    expect(budgetOf({})).toEqual({ document: null, raised: { plan: {}, attempt: {}, day: {}, on: null } });
    const raised = { plan: { usd: 5 }, attempt: {}, day: {}, on: null };
    expect(budgetOf({ budget: { usd: 1 }, raised })).toEqual({ document: { usd: 1 }, raised });
  });

  it('files are claimed where plans wait for each other’s files', () => {
    const waves = plan([['one\n\n**Files:** a.ts', 'two\n\n**Files:** b.ts']]).waves;
    expect(claimedFiles({ policy: { ...defaultPolicy, overlap: 'serial' }, waves })).toEqual(['a.ts', 'b.ts']);
    expect(claimedFiles({ policy: { ...defaultPolicy, overlap: 'wave' }, waves })).toBeUndefined();
  });
});

describe('the next wave', () => {
  it('is the first with a task that is not done', () => {
    expect(nextWave(plan(two))).toBe(1);
    expect(nextWave(plan(two, { results: { 1: { 1: done(), 2: failed } } }))).toBe(1);
    expect(nextWave(plan(two, { results: { 1: { 1: done(), 2: done() } } }))).toBe(2);
    expect(nextWave(plan(two, { results: { 1: { 1: done(), 2: done() }, 2: { 1: done() } } }))).toBeNull();
  });

  it('is after those that a person went past, or the one that a person asked for', () => {
    expect(nextWave(plan(two, { passed: 1 }))).toBe(2);
    expect(nextWave(plan(two, { passed: 2 }))).toBeNull();
    expect(nextWave(plan(two, { passed: 2, wantedWave: 1 }))).toBe(1);
  });

  it('is found by its number', () => {
    expect(waveOf(plan(two), 2)?.tasks).toHaveLength(1);
    expect(waveOf(plan(two), 3)).toBeUndefined();
    expect(
      isFinished(plan(two, { results: { 2: { 1: done() } } }), { number: 2, tasks: plan(two).waves[1]?.tasks ?? [] }),
    ).toBe(true);
    expect([waveNumberOf('wave-12.3'), waveNumberOf('fixer-2'), waveNumberOf('x-wave-1.1')]).toEqual([12, 0, 0]);
  });
});

describe('the end of a child', () => {
  const output = { at: 9, outcome: 'succeeded', run: 'x#1', runs: 1, reason: null, detail: '' } as const;
  const asked = { number: 1, title: null, childId: 'fixer-1', run: null, question: '', at: 1 };
  const context = plan(two, {
    ...{ liveChildren: { 'fixer-1': 'fixer', 'wave-1.1': 'wave' }, activeChildId: 'fixer-1' },
    questions: [asked, { ...asked, number: 2, childId: 'wave-1.1' }],
  });

  it('takes its questions and its place, and moves the branch if it did', () => {
    expect(afterEnd(context, { actorId: 'fixer-1', output: { ...output, head: 'new' } })).toEqual({
      ...{ liveChildren: { 'wave-1.1': 'wave' }, activeChildId: null, head: 'new', results: {}, at: 9 },
      questions: [{ ...asked, number: 2, childId: 'wave-1.1' }],
    });
    expect(afterEnd(context, { actorId: 'fixer-1', output })).toMatchObject({ head: 'head' });
    expect(afterEnd(context, { actorId: 'fixer-1', output: { ...output, head: null } })).toMatchObject({
      head: 'head',
    });
  });

  it('adds the results of a wave', () => {
    const ended = { at: 9, outcome: 'ended', head: 'new', results: { 1: done() } } as const;
    expect(afterEnd(context, { actorId: 'wave-1.1', output: ended })).toMatchObject({
      ...{ activeChildId: 'fixer-1', head: 'new', results: { 1: { 1: done() } } },
    });
  });

  it('of an earlier start changes neither branch nor results', () => {
    const ended = { at: 9, outcome: 'ended', head: 'new', results: { 1: done() } } as const;
    expect(afterEnd(context, { actorId: 'wave-1.0', output: ended })).toMatchObject({ head: 'head', results: {} });
    const over = { ...context, archivePending: true };
    expect(afterEnd(over, { actorId: 'wave-1.1', output: ended })).toMatchObject({ head: 'head', results: {} });
  });
});

describe('the results of a wave', () => {
  it('keep what is done, whatever comes later; a result counts more than a mark', () => {
    const context = plan(two, {
      results: { 1: { 1: done('a'), 2: failed, 3: markedResult, 4: markedResult }, 2: { 1: done() } },
    });
    const found = { 1: failed, 2: done('b'), 3: failed };
    expect(withResults(context, 1, found)).toEqual({
      ...{ 1: { 1: done('a'), 2: done('b'), 3: failed, 4: markedResult }, 2: { 1: done() } },
    });
    expect(withResults(plan(two), 1, found)).toEqual({ 1: found });
    expect(onlyDone({ 1: done(), 2: failed })).toEqual({ 1: done() });
    expect(onlyDone(undefined)).toEqual({});
  });

  it('know the work that is on the branch, and forget what was removed on purpose', () => {
    const own = { title: 'hello-fix-1', run: 'y#1', commit: 'c' };
    const context = plan(two, {
      results: { 1: { 1: done('a'), 2: { ...failed, commit: 'x' } }, 2: { 1: done() } },
      ownWork: [own],
    });
    const first = { title: 'hello-w1-t1', run: 'x#1', commit: 'a' };
    expect(doneWork(context)).toEqual([first, own]);
    expect(doneWork({ plan: 'hello', results: {} })).toEqual([]);
    expect(withoutWork(context, [first])).toStrictEqual({
      ...{ results: { 1: { 1: done(), 2: { ...failed, commit: 'x' } }, 2: { 1: done() } }, ownWork: [own] },
    });
    expect(withoutWork(context, [own])).toEqual({ results: context.results, ownWork: [] });
    expect(withoutWork({ results: {} }, [own])).toEqual({ results: {}, ownWork: [] });
  });

  it('of an agent of the plan replace its earlier work; two hundred are stored', () => {
    const work = (round: number, commit = `c${round}`) => ({ title: `hello-fix-${round}`, run: null, commit });
    expect(withOwnWork({}, work(1))).toEqual([work(1)]);
    expect(withOwnWork({ ownWork: [work(1), work(2)] }, work(1, 'new'))).toEqual([work(2), work(1, 'new')]);
    const many = Array.from({ length: 200 }, (_, index) => work(index));
    expect(withOwnWork({ ownWork: many }, work(200))).toEqual([...many.slice(1), work(200)]);
  });

  it('say which tasks a person went past', () => {
    const results = { 1: { 1: done(), 2: failed }, 2: { 1: markedResult } };
    const behind = (wave: number, task: number) => isLeftBehind({ results }, wave, task);
    expect([behind(1, 1), behind(1, 2), behind(1, 3), behind(2, 2), behind(3, 1)]).toEqual([
      false,
      true,
      true,
      false,
      false,
    ]);
  });

  it('of one coder, or of a person who went on, are those of every task', () => {
    const how = { runs: 1, run: 'x#1', detail: 'one coder', reason: null };
    const each = { status: 'done', ...how };
    expect(allDone(plan(two).waves, how)).toEqual({ 1: { 1: each, 2: each }, 2: { 1: each } });
  });
});

describe('tasks that the document marks as done', () => {
  const marked = [['[x] one', 'two'], ['[x] three']];

  it('count as done, where they have no result of their own', () => {
    const { waves } = plan(marked);
    expect(waves.map(({ tasks }) => tasks.map(({ isDone }) => isDone ?? false))).toEqual([[true, false], [true]]);
    expect(withMarked(waves, {})).toEqual({ 1: { 1: markedResult }, 2: { 1: markedResult } });
    expect(withMarked(waves, { 1: { 1: done(), 2: failed }, 2: { 1: failed } })).toEqual({
      ...{ 1: { 1: done(), 2: failed }, 2: { 1: markedResult } },
    });
  });

  it('leave nothing to start where all are', () => {
    expect(hasOpenTask(plan(marked))).toBe(true);
    expect(hasOpenTask(plan([['[x] one']]))).toBe(false);
  });
});

describe('whether a plan', () => {
  it('is small enough for one coder: its open tasks are counted, before its first wave', () => {
    const small = (waves: readonly (readonly string[])[], more: Partial<PlanContext> = {}) =>
      isSmall(plan(waves, { policy: { ...defaultPolicy, blueprint_skip_threshold: 2 }, ...more }));
    expect([small([['one', 'two']]), small(two), small([['[x] one', 'two'], ['three']])]).toEqual([true, false, true]);
    expect(small([['[x] one']])).toBe(false);
    expect([small([['one']], { wave: 1 }), small([['one']], { wantedWave: 1 })]).toEqual([false, false]);
    expect(small(two, { session: { folder: 'issue-1' } })).toBe(true);
    expect([isSession({ session: null }), isSession({}), isSession({ session: { folder: 'a' } })]).toEqual([
      false,
      false,
      true,
    ]);
  });

  it('is carried out by itself: a person says so, or its policy', () => {
    const policy = (auto_advance: boolean) => ({ ...defaultPolicy, auto_advance });
    expect(advances({ advance: null, policy: policy(true) })).toBe(true);
    expect(advances({ advance: null, policy: policy(false) })).toBe(false);
    expect(advances({ advance: false, policy: policy(true) })).toBe(false);
    expect(advances({ advance: true, policy: policy(false) })).toBe(true);
  });

  it('knows when something happened', () => {
    expect(timeOf({ at: 1 }, { type: 'x', at: 7 })).toBe(7);
    expect(timeOf({ at: 1 }, { type: 'x', output: { at: 8 } })).toBe(8);
    expect(timeOf({ at: 1 }, { type: 'x' })).toBe(1);
  });
});

describe('an edited document', () => {
  const edit = (
    context: PlanContext,
    waves: readonly (readonly string[])[],
    stage: 'open' | 'running' | 'over',
    notBegun?: number[],
  ) => editObstacle(context, { content: text(waves), ...(notBegun === undefined ? {} : { notBegun }) }, stage);
  const changed = [['one', 'other'], ['three']];

  it('must parse', () => {
    expect(editObstacle(plan(two), { content: '## Wave 1\n' }, 'open')).toMatch(
      /^the document does not parse: line \d+/,
    );
  });

  it('may change all that is not done, while nothing runs', () => {
    expect(edit(plan(two), changed, 'open')).toBeNull();
    expect(edit(plan(two), [], 'open')).toMatch(/^the document does not parse/);
    const context = plan(two, { wave: 1, results: { 1: { 1: done(), 2: failed } } });
    expect(edit(context, changed, 'open')).toBeNull();
    expect(edit(context, [['other', 'two'], ['three']], 'open')).toBe(
      'what is done is fixed: task 1 of wave 1 cannot change ("one" is now "other")',
    );
    expect(edit(context, [['one\n\nmore', 'two'], ['three']], 'open')).toMatch('task 1 of wave 1');
    expect(edit(context, [['one', 'two', 'new'], ['three'], ['four']], 'open')).toBeNull();
  });

  it('may change a task that its document only marked as done', () => {
    const context = plan([['[x] one']], { results: { 1: { 1: markedResult } } });
    expect(
      edit({ ...context, results: { 1: { 1: { ...markedResult, status: 'failed' } } } }, [['other']], 'open'),
    ).toBeNull();
    expect(edit(context, [['other']], 'open')).toBe(
      'what was begun is fixed: task 1 of wave 1 cannot change ("one" is now "other")',
    );
  });

  it('fixes what has begun, while a wave runs', () => {
    const context = plan(two, { wave: 1 });
    expect(edit(context, changed, 'running')).toBe(
      'what was begun is fixed: task 2 of wave 1 cannot change ("two" is now "other")',
    );
    expect(edit(context, changed, 'running', [2])).toBeNull();
    expect(edit(context, [['one', 'two'], ['other']], 'running')).toBeNull();
    expect(edit(context, [['one', 'two', 'new'], ['three']], 'running')).toBeNull();
    expect(edit(context, [['one'], ['three']], 'running')).toMatch('task 2 of wave 1');
  });

  it('adds nothing to a wave that is finished, or that a person went past', () => {
    const added = [['one', 'two', 'new'], ['three']];
    const obstacle = 'what was begun is fixed: wave 1 takes no more tasks';
    expect(edit(plan(two, { results: { 1: { 1: done(), 2: done() } } }), added, 'open')).toBe(obstacle);
    expect(edit(plan(two, { passed: 1 }), added, 'open')).toBe(obstacle);
    expect(edit(plan(two, { passed: 1 }), changed, 'open')).toMatch('task 2 of wave 1');
    expect(
      edit(
        plan(two, { passed: 1 }),
        [
          ['one', 'two'],
          ['other', 'new'],
        ],
        'open',
      ),
    ).toBeNull();
  });

  it('changes and adds nothing once the work is over', () => {
    expect(edit(plan(two), two, 'over')).toBeNull();
    expect(edit(plan(two), changed, 'over')).toMatch('task 2 of wave 1');
    expect(edit(plan(two), [...two, ['four']], 'over')).toBe('what was begun is fixed: no wave can be added any more');
    expect(
      edit(
        plan(two),
        [
          ['one', 'two'],
          ['three', 'four'],
        ],
        'over',
      ),
    ).toMatch('wave 2 takes no more tasks');
  });

  it('keeps the results of tasks with the same number and title, and takes marks from the new text', () => {
    const results = { 1: { 1: done('a'), 2: failed, 3: done('gone') }, 2: { 1: markedResult }, 9: { 1: done() } };
    const context = plan([['one', 'two', 'gone'], ['[x] three']], { results });
    const { waves } = plan([
      ['one\n\nmore text', 'other'],
      ['three', '[x] four'],
    ]);
    expect(keptResults(context, waves)).toEqual({ 1: { 1: done('a') }, 2: { 2: markedResult } });
    expect(keptResults(context, context.waves)).toEqual({ 1: results[1], 2: results[2] });
  });
});
