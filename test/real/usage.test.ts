/** The usage of runs, as their programs report it: each run has its own usage, even if the program counts over a conversation. */
import { expect } from 'vitest';
import { begin, planText, runFile, runFolders, untilStatus } from '../support/engine.ts';
import type { Asked, Reply } from './model/reply.ts';
import { usage } from './model/reply.ts';
import { behaves, startReal } from './stage.ts';

/** The usage in the program's last line; `cost` is null if it reports none. */
function lastLineOf(program: string, log: string): { input: number; output: number; cost: number | null } {
  const lines = log.split('\n').filter((line) => line.startsWith('{'));
  const events = lines.map((line) => JSON.parse(line)); // written by the real program, a line an event
  const last = (type: string) => events.findLast((event) => event.type === type);
  switch (program) {
    case 'claude': {
      const { usage: said, total_cost_usd: cost } = last('result');
      return { input: said.input_tokens + said.cache_read_input_tokens, output: said.output_tokens, cost };
    }
    case 'codex': {
      const { usage: said } = last('turn.completed');
      return { input: said.input_tokens, output: said.output_tokens, cost: null };
    }
    case 'gemini': {
      const { stats } = last('result');
      return { input: stats.input_tokens, output: stats.total_tokens - stats.input_tokens, cost: null };
    }
    default: {
      // One line for each step; the sum is the total.
      const parts = events.filter(({ type }) => type === 'step_finish').map(({ part }) => part);
      const sum = (one: (part: never) => number) => parts.reduce((all, part) => all + one(part as never), 0);
      return {
        input: sum(({ tokens }: Step) => tokens.input + tokens.cache.read + tokens.cache.write),
        output: sum(({ tokens }: Step) => tokens.output + tokens.reasoning),
        cost: sum(({ cost }: Step) => cost),
      };
    }
  }
}

interface Step {
  readonly cost: number;
  readonly tokens: {
    readonly input: number;
    readonly output: number;
    readonly reasoning: number;
    readonly cache: { readonly read: number; readonly write: number };
  };
}

behaves('usage', {
  'its tokens and its cost are those of each run, as its last line says': async (each) => {
    const script = ({ said, results }: Asked): Reply => {
      const isAgain = said.some(({ by, text }) => by === 'model' && text.includes('I made the wrong one.'));
      if (results.length === 0) return { kind: 'run', command: 'echo hello > other.txt' };
      if (!isAgain) return { kind: 'say', text: 'I made the wrong one.' };
      if (results.length === 1) return { kind: 'run', command: 'echo hello > made.txt' };
      return { kind: 'say', text: 'I made the right one.', thinking: 'it is the right one' };
    };
    const engine = await startReal(each, { script, keys: 'attempts = 2\n' });
    await begin(
      engine,
      'counted',
      planText([{ title: 'the work', sh: null, fields: '**Check:** test -f made.txt\n' }]),
    );
    const shown = await untilStatus(engine, 'counted', 'done');
    const counts = shown.run_list.map(({ input_tokens: input, output_tokens: output }) => ({ input, output }));
    const answers = [2, 3];
    expect(counts).toEqual(answers.map((count) => ({ input: count * usage.input, output: count * usage.output })));
    expect(shown.usage).toMatchObject({ runs: 2, input_tokens: 5 * usage.input, output_tokens: 5 * usage.output });
    const [first = ''] = runFolders(engine.home, 'counted').map((run) => runFile(engine.home, run, 'log'));
    const said = lastLineOf(each.program, first);
    expect(said).toMatchObject(counts[0] ?? {});
    expect(shown.run_list[0]?.cost_usd).toBe(said.cost);
    if (said.cost === null) return expect(shown.run_list[1]?.cost_usd).toBeNull();
    // Each answer costs the same.
    expect(said.cost).toBeGreaterThan(0);
    expect(shown.run_list[1]?.cost_usd).toBeCloseTo((said.cost * 3) / 2, 8);
  },
});
