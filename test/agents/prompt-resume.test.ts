/** An agent whose conversation is continued learns what happened since, and nothing that it already knows. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { composePrompt } from '../../runtime/work/agents/prompt.ts';
import { readTemplates } from '../../runtime/work/agents/prompts/template-files.ts';
import { briefOf, createFolder, type Differences, lines, promptOf } from '../support/agent.ts';
import { expectProse } from '../support/prose.ts';

const content = lines('# Faster search', '**Goal:** Answers in 50 ms', '## Wave 1', '### Task 1: Index', 'Build it.');
const conversation = { id: 'c-1', run: 'wave-1.1/task-1/agent#1' };

function resumed(differences: Differences = {}) {
  return { ...briefOf(content, differences), conversation };
}

test('after a failed attempt it learns why, where its work is, and how to end', () => {
  const previous = { run: conversation.run, reason: 'check-failed', detail: '1 failing\n' } as const;
  expect(
    promptOf(resumed({ run: { attempt: 2, previous }, previousDiff: 'refs/stator/attempts/x' })),
  ).toMatchInlineSnapshot(`
    "# Wave 1, task 1: Index: go on

    You worked on this before, in this same conversation: coder of plan search, now attempt 2. What you were told at first still holds. This has happened since.

    ## The last attempt did not count

    The one before did not count: a check failed (check-failed). Do not repeat it.

    ## What the last attempt said at the end

    \`\`\`
    1 failing
    \`\`\`

    ## Where your work is

    - This folder was brought back to the head of plan/search; what the last run changed is no longer in it, but kept under a ref. Take over what was good.
    - Your branch is \`plan/search-w1-t1\`. Work in this folder only, never push, never rewrite commits.

    ## What the last run changed

    \`\`\`
    refs/stator/attempts/x
    \`\`\`

    ## How to end

    - When it is done: \`stator signal emit implement_task_finished\`, then end. Ending with exit code 0 says the same, if something was changed. If there was nothing to change, because it is there already or the task only looks: \`stator signal emit implement_task_finished --payload '{"no_change":"what you looked at"}'\`, then end. Without it that is a failed attempt.
    - If you cannot do it, end with another exit code and say why in your last words: the next attempt reads them.
    - Only a person can decide something that you need to know: \`stator signal emit needs_decision --payload "your question"\`, then end. You are started again with the answer.
    - \`stator\` knows this run from its environment; no names are needed. Signal for yourself only. What later agents of this repository must know and no file says: \`stator note add "one sentence"\`.
    "
  `);
});

test('after a message a resumed agent receives only that message, and where its work is', () => {
  const text = promptOf(resumed({ run: { start: 'continue' }, words: { messages: ['Use FTS5.'] } }));
  expect(text.match(/^#+ .*/gm)).toEqual([
    '# Wave 1, task 1: Index: go on',
    '## Messages from a person',
    '## Where your work is',
    '## How to end',
  ]);
  expectProse(text, '```\nUse FTS5.\n```');
  expect(text).not.toContain('Build it.');
});

test('after its question a resumed agent receives the answer, and after a review the requested changes', () => {
  const text = promptOf(
    resumed({ run: { feedback: 'More tests.' }, words: { question: 'Which index?', answer: 'FTS5' } }),
  );
  expectProse(text, '```\nFTS5\n```', '```\nMore tests.\n```');
});

test('an agent that starts anew, without a conversation, receives everything, messages included', () => {
  const text = promptOf({
    ...resumed({ run: { start: 'restart' }, words: { messages: ['Use FTS5.'] } }),
    conversation: null,
  });
  expect(text).toContain('Build it.');
  expect(text).toContain('```\nUse FTS5.\n```');
});

test("the repo's own words for it are taken for every role", () => {
  const repo = createFolder();
  mkdirSync(join(repo, '.stator/prompts'), { recursive: true });
  writeFileSync(join(repo, '.stator/prompts/resume.md'), 'On you go, {{role}}.');
  const run = { role: 'reviewer', wave: null, task: null } as const;
  const { text, source } = composePrompt(resumed({ run }), { own: { repo, texts: readTemplates(repo) } });
  expect(text).toMatch(/^On you go, reviewer\.\n\n## /);
  expect(text).toContain('`stator signal emit review_approved`');
  expect(source).toBe(join(repo, '.stator/prompts/resume.md'));
});
