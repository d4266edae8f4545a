/** Plans with problems and their recovery, one story each. */
import { describe, expect, it } from 'vitest';
import { actorsOf, snapshotOf } from '../../actors/addressee.ts';
import type { SignalType } from '../../machines/vocabulary/signal.ts';
import { plan, repo, type World } from '../support/chaos.ts';
import { settle } from '../support/chaos-moves.ts';
import { begin, exit, finishTask, reply, run, runs, say, titles } from '../support/hands.ts';
import { killAll, policyWith, worldOf, worldsByState } from '../support/plan-states.ts';
import { planText, sha } from '../support/simulation.ts';

function started(start: Parameters<typeof worldOf>[0] = {}): World {
  const world = worldOf({ on: [], ...start });
  world.person('implement_start');
  world.drain();
  return world;
}

function stand(name: string): World {
  const make = worldsByState[name];
  if (make === undefined) throw new Error(`no stand ${name}`);
  return make();
}

function send(world: World, ...args: Parameters<World['person']>): string {
  const { verdict } = world.person(...args);
  world.drain();
  if (verdict.status === 'refused') return verdict.refusal.guard ?? 'refused';
  return verdict.status === 'held' ? 'held' : verdict.result;
}

function attention(world: World): unknown {
  return (world.value() as { attention: string }).attention;
}

const waves = (...numbers: number[]) => planText(numbers);

