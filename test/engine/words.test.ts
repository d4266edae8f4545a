/** An accepted message is kept by its plan until a run has it, whatever becomes of its agent. If no agent can get it any more, people are notified. */
import { describe, expect, it } from 'vitest';
import { snapshotOf } from '../../actors/addressee.ts';
import { messagesFor } from '../../machines/vocabulary/agent-message.ts';
import { plan, type World } from '../support/chaos.ts';
import { begin, exit, finishTask, run, say, titles } from '../support/hands.ts';
import { worldOf } from '../support/plan-states.ts';
import { planText } from '../support/simulation.ts';

const title = 'hello-w1-t1';

function started(start: Parameters<typeof worldOf>[0] = {}): World {
  const world = worldOf({ on: [], content: planText([1]), ...start });
  send(world, 'implement_start');
  return world;
}

function send(world: World, ...[type, payload]: Parameters<World['person']>): string {
  const { verdict } = world.person(type, payload);
  world.drain();
  return verdict.status === 'done' ? verdict.result : verdict.status;
}

/** The messages that a run with a new conversation would get. */
function messagesTo(world: World, to = title): readonly string[] {
  return messagesFor(world.context().words, { title: to, isResumed: false }).messages;
}

/** The messages that a run that continues its conversation would get. */
function news(world: World, to = title): readonly string[] {
  return messagesFor(world.context().words, { title: to, isResumed: true }).messages;
}

/** The texts that people were notified of as not delivered, and why. */
function refused(world: World): string[] {
  return world
    .inputsOf(plan)
    .filter(({ type }) => type === 'word_refused')
    .map(({ payload }) => payload as { text: string; why: string })
    .map(({ text, why }) => `${text}: ${why}`);
}

function end(world: World, to = title, code = 143): void {
  world.report(run(world, to), 'run_exited', { code, cause: 'stopped', detail: '' });
  world.drain();
}

describe('a message that no run has had', () => {
  it('is there after its agent was ended and the wave is tried again', () => {
    const world = started();
    const first = begin(world, title);
    send(world, 'agent_send', { title, body: 'use tabs' });
    send(world, 'agent_kill', { title });
    exit(world, first, 143);
    send(world, 'retry_wave');
    expect(news(world)).toEqual(['use tabs']);
  });

  it('is told to the next reviewer, whose title counts on', () => {
    const world = started({ on: ['reviewer'] });
    finishTask(world, title);
    begin(world, 'hello-review-1');
    send(world, 'agent_send', { title: 'hello-review-1', body: 'mind the tests' });
    send(world, 'set_status', { status: 'reviewing', reason: 'by hand' });
    end(world, 'hello-review-1');
    send(world, 'resolve');
    expect(titles(world)).toEqual(['hello-review-2']);
    expect(news(world, 'hello-review-2')).toEqual(['mind the tests']);
  });

  it('is kept for a new start, which gets no message twice', () => {
    const world = started();
    const first = begin(world, title);
    send(world, 'agent_send', { title, body: 'use tabs' });
    exit(world, first);
    begin(world, title);
    send(world, 'agent_send', { title, body: 'and no spaces' });
    expect(messagesTo(world)).toEqual(['use tabs', 'and no spaces']);
    send(world, 'set_status', { status: 'implementing', reason: 'by hand' });
    end(world);
    expect(messagesTo(world)).toEqual(['use tabs', 'and no spaces']);
    expect(news(world)).toEqual(['and no spaces']);
  });

  it('waits again where its run could not be started, or its program was never there', () => {
    const world = started();
    send(world, 'agent_send', { title, body: 'use tabs' });
    const first = begin(world, title);
    expect(news(world)).toEqual([]);
    world.report(first, 'run_exited', { code: null, cause: 'start-failed', detail: 'no walls' });
    world.drain();
    expect(news(world)).toEqual(['use tabs']);
  });

  it('that came while the prompt was written is delivered in the next turn', () => {
    const world = started();
    const row = run(world, title);
    row.state = 'running';
    send(world, 'agent_send', { title, body: 'in time' });
    send(world, 'agent_send', { title, body: 'too late' });
    world.post(plan, 'run_starting', {}, { run: row.effect.id });
    world.post(plan, 'run_started', { base: 'a'.repeat(40), words: [1] }, { run: row.effect.id });
    world.drain();
    expect(news(world)).toEqual(['too late']);
    exit(world, row);
    expect(run(world, title).effect).toMatchObject({ start: 'continue', attempt: 1 });
  });
});

describe('an answer that no run has had', () => {
  it('is delivered with its question after a cancel and a reopen', () => {
    const world = started();
    const first = begin(world, title);
    say(world, first, 'needs_decision', { reason: 'which port?' });
    exit(world, first);
    send(world, 'pause');
    expect(send(world, 'resolve', { body: '99' })).toBe('done');
    send(world, 'cancel');
    for (const { effect } of world.open()) if (effect.kind === 'agent.run') end(world);
    send(world, 'reopen');
    send(world, 'implement_start');
    const { question, answer } = messagesFor(world.context().words, { title, isResumed: true });
    expect({ question, answer }).toEqual({ question: 'which port?', answer: '99' });
  });
});

