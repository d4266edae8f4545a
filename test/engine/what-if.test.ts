/** The course of a plan with other inputs, computed from the journal of a real engine. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { connect } from '../../runtime/engine/connect.ts';
import {
  begin,
  gate,
  openGate,
  planText,
  say,
  startEngine,
  type TestEngine,
  untilPlan,
  untilStatus,
  waves,
} from '../support/engine.ts';

const linesOf = ({ client }: TestEngine) => client.history('demo', 'login');

async function codeOf(asked: Promise<unknown>): Promise<unknown> {
  return asked.then(
    () => null,
    ({ code, message, hint }) => ({ code, said: `${message}: ${hint}` }),
  );
}

/** Three tasks that one agent after the other does; the first one begins at the gate. */
async function inSingleFile(): Promise<TestEngine> {
  const engine = await startEngine({ daemon: `max_agents = 1\n${waves}` });
  const go = join(engine.root, 'go');
  await begin(engine, 'login', planText([`${gate(go)}\necho a > a.txt`, 'echo b > b.txt', 'echo c > c.txt']));
  openGate(go);
  await untilStatus(engine, 'login', 'done');
  return engine;
}

describe('with other inputs', () => {
  it('more agents work at a time, from the line on at which one waited for a slot; nothing is carried out', async () => {
    const engine = await inSingleFile();
    const before = await linesOf(engine);
    const found = await engine.client.whatIf('demo', 'login', { policy: { max_agents: 3 } });
    expect(found.was).toMatchObject({ status: 'done', blocked: null, peak_agents: 1, runs: 3 });
    expect(found.would_be).toMatchObject({ status: 'done', blocked: null, peak_agents: 3, runs: 3 });
    expect(found.would_be.duration_ms).toBeLessThanOrEqual(found.was.duration_ms);
    const starting = before.filter(({ event }) => event === 'run_starting');
    expect(found.parts).toMatchObject({
      would_be: [{ event: 'run_starting', actor: starting[1]?.actor }, {}, {}, {}, {}],
    });
    expect(found.parts?.seq).toBeGreaterThan(starting[0]?.seq ?? 0);
    expect(found.parts?.seq).toBeLessThan(starting[1]?.seq ?? 0);
    expect(await linesOf(engine)).toEqual(before);
  });

  it('that do not matter it goes as it went, and from any line on with the same ones it ends the same', async () => {
    const engine = await inSingleFile();
    const { client } = engine;
    const lines = await linesOf(engine);
    const same = await client.whatIf('demo', 'login', { policy: { max_review_fix_cycles: 9, max_agents: 1 } });
    expect(same).toMatchObject({ parts: null, from: { seq: expect.any(Number) }, not_taken: [] });
    expect(same.would_be).toEqual(same.was);
    for (const { seq } of lines) {
      const { would_be: wouldBe } = await client.whatIf('demo', 'login', { from: seq });
      expect([seq, wouldBe.status, wouldBe.runs, wouldBe.peak_agents]).toEqual([seq, 'done', 3, 1]);
    }
  });

  it('a task that failed is tried again, and a wave behind it is reached', async () => {
    const engine = await startEngine({ daemon: `max_agents = 1\n${waves}` });
    await begin(engine, 'login', planText(['exit 3'], ['echo b > b.txt']));
    await untilPlan(engine, 'login', ({ phase }) => phase === 'wave_waiting');
    const { client } = engine;
    const found = await client.whatIf('demo', 'login', { policy: { 'coder.attempts': 2 } });
    const exit = (await linesOf(engine)).find(({ event }) => event === 'run_exited');
    expect(found.parts).toMatchObject({
      seq: exit?.seq,
      was: expect.arrayContaining([expect.objectContaining({ actor: exit?.actor, to: 'failed' })]),
    });
    expect(found.parts?.would_be[0]).toMatchObject({ actor: exit?.actor, event: 'run_exited', to: 'backingOff' });
    expect(found.was).toMatchObject({ status: 'implementing', runs: 1 });
    expect(found.would_be).toMatchObject({ status: 'done', blocked: null, runs: 3 });
    // The part that the journal cannot tell is simulated from now on.
    const still = await client.whatIf('demo', 'login', { policy: { auto_review_fix: false } });
    expect(still.would_be).toMatchObject({ status: 'implementing', blocked: expect.stringContaining('w1-t1') });
  });

  it('a question is answered as soon as it is asked, whether anybody has answered it or not', async () => {
    const engine = await startEngine({
      daemon: waves,
      agents: {
        reviewer: { enabled: false },
        coder: {
          run: async ({ env, project, plan, worktree, attempt }) => {
            writeFileSync(join(worktree, 'made.txt'), `${attempt}`);
            if (isAnswered) return;
            const client = await connect({ env, mode: 'write' });
            await client.send({ project, plan, type: 'needs_decision', payload: 'which colour?' });
            await client.close();
          },
        },
      },
    });
    let isAnswered = false;
    const { client } = engine;
    await begin(engine, 'login', planText([{}]));
    await untilPlan(engine, 'login', ({ questions }) => questions.length > 0);
    const open = await client.whatIf('demo', 'login', { answers: { 1: 'red' } });
    expect(open.was).toMatchObject({ status: 'implementing', blocked: expect.any(String), questions: 1 });
    expect(open.would_be).toMatchObject({ status: 'done', blocked: null, questions: 1, runs: 2 });
    expect(open).toMatchObject({
      parts: { seq: null, was: [], would_be: [{ event: 'answer' }, {}, {}, {}, {}] },
      not_taken: [],
    });
    isAnswered = true;
    await say(engine, 'login', 'pause');
    await say(engine, 'login', 'resume');
    await say(engine, 'login', 'answer', { questions: [1], body: 'blue' });
    await untilStatus(engine, 'login', 'done');
    const {
      was,
      would_be: wouldBe,
      not_taken: notTaken,
    } = await client.whatIf('demo', 'login', { answers: { 1: 'red' } });
    expect([was.status, wouldBe.status, notTaken]).toEqual(['done', 'done', []]);
    // The run that the earlier answer begins may live when the pause comes, which stops it: then it begins once more.
    expect([was.runs, was.runs + 1]).toContain(wouldBe.runs);
    expect(wouldBe.duration_ms).toBeLessThan(was.duration_ms);
    const late = await codeOf(client.whatIf('demo', 'login', { answers: { 1: 'red', 2: 'blue' } }));
    expect(late).toMatchObject({ code: 'bad_request', said: expect.stringContaining('there were the questions 1') });
  });

  it('that are unknown or invalid, it is refused with what is valid', async () => {
    const { client } = await inSingleFile();
    for (const [asked, hint] of [
      [{ policy: { max_agent: 3 } }, 'did you mean max_agents'],
      [{ policy: { max_agents: 0 } }, 'from 1 to 1000'],
      [{ policy: { max_agents: 1001 } }, 'from 1 to 1000'],
      [{ policy: { auto_advance: 'perhaps' } }, 'true or false'],
      [{ policy: { 'coder.timeout': 'soon' } }, '30m'],
      [{ policy: { 'coder.colour': 1 } }, '<role>.attempts'],
      [{ from: 1_000_000 }, 'stator plan history login'],
      [{ answers: { 7: 'yes' } }, 'nobody asked anything'],
    ] as const)
      expect(await codeOf(client.whatIf('demo', 'login', asked))).toEqual({
        code: 'bad_request',
        said: expect.stringContaining(hint),
      });
    expect(await codeOf(client.whatIf('demo', 'absent', {}))).toMatchObject({ code: 'plan_not_found' });
  });
});
