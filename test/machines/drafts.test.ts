/** Several planners write drafts of one plan at once, and one draft becomes its document. */
import { describe, expect, it } from 'vitest';
import { planDetail } from '../../actors/plan-view.ts';
import type { Draft, PlanContext } from '../../machines/plan/context.ts';
import {
  choiceText,
  draftGuards,
  draftMeant,
  draftObstacle,
  draftProblem,
  finishedDrafts,
} from '../../machines/plan/drafts.ts';
import type { PlanEvent } from '../../machines/plan/events.ts';
import { draftChild } from '../../machines/vocabulary/ids.ts';
import type { Policy } from '../../machines/vocabulary/policy.ts';
import { plan, type World } from '../support/chaos.ts';
import { begin, exit, run, say, titles } from '../support/hands.ts';
import { drafted, drafting, handIn, liveTree, policyWith } from '../support/plan-states.ts';
import { planText } from '../support/simulation.ts';
import { trees } from '../support/trees.ts';

function send(world: World, ...args: Parameters<World['person']>): string {
  const { verdict } = world.person(...args);
  world.drain();
  if (verdict.status === 'refused') return verdict.refusal.guard ?? 'refused';
  return verdict.status === 'held' ? 'held' : verdict.result;
}

function fail(world: World, title: string): void {
  world.person('agent_kill', { title });
  world.drain();
}

const context = (world: World): PlanContext => world.context() as PlanContext;
const states = (world: World) => context(world).drafts?.map(({ state }) => state);
const tasks = (world: World) => context(world).waves.map((wave) => wave.tasks.length);
const removed = (world: World) =>
  [...world.rows.values()].flatMap(({ effect }) => (effect.kind === 'worktree.remove' ? [effect.place.branch] : []));

