/** The prompts of agents: everything that they need, nothing that could be taken for another person's order, and no more than they can read. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { roles } from '../../machines/vocabulary/ids.ts';
import { composePrompt } from '../../runtime/work/agents/prompt.ts';
import { excerpt, fenced, oneLine } from '../../runtime/work/agents/prompts/quotation.ts';
import { briefOf, type Differences, failureOf, lines, promptOf } from '../support/agent.ts';
import { expectError, expectProse } from '../support/prose.ts';

const content = lines(
  '# Faster search',
  '**Goal:** Answers in 50 ms',
  '**Architecture:** An index beside the table',
  '**Tech Stack:** SQLite',
  '## Wave 1',
  '### Task 1: Index',
  'Build it.',
  '**Check:** npm test',
  '**Files:** src/index.ts',
  '### Task 2: Query',
  'Use it.',
  '**Files:** src/query.ts',
  '## Wave 2',
  '### Task 1: Docs',
  'Write them.',
);

const wholePlan = { wave: null, task: null, place: { branch: 'plan/search', from: 'plan/search' } } as const;

function prompt(differences: Differences = {}): string {
  return promptOf(briefOf(content, differences));
}

/** The part of a prompt under its heading. */
function section(text: string, heading: string): string {
  const start = text.indexOf(`\n## ${heading}`);
  if (start < 0) expect.fail(`no section ${heading} in:\n${text}`);
  const end = text.indexOf('\n## ', start + 1);
  return text.slice(start + 1, end < 0 ? text.length : end);
}

