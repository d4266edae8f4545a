/**
 * A repo's own prompts are used if they are valid; otherwise they are refused with their file and the remedy. Each prompt keeps a way for the agent to report.
 */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { roles } from '../../machines/vocabulary/ids.ts';
import { composePrompt } from '../../runtime/work/agents/prompt.ts';
import { placeholders } from '../../runtime/work/agents/prompts/placeholders.ts';
import { namesIn } from '../../runtime/work/agents/prompts/template.ts';
import {
  builtIn,
  promptProblems,
  readTemplates,
  templateNames,
} from '../../runtime/work/agents/prompts/template-files.ts';
import { wordsOutside } from '../../runtime/work/agents/relay-words.ts';
import { briefOf, createFolder, type Differences, failureOf, lines } from '../support/agent.ts';
import { expectError } from '../support/prose.ts';

const content = lines('# Faster search', '**Goal:** Answers in 50 ms', '## Wave 1', '### Task 1: Index', 'Build it.');
const reviewing = {
  role: 'reviewer',
  wave: null,
  task: null,
  place: { branch: 'plan/search', from: 'plan/search' },
} as const;

function repoWith(file: string, text: string | Uint8Array): string {
  const repo = createFolder();
  mkdirSync(join(repo, '.stator/prompts'), { recursive: true });
  writeFileSync(join(repo, '.stator/prompts', file), text);
  return repo;
}

function promptIn(repo: string, differences: Differences = {}) {
  return composePrompt(briefOf(content, differences), { own: { repo, texts: readTemplates(repo) } });
}

/** What a coder's prompt becomes with this template. */
function rendered(template: string, differences: Differences = {}): string {
  return promptIn(repoWith('coder.md', `${template}\n\n{{signals}}\n`), differences).text.replace(
    /\n\n- When it is[\s\S]*$/,
    '\n',
  );
}

function refusalOf(template: string): { code: string; message: string; hint: string } {
  const repo = repoWith('coder.md', template);
  const { code, message, hint } = failureOf(() => promptIn(repo));
  return { code, message: message.replaceAll(repo, '<repo>'), hint: hint.replaceAll(repo, '<repo>') };
}

