/** Plans that the real programs carry out. */
import { describe, expect, it } from 'vitest';
import { begin, planText, untilStatus } from '../support/engine.ts';
import { git } from '../support/ground.ts';
import { works } from './model/reply.ts';
import { startReal, tried } from './stage.ts';

const oneTask = planText([{ title: 'the work', sh: null }]);

describe.each(tried)('$program $version', (each) => {
  it('does its task', async () => {
    const engine = await startReal(each, { script: works('echo hello > made.txt') });
    await begin(engine, 'work', oneTask);
    await untilStatus(engine, 'work', 'done');
      console.log(
        JSON.stringify(
          engine.model.asked.map((a) => ({ ...a, tools: a.tools.length })),
          null,
          1,
        ).slice(0, 6000),
      );
      throw e;
    });
    expect(git(engine.repo, 'show', 'plan/work:made.txt')).toBe('hello');
  });
});
