/** Ends of an attempt: each is shown by its name, and what follows is what the name says. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { planDetail } from '../../actors/plan-view.ts';
import { reasons } from '../../machines/vocabulary/effect.ts';
import { plan, type World } from '../support/chaos.ts';
import { planText, script, startEngine, untilBlocked } from '../support/engine.ts';
import { begin as beginRun, exit, finishTask, reply, run, titles } from '../support/hands.ts';
import { liveTree, worldOf } from '../support/plan-states.ts';
import { expectProse } from '../support/prose.ts';
import { planText as outline, sha } from '../support/simulation.ts';

function oneTask(): World {
  const world = worldOf({ on: [], content: outline([1], '**Check:** true\n') });
  world.person('implement_start');
  world.drain();
  return world;
}

const title = 'hello-w1-t1';
const committed = () => ({ head: sha(50), base: sha(0), changed: true });

/** How an attempt of the one task comes to that end. */
const ways: Record<(typeof reasons)[number], (world: World) => void> = {
  'exit-code': (world) => exit(world, beginRun(world, title), 3),
  timeout: (world) => {
    const row = beginRun(world, title);
    for (const timer of [...world.timers]) world.fire(timer);
    world.drain();
    world.report(row, 'run_exited', { code: null, cause: 'stopped', detail: '' });
    world.drain();
  },
  idle: (world) => {
    const row = beginRun(world, title);
    world.post(plan, 'run_idle', {}, { run: row.effect.id });
    world.drain();
    world.report(row, 'run_exited', { code: null, cause: 'stopped', detail: '' });
    world.drain();
  },
  lost: (world) => {
    world.report(beginRun(world, title), 'run_lost', { detail: '' });
    world.drain();
  },
  killed: (world) => {
    const row = beginRun(world, title);
    world.person('agent_kill', { title });
    world.report(row, 'run_exited', { code: null, cause: 'stopped', detail: '' });
    world.drain();
  },
  'resource-limit': (world) => {
    const detail = 'memory limit 4 GiB reached';
    world.report(beginRun(world, title), 'run_exited', { code: 137, cause: 'resource-limit', detail });
    world.drain();
  },
  'set-aside': (world) => {
    exit(world, beginRun(world, title));
    reply(world, 'work.commit', 'work_committed', { ...committed(), aside: 'it ended in the middle of a merge' });
  },
  deletions: (world) => {
    exit(world, beginRun(world, title));
    reply(world, 'work.commit', 'work_committed', { ...committed(), deletions: 'its work deletes 8 of 9 files' });
    world.person('answer', { questions: [1], body: 'keep the tests' });
    world.drain();
  },
  additions: (world) => {
    exit(world, beginRun(world, title));
    const additions = { question: 'its work adds .env', accepts: ['0123456789abcdef'] };
    reply(world, 'work.commit', 'work_committed', { ...committed(), additions });
    world.person('answer', { questions: [1], body: 'without the key' });
    world.drain();
  },
  'no-change': (world) => {
    const plain = worldOf({ on: [], content: outline([1]) });
    plain.person('implement_start');
    plain.drain();
    exit(plain, beginRun(plain, title));
    reply(plain, 'work.commit', 'work_committed', { head: sha(0), base: sha(0), changed: false });
    expect(reasonOf(plain)).toBe('no-change');
    exit(world, beginRun(world, title));
    // With a check that passes it is no failure.
    reply(world, 'work.commit', 'work_committed', { head: sha(0), base: sha(0), changed: false });
    reply(world, 'work.check', 'check_passed');
    expect(world.lifecycle()).toBe('done');
  },
  conflict: (world) => {
    exit(world, beginRun(world, title));
    reply(world, 'work.commit', 'work_committed', committed());
    reply(world, 'work.check', 'check_passed');
    reply(world, 'work.merge', 'work_conflicted', { files: ['a.txt'] });
  },
  'check-failed': (world) => {
    exit(world, beginRun(world, title));
    reply(world, 'work.commit', 'work_committed', committed());
    reply(world, 'work.check', 'check_failed', { detail: 'no' });
  },
  'merge-failed': (world) => {
    exit(world, beginRun(world, title));
    reply(world, 'work.commit', 'work_committed', committed());
    reply(world, 'work.check', 'check_passed');
    reply(world, 'work.merge', 'effect_failed', { detail: 'somebody stands on it' });
  },
  'rate-limited': (world) => {
    const row = beginRun(world, title);
    const until = world.now() + 600_000;
    world.report(row, 'run_exited', { code: 1, cause: 'rate-limited', detail: 'try later', until });
    world.drain();
    // No slot and no attempt: none of its effects is open until its time has come.
    expect(titles(world)).toEqual([]);
    expect(world.timers.map(({ dueAt }) => dueAt)).toContain(until);
  },
  needs_decision: (world) => {
    const row = beginRun(world, title);
    const origin = `agent:${title}` as const;
    world.handle({ tree: plan, type: 'needs_decision', payload: { reason: 'tabs?' }, origin, run: row.effect.id });
    exit(world, row, 1);
  },
  'start-failed': (world) => {
    world.report(run(world, title), 'run_exited', { code: null, cause: 'start-failed', detail: 'no such program' });
    world.drain();
  },
  'no-verdict': (world) => {
    const reviewed = worldOf({ on: ['reviewer'], content: outline([1]) });
    reviewed.person('implement_start');
    reviewed.drain();
    finishTask(reviewed, title);
    exit(reviewed, beginRun(reviewed, 'hello-review-1'));
    for (const timer of [...reviewed.timers]) reviewed.fire(timer);
    reviewed.drain();
    const { effect } = run(reviewed, 'hello-review-1');
    expect(effect).toMatchObject({ attempt: 2, previous: { reason: 'no-verdict' } });
    expect(world.context().blocked).toBeNull();
  },
};

