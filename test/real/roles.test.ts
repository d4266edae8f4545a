/** The real programs as judges, whose verdict is the last line of their last message; and as planners. */
import { expect } from 'vitest';
import { begin, planText, register, say, untilStatus } from '../support/engine.ts';
import type { Asked, Reply } from './model/reply.ts';
import { behaves, startReal } from './stage.ts';

behaves('roles', {
  'codes, reviews until it approves, and verifies': async (each) => {
    let reviews = 0;
    const script = ({ said, results }: Asked): Reply => {
      const told = said.filter(({ by }) => by === 'user').map(({ text }) => text);
      const isA = (role: string) => told.some((text) => text.includes(`You are the ${role} of this plan`));
      if (isA('reviewer')) reviews += 1;
      if (isA('reviewer') && reviews === 1)
        return { kind: 'say', text: 'The greeting is missing.\n\nstator verdict: changes requested' };
      if (isA('reviewer') || isA('verifier')) return { kind: 'say', text: 'All is well.\n\nstator verdict: approved' };
      if (results.length === 0) return { kind: 'run', command: 'echo hello >> made.txt' };
      return { kind: 'say', text: 'It is done.' };
    };
    const engine = await startReal(each, { script, tables: '[agents.verifier]\nenabled = true\n' });
    await begin(engine, 'judged', planText([{ title: 'the work', sh: null }]));
    const { run_list: runs } = await untilStatus(engine, 'judged', 'done');
    expect(runs.map(({ role }) => role)).toEqual(['coder', 'reviewer', 'fixer', 'reviewer', 'verifier']);
  },

  'plans, and hands its plan in': async (each) => {
    const planned = planText([{ title: 'the planned work', sh: null }]);
    const script = ({ said, results }: Asked): Reply => {
      const isPlanner = said.some(({ by, text }) => by === 'user' && text.includes('You are the planner'));
      const draft = '"$STATOR_TEMP_DIR/plan.md"';
      const commands = isPlanner
        ? [
            `cat > ${draft} <<'END'\n${planned}\nEND\nstator plan check ${draft} && stator plan update-content "$STATOR_PLAN" --file ${draft}`,
            'stator signal emit planner_finished',
          ]
        : ['echo hello > made.txt'];
      const command = commands[results.length];
      return command === undefined ? { kind: 'say', text: 'It is done.' } : { kind: 'run', command };
    };
    const engine = await startReal(each, { script });
    await register(engine, 'drafted', '# A plan\n\nSay hello.\n');
    await say(engine, 'drafted', 'plan_start');
    const { run_list: runs, content } = await untilStatus(engine, 'drafted', 'done');
    expect(runs.map(({ role, state }) => [role, state])).toEqual([
      ['planner', 'succeeded'],
      ['coder', 'succeeded'],
    ]);
    expect(content).toContain('the planned work');
  },
});
