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
import { until } from '../support/house.ts';

async function waitingFor({ client }: TestEngine, plan: string): Promise<{ kind: string; detail: string } | null> {
  const { waiting_for: waiting } = await client.explain('demo', plan);
  return waiting === null ? null : { kind: waiting.kind, detail: waiting.detail };
}

async function untilWaitingFor(house: TestEngine, plan: string, kind: string): Promise<string> {
  const now = () => waitingFor(house, plan);
  await until(
    async () => (await now())?.kind === kind,
    20_000,
    async () => `${plan} waits for ${JSON.stringify(await now())}, not for ${kind}`,
  );
  return (await now())?.detail ?? '';
}

describe('explain says of a plan that waits', () => {
  it('which agent, slot, topic, plan, pause, question or repo it waits for', async () => {
    const house = await startEngine({ daemon: `max_agents = 1\n${waves}` });
    const { root, client } = house;
    const go = join(root, 'go');
    const work = `${gate(go)}\necho x > "$STATOR_PLAN.txt"`;
    await register(house, 'busy', `**Topic:** ui\n\n${planText([work])}`);
    expect(await waitingFor(house, 'busy')).toBeNull();
    await say(house, 'busy', 'implement_start');
    expect(await untilWaitingFor(house, 'busy', 'agent')).toBe('busy-w1-t1 (under a minute)');
    await begin(house, 'slot', planText([work]));
    expect(await untilWaitingFor(house, 'slot', 'slot')).toBe(
      'position 1 of 1, 1 of 1 agents busy: busy-w1-t1 (under a minute)',
    );
    await begin(house, 'topic', `**Topic:** ui\n\n${planText([work])}`);
    expect(await untilWaitingFor(house, 'topic', 'topic')).toBe('topic "ui" is taken by busy');
    await begin(house, 'after', `**After:** busy, slot\n\n${planText([work])}`);
    expect(await untilWaitingFor(house, 'after', 'after')).toBe('waits for busy, slot to be done');
    const { status, accepts } = await client.explain('demo', 'after');
    expect(status).toBe('implementing');
    expect(accepts).toEqual(expect.arrayContaining(['cancel', 'pause', 'needs_decision']));
    expect(accepts).not.toContain('implement_start');

    await say(house, 'slot', 'pause');
    expect(await waitingFor(house, 'slot')).toEqual({
      kind: 'paused',
      detail: 'a person paused it; go on with: stator plan resume slot',
    });
    await say(house, 'slot', 'needs_decision', 'is it wanted at all?');
    expect(await waitingFor(house, 'slot')).toEqual({
      kind: 'decision',
      detail:
        'is it wanted at all?\nanswer with: stator plan resolve slot "<your answer>"\ngive it up: stator plan cancel slot',
    });
    await say(house, 'slot', 'resolve', 'yes');
    await say(house, 'slot', 'resume');
    expect(await untilWaitingFor(house, 'slot', 'slot')).toContain('position 1 of 1');

    await say(house, '', 'repo_paused');
    await begin(house, 'held', planText([work]));
    expect(await untilWaitingFor(house, 'held', 'repo')).toBe(
      'repo demo is paused; go on with: stator repo resume demo',
    );
    expect((await client.repos())[0]).toMatchObject({ state: 'paused', active_plans: 5 });
    await say(house, '', 'repo_resumed');
    expect(await untilWaitingFor(house, 'held', 'slot')).toContain('of 2, 1 of 1 agents busy');
    openGate(go);
    for (const plan of ['busy', 'slot', 'topic', 'after', 'held']) await untilStatus(house, plan, 'done');
    expect(await waitingFor(house, 'after')).toBeNull();
  });

  it('that nobody starts it, where its engine starts watched plans only', async () => {
    const house = await startEngine({ onlyWatched: true });
    await begin(house, 'alone', planText(['echo x > x.txt']));
    expect(await untilWaitingFor(house, 'alone', 'slot')).toContain(
      'no engine starts its agents now; start one with: stator daemon start, or stator run',
    );
    const stop = new AbortController();
    const watching = (async () => {
      for await (const fact of house.client.events({
        project: 'demo',
        plan: 'alone',
        watch: true,
        signal: stop.signal,
      }))
        if (fact.to === 'lifecycle.done') stop.abort();
    })();
    await untilStatus(house, 'alone', 'done');
    await watching;
  });

  it('that it backs off, that too many plans implement, or that a wave waits for a word', async () => {
    const house = await startEngine({
      daemon: `max_active_plans = 1\n${waves}`,
      agents: { default: { preset: 'sh', attempts: 5 } },
    });
    await begin(house, 'fails', planText(['exit 1']));
    await begin(house, 'next', planText(['echo x > x.txt']));
    expect(await untilWaitingFor(house, 'next', 'plan_limit')).toBe('1 of 1 plans implement');
    expect(await untilWaitingFor(house, 'fails', 'back_off')).toBe('fails-w1-t1 after exit-code');
    await house.client.killInstance('demo', 'fails-w1-t1');
    await untilPhase(house, 'fails', 'wave_waiting');
    const over = await waitingFor(house, 'fails');
    expect({ ...over, detail: over?.detail.split('\n') }).toEqual({
      kind: 'wave_confirmation',
      detail: [
        'wave 1 is over, and 1 of its tasks is not done',
        expect.stringMatching(/^task 1 \(task 1\): killed \(\d runs?; its log: stator instance logs fails-w1-t1\)/),
        'run again what is not done: stator plan retry-wave fails',
        'go on without it: stator plan advance-wave fails',
        'give it up: stator plan cancel fails',
      ],
    });
    const again = await house.client.send({ project: 'demo', plan: 'fails', type: 'implement_start' });
    expect(again.signal.refused?.accepts).toEqual(expect.arrayContaining(['retry_wave', 'advance_wave', 'cancel']));
    expect((await house.client.explain('demo', 'fails')).refused_last?.event).toBe('implement_start');
    await say(house, 'fails', 'cancel');
    await untilStatus(house, 'next', 'done');
  });
});
