/** Answers as long as those of models that explain everything. */
import { expect } from 'vitest';
import { begin, planText, untilStatus } from '../support/engine.ts';
import { git } from '../support/ground.ts';
import type { Asked, Reply } from './model/reply.ts';
import { behaves, startReal } from './stage.ts';

const isReviewer = ({ said }: Asked) =>
  said.some(({ by, text }) => by === 'user' && text.includes('You are the reviewer of this plan'));

/** Some 100 kB in lines, with characters of more than one byte. */
const long = Array.from(
  { length: 1_000 },
  (_, at) => `${at}: what there is to say of this line, „whole“ and in order — or so it looks. It goes on.`,
).join('\n');

behaves('answers', {
  'answers of 100 kB, with as much thought, are read to their end': async (each) => {
    const told: string[] = [];
    const script = (asked: Asked): Reply => {
      if (isReviewer(asked)) {
        const verdict = told.length === 0 ? 'changes requested' : 'approved';
        return { kind: 'say', text: `It lacks the greeting.\n${long}\n\nstator verdict: ${verdict}`, thinking: long };
      }
      if (asked.prompt.includes('It lacks the greeting.')) told.push(asked.prompt);
      if (asked.results.length === 0) return { kind: 'run', command: `cat >> made.txt <<'END'\n${long}\nEND` };
      return { kind: 'say', text: `${long}\nIt is done.`, thinking: long };
    };
    const engine = await startReal(each, { script, tables: '', keys: 'attempts = 1\n' });
    await begin(engine, 'long', planText([{ title: 'the work', sh: null }]));
    const { run_list: runs } = await untilStatus(engine, 'long', 'done');
    expect(runs.map(({ role, attempt }) => [role, attempt])).toEqual([
      ['coder', 1],
      ['reviewer', 1],
      ['fixer', 1],
      ['reviewer', 1],
    ]);
    expect(git(engine.repo, 'show', 'plan/long:made.txt')).toBe(`${long}\n${long}`);
    // The fixer gets the beginning of the review, not all of it.
    expect(told[0]).toContain('100: what there is to say');
  },
});
