/** The limits of agents: a plan stops when its budget is used up, keeps its work, and goes on when a person allows more. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { EngineOptions } from '../../runtime/engine/engine.ts';
import { terminal } from '../support/cli.ts';
import {
  begin,
  type EngineSetup,
  ground,
  startEngine as open,
  planText,
  say,
  script,
  untilBlocked,
  untilPlan,
  untilStatus,
  waves,
} from '../support/engine.ts';
import { git } from '../support/ground.ts';

/** Speaks as claude does: a message, what the run is to do, and its price at the end. */
function claude(does: string, { tokens = 10, usd = 0 }: { tokens?: number; usd?: number } = {}): string {
  const usage = { input_tokens: tokens, output_tokens: 0 };
  const message = { type: 'assistant', session_id: 'abc', message: { id: '1', content: [], usage } };
  const result = { type: 'result', session_id: 'abc', result: 'done', total_cost_usd: usd, usage };
  return `echo '${JSON.stringify(message)}'\n${does}\necho '${JSON.stringify(result)}'`;
}

const agents: NonNullable<EngineOptions['agents']> = {
  default: { preset: 'claude', program: './agent.sh', attempts: 1 },
  reviewer: { enabled: false },
};
/** These programs are our own scripts, so claude's rule for root is none of theirs. */
function startEngine({ on = ground(), ...setup }: EngineSetup) {
  return open({ ...setup, on, env: { ...on.env, IS_SANDBOX: '1' } });
}

const oneAtATime = `max_agents = 1\n${waves}`;
const task = { sh: null };
const makesFile = 'echo more >> "made-$STATOR_TASK.txt"';

function limited(budget: string, content: string): string {
  return content.replace('# A plan\n', `# A plan\n\n**Budget:** ${budget}\n`);
}

describe('the budget of a plan', () => {
  it('that is used up lets nothing new start, and says so; raised, the plan goes on', async () => {
    const engine = await startEngine({ daemon: oneAtATime, agents });
    const { repo, client } = engine;
    script(join(repo, 'agent.sh'), claude(makesFile, { usd: 3 }));
    await begin(engine, 'dear', limited('5 USD', planText([task, task], [task])));
    const shown = await untilBlocked(engine, 'dear');
    const used = { scope: 'plan', measure: 'usd', limit: 5, spent: 6 };
    expect(shown).toMatchObject({ blocked: { source: 'budget', budget: used }, budget: [used] });
    // What has run counts, and is merged while the plan waits.
    const waiting = await untilPlan(engine, 'dear', ({ tasks_done }) => tasks_done === 2);
    expect(waiting).toMatchObject({ blocked: { source: 'budget' }, runs: 2 });
    const refused = await client.send({ project: 'demo', plan: 'dear', type: 'resolve', payload: {} });
    expect(refused.signal.status).toBe('failed');
    await say(engine, 'dear', 'raise_budget', { scope: 'plan', usd: 12 });
    const done = await untilStatus(engine, 'dear', 'done');
    expect(done).toMatchObject({ runs: 3, blocked: null, budget: [{ ...used, limit: 12, spent: 9 }] });
    const told = (await client.notifications()).filter(({ type }) => type === 'budget_near');
    expect(told.map(({ plan }) => plan)).toEqual(['dear']);
  });

  it('of the configuration and of the document both bind, and an agent that writes the document allows itself no more', async () => {
    const engine = await startEngine({ daemon: `${oneAtATime}[budget]\nusd = 4\ntokens = 100\n`, agents });
    const { client } = engine;
    const content = limited('9 USD, 50 tokens', planText([task]));
    await client.registerPlan({ project: 'demo', plan: 'both', content });
    const limits = async () =>
      (await client.plan('demo', 'both')).budget.map(({ measure, limit }) => `${limit} ${measure}`);
    expect(await limits()).toEqual(['4 usd', '50 tokens']);
    await say(engine, 'both', 'plan_updated', { content: planText([task]) });
    expect(await limits()).toEqual(['4 usd', '100 tokens']);
  });

  it('stops an agent at the hard limit: its work is kept, no attempt is spent, and it goes on from there', async () => {
    const engine = await startEngine({ daemon: `${waves}[budget]\ntokens = 5000\n`, agents });
    const { repo, client } = engine;
    const waits = `if [ -e first.txt ]; then echo second > second.txt; else echo first > first.txt; exec sleep 600; fi`;
    script(join(repo, 'agent.sh'), claude(waits, { tokens: 6000 }));
    await begin(engine, 'long', planText([task]));
    const shown = await untilBlocked(engine, 'long');
    expect(shown.blocked).toMatchObject({ source: 'budget', budget: { measure: 'tokens', limit: 5000 } });
    await say(engine, 'long', 'raise_budget', { scope: 'plan', tokens: 50_000 });
    const done = await untilStatus(engine, 'long', 'done');
    expect(done.runs).toBe(2);
    expect(git(repo, 'show', 'plan/long:first.txt')).toBe('first');
    expect((await client.instances({ plan: 'long' })).map(({ attempt }) => attempt)).toEqual([1]);
  });
});