function reasonOf(world: World): string | null {
  const [wave] = planDetail(liveTree(world)).waves;
  return wave?.tasks[0]?.reason ?? null;
}

describe('an attempt ends by', () => {
  it.each(reasons)('%s', (reason) => {
    const world = oneTask();
    ways[reason](world);
    if (reason === 'no-change' || reason === 'no-verdict') return;
    expect(reasonOf(world)).toBe(reason);
    world.checkReplay();
  });

  it('rate-limited, and continues by itself when its time has come, as the same attempt', () => {
    const world = oneTask();
    ways['rate-limited'](world);
    for (const timer of [...world.timers]) world.fire(timer);
    world.drain();
    expect(run(world, title).effect).toMatchObject({ attempt: 1 });
  });
});

describe('on a real machine', () => {
  it('a planner that says nothing is tried again and then blocks the plan as no_verdict, and says where its log is', async () => {
    const agents = {
      default: { preset: 'sh', attempts: 1 },
      planner: { preset: 'command', program: './mute.sh', attempts: 2 },
    } as const;
    const engine = await startEngine({ agents });
    script(join(engine.repo, 'mute.sh'), 'echo "I looked at everything"; exit 0');
    await engine.client.registerPlan({ project: 'demo', plan: 'mute', content: planText(['echo a > a.txt']) });
    await engine.client.send({ project: 'demo', plan: 'mute', type: 'plan_start' });
    const shown = await untilBlocked(engine, 'mute');
    expect(shown).toMatchObject({ status: 'planning', blocked: { source: 'no_verdict' } });
    expectProse(shown.blocked?.reason ?? '', '2 runs', 'stator agent logs mute-plan');
    expect((await engine.client.instances({ plan: 'mute' }))[0]).toMatchObject({
      state: 'failed',
      reason: 'no-verdict',
    });
    const steps = ['answer mute', 'advance mute planner_finished', 'cancel mute'];
    expectProse(shown.waiting_for?.detail ?? '', ...steps.map((step) => `stator plan ${step}`));
  });
});
