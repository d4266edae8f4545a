/** People's comments on lines of a plan's changes, and the outcome of each. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { commentMessage } from '../../machines/vocabulary/comment-text.ts';
import { begin, gate, ground, openGate, planText, script, startEngine, untilStatus } from '../support/engine.ts';

const place = { path: 'n.txt', side: 'after' as const };

it('each comment has the commit that answers it, and a suggestion counts as applied only if it is on the branch as it was written', async () => {
  const on = ground();
  const fix = script(
    join(on.root, 'fix'),
    `sed -i 's/^3$/three/; s/^7$/VII/' n.txt && git commit -qam 'numbers as words

Comment aaaa: it is a word now' && echo x > other.txt`,
  );
  // The first review approves; the one that a person requests does not end before the person has answered.
  const [looked, go] = [join(on.root, 'looked'), join(on.root, 'go')];
  const review = script(join(on.root, 'review'), `if [ -e '${looked}' ]; then ${gate(go)}; fi; touch '${looked}'`);
  const command = { preset: 'command' as const, attempts: 1 };
  const engine = await startEngine({
    on,
    agents: {
      default: { preset: 'sh', attempts: 1 },
      reviewer: { ...command, program: review },
      fixer: { ...command, program: fix },
    },
  });
  const { client } = engine;
  await begin(engine, 'said', planText(['seq 1 9 > n.txt; echo o > other.txt; echo k > kept.txt']));
  await untilStatus(engine, 'said', 'done');
  expect(await client.planComments('demo', 'said')).toEqual([]);
  const { from, to } = await client.planChanges('demo', 'said');
  const comments = [
    { ...place, id: 'aaaa', line: 3, end: 3, quoted: '3', text: 'a word, please', suggestion: 'three' },
    { ...place, id: 'bbbb', line: 7, end: 7, quoted: '7', text: 'here too', suggestion: 'seven' },
    { ...place, id: 'cccc', path: 'kept.txt', line: 1, end: 1, quoted: 'k', text: 'why?', suggestion: null },
  ];
  await client.send({ project: 'demo', plan: 'said', type: 'request_review' });
  const body = commentMessage({ from, to, comments }, 'Words.');
  await client.send({ project: 'demo', plan: 'said', type: 'review_changes_requested', payload: { body } });
  openGate(go);
  await untilStatus(engine, 'said', 'done');
  const found = await client.planComments('demo', 'said');
  expect(found.map(({ id, by, title, text, applied }) => [id, by, title, text, applied])).toEqual([
    ['aaaa', 'person', null, 'a word, please', true],
    ['bbbb', 'person', null, 'here too', false],
    ['cccc', 'person', null, 'why?', null],
  ]);
  const [first, second, third] = found;
  expect(first?.answers.map(({ subject, text }) => [subject, text])).toEqual([
    ['numbers as words', 'it is a word now'],
  ]);
  expect(first?.changed_in).toBeNull();
  expect([second?.answers, second?.changed_in?.commit]).toEqual([[], first?.answers[0]?.commit]);
  expect([third?.answers, third?.changed_in]).toEqual([[], null]);
});