it('what a program reports beyond anything plausible is cut, so that the sums of all runs stay readable', async () => {
  const engine = await startEngine({ daemon: waves, agents });
  const usage = { input_tokens: Number.MAX_SAFE_INTEGER, output_tokens: 1 };
  const line = JSON.stringify({ type: 'result', session_id: 'abc', result: 'done', total_cost_usd: 0, usage });
  script(
    join(engine.repo, 'agent.sh'),
    `n=0; while [ $n -lt 1100 ]; do echo '${line}'; n=$((n + 1)); done\n${makesFile}`,
  );
  await begin(engine, 'huge', planText([task, task]));
  const done = await untilStatus(engine, 'huge', 'done');
  expect(done.usage).toMatchObject({ input_tokens: 2e12, output_tokens: 2_200 });
  expect((await engine.client.plans()).map(({ plan }) => plan)).toEqual(['huge']);
});

describe('the budget of a repo for a day', () => {
  it('stops every plan of it; for one of them a person may allow more', async () => {
    const made = terminal();
    const engine = await startEngine({ on: made, daemon: `${oneAtATime}[budget.day]\nusd = 4\n`, agents });
    const { repo, client } = engine;
    script(join(repo, 'agent.sh'), claude(makesFile, { usd: 5 }));
    await begin(engine, 'one', planText([task]));
    await untilStatus(engine, 'one', 'done');
    await begin(engine, 'two', planText([task]));
    await begin(engine, 'three', planText([task]));
    for (const plan of ['two', 'three']) {
      const { blocked } = await untilBlocked(engine, plan);
      expect(blocked).toMatchObject({ source: 'budget', budget: { scope: 'day', limit: 4, spent: 5 } });
    }
    // Today, by the clock of the engine: the person may be in another time zone.
    const raise = async (amount: string) => (await made.stator(['plan', 'raise-budget', 'two', amount])).code;
    expect([await raise('5 USD'), await raise('+5 USD')]).toEqual([64, 0]);
    await untilStatus(engine, 'two', 'done');
    expect(await client.plan('demo', 'three')).toMatchObject({ runs: 0, blocked: { source: 'budget' } });
  });
});

describe('the budget of an attempt', () => {
  it('counts the minutes of an agent that reports nothing', async () => {
    const command = { preset: 'command', program: './agent.sh', attempts: 1 } as const;
    const engine = await startEngine({
      daemon: `${waves}[budget.attempt]\nagent_minutes = 0.001\n`,
      agents: { default: command, reviewer: { enabled: false } },
    });
    script(join(engine.repo, 'agent.sh'), 'if [ -e a.txt ]; then exit 0; fi; echo a > a.txt; exec sleep 600');
    await begin(engine, 'slow', planText([task]));
    const { blocked } = await untilBlocked(engine, 'slow');
    expect(blocked).toMatchObject({ source: 'budget', budget: { scope: 'attempt', measure: 'agent_minutes' } });
    await say(engine, 'slow', 'raise_budget', { scope: 'attempt', agent_minutes: 60 });
    await untilStatus(engine, 'slow', 'done');
  });
});
