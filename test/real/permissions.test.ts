/** Whether a real program asks a person before it acts: claude does. The others cannot, which is reported before anything starts. */
import { expect } from 'vitest';
import { begin, planText, untilStatus } from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import type { Asked, Reply } from './model/reply.ts';
import { behaves, startReal, type Tried } from './stage.ts';

const ask = 'permissions = "ask"\nattempts = 1\n';

async function asksAndObeys(each: Tried): Promise<void> {
  const told: string[] = [];
  const script = ({ results }: Asked): Reply => {
    told.splice(0, told.length, ...results);
    const commands = ['echo no > forbidden.txt', 'echo hello > made.txt'];
    const command = commands[results.length];
    return command === undefined ? { kind: 'say', text: 'It is done.' } : { kind: 'run', command };
  };
  const engine = await startReal(each, { script, keys: ask });
  await begin(engine, 'asks', planText([{ title: 'the work', sh: null }]));
  const answers = [
    { answer: 'deny', message: 'that name is taken' },
    { answer: 'allow', message: undefined },
  ] as const;
  const answered: string[] = [];
  for (const answer of answers) {
    const open = async () => {
      const [instance] = await engine.client.instances({ plan: 'asks' });
      return instance?.permissions.find(({ id }) => !answered.includes(id));
    };
    await until(async () => (await open()) !== undefined);
    const question = await open();
    if (question === undefined) throw new Error('the question is gone');
    answered.push(question.id);
    expect(question.tool).toBe('Bash');
    await engine.client.answerPermission('demo', 'asks-w1-t1', { permission: question.id, ...answer });
  }
  await untilStatus(engine, 'asks', 'done');
  expect(told[0]).toContain('that name is taken');
  expect(git(engine.repo, 'ls-tree', '--name-only', 'plan/asks')).toBe('README.md\nmade.txt');
}

behaves('permissions', {
  'asks a person before it acts, or gets a refusal with its reason': async (each) => {
    if (each.program === 'claude') return asksAndObeys(each);
    const refused = startReal(each, { script: () => ({ kind: 'hang' }), keys: ask });
    await expect(refused).rejects.toMatchObject({
      code: 'bad_config',
      message: expect.stringContaining('set permissions = "skip"'),
    });
  },
});