describe('a line that was typed', () => {
  function typed(): { world: World; row: ReturnType<typeof run> } {
    const world = started();
    const row = run(world, title);
    row.state = 'running';
    world.post(plan, 'run_starting', {}, { run: row.effect.id });
    world.post(plan, 'run_started', { base: 'a'.repeat(40), takes_input: 'messages' }, { run: row.effect.id });
    world.drain();
    expect(send(world, 'agent_type', { title, text: 'read this' })).toBe('done');
    expect(send(world, 'agent_type', { title, text: 'and this' })).toBe('done');
    expect(news(world)).toEqual([]);
    return { world, row };
  }

  it('and not read is for the next turn, of the lines that were read none', () => {
    const { world, row } = typed();
    world.report(row, 'run_exited', { code: 0, cause: 'exit', detail: '', lines_read: [1] });
    world.drain();
    expect(news(world)).toEqual(['and this']);
    expect(run(world, title).effect).toMatchObject({ start: 'continue', attempt: 1 });
  });

  it('to a run that vanished is delivered again, as nobody knows whether it was read', () => {
    const { world, row } = typed();
    world.report(row, 'run_lost', { detail: '' });
    world.drain();
    expect(news(world)).toEqual(['read this', 'and this']);
  });

  it('to an agent that is cancelled meanwhile waits for its successor', () => {
    const { world, row } = typed();
    send(world, 'cancel');
    world.report(row, 'run_exited', { code: 143, cause: 'stopped', detail: '', lines_read: [1] });
    world.drain();
    send(world, 'reopen');
    send(world, 'implement_start');
    expect(news(world)).toEqual(['and this']);
  });

  it('is not taken where fifty wait to be read', () => {
    const { world } = typed();
    for (let count = 3; count <= 50; count += 1) expect(send(world, 'agent_type', { title, text: 'x' })).toBe('done');
    expect(send(world, 'agent_type', { title, text: 'one more' })).toBe('refused');
  });
});

describe('a word that no agent can get any more is refused late, with its text', () => {
  it('where the forge merges the pull request, or a person says done, while agents work', () => {
    const world = started();
    begin(world, title);
    send(world, 'agent_send', { title, body: 'use tabs' });
    send(world, 'set_status', { status: 'done', reason: 'by hand' });
    expect(refused(world)).toEqual(['use tabs: the plan is done']);
    end(world);
    expect(world.context().words.filter(({ run: has }) => has === null)).toEqual([]);
    expect(refused(world)).toHaveLength(1);
  });

  it('where its task is taken out of the plan, or becomes another one', () => {
    const world = started({ content: planText([2]) });
    begin(world, title);
    send(world, 'agent_send', { title, body: 'use tabs' });
    send(world, 'agent_send', { title: 'hello-w1-t2', body: 'stay' });
    send(world, 'cancel');
    for (const { effect } of [...world.open()]) if (effect.kind === 'agent.run') end(world, effect.title);
    const other = planText([2]).replace(/### Task 1: .*/, '### Task 1: Another one');
    expect(send(world, 'plan_updated', { content: other })).toBe('done');
    expect(refused(world)).toEqual(['use tabs: its task is no longer in the plan']);
    expect(messagesTo(world, 'hello-w1-t2')).toEqual(['stay']);
  });

  it('where the plan goes on without its task', () => {
    const world = started({ content: planText([1, 1]) });
    const first = begin(world, title);
    send(world, 'agent_send', { title, body: 'use tabs' });
    send(world, 'agent_kill', { title });
    exit(world, first, 143);
    send(world, 'advance_wave');
    expect(refused(world)).toEqual(['use tabs: the plan went on without its task']);
  });

  it('where a reviewer had given its verdict before it read it', () => {
    const world = started({ on: ['reviewer', 'verifier'] });
    finishTask(world, title);
    const review = begin(world, 'hello-review-1');
    send(world, 'agent_send', { title: 'hello-review-1', body: 'mind the tests' });
    say(world, review, 'review_approved');
    exit(world, review, 143);
    expect(refused(world)).toEqual(['mind the tests: its agent had done its work']);
  });

  it('where the plan stays cancelled until it is cleaned up', () => {
    const world = started();
    begin(world, title);
    send(world, 'agent_send', { title, body: 'use tabs' });
    send(world, 'cancel');
    end(world);
    expect(refused(world)).toEqual([]);
    const timer = world.timers.at(-1);
    if (timer === undefined) throw new Error('no clean-up is due');
    world.fire(timer);
    world.drain();
    expect(refused(world)).toEqual(['use tabs: the plan was cancelled, and nobody took it up again']);
    expect(snapshotOf(world.root(plan)).context.words).toEqual([]);
  });
});