describe('a coder', () => {
  test('of one task receives the task, its neighbours, where it works and how to end', () => {
    expect(prompt()).toMatchInlineSnapshot(`
      "# Wave 1, task 1: Index

      You are a coder. Nobody watches: decide small things yourself and work to the end.

      - Plan: search (Faster search), project shop
      - Goal: Answers in 50 ms
      - Architecture: An index beside the table
      - Tech stack: SQLite

      ## The task

      Yours is this one task of wave 1. Do what it says and nothing beside it.

      Build it.
      **Check:** npm test
      **Files:** src/index.ts

      - Files that it is about: src/index.ts

      ## Its check

      It must exit 0 in this folder before the task counts as done. Run it before you end: it is run again, and decides.

      \`\`\`sh
      npm test
      \`\`\`

      ## What holds for the whole plan

      \`\`\`markdown
      **Goal:** Answers in 50 ms
      **Architecture:** An index beside the table
      **Tech Stack:** SQLite
      \`\`\`

      ## The other tasks of this wave

      Other agents do them, perhaps at this moment, in worktrees of their own. Leave their work to them.

      - task 2: Query (src/query.ts)

      ## Where you work

      - You stand in a git worktree on branch \`plan/search-w1-t1\`. \`$STATOR_TEMP_DIR\` is a folder for scratch files.
      - Servers that you start listen on the 20 ports from \`$STATOR_PORT_BASE\` on, which are yours alone; \`$STATOR_SLUG\` names your databases and containers. End what you started.
      - Work in this folder only; other worktrees of this repo belong to others. Never push, never create, switch or delete a branch, never rewrite commits, never stash. Commit if you like; what you leave uncommitted is committed for you. No key, token or password into a commit, a signal or your output.

      ## How to end

      - When it is done: \`stator signal emit implement_task_finished\`, then end. Ending with exit code 0 says the same, if something was changed. If there was nothing to change, because it is there already or the task only looks: \`stator signal emit implement_task_finished --payload '{"no_change":"what you looked at"}'\`, then end. Without it that is a failed attempt.
      - If you cannot do it, end with another exit code and say why in your last words: the next attempt reads them.
      - Only a person can decide something that you need to know: \`stator signal emit needs_decision --payload "your question"\`, then end. You are started again with the answer.
      - \`stator\` knows this run from its environment; no names are needed. Signal for yourself only. What later agents of this repository must know and no file says: \`stator note add "one sentence"\`.
      "
    `);
  });

  test('of a small plan receives all tasks, and how to finish the implementation', () => {
    const text = prompt({ run: { ...wholePlan, title: 'search-coder' } });
    expect(text.match(/^#+ .*/gm)).toEqual([
      '# Faster search: coder',
      '## The tasks',
      '### Wave 1, task 1: Index',
      '### Wave 1, task 2: Query',
      '### Wave 2, task 1: Docs',
      '## What holds for the whole plan',
      '## Where you work',
      '## How to end',
    ]);
    expect(text).toContain('stator signal emit implement_finished');
    expect(text).not.toContain('implement_task_finished');
  });

  test('receives the text outside of the tasks, its wave with its own introduction, and the path of the whole plan', () => {
    const document = lines(
      '# Faster search',
      'Users wait too long.',
      '## Wave 1: Ground',
      'For wave 1 alone.',
      '### Task 1: Index',
      'Build it.',
      '## Wave 2: Use',
      'For wave 2 alone.',
      '### Task 1: Query',
      '```sh',
      'make',
      '```',
      '## Rollout',
      'Slowly, {{goal}}.',
    );
    const text = promptOf(briefOf(document, { run: { wave: 2 } }), { planFile: '/home/runs/x/plan.md' });
    expect(text.slice(text.indexOf('- Plan:'), text.indexOf('## Where'))).toMatchInlineSnapshot(`
      "- Plan: search (Faster search), project shop
      - Your wave: 2, Use
      - The whole plan, to look things up: /home/runs/x/plan.md

      ## The task

      Yours is this one task of wave 2. Do what it says and nothing beside it.

      \`\`\`sh
      make
      \`\`\`

      ## What holds for the whole plan

      \`\`\`markdown
      Users wait too long.

      (about wave 2: Use)

      For wave 2 alone.

      ## Rollout
      Slowly, {{goal}}.
      \`\`\`

      ## The waves before this one

      They are over; what they did is in this folder. Build on it.

      - wave 1: Ground
        - task 1: Index

      "
    `);
    const alone = promptOf(briefOf(document, { run: wholePlan }));
    expect(alone).toContain('For wave 1 alone.');
    expect(alone).toContain('For wave 2 alone.');
  });

  test('receives the earlier waves with the files that they changed, shortened if the list is long', () => {
    const file = (path: string, added: number | null) => ({ path, added, removed: added });
    const earlier = [
      { wave: 1, task: 1, files: [file('src/index.ts', 12), file('logo.png', null)] },
      { wave: 1, task: 2, files: null },
    ];
    const text = (files = earlier) => promptOf(briefOf(content, { run: { wave: 2 } }), { earlier: files });
    expectProse(section(text(), 'The waves before'), 'src/index.ts (+12 -12)', 'logo.png');
    const many = Array.from({ length: 40 }, (_, at) => file(`src/${at}.ts`, at));
    const cut = section(text([{ wave: 1, task: 1, files: many }]), 'The waves before');
    expectProse(cut, 'src/14.ts (+14 -14)', '25');
    expect(cut).not.toContain('src/15.ts');
    expect(prompt()).not.toContain('The waves before');
  });

  test('receives at most 64 KiB of the text outside of the tasks, and the path of the whole document', () => {
    const notes = `${'note '.repeat(20_000)}\n`;
    const text = promptOf(briefOf(notes + content, {}), { planFile: '/home/runs/x/plan.md' });
    expectProse(/^\[\d+ of \d+ .*\]$/m.exec(text)?.[0] ?? '', '/home/runs/x/plan.md');
    expect(Buffer.byteLength(text)).toBeLessThan(80 * 1024);
  });

  test('who shares its folder with others is informed of that', () => {
    const text = prompt({ run: { place: { branch: 'plan/search', from: 'plan/search' } } });
    expectProse(section(text, 'Where you work'), 'plan/search');
  });

  test('the agent after a failed attempt learns why it failed, with its message and its changes', () => {
    const text = prompt({
      run: {
        attempt: 2,
        previous: { run: 'wave-1.1/task-1/agent#1', reason: 'check-failed', detail: '\u001b[31m1 failing\u001b[0m\n' },
      },
      previousDiff: 'refs/stator/attempts/x\n src/index.ts | 3 +++',
    });
    expect(text.slice(text.indexOf('## The attempt'), text.indexOf('## Where'))).toMatchInlineSnapshot(`
      "## The attempt before this one

      This is attempt 2. The one before did not count: a check failed (check-failed). Do not repeat it.

      ## What the last attempt said at the end

      \`\`\`
      1 failing
      \`\`\`

      ## What the last run changed

      This folder was brought back to the head of plan/search; what the last run changed is no longer in it, but kept under a ref. Take over what was good.

      \`\`\`
      refs/stator/attempts/x
       src/index.ts | 3 +++
      \`\`\`

      "
    `);
  });

  test('whose last run was only stopped receives the changes of that run', () => {
    const text = prompt({ previousDiff: 'refs/stator/attempts/x' });
    expectProse(section(text, 'What the last run changed'), 'plan/search', 'refs/stator/attempts/x');
    expect(text).not.toContain('did not count');
    expect(prompt({ run: { ...wholePlan, role: 'reviewer' }, previousDiff: 'x' })).not.toContain('last run changed');
  });

  test('whose last run was interrupted is informed that its work still exists', () => {
    const text = prompt({ run: { start: 'continue' }, previousDiff: 'refs/stator/attempts/x' });
    expectProse(section(text, 'What the last run changed'), 'refs/stator/attempts/x');
    expect(text).not.toContain('brought back');
  });

  test('who asked gets the question back with the answer', () => {
    const text = prompt({ words: { question: 'Which index?', answer: 'FTS5' } });
    expect(text.slice(text.indexOf('## Your question'), text.indexOf('## Where'))).toMatchInlineSnapshot(`
      "## Your question and its answer

      An earlier run of yours asked:

      \`\`\`
      Which index?
      \`\`\`

      A person answers, and this decides:

      \`\`\`
      FTS5
      \`\`\`

      "
    `);
    const unanswered = prompt({ words: { question: 'Which index?', answer: '' } });
    expectProse(section(unanswered, 'Your question'), 'Which index?');
  });

  test('gets what the last review asked for', () => {
    const text = prompt({ run: { feedback: 'Cover the empty query.' } });
    expectProse(section(text, 'What the last review'), '```\nCover the empty query.\n```');
  });

  test('reads what people sent to it', () => {
    const text = prompt({ words: { messages: ['Use FTS5.', ' ', 'And no triggers.'] } });
    expectProse(section(text, 'Messages from a person'), '```\nUse FTS5.\n```\n\n```\nAnd no triggers.\n```\n');
  });

  test('of a task that the document no longer has is not started', () => {
    const failure = failureOf(() => prompt({ run: { wave: 3, task: 1 } }));
    expectError(failure, 'agent_unusable', '"search"', 'wave 3 task 1');
  });
});

