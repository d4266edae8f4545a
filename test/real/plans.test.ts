/** Plans that the real programs carry out: installed from npm, with a model on loopback. */
import { expect } from 'vitest';
import { begin, planText, untilStatus } from '../support/engine.ts';
import { git } from '../support/ground.ts';
import { works } from './model/reply.ts';
import { behaves, startReal, type Tried } from './stage.ts';

const oneTask = planText([{ title: 'the work', sh: null }]);

async function doesItsTask(each: Tried, sandbox: 'bwrap' | 'off'): Promise<void> {
  const engine = await startReal(each, { script: works('echo hello > made.txt'), sandbox });
  await begin(engine, 'work', oneTask);
  await untilStatus(engine, 'work', 'done');
  expect(git(engine.repo, 'show', 'plan/work:made.txt')).toBe('hello');
}

behaves('plans', {
  'does its task, sandbox = "off"': (each) => doesItsTask(each, 'off'),
  'does its task, sandbox = "bwrap"': (each) => doesItsTask(each, 'bwrap'),
});