describe('a prompt of the repo', () => {
  test('is taken for its role, and for no other', () => {
    const repo = repoWith('coder.md', 'Do {{task}} on {{branch}}.\n\n{{signals}}\n');
    const { text, source } = promptIn(repo);
    expect(text).toMatch(/^Do Build it\. on plan\/search-w1-t1\.\n\n- /);
    expect(text).toContain('`stator signal emit implement_task_finished`');
    expect(source).toBe(join(repo, '.stator/prompts/coder.md'));
    expect(promptIn(repo, { run: reviewing }).source).toBe('built-in');
  });

  test('that leaves out how to signal gets it at its end', () => {
    const { text } = promptIn(repoWith('reviewer.md', '# Look at {{plan}}\n\nBe kind.'), { run: reviewing });
    expect(text).toMatch(/^# Look at search\n\nBe kind\.\n\n## /);
    for (const signal of ['review_approved', 'review_changes_requested', 'needs_decision'])
      expect(text).toContain(`stator signal emit ${signal}`);
  });

  test('counts from the next run on when it is edited', () => {
    const repo = repoWith('coder.md', 'one');
    expect(promptIn(repo).text).toMatch(/^one\n/);
    writeFileSync(join(repo, '.stator/prompts/coder.md'), 'two');
    expect(promptIn(repo).text).toMatch(/^two\n/);
  });

  test('may have a byte order mark and the line ends of Windows', () => {
    expect(rendered('\uFEFF# {{plan}}\r\n\r\ntext')).toBe('# search\n\ntext\n');
  });
});

describe('what is absent', () => {
  test('takes its section with it, and the heading over nothing', () => {
    const template =
      '# Work\n\n## Review\n\nDo this:\n\n{{feedback}}\n\n## Facts\n\n- {{architecture}}\n\n## Task\n\n{{task}}';
    expect(rendered(template)).toBe('# Work\n\n## Task\n\nBuild it.\n');
    expect(rendered(template, { run: { feedback: 'More tests.' } })).toBe(
      '# Work\n\n## Review\n\nDo this:\n\n```\nMore tests.\n```\n\n## Task\n\nBuild it.\n',
    );
  });

  test('takes a list item with it, and leaves the others', () => {
    expect(rendered('- Goal: {{goal}}\n- Built: {{architecture}}\n- Plan: {{plan}}')).toBe(
      '- Goal: Answers in 50 ms\n- Plan: search\n',
    );
  });

  test('removes a heading that has only such sections below it', () => {
    expect(rendered('# A\n\n## History\n\n### Review\n\n{{feedback}}\n\n## B\n\nb')).toBe('# A\n\n## B\n\nb\n');
  });

  test('leaves the content of a code block unchanged', () => {
    const block = '```sh\n# no heading\n\n\n- {{plan}}\n```';
    expect(rendered(block)).toBe('```sh\n# no heading\n\n\n- search\n```\n');
  });
});

describe('a template that cannot be taken', () => {
  test('says in which line which word is unknown, and which is nearest', () => {
    const [file, all] = ['coder.md, line 3', Object.keys(placeholders).join(', ')];
    expectError(refusalOf('# {{plan}}\n\nGoal: {{ gaol }}\n'), 'bad_config', file, '{{gaol}}', '{{goal}}', all);
    expectError(refusalOf('{{goal'), 'bad_config', 'coder.md, line 1');
    expectError(refusalOf('{{constructor}}'), 'bad_config', '{{constructor}}');
    expect(rendered('keep \\{{ secrets.TOKEN }} of {{plan}}')).toBe('keep {{ secrets.TOKEN }} of search\n');
  });

  test.each([
    ['nothing in it', ''],
    ['nothing but space in it', ' \n\t\n'],
    ['too much in it', 'x'.repeat(65_537)],
    ['bytes that are no text', new Uint8Array([0x41, 0xff, 0xfe])],
  ])('with %s is refused by name', (_, text) => {
    const repo = repoWith('coder.md', text);
    expectError(
      failureOf(() => promptIn(repo)),
      'bad_config',
      join(repo, '.stator/prompts/coder.md'),
    );
  });

  test('because it is a folder, a dead link, or below a file is refused by name', () => {
    const file = '.stator/prompts/coder.md';
    const cases: ((repo: string) => void)[] = [
      (repo) => mkdirSync(join(repo, file), { recursive: true }),
      (repo) => symlinkSync('nowhere.md', join(repo, file)),
    ];
    for (const make of cases) {
      const repo = createFolder();
      mkdirSync(dirname(join(repo, file)), { recursive: true });
      make(repo);
      const command = `mv ${join(repo, file)} ${join(repo, file)}.off`;
      expectError(
        failureOf(() => promptIn(repo)),
        'bad_config',
        command,
      );
    }
    const repo = createFolder();
    mkdirSync(join(repo, '.stator'));
    writeFileSync(join(repo, '.stator/prompts'), '');
    expectError(
      failureOf(() => promptIn(repo)),
      'bad_config',
      join(repo, '.stator/prompts'),
    );
  });

  test('is found before a run needs it, and so is a file that no role reads', () => {
    const repo = repoWith('revewer.md', 'x');
    writeFileSync(join(repo, '.stator/prompts/fixer.md'), '{{fedback}}');
    writeFileSync(join(repo, '.stator/prompts/README.md'), 'ours');
    const folder = join(repo, '.stator/prompts');
    const [wrong, unread, ...more] = promptProblems(repo);
    expect(more).toEqual([]);
    expectError(wrong, 'bad_config', `${folder}/fixer.md, line 1`, '{{feedback}}');
    expectError(unread, 'bad_config', `${folder}/revewer.md`, 'reviewer.md');
    expect(promptProblems(createFolder())).toEqual([]);
  });
});

describe('the built-in prompts', () => {
  test('are waited for where the package is replaced under a running engine', () => {
    const missing = 'not-there' as (typeof templateNames)[number];
    const failure = { code: 'unreachable', hint: expect.stringContaining('stator daemon restart') };
    expect(() => builtIn(missing)).toThrow(expect.objectContaining(failure));
    // So are the processes of stator itself that a run begins with.
    expect(() => wordsOutside('not-there.js', [], {})).toThrow(expect.objectContaining(failure));
  });

  test('are one short file for each role, and name only existing placeholders', () => {
    expect(templateNames).toEqual([...roles, 'resume', 'choose']);
    for (const name of templateNames) {
      const template = builtIn(name);
      expect([...namesIn(template)], name).toContain('branch');
      expect(template.text.split('\n').length, name).toBeLessThan(100);
    }
  });

  test('use every placeholder that the documentation lists, which lists every one', () => {
    const used = new Set(templateNames.flatMap((name) => [...namesIn(builtIn(name))]));
    const docs = readFileSync(join(import.meta.dirname, '../../docs/prompts.md'), 'utf8');
    for (const name of Object.keys(placeholders)) {
      expect([...used, 'plan_title', 'role', 'document'], name).toContain(name);
      expect(docs, name).toContain(`| \`{{${name}}}\` |`);
    }
  });

  test('an override may begin as a copy of one', () => {
    for (const role of roles) {
      const run = role === 'coder' ? {} : { ...reviewing, role };
      const repo = repoWith(
        `${role}.md`,
        builtIn(role).text.replace(/## How to end[\s\S]*$/, '## How to end\n\n{{signals}}\n'),
      );
      expect(promptIn(repo, { run }).text, role).toBe(composePrompt(briefOf(content, { run })).text);
    }
  });
});