describe('every role', () => {
  test.each([
    ['planner', ['planner_finished', 'needs_decision']],
    ['architect', ['architect_finished', 'needs_decision']],
    ['reviewer', ['review_approved', 'review_changes_requested', 'needs_decision']],
    ['fixer', ['implement_finished', 'needs_decision']],
    ['verifier', ['verify_approved', 'verify_failed', 'needs_decision']],
    ['session', ['implement_finished', 'needs_decision']],
  ] as const)('the %s receives its own signals and no others', (role, signals) => {
    const text = prompt({ run: { ...wholePlan, role } });
    expect([...text.matchAll(/stator signal emit (\w+)/g)].map(([, type]) => type)).toEqual(signals);
  });

  test('receives no text about absent values, and no unreplaced placeholder', () => {
    for (const role of roles) {
      const text = promptOf(briefOf('## Wave 1\n### Task 1: x\n', { run: { ...wholePlan, role } }));
      expect(text, role).not.toMatch(
        /\{\{|null|undefined|- Goal|last review|attempt before|last run|Messages|Your question/,
      );
      expect(text, role).not.toMatch(/\n\n\n|: \n|- \n/);
      expect(text.split('\n').length, role).toBeLessThan(62);
    }
  });

  test('is told to push nothing and to switch no branch', () => {
    for (const role of roles) {
      const text = prompt({ run: { ...wholePlan, role } });
      expectProse(text, role, 'push', 'token', '`plan/search`');
    }
  });

  test('that judges or plans sees the whole document, and one that is empty is called so', () => {
    for (const role of ['planner', 'architect', 'reviewer', 'fixer', 'verifier'] as const) {
      expect(prompt({ run: { ...wholePlan, role } }), role).toContain(fenced(content.trim(), 'markdown'));
    }
    const none = promptOf(briefOf('', { run: { ...wholePlan, role: 'planner' } }));
    expectProse(section(none, 'The draft'));
  });

  test('a reviewer that is a plain command may speak by its exit code', () => {
    const run = { ...wholePlan, role: 'reviewer' } as const;
    expectProse(section(prompt({ run, profile: { preset: 'command' } }), 'How to end'), 'exit code');
    expect(prompt({ run, profile: { preset: 'claude' } })).not.toContain('exit code');
    expect(prompt({ run: { ...run, role: 'planner' }, profile: { preset: 'command' } })).not.toContain('exit code');
  });

  test('a verifier binds its verdict to a commit, and receives the limit of its own corrections', () => {
    const run = { ...wholePlan, role: 'verifier' } as const;
    const text = promptOf(briefOf(content, { run }), { selfFixMaxLines: 80 });
    expect(text).toContain(
      'stator signal emit verify_approved --payload "{\\"reviewed_sha\\": \\"$(git rev-parse HEAD)\\"}"',
    );
    expectProse(section(text, 'Where you work'), '80 lines');
    expectProse(section(promptOf(briefOf(content, { run }), { selfFixMaxLines: 0 }), 'Where you work'));
  });

  test('that judges receives the base of the work', () => {
    const run = { ...wholePlan, role: 'reviewer' } as const;
    expect(promptOf(briefOf(content, { run }), { base: 'main' })).toContain('`git diff main...HEAD`');
    expect(promptOf(briefOf(content, { run }))).not.toContain('git diff');
  });

  test('the planner gets a form of plans that parses', () => {
    const text = prompt({ run: { ...wholePlan, role: 'planner' } });
    for (const word of ['## Wave 1', '### Task 1: a title', '**Check:**', '**Files:**', '**After:**']) {
      expect(text).toContain(word);
    }
  });
});

describe('the texts of others', () => {
  test('are cut, feedback at 40 KiB and the rest at 16 KiB, with a note where the whole is', () => {
    const long = 'ü'.repeat(20_000);
    const text = prompt({
      run: {
        feedback: `first ${long}${long} last`,
        previous: { run: 'wave-1.1/task-1/agent#1', reason: 'exit-code', detail: `first ${long} last` },
      },
      words: { question: long, answer: long },
      previousDiff: long,
    });
    const notes = text.match(/\[\d+ of \d+ bytes are left out .*\]/g) ?? [];
    expect(notes).toMatchInlineSnapshot(`
      [
        "[39051 of 80011 bytes are left out here; the whole text: stator signal list --json, the last verdict on plan search]",
        "[23627 of 40011 bytes are left out before this; the whole text: the log of run wave-1.1/task-1/agent#1; stator agent show search-w1-t1 names its file]",
        "[23616 of 40000 bytes are left out here; the whole text: git diff with that ref]",
        "[23616 of 40000 bytes are left out here; the whole text: stator plan history search --json]",
        "[23616 of 40000 bytes are left out here; the whole text: stator plan history search --json]",
      ]
    `);
    expect(text).toContain('```\nfirst ');
    expect(text).toContain(' last\n```');
    expect(Buffer.byteLength(text)).toBeLessThan(40 * 1024 + 4 * 16 * 1024 + 6 * 1024);
    expect(text).not.toContain('\uFFFD');
  });

  test('a review that is too long is cut with a pointer to a file, which gets all of it; advice beside it stays whole', () => {
    const review = `first ${'ü'.repeat(30_000)} last`;
    const carried = `${review.slice(0, 20_000)}\n\nA person says: keep the index`;
    const brief = briefOf(content, { run: { feedback: carried } });
    const { text, wholeFeedback } = composePrompt(brief, { wholeVerdict: review, feedbackFile: '/runs/x/feedback.md' });
    expectProse(/^\[\d+ of 60011 .*\]$/m.exec(text)?.[0] ?? '', '/runs/x/feedback.md');
    expect(text).toContain('\n\nA person says: keep the index\n```');
    expect(wholeFeedback).toBe(`${review}\n\nA person says: keep the index`);
    expect(composePrompt(briefOf(content, { run: { feedback: 'short' } })).wholeFeedback).toBeNull();
  });

  test('names and titles stay on their line, whatever they contain', () => {
    expect(oneLine('a\u0000\tb\u2028c\u202ed \ud83d')).toBe('a b cd \ufffd');
    const odd = 'Sch\u00f6n \u001b[31mrot\u001b[0m \u{1f680} `x`';
    const document = lines(`# ${odd}`, '## Wave 1', `### Task 1: ${odd}`, 'x');
    const text = promptOf(
      briefOf(document, { project: 'a\nb', run: { feedback: 'half \ud83d' }, words: { messages: ['\udc00'] } }),
    );
    expect(text).toContain('# Wave 1, task 1: Sch\u00f6n rot \u{1f680} `x`\n');
    expect(text).toContain('project a b\n');
    expect(/\p{Cs}/u.test(text)).toBe(false);
  });

  test('are never read as templates', () => {
    expect(prompt({ run: { feedback: 'use {{ goal }} and {{nothing}}' } })).toContain('use {{ goal }} and {{nothing}}');
  });

  test('cannot end their fence, whatever they hold', () => {
    const words = fc.string({ unit: fc.constantFrom('`', '``', '```', '\n', 'a', '~~~', '# x') });
    fc.assert(
      fc.property(words, (text) => {
        const [opening = '', ...rest] = fenced(text).split('\n');
        expect(rest.findIndex((line) => /^ {0,3}`+\s*$/.test(line) && line.trim().length >= opening.length)).toBe(
          rest.length - 1,
        );
      }),
    );
  });

  test('are never longer than their limit and a note, and keep the end that matters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), fc.constantFrom('start', 'end'), (text, keep) => {
        const cut = excerpt(text, { limitBytes: 50, keep, rest: 'there' });
        expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(50 + 100);
      }),
    );
  });

  test('keep their lines whatever ends them, and lose what only a terminal obeys', () => {
    expect(excerpt('a\rb\r\nc', { limitBytes: 50, keep: 'start', rest: '' })).toBe('a\nb\nc');
    expect(excerpt('10%\r20%\r\n\u001b[1mdone\u001b[0m', { limitBytes: 50, keep: 'end', rest: '' })).toBe('20%\ndone');
  });

  test('a document of endless lines makes no endless prompt', () => {
    const endless = 'x'.repeat(100_000);
    const task = (number: number) => [`### Task ${number}: ${endless}`, `**Files:** ${endless}`];
    const text = promptOf(briefOf(lines(`# ${endless}`, `**Goal:** ${endless}`, '## Wave 1', ...task(1), ...task(2))));
    expect(text.length).toBeLessThan(endless.length + 64 * 1024 + 10_000); // the task's own body once, and the notes of the plan
  });

  test('a wave of hundreds of tasks names some and counts the rest', () => {
    const tasks = Array.from({ length: 200 }, (_, index) => `### Task ${index + 1}: t${index + 1}\nwords`);
    const text = promptOf(briefOf(lines('## Wave 1', ...tasks)));
    expect(text).toMatch(/^- .*\b169\b/m);
    expect(text.length).toBeLessThan(5_000);
  });
});
