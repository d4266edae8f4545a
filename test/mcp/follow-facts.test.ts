/** The stream of facts behind `wait_for_event` and the subscriptions of resources, over engines that come and go. */
import { expect, it, onTestFinished } from 'vitest';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import type { FactEntry } from '../../runtime/api/client/client.ts';
import { createSubscriptions } from '../../runtime/api/mcp/resources.ts';
import { followFacts } from '../../runtime/api/mcp/wait.ts';
import { until } from '../support/ground.ts';

type Caller = Parameters<typeof followFacts>[0];

function untilTheEnd(): AbortSignal {
  const done = new AbortController();
  onTestFinished(() => done.abort());
  return done.signal;
}

/** Each engine has these facts to say, from the one after `since` on, and then goes away; or it refuses the stream. */
function engines(...lives: readonly (readonly number[] | EngineError)[]): {
  caller: Caller;
  asked: (number | undefined)[];
} {
  const asked: (number | undefined)[] = [];
  async function* events({ since, onStart }: { since?: number; onStart: (since: number) => void }) {
    const life = lives[asked.length] ?? [];
    asked.push(since);
    if (life instanceof EngineError) throw life;
    onStart(since ?? (life[0] ?? 10) - 1);
    for (const seq of life)
      if (since === undefined || seq > since) yield { seq, project: 'demo', plan: 'a' } as FactEntry;
  }
  const attach = async () => ({ events, close: async () => {} });
  return { caller: { attach, open: attach } as unknown as Caller, asked };
}

it('goes on after the last fact in the next engine, also where a reader has taken the facts out', async () => {
  const { caller, asked } = engines([4, 5], [4, 5, 6]);
  const facts = followFacts(caller, { plan: null, since: null, signal: untilTheEnd() });
  await until(() => facts.seen.length === 2);
  expect(facts.seen.splice(0).map(({ seq }) => seq)).toEqual([4, 5]);
  await until(() => facts.seen.length > 0);
  expect(facts.seen.map(({ seq }) => seq)).toEqual([6]);
  expect(asked.slice(0, 2)).toEqual([undefined, 5]);
});

it('knows where it began before a fact came, and begins there in the next engine, also after all streams were open', async () => {
  const { caller, asked } = engines([], new EngineError('limit_reached', 'all streams are open', 'close one'), [11]);
  const facts = followFacts(caller, { plan: null, since: null, signal: untilTheEnd() });
  await until(() => facts.since() === 9);
  expect(facts.seen).toEqual([]);
  await until(() => facts.seen.length > 0);
  expect([asked[1], asked[2], facts.since()]).toEqual([9, 9, 11]);
});

it('keeps the newest 200 facts, and counts those that it dropped', async () => {
  const { caller } = engines(Array.from({ length: 203 }, (_, at) => at + 1));
  const facts = followFacts(caller, { plan: null, since: 0, signal: untilTheEnd() });
  await until(() => facts.seen.at(-1)?.seq === 203);
  expect([facts.seen[0]?.seq, facts.seen.length, facts.dropped()]).toEqual([4, 200, 3]);
});

it('a watched log is watched on after an engine that was just starting has refused a look at it', async () => {
  const looks: (string | null)[] = ['a', null, 'a b'];
  const attach = async () => ({
    async *events() {},
    async capture() {
      const text = looks.length > 1 ? looks.shift() : looks[0];
      if (typeof text === 'string') return text;
      throw new EngineError('unavailable', 'the daemon waits: the engine is starting', 'it continues by itself');
    },
    close: async () => {},
  });
  const changed: string[] = [];
  const caller = { attach, open: attach } as unknown as Caller;
  const subscriptions = createSubscriptions(caller, async (uri) => void changed.push(uri));
  onTestFinished(() => subscriptions.close());
  subscriptions.add('stator://demo/agents/a-w1-t1/log');
  await until(() => changed.length > 0);
  expect(changed).toEqual(['stator://demo/agents/a-w1-t1/log']);
});