describe('a question', () => {
  it('holds the words of agents and files, and delivers them in order once a person has answered', () => {
    const world = started({ on: ['reviewer'], content: waves(1) });
    finishTask(world, 'hello-w1-t1');
    const review = begin(world, 'hello-review-1');
    send(world, 'needs_decision', { reason: 'may we ship on Friday?' });
    expect(say(world, review, 'review_changes_requested', { body: 'no tests' })).toBe('held');
    world.post(plan, 'implement_finished', {}, { origin: 'file' });
    world.drain();
    expect(world.held().map((mail) => mail.type)).toEqual(['review_changes_requested', 'implement_finished']);
    expect(send(world, 'resolve', { body: 'no' })).toBe('done');
    expect(world.held()).toEqual([]);
    // The changes come first, then the signal that the fix is finished, which ends the fixer's run.
    expect(world.lifecycle()).toBe('underway.implementing.fixing.working');
    expect(world.context().feedback).toBe('no tests');
    expect(world.open().map((row) => row.effect)).toContainEqual(
      expect.objectContaining({ kind: 'work.commit', message: 'fix round 1 (hello)' }),
    );
  });

  it('has a number; each answer reaches the agent that it is for, and an answer without a number is refused where two ask', () => {
    const world = started({ content: waves(2) });
    const first = begin(world, 'hello-w1-t1');
    const second = begin(world, 'hello-w1-t2');
    expect(say(world, first, 'needs_decision', { reason: 'tabs?' })).toBe('done');
    expect(say(world, second, 'needs_decision', { reason: 'which port?' })).toBe('done');
    expect(world.context().questions).toMatchObject([
      { number: 1, title: 'hello-w1-t1', question: 'tabs?' },
      { number: 2, title: 'hello-w1-t2', question: 'which port?' },
    ]);
    expect(say(world, first, 'implement_task_finished', { wave_number: 1, task_number: 1 })).toBe('stale');
    expect(say(world, first, 'needs_decision', { reason: 'and spaces?' })).toBe('stale');
    exit(world, first, 3);
    expect(send(world, 'resolve', { body: 'yes, 8080' })).toMatch(/stator plan answer hello#1 (.|\n)*hello#2 /);
    expect(send(world, 'answer', { questions: [2], body: '8080' })).toBe('done');
    exit(world, second, 0);
    expect(titles(world)).toEqual(['hello-w1-t2']);
    expect(run(world, 'hello-w1-t2').effect).toMatchObject({ start: 'continue', attempt: 1 });
    const answer = { title: 'hello-w1-t2', question: 'which port?', text: '8080', run: null };
    expect(world.context().words).toMatchObject([answer]);
    expect(send(world, 'answer', { questions: [2], body: '9090' })).toMatch(/question 2 is not open any more/);
    expect(send(world, 'answer', { questions: [1, 7], body: 'no' })).toMatch(/there is no question 7/);
    // The only open question needs no number, but an answer.
    expect(send(world, 'resolve')).toMatch(/waits for an answer/);
    expect(send(world, 'resolve', { body: 'yes' })).toBe('done');
    expect(run(world, 'hello-w1-t1').effect).toMatchObject({ start: 'continue', attempt: 1 });
    expect(world.context().words.at(-1)).toMatchObject({ question: 'tabs?', text: 'yes', run: null });
    expect(attention(world)).toBe('clear');
  });

  it('of a task holds that task alone: the others start, end, are merged and tried again', () => {
    const content = '# P\n\n## Wave 1\n### Task 1: a\n### Task 2: b\n### Task 3: c\n### Task 4: d\n**After:** 1\n';
    const world = started({ content });
    const asker = begin(world, 'hello-w1-t1');
    say(world, asker, 'needs_decision', { reason: 'tabs?' });
    exit(world, asker);
    expect(attention(world)).toBe('asked');
    expect(titles(world)).toEqual(['hello-w1-t2', 'hello-w1-t3']);
    finishTask(world, 'hello-w1-t2');
    exit(world, begin(world, 'hello-w1-t3'), 1);
    for (const timer of [...world.timers]) world.fire(timer);
    world.drain();
    expect(titles(world)).toEqual(['hello-w1-t3']);
    finishTask(world, 'hello-w1-t3');
    // Its wave does not end, and the next one does not begin.
    expect(titles(world)).toEqual([]);
    expect(world.lifecycle()).toBe('underway.implementing.wave.running');
    send(world, 'answer', { questions: [1], body: 'tabs' });
    finishTask(world, 'hello-w1-t1');
    expect(titles(world)).toEqual(['hello-w1-t4']);
  });

  it('holds what would move the plan past it, and no word about the work of another task', () => {
    const world = started({ content: waves(3) });
    const asker = begin(world, 'hello-w1-t1');
    const other = begin(world, 'hello-w1-t2');
    say(world, asker, 'needs_decision', { reason: 'tabs?' });
    const finished = (task_number: number) =>
      world.handle({
        tree: plan,
        type: 'implement_task_finished',
        payload: { wave_number: 1, task_number },
        origin: 'file',
        run: null,
      })?.verdict.status;
    expect(say(world, other, 'implement_finished')).toBe('held');
    expect(say(world, other, 'implement_task_finished', { wave_number: 1, task_number: 2 })).toBe('done');
    expect(finished(3)).toBe('done');
    expect(finished(1)).toBe('held');
  });

  it('goes away with the agent that asked it', () => {
    const world = started({ content: waves(2) });
    const [first, second] = [begin(world, 'hello-w1-t1'), begin(world, 'hello-w1-t2')];
    say(world, first, 'needs_decision', { reason: 'tabs?' });
    exit(world, first);
    say(world, second, 'needs_decision', { reason: 'which port?' });
    send(world, 'agent_kill', { title: 'hello-w1-t1' });
    expect(world.context().questions.map(({ number }) => number)).toEqual([2]);
    send(world, 'implement_task_finished', { wave_number: 1, task_number: 2 });
    expect(world.context().questions).toEqual([]);
    expect(attention(world)).toBe('clear');
  });

  it('is also answered by any step that a person takes', () => {
    const world = started({ rest: { blueprint_skip_threshold: 9 } });
    const coder = begin(world, 'hello-coder');
    say(world, coder, 'needs_decision', { reason: 'tabs?' });
    expect(attention(world)).toBe('blocked');
    expect(send(world, 'implement_finished')).toBe('done');
    expect(attention(world)).toBe('clear');
    exit(world, coder, 143);
    reply(world, 'work.commit', 'work_committed', { head: world.nextSha(), base: sha(0), changed: true });
    expect(world.lifecycle()).toBe('done');
  });

  it('keeps an agent from being started again without the answer', () => {
    const world = started({ content: waves(1) });
    const coder = begin(world, 'hello-w1-t1');
    say(world, coder, 'needs_decision', { reason: 'tabs?' });
    expect(send(world, 'agent_restart', { title: 'hello-w1-t1' })).toMatch(/it asked/);
    exit(world, coder, 0);
    expect(send(world, 'agent_restart', { title: 'hello-w1-t1' })).toBe('refused');
    expect(titles(world)).toEqual([]);
  });
});

describe('a status set by hand', () => {
  it('holds nothing: the next word of an agent or a file goes on and clears it', () => {
    const world = worldOf();
    send(world, 'set_status', { status: 'reviewing' });
    expect(world.context().blocked).toMatchObject({
      source: 'override',
      reason: 'the status was set to reviewing by hand',
    });
    world.post(plan, 'review_changes_requested', { body: 'no tests' }, { origin: 'file' });
    world.drain();
    expect(world.lifecycle()).toBe('underway.implementing.fixing.working');
    expect(attention(world)).toBe('clear');
  });

  it('still needs a person after a question that came later is answered', () => {
    const world = worldOf();
    send(world, 'set_status', { status: 'planning' });
    world.post(plan, 'needs_decision', { reason: 'tabs or spaces?' }, { origin: 'file' });
    world.drain();
    expect(attention(world)).toBe('blocked');
    send(world, 'answer', { questions: [1], body: 'tabs' });
    expect(world.lifecycle()).toBe('planning.stuck');
    expect(attention(world)).toBe('override');
    send(world, 'resolve');
    expect(attention(world)).toBe('clear');
    expect(world.lifecycle()).not.toBe('planning.stuck');
  });

  it('ends what runs, and on resolve only what is not done is done', () => {
    const world = started({ content: waves(2, 1) });
    finishTask(world, 'hello-w1-t1');
    const second = begin(world, 'hello-w1-t2');
    send(world, 'set_status', { status: 'implementing' });
    expect(world.lifecycle()).toBe('underway.implementing.stuck');
    send(world, 'resolve');
    // The old run still lives, so nothing starts beside it.
    expect(world.lifecycle()).toBe('underway.implementing.requesting');
    exit(world, second, 143);
    expect(world.lifecycle()).toBe('underway.implementing.wave.running');
    expect(titles(world)).toEqual(['hello-w1-t2']);
    finishTask(world, 'hello-w1-t2');
    finishTask(world, 'hello-w2-t1');
    expect(world.lifecycle()).toBe('done');
    expect(world.context().results[1]).toMatchObject({
      1: { status: 'done', runs: 1 },
      2: { status: 'done', runs: 2 },
    });
  });
});

describe('waves', () => {
  it('starts a task only after those it names, and tasks that claim one file one after the other', () => {
    const content = `# Order\n\n## Wave 1\n### Task 1: one\n**Files:** a.txt\n### Task 2: two\n**Files:** a.txt, b.txt\n### Task 3: three\n**After:** 1\n### Task 4: four\n`;
    const world = started({ content });
    expect(titles(world)).toEqual(['hello-w1-t1', 'hello-w1-t4']);
    finishTask(world, 'hello-w1-t1');
    expect(titles(world)).toEqual(['hello-w1-t2', 'hello-w1-t3', 'hello-w1-t4']);
  });

  it('runs again on a retry only what is not done, and counts on', () => {
    const world = started({ content: waves(2, 1), rest: { auto_advance: true } });
    finishTask(world, 'hello-w1-t1');
    killAll(world);
    expect(world.lifecycle()).toBe('underway.implementing.wave.waiting');
    expect(world.context().results[1]).toMatchObject({
      1: { status: 'done' },
      2: { status: 'failed', reason: 'killed' },
    });
    send(world, 'retry_wave');
    expect(titles(world)).toEqual(['hello-w1-t2']);
    send(world, 'cancel');
    settle(world);
    expect(world.context().results[1]).toMatchObject({ 1: { status: 'done' } });
  });

  it('goes past a failed wave for good when a person says so', () => {
    const world = started({ content: waves(1, 1) });
    killAll(world);
    send(world, 'advance_wave');
    expect(titles(world)).toEqual(['hello-w2-t1']);
    finishTask(world, 'hello-w2-t1');
    expect(world.lifecycle()).toBe('done');
    expect(world.context().results[1]).toMatchObject({ 1: { status: 'failed' } });
  });

  it('counts the waves before the one that a person starts as done', () => {
    const world = worldOf({ on: ['architect'], content: waves(2, 1, 1) });
    send(world, 'implement_wave', { wave_number: 2 });
    expect(titles(world)).toEqual(['hello-w2-t1']);
    expect(world.context().results[1]).toMatchObject({
      1: { status: 'done', runs: 0 },
      2: { status: 'done', runs: 0 },
    });
    settle(world);
    expect(runs(world).map((row) => row.effect.title)).toEqual(['hello-w2-t1', 'hello-w3-t1']);
    expect(world.lifecycle()).toBe('done');
  });

  it('leads to the tasks that were never done, however often the plan was taken up', () => {
    const world = started({ content: waves(1, 1) });
    finishTask(world, 'hello-w1-t1');
    send(world, 'cancel');
    settle(world);
    send(world, 'reopen');
    expect(world.lifecycle()).toBe('ready.planned');
    send(world, 'implement_start');
    expect(titles(world)).toEqual(['hello-w2-t1']);
  });
});

describe('an edited document', () => {
  const edit = (world: World, content: string) => send(world, 'plan_updated', { content });
  const fixed = (task: number, wave: number) => `what was begun is fixed: task ${task} of wave ${wave} cannot change`;

  it('gives a running wave its added tasks, and changes nothing of what runs or is finished', () => {
    const world = started({ content: waves(2, 1) });
    expect(edit(world, waves(3, 2))).toBe('done');
    expect(titles(world)).toEqual(['hello-w1-t1', 'hello-w1-t2', 'hello-w1-t3']);
    begin(world, 'hello-w1-t1');
    begin(world, 'hello-w1-t2');
    expect(edit(world, waves(1, 2))).toContain(fixed(2, 1));
    expect(edit(world, planText([3, 2], '**Check:** true'))).toContain(fixed(1, 1));
    expect(edit(world, '# nothing\n')).toMatch(/^the document does not parse: line 1: no wave headers found/);
    settle(world);
    expect(world.lifecycle()).toBe('done');
    expect(Object.keys(world.context().results[1] ?? {})).toEqual(['1', '2', '3']);
    expect(edit(world, waves(3, 2, 1))).toBe('what was begun is fixed: no wave can be added any more');
    expect(edit(world, waves(3))).toContain(
      'what is done is fixed: task 1 of wave 2 cannot change ("task 2.1" is missing)',
    );
  });

  it('leaves a task that runs or is done the text that its agent was given, and takes another for what waits', () => {
    const text = (one: string, two: string, later = '') =>
      `# Words\n\n## Wave 1\n### Task 1: one\n${one}\n### Task 2: two\n${two}\n## Wave 2\n### Task 1: later\n${later}`;
    const world = started({ content: text('paint it red', 'paint it blue') });
    const one = begin(world, 'hello-w1-t1');
    expect(edit(world, text('paint it green', 'paint it blue'))).toContain(fixed(1, 1));
    // A later task, or other line ends of the file, do not change a task.
    expect(edit(world, text('paint it red\n\n', 'paint it blue', 'dry it').replaceAll('\n', '\r\n'))).toBe('done');
    exit(world, one);
    reply(world, 'work.commit', 'work_committed', { head: world.nextSha(), base: sha(0), changed: true });
    reply(world, 'work.merge', 'work_merged', { head: world.nextSha() });
    killAll(world);
    expect(world.lifecycle()).toBe('underway.implementing.wave.waiting');
    expect(edit(world, text('paint it green', 'paint it blue'))).toBe(
      'what is done is fixed: task 1 of wave 1 cannot change (the text of "one" changed)',
    );
    expect(edit(world, text('paint it red', 'paint it yellow', 'dry it'))).toBe('done');
    send(world, 'retry_wave');
    expect(titles(world)).toEqual(['hello-w1-t2']);
    begin(world, 'hello-w1-t2');
    expect(edit(world, text('paint it red', 'paint it blue'))).toContain(fixed(2, 1));
  });

  const three = (second: string, third: string) => `# Words\n\n## Wave 1\n### Task 1: one\nfirst\n${second}${third}`;
  const second = (body: string) => `### Task 2: two\n${body}\n`;
  const third = (body: string) => `### Task 3: three\n${body}\n`;

  it('changes a task of the running wave that has not begun: it begins with its new check, files and order', () => {
    const world = started({ content: three(second('paint it blue'), third('**After:** 1')) });
    const first = begin(world, 'hello-w1-t1');
    expect(titles(world)).toEqual(['hello-w1-t1', 'hello-w1-t2']);
    // A queued task waits for another one now, and a waiting one no longer needs to.
    expect(edit(world, three(second('**After:** 3'), third('**Check:** true')))).toBe('done');
    expect(titles(world)).toEqual(['hello-w1-t1', 'hello-w1-t3']);
    exit(world, begin(world, 'hello-w1-t3'));
    reply(world, 'work.commit', 'work_committed', { head: world.nextSha(), base: sha(0), changed: true });
    expect(edit(world, three(second('dry it'), third('**Check:** false')))).toContain(fixed(3, 1));
    reply(world, 'work.check', 'check_passed');
    expect(edit(world, three(second('dry it'), third('**Check:** true')))).toBe('done');
    reply(world, 'work.merge', 'work_merged', { head: world.nextSha() });
    expect(edit(world, three(second('dry it'), third('no check')))).toContain(fixed(3, 1));
    expect(titles(world)).toEqual(['hello-w1-t1', 'hello-w1-t2']);
    begin(world, 'hello-w1-t2');
    expect(edit(world, three(second('paint it blue'), third('**Check:** true')))).toContain(fixed(2, 1));
    exit(world, first);
    settle(world);
    expect(world.lifecycle()).toBe('done');
    expect(world.context().results[1]).toMatchObject({ 1: { runs: 1 }, 2: { runs: 1 }, 3: { runs: 1 } });
  });

  it('takes a task away that has not begun, and gives another one its number', () => {
    const world = started({ content: three(second('paint it'), third('**After:** 2')) });
    begin(world, 'hello-w1-t1');
    expect(edit(world, three('', ''))).toBe('done');
    expect(titles(world)).toEqual(['hello-w1-t1']);
    expect(edit(world, three('### Task 2: another\n', ''))).toBe('done');
    settle(world);
    expect(world.lifecycle()).toBe('done');
    expect(Object.keys(world.context().results[1] ?? {})).toEqual(['1', '2']);
  });

  it('begins a task anew whose slot was taken in the same moment: none of its runs has the old text', () => {
    const world = started({ content: three(second('paint it blue'), '') });
    begin(world, 'hello-w1-t1');
    const taken = run(world, 'hello-w1-t2');
    world.post(plan, 'plan_updated', { content: three(second('paint it red'), '') }, { origin: 'person' });
    world.post(plan, 'run_starting', {}, { run: taken.effect.id });
    world.drain();
    expect(taken.isStopped).toBe(true);
    expect(run(world, 'hello-w1-t2').effect.id).not.toBe(taken.effect.id);
    settle(world);
    expect(world.context().results[1]).toMatchObject({ 2: { status: 'done', runs: 1 } });
  });

  it('does not begin a task that has failed because others are edited', () => {
    const world = started({ content: waves(2) });
    begin(world, 'hello-w1-t1');
    send(world, 'agent_kill', { title: 'hello-w1-t2' });
    expect(edit(world, waves(3))).toBe('done');
    expect(titles(world)).toEqual(['hello-w1-t1', 'hello-w1-t3']);
    expect(edit(world, waves(1))).toContain(fixed(2, 1));
  });

  it('mends a wave that failed before it is tried again', () => {
    const world = started({ content: planText([1], '**Check:** false') });
    killAll(world);
    expect(edit(world, planText([1], '**Check:** true').replace('task 1.1', 'another way'))).toBe('done');
    send(world, 'retry_wave');
    expect(titles(world)).toEqual(['hello-w1-t1']);
    finishCheck(world);
    expect(world.lifecycle()).toBe('done');
  });

  function finishCheck(world: World): void {
    exit(world, begin(world, 'hello-w1-t1'));
    reply(world, 'work.commit', 'work_committed', { head: world.nextSha(), base: sha(0), changed: true });
    reply(world, 'work.check', 'check_passed');
    reply(world, 'work.merge', 'work_merged', { head: world.nextSha() });
  }

  it('cannot give a single coder or a reviewed plan what nobody would do', () => {
    const single = stand('underway.implementing.single.working');
    const full = 'what was begun is fixed: wave 2 takes no more tasks';
    expect(edit(single, waves(2, 2))).toBe(full);
    expect(edit(stand('underway.reviewing.working'), waves(2, 2))).toBe(full);
    expect(edit(single, `${waves(2, 1)}\nA word more.\n`)).toContain(fixed(1, 2));
    expect(edit(single, waves(2, 1).replace('**Goal:** something', '**Goal:** something better'))).toBe('done');
  });

  it('takes a plan that waits for another out of its wait', () => {
    const world = stand('underway.implementing.requesting');
    expect(edit(world, waves(2, 1))).toBe('done');
    expect(world.lifecycle()).toBe('underway.implementing.architecting.working');
  });
});

describe('review rounds', () => {
  it('stop at the limit with the last feedback, and resolve grants one more', () => {
    const world = started({ on: ['reviewer'], rest: { max_review_fix_cycles: 1 }, content: waves(1) });
    finishTask(world, 'hello-w1-t1');
    const round = (n: number) => {
      const review = begin(world, `hello-review-${n}`);
      say(world, review, 'review_changes_requested', { body: `round ${n}` });
      exit(world, review, 0);
    };
    const fix = (n: number) => {
      exit(world, begin(world, `hello-fix-${n}`));
      reply(world, 'work.commit', 'work_committed', { head: world.nextSha(), base: sha(0), changed: true });
    };
    round(1);
    expect(attention(world)).toBe('clear');
    fix(1);
    round(2);
    expect(world.lifecycle()).toBe('underway.implementing.fixing.stuck');
    expect(world.context().blocked).toMatchObject({
      source: 'cycle_limit',
      reason: expect.stringContaining('round 2'),
    });
    send(world, 'resolve');
    expect(titles(world)).toEqual(['hello-fix-2']);
    expect(run(world, 'hello-fix-2').effect.feedback).toBe('round 2');
    fix(2);
    round(3);
    expect(world.context().blocked).toMatchObject({
      source: 'cycle_limit',
      reason: expect.stringContaining('round 3'),
    });
  });

  it('end where the fixer changed nothing and the same is asked for again; a person’s own request starts it', () => {
    const world = started({ on: ['reviewer'], rest: { max_review_fix_cycles: 9 }, content: waves(1) });
    finishTask(world, 'hello-w1-t1');
    const judge = (n: number) => {
      const review = begin(world, `hello-review-${n}`);
      say(world, review, 'review_changes_requested', { body: `round ${n}` });
      exit(world, review, 0);
    };
    const fixNothing = (n: number) => {
      exit(world, begin(world, `hello-fix-${n}`));
      const head = world.context().head;
      reply(world, 'work.commit', 'work_committed', { head, base: head, changed: false });
    };
    judge(1);
    fixNothing(1);
    judge(2);
    expect(world.context().blocked).toMatchObject({
      source: 'cycle_limit',
      reason: expect.stringMatching(/the fixer changed nothing.*\nround 2/),
    });
    send(world, 'resolve');
    fixNothing(2);
    send(world, 'review_changes_requested', { body: 'mine' });
    expect(world.context().blocked).toBe(null);
    expect(titles(world)).toContain('hello-fix-3');
  });

  it('wait for a person where fixing is not automatic', () => {
    const world = stand('underway.implementing.fixing.stuck');
    expect(world.context().blocked).toMatchObject({ source: 'review', reason: expect.stringContaining('no tests') });
    send(world, 'resolve');
    expect(titles(world)).toEqual(['hello-fix-1']);
  });

  it('give the next agent what a person says to it, beside what the review asked for', () => {
    const world = stand('underway.implementing.fixing.stuck');
    send(world, 'resolve', { body: 'leave the old tests alone\n' });
    expect(run(world, 'hello-fix-1').effect.feedback).toBe('no tests\n\nA person says: leave the old tests alone');
    const silent = stand('underway.implementing.fixing.stuck');
    send(silent, 'resolve', { body: '  ' });
    expect(run(silent, 'hello-fix-1').effect.feedback).toBe('no tests');
    for (const from of ['planning', 'implementing.architecting', 'implementing.single', 'reviewing', 'verifying']) {
      const failed = stand(from === 'planning' ? 'planning.working' : `underway.${from}.working`);
      killAll(failed);
      send(failed, 'resolve', { body: 'use port 8080' });
      const [row] = failed.open();
      expect(row?.effect).toMatchObject({ kind: 'agent.run', feedback: 'A person says: use port 8080' });
    }
  });

  it('keep what a person says whole where the feedback is long, and cut it at the limit', () => {
    const world = worldOf({ rest: { auto_review_fix: false } });
    send(world, 'set_status', { status: 'reviewing' });
    send(world, 'review_changes_requested', { body: 'x'.repeat(40_000) });
    send(world, 'resolve', { body: 'the last one only' });
    const feedback = world.context().feedback ?? '';
    expect(feedback).toHaveLength(32_768);
    expect(feedback.endsWith('x\n\nA person says: the last one only')).toBe(true);
    killAll(world);
    send(world, 'resolve', { body: 'y'.repeat(40_000) });
    expect(world.context().feedback).toHaveLength(32_768);
  });

  it('end a reviewer that said nothing after its attempts, and a person starts it again', () => {
    const world = stand('underway.reviewing.working');
    for (let n = 0; n < 3; n += 1) {
      exit(world, begin(world, 'hello-review-1'));
      for (const timer of [...world.timers]) world.fire(timer);
      world.drain();
    }
    expect(world.context().blocked).toMatchObject({ source: 'no_verdict' });
    send(world, 'resolve');
    expect(titles(world)).toEqual(['hello-review-2']);
  });
});

describe('flags', () => {
  it('auto_advance starts implementing after a planner, and not where none is', () => {
    const on = stand('planning.working');
    send(on, 'planner_finished');
    expect(on.lifecycle()).toMatch(/^underway/);
    const off = worldOf({ on: ['planner'], rest: { auto_advance: false } });
    send(off, 'plan_start');
    send(off, 'planner_finished');
    expect(off.lifecycle()).toBe('ready.planned');
    const skipped = worldOf({ on: [] });
    send(skipped, 'plan_start');
    expect(skipped.lifecycle()).toBe('ready.planned');
  });

  it('auto_readiness_review leaves the verifier out where it is off', () => {
    const world = worldOf({ rest: { auto_readiness_review: false } });
    send(world, 'set_status', { status: 'reviewing' });
    send(world, 'review_approved');
    expect(world.lifecycle()).toBe('done');
    expect(world.context().timestamps).toMatchObject({ done_at: expect.any(Number) });
    expect(world.context().timestamps.verifying_at).toBe(undefined);
    expect(world.context().verifiedSha).toBe(null);
  });

  it('blueprint_skip_threshold gives a plan of so many tasks to one coder, and no more', () => {
    expect(titles(started({ rest: { blueprint_skip_threshold: 3 } }))).toEqual(['hello-coder']);
    expect(titles(started({ rest: { blueprint_skip_threshold: 2 } }))).toEqual(['hello-w1-t1', 'hello-w1-t2']);
  });

  it('come into force with the next signal, as a line of the journal', () => {
    const world = started({ content: waves(1, 1) });
    world.setPolicy(policyWith([], { auto_advance_waves: false }));
    finishTask(world, 'hello-w1-t1');
    expect(world.lifecycle()).toBe('underway.implementing.wave.waiting');
    world.checkReplay();
  });
});

describe('a new beginning', () => {
  it('archives the old branch before anything is done anew, and tries that again when a person resolves it', () => {
    const world = started({ content: waves(1) });
    finishTask(world, 'hello-w1-t1');
    send(world, 'reimplement');
    expect(world.lifecycle()).toBe('underway.implementing.requesting');
    expect(titles(world)).toEqual([]);
    reply(world, 'branch.archive', 'effect_failed', { detail: 'the ref is locked' });
    expect(world.context().blocked).toMatchObject({
      source: 'failed',
      reason: expect.stringContaining('the ref is locked'),
    });
    send(world, 'resolve');
    expect(attention(world)).toBe('clear');
    reply(world, 'branch.archive', 'branch_archived', { head: sha(77) });
    expect(world.context()).toMatchObject({ head: sha(77), pass: 1, results: {} });
    expect(titles(world)).toEqual(['hello-w1-t1']);
  });

  it('start_over plans anew first', () => {
    const world = worldOf();
    send(world, 'mark_done');
    send(world, 'start_over');
    expect(world.lifecycle()).toBe('planning.working');
    expect(world.open().map((row) => row.effect.kind)).toEqual(['branch.archive', 'agent.run']);
  });

  it('ignores what an earlier wave still reports', () => {
    const world = started({ content: waves(1) });
    const old = begin(world, 'hello-w1-t1');
    send(world, 'set_status', { status: 'done' });
    send(world, 'reimplement');
    // The branch is not changed while an agent works on it.
    expect(world.open().some((row) => row.effect.kind === 'branch.archive')).toBe(false);
    exit(world, old, 143);
    reply(world, 'branch.archive', 'branch_archived', { head: sha(77) });
    expect(world.context().results).toEqual({});
    expect(titles(world)).toEqual(['hello-w1-t1']);
  });
});

describe('verification', () => {
  function verifying(speaksByExit: boolean): World {
    const policy = policyWith(['verifier'], {});
    const roles = { ...policy.roles, verifier: { ...policy.roles.verifier, speaksByExit } };
    const world = started({ content: waves(1) });
    world.setPolicy({ ...policy, roles });
    finishTask(world, 'hello-w1-t1');
    expect(world.lifecycle()).toBe('underway.verifying.working');
    return world;
  }

  it('is about the commit at which the run began, where the agent names none', () => {
    const world = verifying(false);
    const row = begin(world, 'hello-verify-1');
    const head = world.nextSha();
    world.post(plan, 'head_moved', { head });
    world.drain();
    expect(say(world, row, 'verify_approved')).toBe('refused');
    expect(say(world, row, 'verify_approved', { reviewed_sha: head })).toBe('done');
    expect(world.context().verifiedSha).toBe(head);
    expect(world.lifecycle()).toBe('done');
  });

  it('by exit code is tried again where the branch has moved meanwhile', () => {
    const world = verifying(true);
    const row = begin(world, 'hello-verify-1');
    world.post(plan, 'head_moved', { head: world.nextSha() });
    exit(world, row, 0);
    expect(world.lifecycle()).toBe('underway.verifying.working');
    for (const timer of [...world.timers]) world.fire(timer);
    world.drain();
    expect(run(world, 'hello-verify-1').effect).toMatchObject({ attempt: 2, previous: { reason: 'no-verdict' } });
    exit(world, begin(world, 'hello-verify-1'), 0);
    expect(world.lifecycle()).toBe('done');
    expect(world.context().verifiedSha).toBe(world.context().head);
  });

  it('is begun again when the branch of a verified plan moves, once', () => {
    const world = verifying(false);
    send(world, 'verify_approved');
    const head = world.nextSha();
    world.post(plan, 'verification_stale', { head: world.context().verifiedSha });
    world.drain();
    expect(world.lifecycle()).toBe('done');
    world.post(plan, 'verification_stale', { head });
    world.post(plan, 'verification_stale', { head });
    world.drain();
    expect(world.lifecycle()).toBe('underway.verifying.working');
    expect(world.context()).toMatchObject({ head, verifiedSha: null });
  });

  it('has nothing to go stale in a plan that nobody verified', () => {
    const world = worldOf();
    send(world, 'mark_done');
    world.post(plan, 'verification_stale', { head: sha(5) });
    world.drain();
    expect(world.lifecycle()).toBe('done');
  });
});

describe('the head of a plan’s branch', () => {
  it('moves by merges and by the commits of its one coder, and never by a task that failed', () => {
    const world = started({ content: waves(2) });
    finishTask(world, 'hello-w1-t1');
    const merged = world.rows.size > 0 ? sha(2) : null;
    for (let n = 0; n < 3; n += 1) {
      exit(world, begin(world, 'hello-w1-t2'));
      reply(world, 'work.commit', 'work_committed', { head: world.nextSha(), base: sha(0), changed: true });
      reply(world, 'work.merge', 'work_conflicted', { files: ['a.txt'] });
      for (const timer of [...world.timers]) world.fire(timer);
      world.drain();
    }
    expect(world.lifecycle()).toBe('underway.implementing.wave.waiting');
    expect(world.context().head).toBe(merged);
    expect(world.context().results[1]?.[2]).toMatchObject({ status: 'failed', reason: 'conflict', runs: 3 });
  });

  it('is where the one coder’s commit left it', () => {
    const world = started({ rest: { blueprint_skip_threshold: 9 } });
    exit(world, begin(world, 'hello-coder'));
    reply(world, 'work.commit', 'work_committed', { head: sha(42), base: sha(0), changed: true });
    expect(world.context()).toMatchObject({ head: sha(42) });
    expect(world.lifecycle()).toBe('done');
  });
});

describe('a pause', () => {
  it('stops what runs without spending an attempt, takes back what waits for a slot, and goes on afterwards', () => {
    const world = started({ content: waves(2) });
    const first = begin(world, 'hello-w1-t1');
    send(world, 'pause');
    expect(first.isStopped).toBe(true);
    exit(world, first, 143);
    expect(world.mayStart()).toBe(false);
    send(world, 'resume');
    expect(titles(world)).toEqual(['hello-w1-t1', 'hello-w1-t2']);
    expect(run(world, 'hello-w1-t1').effect.attempt).toBe(1);
  });

  it('is as a person wants it where an engine that leaves stops what runs, and no attempt is spent', () => {
    const world = started({ content: waves(1) });
    const row = begin(world, 'hello-w1-t1');
    const leave = () => {
      world.post(plan, 'agents_requeued', {});
      world.drain();
    };
    leave();
    expect(row.isStopped).toBe(true);
    expect(world.mayStart()).toBe(true);
    exit(world, row, 143);
    expect(run(world, 'hello-w1-t1').effect.attempt).toBe(1);
    send(world, 'pause', { wait: true });
    leave();
    expect(world.mayStart()).toBe(false);
  });

  it('with wait lets runs end, until a person pauses without', () => {
    const world = started({ content: waves(1) });
    const row = begin(world, 'hello-w1-t1');
    expect(send(world, 'pause', { wait: true })).toBe('done');
    expect(row.isStopped).toBe(false);
    expect(send(world, 'pause', { wait: true })).toBe('already');
    expect(send(world, 'pause')).toBe('done');
    expect(row.isStopped).toBe(true);
  });

  it('does not keep a reviewer alive whose verdict came while it was being stopped', () => {
    const world = stand('underway.reviewing.working');
    const review = begin(world, 'hello-review-1');
    send(world, 'pause');
    expect(say(world, review, 'review_approved')).toBe('done');
    expect(world.lifecycle()).toBe('underway.verifying.working');
    exit(world, review, 143);
    expect(titles(world)).toEqual(['hello-verify-1']);
  });

  it('of one agent freezes and thaws it as often as a person likes, and moves its deadline', () => {
    const world = started({ content: waves(1) });
    begin(world, 'hello-w1-t1');
    for (let n = 0; n < 2; n += 1) {
      expect(send(world, 'agent_pause', { title: 'hello-w1-t1' })).toBe('done');
      expect(send(world, 'agent_resume', { title: 'hello-w1-t1' })).toBe('done');
    }
    const kinds = [...world.rows.values()].map((row) => row.effect.kind);
    expect(kinds.filter((kind) => kind === 'agent.freeze' || kind === 'agent.thaw')).toHaveLength(4);
    const stale = world.timers[0];
    if (stale !== undefined) world.fire(stale);
    world.drain();
    expect(run(world, 'hello-w1-t1').isStopped).toBe(false);
  });
});

describe('a check', () => {
  it('that runs is stopped when its task is no longer wanted, and goes on over a pause', () => {
    const world = started({ content: planText([1], '**Check:** true') });
    exit(world, begin(world, 'hello-w1-t1'));
    reply(world, 'work.commit', 'work_committed', { head: world.nextSha(), base: sha(0), changed: true });
    const [check] = world.open();
    if (check?.effect.kind !== 'work.check') throw new Error('no check is asked for');
    check.state = 'running';
    send(world, 'pause');
    expect(check.isStopped).toBe(false);
    send(world, 'cancel');
    expect(check.isStopped).toBe(true);
    expect(world.lifecycle()).toBe('cancelled.ended');
    world.report(check, 'check_failed', { detail: 'it is no longer wanted' });
    const late = world.inbox.pop();
    if (late !== undefined) expect(world.handle(late)?.verdict).toEqual({ status: 'done', result: 'stale' });
    send(world, 'reopen');
    expect(world.lifecycle()).toBe('ready.planned');
  });

  it('that waits for its turn is taken back', () => {
    const world = started({ content: planText([1], '**Check:** true') });
    exit(world, begin(world, 'hello-w1-t1'));
    reply(world, 'work.commit', 'work_committed', { head: world.nextSha(), base: sha(0), changed: true });
    send(world, 'cancel');
    expect(world.open()).toEqual([]);
    expect(world.lifecycle()).toBe('cancelled.ended');
  });
});

describe('the worktree of a plan that is over', () => {
  const removals = (world: World) =>
    [...world.rows.values()].flatMap(({ effect }) => (effect.kind === 'worktree.remove' ? [effect.place] : []));
  const fireAll = (world: World) => {
    for (const timer of [...world.timers]) world.fire(timer);
    world.drain();
  };

  it('goes once when its time has come, done or cancelled', () => {
    for (const word of ['mark_done', 'cancel'] as const) {
      const world = worldOf({ rest: { cleanup_age_ms: 5_000 } });
      const at = world.now() + 1;
      send(world, word);
      expect(world.timers).toMatchObject([{ dueAt: at + 5_000 }]);
      expect(removals(world)).toEqual([]);
      fireAll(world);
      expect(removals(world)).toEqual([{ branch: 'plan/hello', from: 'plan/hello' }]);
      expect(world.timers).toEqual([]);
      expect(world.lifecycle()).toBe(word === 'cancel' ? 'cancelled.ended' : 'done');
      world.checkReplay();
    }
  });

  it('stays where the plan was taken up again meanwhile, and waits anew once it is over again', () => {
    const world = worldOf({ on: ['planner'], rest: { cleanup_age_ms: 5_000 } });
    send(world, 'cancel');
    send(world, 'reopen');
    const [stale] = world.timers;
    if (stale === undefined) throw new Error('no timer is asked for');
    world.fire(stale);
    const late = world.inbox.pop();
    if (late !== undefined) expect(world.handle(late)?.verdict).toEqual({ status: 'done', result: 'stale' });
    expect(removals(world)).toEqual([]);
    killAll(world);
    send(world, 'cancel');
    fireAll(world);
    expect(removals(world)).toHaveLength(1);
  });
});

describe('the right to implement', () => {
  it('is not taken from an answer to an earlier request', () => {
    const world = worldOf({ on: [] });
    world.person('implement_start');
    world.person('cancel');
    world.person('reopen');
    world.person('implement_start');
    const [first] = world.inbox.splice(0, 1);
    expect(first).toMatchObject({ type: 'implement_requested', payload: { request: 1 } });
    world.post(plan, 'implement_granted', { request: 1 });
    const granted = world.inbox.pop();
    if (granted !== undefined) expect(world.handle(granted)?.verdict).toEqual({ status: 'done', result: 'stale' });
    expect(world.context().granted).toBe(false);
    world.drain();
    expect(world.context().granted).toBe(true);
    world.checkGrant();
  });

  it('is given to plans of one topic one at a time, to the higher priority first, and not while a person paused the repo', () => {
    const world = worldOf();
    const ask = (name: string, priority: number) =>
      world.post(repo, 'implement_requested', { plan: name, topic: 'ui', after: [], priority, request: 1 });
    world.post(repo, 'repo_paused', {}, { origin: 'person' });
    for (const [name, priority] of [
      ['a', 0],
      ['b', 5],
      ['c', 0],
    ] as const)
      ask(name, priority);
    world.post(repo, 'repo_degraded', { reason: 'the folder is gone' });
    world.post(repo, 'repo_recovered');
    world.drain();
    const books = () => snapshotOf(world.root(repo));
    expect(books().value).toBe('paused');
    expect(books().context.granted).toEqual({});
    world.post(repo, 'repo_resumed', {}, { origin: 'person' });
    world.drain();
    expect(Object.keys(books().context.granted)).toEqual(['b']);
    world.post(repo, 'implement_released', { plan: 'b' });
    world.drain();
    expect(Object.keys(books().context.granted)).toEqual(['a']);
  });
});

describe('a transition that its sender made before the signal', () => {
  it('is done where the status is there already, and changes nothing', () => {
    const world = stand('planning.working');
    const before = titles(world);
    expect(send(world, 'plan_start', { fsm_applied: true })).toBe('already');
    expect(titles(world)).toEqual(before);
    expect(send(world, 'review_approved', { fsm_applied: true })).toBe('refused');
  });
});

describe('an agent', () => {
  it('whose run could not even be tried has failed an attempt', () => {
    const world = started({ content: waves(1) });
    world.report(run(world, 'hello-w1-t1'), 'effect_failed', { detail: 'no space left' });
    world.drain();
    for (const timer of [...world.timers]) world.fire(timer);
    world.drain();
    expect(run(world, 'hello-w1-t1').effect).toMatchObject({
      attempt: 2,
      previous: { reason: 'start-failed', detail: 'no space left' },
    });
  });

  it('whose time is up when it has exited already is judged by its exit code', () => {
    const late = (code: number, cause: 'exit' | 'stopped') => {
      const world = started({ content: waves(1) });
      const row = begin(world, 'hello-w1-t1');
      for (const timer of [...world.timers]) world.fire(timer);
      world.drain();
      expect(row.isStopped).toBe(true);
      world.report(row, 'run_exited', { code, cause, detail: '' });
      world.drain();
      for (const timer of [...world.timers]) world.fire(timer);
      world.drain();
      return world;
    };
    expect(late(0, 'exit').open()).toMatchObject([{ effect: { kind: 'work.commit', aside: false } }]);
    expect(run(late(7, 'exit'), 'hello-w1-t1').effect.previous).toMatchObject({ reason: 'exit-code' });
    expect(run(late(0, 'stopped'), 'hello-w1-t1').effect.previous).toMatchObject({ reason: 'timeout' });
  });

  it('may not say what another role is there to say, and leaves the plan where it is', () => {
    const world = started({ on: ['reviewer'], content: waves(1) });
    const coder = begin(world, 'hello-w1-t1');
    const word = (type: SignalType, payload: object = {}) => {
      const origin = `agent:${coder.effect.title}` as const;
      const verdict = world.handle({ tree: plan, type, payload, origin, run: coder.effect.id })?.verdict;
      return verdict?.status === 'refused' ? verdict.refusal.guard : verdict?.status;
    };
    for (const type of ['review_approved', 'verify_failed', 'planner_finished', 'elaborator_finished'] as const)
      expect(word(type)).toBe('not from a coder');
    expect(word('plan_updated', { content: waves(2) })).toBe('not from a coder');
    send(world, 'needs_decision', { reason: 'who pays?' });
    // A signal that would be refused later is not held.
    expect(word('review_approved')).toBe('not from a coder');
    expect(word('implement_task_finished', { wave_number: 1, task_number: 1 })).toBe('held');
    expect(word('needs_decision', { reason: 'tabs?' })).toBe('done');
  });

  it('may not say that the task of another is finished, whose work would end in the middle of it', () => {
    const world = started({ content: waves(2) });
    const [first, second] = [begin(world, 'hello-w1-t1'), begin(world, 'hello-w1-t2')];
    const other = { wave_number: 1, task_number: 2 };
    expect(say(world, first, 'implement_task_finished', other)).toBe('refused');
    expect(second.isStopped).toBe(false);
    expect(say(world, second, 'implement_task_finished', other)).toBe('done');
  });

  it('moves the plan at once as a coordinator, and as a worker when its run has ended; both get 30 s to exit by themselves', () => {
    const world = started({ on: ['reviewer'], content: waves(1), rest: { blueprint_skip_threshold: 9 } });
    const speak = (title: string, type: SignalType) => {
      const row = begin(world, title);
      const origin = `agent:${title}` as const;
      const step = world.handle({ tree: plan, type, payload: {}, origin, run: row.effect.id });
      expect(step?.requests.stops).toEqual([{ run: row.effect.id, stopAt: world.now() + 30_000 }]);
      world.drain();
      return row;
    };
    const coder = speak('hello-coder', 'implement_finished');
    expect(world.lifecycle()).toBe('underway.implementing.single.working');
    // The run was stopped at its end, which counts as exit code 0: its work is committed.
    exit(world, coder, 143);
    reply(world, 'work.commit', 'work_committed', { head: world.nextSha(), base: sha(0), changed: true });
    expect(world.lifecycle()).toBe('underway.reviewing.working');
    expect(world.context().results).toMatchObject({ 1: { 1: { status: 'done', runs: 1, reason: null } } });
    const reviewer = speak('hello-review-1', 'review_approved');
    expect(world.lifecycle()).toBe('done');
    expect(Object.values(world.context().liveChildren)).toEqual(['reviewer']);
    exit(world, reviewer, 143);
    expect(world.context().liveChildren).toEqual({});
  });

  it('says that its task is finished while it times out, and is believed', () => {
    const world = started({ content: waves(1) });
    const row = begin(world, 'hello-w1-t1');
    for (const timer of [...world.timers]) world.fire(timer);
    world.drain();
    expect(row.isStopped).toBe(true);
    expect(say(world, row, 'implement_task_finished', { wave_number: 1, task_number: 1 })).toBe('done');
    exit(world, row, 143);
    expect(world.open().map((one) => one.effect.kind)).toEqual(['work.commit']);
    expect(say(world, row, 'implement_task_finished', { wave_number: 1, task_number: 1 })).toBe('already');
  });

  it('that is started again is the one that a title means, not the one that is being ended', () => {
    const world = stand('planning.working');
    begin(world, 'hello-plan');
    send(world, 'plan_start');
    const planners = [...actorsOf(world.root(plan))].filter((actor) => snapshotOf(actor).machine.id === 'agent');
    expect(planners).toHaveLength(2);
    expect(send(world, 'agent_kill', { title: 'hello-plan' })).toBe('done');
    expect(world.context().blocked).toMatchObject({ source: 'failed' });
  });
});
