import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  agentClient,
  begin,
  gate,
  leaveToken,
  openGate,
  planText,
  runFile,
  runFolders,
  say,
  startEngine,
  untilBlocked,
  untilPlan,
  untilStatus,
} from '../support/engine.ts';
import { git, until } from '../support/ground.ts';

describe('an agent that needs a decision', () => {
  it('holds its task alone: others are merged meanwhile, what would move the plan is held, and it starts again with the answer', async () => {
    const engine = await startEngine();
    const { root, home, client, repo } = engine;
    const [token, other, ended, go] = ['token', 'other', 'ended', 'go'].map((name) => join(root, name));
    if (token === undefined || other === undefined || ended === undefined || go === undefined)
      throw new Error('four names');
    const asker = `if grep -q "^A person answers" "$STATOR_PROMPT_FILE"; then echo blue > colour.txt
else ${leaveToken(token)}; echo half > half.txt; ${gate(ended)}; fi`;
    const peer = `${leaveToken(other)}; ${gate(go)}; echo peer > peer.txt`;
    await begin(engine, 'ask', planText([asker, peer]));
    const agent = await agentClient(token);
    const second = await agentClient(other);
    const asked = await agent.send({ project: 'demo', plan: 'ask', type: 'needs_input', payload: 'which colour?' });
    expect(asked.signal).toMatchObject({ type: 'needs_decision', status: 'done', result: 'done' });
    const blocked = await untilBlocked(engine, 'ask');
    expect(blocked.blocked).toMatchObject({ source: 'agent', reason: 'question 1 of ask-w1-t1: which colour?' });
    expect(blocked.questions).toMatchObject([{ number: 1, title: 'ask-w1-t1', question: 'which colour?' }]);
    expect(blocked.waiting_for).toMatchObject({
      kind: 'decision',
      detail: expect.stringContaining('ask-w1-t1: which colour?'),
    });

    const late = await agent.send({ project: 'demo', plan: 'ask', type: 'implement_finished' });
    expect(late.signal).toMatchObject({ status: 'done', result: 'stale' });
    const again = await second.send({
      project: 'demo',
      plan: 'ask',
      type: 'implement_finished',
      payload: 'first word',
    });
    const third = await second.send({
      project: 'demo',
      plan: 'ask',
      type: 'implement_task_finished',
      payload: { wave_number: 1, task_number: 2 },
    });
    expect([again.signal.status, third.signal.status]).toEqual(['held', 'done']);
    openGate(ended);
    openGate(go);
    const meanwhile = await untilPlan(engine, 'ask', (shown) => shown.tasks_done === 1);
    expect(meanwhile.blocked).toMatchObject({ source: 'agent', scope: 'plan' });
    const stateOfAsker = async () => (await client.instances({ plan: 'ask' })).find((one) => one.title === 'ask-w1-t1');
    await until(async () => (await stateOfAsker())?.state === 'waiting');
    expect((await stateOfAsker())?.reason).toBe('needs_decision');
    const [queued] = (await client.queue({ plan: 'ask' })).filter(({ title }) => title === 'ask-w1-t1');
    expect(queued?.waiting_for?.detail).toBe(
      'it asked a person; answer with: stator plan answer ask#1 "<your answer>"',
    );
    const standing = await client.plan('demo', 'ask');
    expect(standing.tasks_by_wave[0]?.tasks[0]).toMatchObject({ status: 'working', reason: 'needs_decision' });
    expect(standing.tasks_done).toBe(1);
    expect(standing.status).toBe('implementing');

    await say(engine, 'ask', 'resolve', 'blue');
    const done = await untilStatus(engine, 'ask', 'done');
    expect(done.blocked).toBeNull();
    expect(git(repo, 'show', 'plan/ask:colour.txt')).toBe('blue');
    expect(await client.signal({ id: again.signal.id })).toMatchObject({ status: 'done', result: 'stale' });
    const [, last] = runFolders(home, 'ask').filter((name) => name.includes('task-1'));
    const prompt = runFile(home, last ?? '', 'prompt');
    expect(prompt).toContain('which colour?');
    expect(prompt).toContain('blue');
    const [first] = done.tasks_by_wave[0]?.tasks ?? [];
    expect(first).toMatchObject({ status: 'done', attempts: 2 });
    expect((await client.instances({ plan: 'ask' })).find((one) => one.title === 'ask-w1-t1')?.attempt).toBe(1);
  });

  it('asks twice, and a question of a person who sends it by hand blocks as well', async () => {
    const engine = await startEngine();
    const { root, client } = engine;
    const [token, go] = [join(root, 'token'), join(root, 'go')];
    const block = `if grep -q "^green" "$STATOR_PROMPT_FILE"; then echo x > x.txt; else ${leaveToken(token)}; ${gate(go)}; fi`;
    await begin(engine, 'twice', planText([block]));
    const agent = await agentClient(token);
    await client.send({ project: 'demo', plan: 'twice', type: 'needs_decision', payload: 'a person wonders' });
    await agent.send({ project: 'demo', plan: 'twice', type: 'needs_decision', payload: { reason: 'red or green?' } });
    openGate(go);
    const blocked = await untilPlan(engine, 'twice', (shown) => shown.blocked?.reason.includes('green') === true);
    expect(blocked.blocked?.reason).toBe('question 1: a person wonders\n\nquestion 2 of twice-w1-t1: red or green?');
    expect((await client.plans())[0]?.plan).toBe('twice');
    const guess = await client.send({ project: 'demo', plan: 'twice', type: 'resolve', payload: { body: 'green' } });
    expect(guess.signal.refused?.guard).toContain('stator plan answer twice#2 ');
    await say(engine, 'twice', 'answer', { questions: [2], body: 'green' });
    await say(engine, 'twice', 'resolve', { body: 'no matter' });
    await untilStatus(engine, 'twice', 'done');
  });
});
