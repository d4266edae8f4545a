import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeRepo } from '../support/daemon.ts';
import { planText, startEngine, type TestEngine } from '../support/engine.ts';
import { until } from '../support/ground.ts';

const words = ['implement_start', 'pause', 'resume', 'cancel', 'reopen', 'mark_done', 'request_review'] as const;
type Word = (typeof words)[number];
interface Said {
  readonly project: 'left' | 'right';
  readonly plan: 'one' | 'two';
  readonly word: Word;
}

const said: fc.Arbitrary<Said> = fc.record({
  project: fc.constantFrom('left', 'right'),
  plan: fc.constantFrom('one', 'two'),
  word: fc.constantFrom(...words),
});

/** An engine in which no agent starts: only signals move its plans. */
async function engineOf(projects: readonly Said['project'][]): Promise<TestEngine> {
  const engine = await startEngine({ adds: false, onlyWatched: true });
  for (const project of projects) {
    await engine.client.addRepo(makeRepo(join(engine.root, project)), { trust: true });
    for (const plan of ['one', 'two'])
      await engine.client.registerPlan({ project, plan, content: planText([`echo ${plan} > ${plan}.txt`]) });
  }
  return engine;
}

async function sendOne({ client }: TestEngine, { project, plan, word }: Said): Promise<string> {
  const { signal } = await client.send({ project, plan, type: word });
  // The signals between the plan and its repo are handled before the next one, as in the model.
  await until(async () => (await client.signals({ status: 'pending' })).every(({ deliver_at: at }) => at !== null));
  return `${signal.status} ${JSON.stringify(signal.refused)}`;
}

async function storyOf({ client }: TestEngine, project: string) {
  const plans = ['one', 'two'].map(async (plan) => {
    const { status, phase, paused, blocked } = await client.plan(project, plan);
    const history = await client.history(project, plan);
    const steps = history.map(({ actor, event, from, to, effects }) => ({
      actor,
      event,
      from,
      to,
      effects: effects.length,
    }));
    return { plan, status, phase, paused, blocked: blocked?.source ?? null, steps };
  });
  return Promise.all(plans);
}

describe('two repos with plans of the same names', () => {
  it('go each as if the other were not there, in whatever order they are spoken to', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(said, { minLength: 4, maxLength: 14 }), async (sequence) => {
        const both = await engineOf(['left', 'right']);
        const answers: Record<Said['project'], string[]> = { left: [], right: [] };
        for (const each of sequence) answers[each.project].push(await sendOne(both, each));
        for (const project of ['left', 'right'] as const) {
          const alone = await engineOf([project]);
          const own = [];
          for (const each of sequence.filter((one) => one.project === project)) own.push(await sendOne(alone, each));
          expect(answers[project]).toEqual(own);
          expect(await storyOf(both, project)).toEqual(await storyOf(alone, project));
          await alone.engine.stop();
        }
        await both.engine.stop();
      }),
      { numRuns: 6 },
    );
  });
});
