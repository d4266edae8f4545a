/** Plans that the real programs carry out: installed from npm, with a model on loopback. */
import { describe, expect, it } from 'vitest';
import { begin, planText, untilStatus } from '../support/engine.ts';
import { git } from '../support/ground.ts';
import { noWallsHere } from '../support/walls.ts';
import { works } from './model/reply.ts';
import { startReal, tried } from './stage.ts';

const oneTask = planText([{ title: 'the work', sh: null }]);

const sandboxes = noWallsHere === null ? (['off', 'bwrap'] as const) : (['off'] as const);

describe.each(tried)('$program $version', (each) => {
  it.skipIf(each.folder === null).each(sandboxes)('does its task, sandbox = "%s"', async (sandbox) => {
    const engine = await startReal(each, { script: works('echo hello > made.txt'), sandbox });
    await begin(engine, 'work', oneTask);
    await untilStatus(engine, 'work', 'done');
    expect(git(engine.repo, 'show', 'plan/work:made.txt')).toBe('hello');
  });
});