describe('drafts of several planners', () => {
  it('are written each in a worktree of its own, and wait for a person', () => {
    const world = drafting({ rest: { planner_drafts: 3 } });
    expect(titles(world)).toEqual(['hello-plan-1', 'hello-plan-2', 'hello-plan-3']);
    expect(run(world, 'hello-plan-2').effect.place).toEqual({ branch: 'plan/hello-draft-2', from: 'plan/hello' });
    for (const number of [1, 2]) handIn(world, number);
    expect(world.lifecycle()).toBe('planning.drafting');
    handIn(world, 3);
    expect(world.lifecycle()).toBe('planning.deciding');
    expect(context(world).blocked).toMatchObject({
      source: 'choice',
      reason:
        'it waits for a person to choose among 3 drafts: 1 (1 wave, 1 task), 2 (1 wave, 2 tasks), 3 (1 wave, 3 tasks)',
    });
    // The plan keeps its earlier document until a draft is chosen.
    expect(tasks(world)).toEqual([2, 1]);
    expect(removed(world)).toEqual([1, 2, 3].map((number) => `plan/hello-draft-${number}`));
    expect(send(world, 'choose', { draft: 7 })).toBe(
      'there is no such draft; the drafts: 1 (finished), 2 (finished), 3 (finished)',
    );
    expect(send(world, 'resolve', { body: 'the second' })).toContain('stator plan choose');
    expect(send(world, 'choose', { draft: 3 })).toBe('done');
    expect([world.lifecycle(), tasks(world), states(world), context(world).blocked]).toEqual([
      'ready.planned',
      [3],
      ['finished', 'finished', 'chosen'],
      null,
    ]);
    expect(send(world, 'choose', { draft: 1 })).toBe('refused');
    expect(planDetail(liveTree(world)).drafts).toMatchObject([{ tasks: 1 }, { tasks: 2 }, { tasks: 3, waves: 1 }]);
  });

  it('hand only the chosen text on to be stored as the document', () => {
    const world = drafted();
    const tree = trees.restore(plan, JSON.parse(JSON.stringify(world.trees.persist(liveTree(world)))));
    const chosen = trees.step(tree, {
      ...{ type: 'choose', payload: { draft: 2 }, origin: 'person', actor: '', run: null, at: world.now() },
    });
    expect(chosen.requests.document).toBe(planText([2]));
    const { version, snapshot } = trees.persist(tree);
    expect(trees.restore(plan, { machine: 'plan', version, snapshot }).root).toBeDefined();
  });

  it('that are handed in without waves, empty or too large do not count, and each planner speaks for its own', () => {
    const world = drafting();
    const first = begin(world, 'hello-plan-1');
    expect(say(world, first, 'planner_finished')).toBe('refused');
    expect(say(world, first, 'plan_updated', { content: '# no waves\n' })).toBe('done');
    expect(say(world, first, 'planner_finished')).toBe('refused');
    expect(say(world, first, 'plan_updated', { content: planText([1]) + ' '.repeat(256 * 1024) })).toBe('refused');
    for (const type of ['plan_start', 'implement_start'] as const) expect(say(world, first, type)).toBe('refused');
    expect(say(world, first, 'choose', { draft: 1 })).toBe('refused');
    expect(say(world, first, 'plan_updated', { content: planText([1]) })).toBe('done');
    expect(say(world, first, 'planner_draft_finished', { planner_id: '2' })).toBe('done');
    expect(states(world)).toEqual(['finished', 'writing']);
    // The plan may have another document in the meantime.
    for (const type of ['planner_finished', 'plan_updated'] as const)
      expect(say(world, first, type, type === 'plan_updated' ? { content: planText([9]) } : {})).toMatch(
        /refused|stale/,
      );
    handIn(world, 2);
    send(world, 'choose', { draft: 2 });
    expect(tasks(world)).toEqual([2]);
  });

  it('a planner that ends without a verdict fails its draft; the only draft left is taken; if all fail, a person is needed', () => {
    const world = drafting({ rest: { planner_drafts: 3 } });
    exit(world, begin(world, 'hello-plan-1'));
    for (const timer of [...world.timers]) world.fire(timer);
    world.drain();
    expect(run(world, 'hello-plan-1').effect).toMatchObject({ attempt: 2, previous: { reason: 'no-verdict' } });
    fail(world, 'hello-plan-1');
    expect(states(world)).toEqual(['failed', 'writing', 'writing']);
    handIn(world, 2);
    fail(world, 'hello-plan-3');
    expect([world.lifecycle(), states(world), tasks(world)]).toEqual([
      'ready.planned',
      ['failed', 'chosen', 'failed'],
      [2],
    ]);
    const none = drafting();
    for (const number of [1, 2]) fail(none, `hello-plan-${number}`);
    expect([none.lifecycle(), context(none).blocked?.source]).toEqual(['planning.stuck', 'failed']);
    expect(context(none).blocked?.reason).toMatch(/none of 2 planners finished a draft\nhello-plan-1 failed: /);
    expect(send(none, 'resolve', { body: 'be brief' })).toBe('done');
    expect(run(none, 'hello-plan-2').effect).toMatchObject({ attempt: 1, feedback: 'A person says: be brief' });
  });

  it('an architect chooses where one is on; where it fails a person does', () => {
    const world = drafted({ on: ['planner', 'architect'] });
    const judge = begin(world, 'hello-architect');
    expect(judge.effect).toMatchObject({ role: 'architect', chooses: true });
    expect(say(world, judge, 'elaborator_finished')).toBe('refused');
    expect(say(world, judge, 'choose', { draft: 3 })).toBe('refused');
    expect(say(world, judge, 'choose', { draft: 1 })).toBe('done');
    expect([world.lifecycle(), tasks(world)]).toEqual(['ready.planned', [1]]);
    expect(say(world, judge, 'choose', { draft: 2 })).toMatch(/refused|stale/);
    exit(world, judge);
    expect(titles(world)).toEqual([]);
    const failed = drafted({ on: ['planner', 'architect'] });
    fail(failed, 'hello-architect');
    expect(failed.lifecycle()).toBe('planning.deciding');
    expect(context(failed).blocked?.reason).toMatch(/choose among 2 drafts.*\nhello-architect: /s);
    expect(send(failed, 'choose', { draft: 2 })).toBe('done');
    expect(tasks(failed)).toEqual([2]);
  });

  it('a person may choose a finished draft while others are written; these are ended, and so they are by a cancel, a restart and a status set by hand', () => {
    const early = drafting({ rest: { planner_drafts: 3 } });
    handIn(early, 2);
    expect(send(early, 'choose', { draft: 2 })).toBe('done');
    expect([early.lifecycle(), titles(early)]).toEqual(['ready.planned', []]);
    for (const [type, payload] of [
      ['cancel', {}],
      ['set_status', { status: 'done' }],
      ['set_status', { status: 'planning' }],
    ] as const) {
      const world = drafting();
      begin(world, 'hello-plan-1');
      send(world, type, payload);
      for (const title of titles(world)) exit(world, run(world, title), 143);
      expect([type, titles(world), context(world).liveChildren]).toEqual([type, [], {}]);
    }
    const anew = drafting();
    const old = begin(anew, 'hello-plan-1');
    expect(send(anew, 'plan_start')).toBe('done');
    expect(say(anew, old, 'plan_updated', { content: planText([5]) })).toMatch(/refused|stale/);
    expect(states(anew)).toEqual(['writing', 'writing']);
    exit(anew, old, 143);
    for (const number of [1, 2]) handIn(anew, number);
    expect(anew.lifecycle()).toBe('planning.deciding');
  });

  it('goes on by itself with the chosen draft where auto_advance is on, and never allows more than the document did', () => {
    const content = planText([1]).replace('**Goal:**', '**Budget:** 5 USD\n**Goal:**');
    const world = drafting({ content, rest: { auto_advance: true } });
    for (const number of [1, 2]) handIn(world, number, content.replace('5 USD', '50 USD'));
    send(world, 'choose', { draft: 1 });
    expect(world.lifecycle()).toMatch(/^underway/);
    expect(context(world).budget).toEqual({ usd: 5 });
  });

  it('a question of one of them is asked with its title, and the answer reaches that planner alone', () => {
    const world = drafting();
    const second = begin(world, 'hello-plan-2');
    expect(say(world, second, 'needs_decision', { reason: 'which port?' })).toBe('done');
    exit(world, second);
    expect(context(world).questions).toMatchObject([{ title: 'hello-plan-2', question: 'which port?' }]);
    send(world, 'resolve', { body: '8080' });
    expect(run(world, 'hello-plan-2').effect).toMatchObject({ start: 'continue', attempt: 1 });
    expect(world.context().words).toMatchObject([{ title: 'hello-plan-2', kind: 'answer', text: '8080', run: null }]);
    for (const number of [1, 2]) handIn(world, number);
    expect(world.lifecycle()).toBe('planning.deciding');
  });
});

