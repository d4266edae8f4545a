import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  begin,
  gate,
  openGate,
  planText,
  register,
  say,
  startEngine,
  type TestEngine,
  untilPhase,
  untilStatus,
  waves,
} from '../support/engine.ts';
import { until } from '../support/ground.ts';
import { expectProse } from '../support/prose.ts';

async function waitingFor({ client }: TestEngine, plan: string): Promise<{ kind: string; detail: string } | null> {
  const { waiting_for: waiting } = await client.explain('demo', plan);
  return waiting === null ? null : { kind: waiting.kind, detail: waiting.detail };
}

async function untilWaitingFor(engine: TestEngine, plan: string, kind: string): Promise<string> {
  const now = () => waitingFor(engine, plan);
  await until(
    async () => (await now())?.kind === kind,
    async () => `${plan} waits for ${JSON.stringify(await now())}, not for ${kind}`,
  );
  // A busy machine takes minutes for the whole test.
  return ((await now())?.detail ?? '').replace(/\(\d+m\)/, '(<1m)');
}

describe('explain says of a plan that waits', () => {
  it('which agent, slot, topic, plan, pause, question or repo it waits for', async () => {
    const engine = await startEngine({ daemon: `max_agents = 1\n${waves}` });
    const { root, client } = engine;
    const go = join(root, 'go');
    const work = `${gate(go)}\necho x > "$STATOR_PLAN.txt"`;
    await register(engine, 'busy', `**Topic:** ui\n\n${planText([work])}`);
    expect(await waitingFor(engine, 'busy')).toBeNull();
    await say(engine, 'busy', 'implement_start');
    expect(await untilWaitingFor(engine, 'busy', 'agent')).toBe('busy-w1-t1 (<1m)');
    await begin(engine, 'slot', planText([work]));
    expect(await untilWaitingFor(engine, 'slot', 'slot')).toBe('position 1 of 1, 1 of 1 agents busy: busy-w1-t1 (<1m)');
    await begin(engine, 'topic', `**Topic:** ui\n\n${planText([work])}`);
    expect(await untilWaitingFor(engine, 'topic', 'topic')).toBe('topic "ui" is taken by busy');
    await begin(engine, 'after', `**After:** busy, slot\n\n${planText([work])}`);
    expect(await untilWaitingFor(engine, 'after', 'after')).toBe('waits for busy, slot to be done');
    const { status, accepts } = await client.explain('demo', 'after');
    expect(status).toBe('implementing');
    expect(accepts).toEqual(expect.arrayContaining(['cancel', 'pause', 'needs_decision']));
    expect(accepts).not.toContain('implement_start');

    await say(engine, 'slot', 'pause');
    expect(await waitingFor(engine, 'slot')).toEqual({
      kind: 'paused',
      detail: 'it is paused; go on with: stator plan resume slot',
    });
    await say(engine, 'slot', 'needs_decision', 'is it wanted at all?');
    expect(await waitingFor(engine, 'slot')).toEqual({
      kind: 'decision',
      detail:
        'question 1: is it wanted at all?\nanswer question 1: stator plan answer slot#1 "<your answer>"\ngive it up: stator plan cancel slot',
    });
    await say(engine, 'slot', 'resolve', 'yes');
    await say(engine, 'slot', 'resume');
    expect(await untilWaitingFor(engine, 'slot', 'slot')).toContain('position 1 of 1');

    await say(engine, '', 'repo_paused');
    await begin(engine, 'held', planText([work]));
    expect(await untilWaitingFor(engine, 'held', 'repo')).toBe(
      'repo demo is paused; go on with: stator repo resume demo',
    );
    expect((await client.repos())[0]).toMatchObject({ state: 'paused', active_plans: 5 });
    await say(engine, '', 'repo_resumed');
    expect(await untilWaitingFor(engine, 'held', 'slot')).toContain('of 2, 1 of 1 agents busy');
    openGate(go);
    for (const plan of ['busy', 'slot', 'topic', 'after', 'held']) await untilStatus(engine, plan, 'done');
    expect(await waitingFor(engine, 'after')).toBeNull();
  });

  it('that nobody starts it, where its engine starts watched plans only', async () => {
    const engine = await startEngine({ onlyWatched: true });
    await begin(engine, 'alone', planText(['echo x > x.txt']));
    expect(await untilWaitingFor(engine, 'alone', 'engine')).toContain(
      'has this home, and starts only the plans that were run there; when it has ended: stator daemon start',
    );
    const stop = new AbortController();
    const watching = (async () => {
      for await (const fact of engine.client.events({
        project: 'demo',
        plan: 'alone',
        watch: true,
        signal: stop.signal,
      }))
        if (fact.to === 'lifecycle.done') stop.abort();
    })();
    await untilStatus(engine, 'alone', 'done');
    await watching;
  });

  it('that it backs off, that too many plans implement, or that a wave waits for a word', async () => {
    const engine = await startEngine({
      daemon: `max_active_plans = 1\n${waves}`,
      agents: { default: { preset: 'sh', attempts: 5 } },
    });
    await begin(engine, 'fails', planText(['exit 1']));
    await begin(engine, 'next', planText(['echo x > x.txt']));
    expect(await untilWaitingFor(engine, 'next', 'plan_limit')).toBe('1 of 1 plans implement');
    expect(await untilWaitingFor(engine, 'fails', 'back_off')).toBe('fails-w1-t1 after exit-code');
    await engine.client.killInstance({ project: 'demo', title: 'fails-w1-t1' });
    await untilPhase(engine, 'fails', 'wave_waiting');
    const over = await waitingFor(engine, 'fails');
    expect({ ...over, detail: over?.detail.split('\n') }).toEqual({
      kind: 'wave_confirmation',
      detail: [
        'wave 1 is over, and 1 of its tasks is not done',
        expect.stringMatching(/^task 1 \(task 1\): was killed \(\d runs?; its log: stator agent logs fails-w1-t1\)/),
        'run again what is not done: stator plan advance fails retry-wave',
        'go on without it: stator plan advance fails advance-wave',
        'give it up: stator plan cancel fails',
      ],
    });
    const again = await engine.client.send({ project: 'demo', plan: 'fails', type: 'implement_start' });
    expect(again.signal.refused?.accepts).toEqual(expect.arrayContaining(['retry_wave', 'advance_wave', 'cancel']));
    expect((await engine.client.explain('demo', 'fails')).refused_last?.event).toBe('implement_start');
    await say(engine, 'fails', 'cancel');
    await untilStatus(engine, 'next', 'done');
  });

  it('that a pull request cannot be made where no remote is at a forge', async () => {
    const engine = await startEngine({ daemon: waves });
    const ofRequest = async () => {
      const { events } = await engine.client.explain('demo', 'done');
      const { accepted, why_not: why } = events.find(({ type }) => type === 'create_pr') ?? {};
      return { accepted, why };
    };
    await register(engine, 'done', planText(['echo x > x.txt']));
    expect(await ofRequest()).toEqual({ accepted: false, why: 'not in the states that it is in now' });
    await say(engine, 'done', 'implement_start');
    await untilStatus(engine, 'done', 'done');
    const { accepted, why } = await ofRequest();
    expect([accepted, why]).toEqual([false, expect.stringContaining('has no remote at a forge')]);
    expectProse(why ?? '', 'remote add <name>');
  });
});
