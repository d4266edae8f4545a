import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../machines/vocabulary/policy.ts';
import { createSimulation, planText, quietPolicy } from '../support/simulation.ts';

describe('a plan', () => {
  it('goes through its waves to done when every run ends well', () => {
    const simulation = createSimulation();
    const plan = simulation.open('demo', 'hello', planText([3, 2]));
    expect(simulation.value(plan)).toMatchObject({ lifecycle: { ready: 'planned' } });
    simulation.send(plan, 'implement_start');
    simulation.run();
    expect(simulation.value(plan)).toMatchObject({ lifecycle: 'done', attention: 'clear' });
    expect(simulation.context(plan).results).toMatchObject({
      1: { 1: { status: 'done', runs: 1 } },
      2: { 2: { status: 'done' } },
    });
  });

  it('gives a small plan to one coder', () => {
    const simulation = createSimulation({ policy: { ...quietPolicy, blueprint_skip_threshold: 2 } });
    const plan = simulation.open('demo', 'hello', planText([2]));
    simulation.send(plan, 'implement_start');
    simulation.run();
    expect(simulation.value(plan)).toMatchObject({ lifecycle: 'done' });
    expect([...simulation.effects.values()].filter((row) => row.effect.kind === 'agent.run')).toHaveLength(1);
  });

  it('is reviewed by exit code, fixed, and reviewed again', () => {
    const roles = { ...quietPolicy.roles, reviewer: { ...defaultPolicy.roles.reviewer, speaksByExit: true } };
    const simulation = createSimulation({
      policy: { ...quietPolicy, roles },
      script: (run) =>
        run.role === 'reviewer' && run.title.endsWith('-1') ? { code: 1, detail: 'no tests' } : { code: 0 },
    });
    const plan = simulation.open('demo', 'hello', planText([3]));
    simulation.send(plan, 'implement_start');
    simulation.run();
    expect(simulation.value(plan)).toMatchObject({ lifecycle: 'done' });
    const runs = [...simulation.effects.values()].flatMap(({ effect }) =>
      effect.kind === 'agent.run' ? [effect] : [],
    );
    expect(runs.map((run) => run.title)).toEqual([
      'hello-w1-t1',
      'hello-w1-t2',
      'hello-w1-t3',
      'hello-review-1',
      'hello-fix-1',
      'hello-review-2',
    ]);
    expect(runs.find((run) => run.role === 'fixer')?.feedback).toBe('no tests');
  });

  it('waits for a person when a task has failed three times, and goes on after a retry', () => {
    let isBroken = true;
    const simulation = createSimulation({ script: (run) => ({ code: isBroken && run.task === 2 ? 7 : 0 }) });
    const plan = simulation.open('demo', 'hello', planText([3, 1]));
    simulation.send(plan, 'implement_start');
    simulation.run();
    expect(simulation.value(plan)).toMatchObject({ lifecycle: { underway: { implementing: { wave: 'waiting' } } } });
    isBroken = false;
    expect(simulation.send(plan, 'retry_wave').verdict.status).toBe('done');
    simulation.run();
    expect(simulation.value(plan)).toMatchObject({ lifecycle: 'done' });
    expect(simulation.context(plan).results[1][2]).toMatchObject({ status: 'done', runs: 4 });
  });

  it('is blocked by a question, and its agent goes on with the answer', () => {
    const simulation = createSimulation({
      script: (run) => (run.start === 'begin' && run.task === 1 ? 'runs on' : { code: 0 }),
    });
    const plan = simulation.open('demo', 'hello', planText([3]));
    simulation.send(plan, 'implement_start');
    simulation.run(5_000);
    const [asking] = [...simulation.effects.values()].flatMap(({ effect, status }) =>
      effect.kind === 'agent.run' && status === 'open' ? [effect] : [],
    );
    expect(asking).toBeDefined();
    const run = asking?.id ?? '';
    simulation.begin(plan, run);
    simulation.run(5_000);
    const asked = simulation.send(
      plan,
      'needs_decision',
      { reason: 'tabs or spaces?' },
      { origin: 'agent:hello-w1-t1', run },
    );
    expect(asked.verdict).toEqual({ status: 'done', result: 'done' });
    expect(simulation.value(plan)).toMatchObject({ attention: 'asked' });
    expect(
      simulation.send(
        plan,
        'implement_task_finished',
        { wave_number: 1, task_number: 1 },
        { origin: 'agent:hello-w1-t1', run },
      ).verdict,
    ).toEqual({ status: 'done', result: 'stale' });
    simulation.run(60_000);
    expect(simulation.value(plan)).toMatchObject({
      attention: 'asked',
      lifecycle: { underway: { implementing: { wave: 'running' } } },
    });
    simulation.send(plan, 'resolve', { body: 'spaces' });
    const answer = { kind: 'answer', title: 'hello-w1-t1', question: 'tabs or spaces?', text: 'spaces', run: null };
    expect(simulation.context(plan).words).toMatchObject([answer]);
    simulation.run();
    expect(simulation.value(plan)).toMatchObject({ lifecycle: 'done', attention: 'clear' });
    const last = [...simulation.effects.values()]
      .flatMap(({ effect }) => (effect.kind === 'agent.run' && effect.task === 1 ? [effect] : []))
      .at(-1);
    expect(last).toMatchObject({ start: 'continue', attempt: 1 });
  });

  it('ends its agents when it is cancelled, and can be reopened', () => {
    const simulation = createSimulation({ script: () => 'runs on' });
    const plan = simulation.open('demo', 'hello', planText([3]));
    simulation.send(plan, 'implement_start');
    simulation.run();
    simulation.send(plan, 'cancel');
    expect(simulation.value(plan)).toMatchObject({ lifecycle: { cancelled: 'ending' } });
    expect(simulation.send(plan, 'reopen').verdict.status).toBe('held');
    simulation.run();
    expect(simulation.value(plan)).toMatchObject({ lifecycle: { ready: 'planned' } });
    expect(Object.keys(simulation.context(plan).liveChildren)).toEqual([]);
  });

  it('moves at once on a coordinator’s verdict, and on a worker’s word when its run has ended; both get 30 s to exit by themselves', () => {
    const roles = { ...quietPolicy.roles, reviewer: defaultPolicy.roles.reviewer };
    const simulation = createSimulation({
      policy: { ...quietPolicy, blueprint_skip_threshold: 9, roles },
      script: () => 'runs on',
    });
    const plan = simulation.open('demo', 'hello', planText([1]));
    const speak = (title: string, type: 'implement_finished' | 'review_approved') => {
      const row = [...simulation.effects.values()].findLast(
        ({ effect }) => effect.kind === 'agent.run' && effect.title === title,
      );
      if (row === undefined) throw new Error(`no run of ${title}`);
      simulation.begin(plan, row.effect.id);
      simulation.run(1);
      const step = simulation.send(plan, type, {}, { origin: `agent:${title}`, run: row.effect.id });
      expect(step.requests.stops).toEqual([{ run: row.effect.id, stopAt: simulation.now() + 30_000 }]);
    };
    simulation.send(plan, 'implement_start');
    simulation.run(1_000);
    speak('hello-coder', 'implement_finished');
    simulation.run(29_000);
    expect(simulation.value(plan)).toMatchObject({ lifecycle: { underway: { implementing: { single: 'working' } } } });
    simulation.run(31_000);
    // It was stopped in the end, and that counts as 0: what it left is committed.
    expect(simulation.value(plan)).toMatchObject({ lifecycle: { underway: { reviewing: 'working' } } });
    expect(simulation.context(plan).results).toMatchObject({ 1: { 1: { status: 'done', runs: 1, reason: null } } });
    speak('hello-review-1', 'review_approved');
    expect(simulation.value(plan)).toMatchObject({ lifecycle: 'done' });
    expect(Object.values(simulation.context(plan).liveChildren)).toEqual(['reviewer']);
    simulation.run(31_000);
    expect(Object.keys(simulation.context(plan).liveChildren)).toEqual([]);
  });
});