describe('a draft', () => {
  const draft = (number: number, state: Draft['state'], content: string | null = planText([1])): Draft => ({
    ...{ number, childId: draftChild(number, number + 3), title: `hello-plan-${number}`, state, content, detail: '' },
  });
  const drafts = [draft(1, 'writing'), draft(2, 'finished'), draft(3, 'failed', null), draft(4, 'writing', null)];
  const run = (number: number) => `${draftChild(number, number + 3)}#1`;
  const known = { drafts } as unknown as PlanContext; // all that is read
  const meant = (event: object, context = known) =>
    draftMeant(context, { at: 1, origin: 'person', run: null, ...event } as unknown as PlanEvent)?.number ?? null;

  it('is meant by its number, by the title, run or child of its planner', () => {
    const finished = { type: 'planner_draft_finished' };
    for (const [event, number] of [
      [{ type: 'choose', draft: 2 }, 2],
      [{ type: 'choose', draft: 9 }, null],
      [{ ...finished, planner_id: '2' }, 2],
      [{ ...finished, planner_id: 'hello-plan-3' }, 3],
      [{ ...finished, origin: 'file', planner_id: run(3) }, 3],
      [{ ...finished, planner_id: '9' }, null],
      [{ ...finished, planner_id: '2', origin: 'agent:hello-plan-1', run: run(1) }, 1],
      [{ type: 'xstate.done.actor.x', actorId: draftChild(3, 6) }, 3],
      [{ type: 'agent_delivered', id: draftChild(4, 7) }, 4],
      [{ type: 'planner_finished', run: run(1) }, 1],
      [{ type: 'planner_finished' }, null],
      [{ type: 'planner_finished', run: `${draftChild(1, 9)}#1` }, null],
      [{ type: 'planner_finished', run: 'planner.4#1' }, null],
      [{ type: 'moved', run: undefined, draft: 2 }, null],
    ] as const)
      expect([event, meant(event)]).toEqual([event, number]);
    const none = {} as PlanContext;
    for (const event of [
      { type: 'choose', draft: 1 },
      { ...finished, planner_id: '1' },
      { type: 'x', run: run(1) },
    ])
      expect(meant(event, none)).toBeNull();
  });

  it('is finished once it has a document that parses, and is chosen once it is finished', () => {
    const asked = (number: number) => ({ type: 'choose', at: 1, origin: 'person', draft: number }) as never;
    const list = 'the drafts: 1 (writing), 2 (finished), 3 (failed), 4 (writing)';
    expect([1, 2, 3, 4, 9].map((number) => draftProblem(known, asked(number)))).toEqual([
      ...[null, 'draft 2 is finished already', 'draft 3 has failed already'],
      expect.stringMatching(/^no document was handed in: .* --file <file>/),
      `no draft of that name is written; ${list}`,
    ]);
    const empty = { drafts: [draft(1, 'writing', '# no waves\n')] } as unknown as PlanContext;
    expect(draftProblem(empty, asked(1))).toMatch(/^the draft does not parse: ./);
    expect([1, 9].map((number) => choiceText(known, asked(number)))).toEqual([
      `draft 1 is being written; ${list}`,
      `there is no such draft; ${list}`,
    ]);
    expect(choiceText({} as PlanContext, asked(1))).toBe('there is no such draft; the drafts: none');
    expect(finishedDrafts({})).toEqual([]);
  });

  it('is spoken for by its planner alone, and only while it is written', () => {
    for (const type of ['plan_updated', 'planner_finished', 'planner_draft_finished']) {
      const problems = [1, 2, 3].map((number) => draftObstacle(known, run(number), type));
      expect(problems).toEqual([null, expect.stringMatching(/handed in/), expect.stringMatching(/handed in/)]);
      expect(draftObstacle({}, run(1), type)).toMatch(/handed in/);
    }
    for (const type of ['plan_start', 'implement_start'])
      expect(draftObstacle(known, run(1), type)).toBe('not from one of several planners');
    expect(draftObstacle(known, run(2), 'needs_decision')).toBeNull();
    expect(draftObstacle(known, 'planner.4#1', 'plan_start')).toBeNull();
  });

  it('is at most 256 KiB, in bytes', () => {
    const fits = (content: string, type = 'plan_updated') =>
      draftGuards.draftFits({ context: known, event: { type, content } as never });
    expect([fits('x'.repeat(262_144)), fits('x'.repeat(262_145)), fits('ä'.repeat(131_073))]).toEqual([
      true,
      false,
      false,
    ]);
    expect(fits('x', 'choose')).toBe(false);
  });

  it.each<[string, Partial<Policy>, boolean, object?]>([
    ['two planners are asked', { planner_drafts: 2 }, true],
    ['one is', { planner_drafts: 1 }, false],
    ['a version without drafts stored the policy', {}, false],
    ['no planner is on', { ...policyWith([]), planner_drafts: 2 }, false],
    ['one agent does all', { planner_drafts: 2 }, false, { session: { folder: '/x' } }],
  ])('is one of several where %s', (_what, more, expected, plan = {}) => {
    const { planner_drafts: _, ...policy } = policyWith(['planner']);
    const context = { ...plan, policy: { ...policy, ...more } } as unknown as PlanContext;
    expect(draftGuards.hasDrafts({ context, event: { type: 'plan_start' } as never })).toBe(expected);
  });
});
