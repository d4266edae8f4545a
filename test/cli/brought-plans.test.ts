/**
 * The first hour with the plan of another program, typed on a terminal of 80 x 24: from a repository of spec-kit, Kiro or task-master to a merged branch, with
 * the mistakes that people make on the way. Each walk runs a whole plan and a dozen commands, so it takes its time.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Terminal, terminal } from '../support/cli.ts';
import { git } from '../support/ground.ts';
import { openPty, type Pty } from '../support/pty.ts';

const main = join(import.meta.dirname, '../../dist/bin/stator.js');
const config = `[agents.default]
preset = "command"
program = "sh -c 'cat > /dev/null; echo done > $STATOR_TITLE.txt'"
sandbox = "off"
[agents.reviewer]
preset = "command"
program = "true"
[documents]
write_back = true
`;

function repository(files: Readonly<Record<string, string>>): Terminal {
  const made = terminal();
  for (const [path, text] of Object.entries({ '.stator/config.toml': config, ...files })) made.write(path, text);
  git(made.repo, 'add', '-A');
  git(made.repo, 'commit', '-qm', 'plans');
  return made;
}

function typed({ repo, env }: Terminal, ...args: string[]): Pty {
  return openPty(process.execPath, [main, ...args], { cwd: repo, env });
}

/** What a command says, on one line, and its exit code. */
async function said(made: Terminal, ...args: string[]): Promise<string> {
  const pty = typed(made, ...args);
  const code = await pty.ended;
  return `${code}: ${pty.text().replace(/\s+/g, ' ')}`;
}

/** Runs a plan to its end, and trusts the repository on the way. */
async function carriedOut(made: Terminal, file: string): Promise<string> {
  const pty = typed(made, 'run', file);
  await pty.until('let it act?');
  pty.type('y');
  pty.type('\r');
  expect(await pty.ended).toBe(0);
  return pty.text();
}

async function merged(made: Terminal, plan: string): Promise<void> {
  const pty = typed(made, 'plan', 'merge', plan);
  await pty.until('do it?');
  pty.type('y');
  pty.type('\r');
  expect(await pty.ended).toBe(0);
}

const specKit = `# Tasks: Cart

## Phase 1: Setup

- [x] T001 Create the project

## Phase 2: User Story 1 (Priority: P1)

- [ ] T002 [P] [US1] Write the cart in src/cart.js
- [ ] T003 [P] [US1] Write the item in src/item.js
- [ ] T004 [US1] Write the service in src/service.js (depends on T002, T003)
`;

it('of spec-kit', async () => {
  const made = repository({ 'specs/001-cart/tasks.md': specKit, 'specs/001-cart/spec.md': '# Cart\n' });
  const begun = await said(made, 'init', '--yes');
  expect(begun).toContain('stator run specs/001-cart/tasks.md # spec-kit: 4 tasks, 1 done');
  // The folder's name alone, and a slip in the path.
  expect(await said(made, 'run', '001-cart')).toContain('did you mean specs/001-cart?');
  expect(await said(made, 'run', 'spec/001-crt')).toContain('did you mean specs/001-cart?');
  expect(await said(made, 'plan', 'check', 'specs/001-cart/spec.md')).toContain(
    'stator plan check specs/001-cart/tasks.md',
  );
  expect(await said(made, 'plan', 'check', 'specs/001-cart')).toMatch(/^0: .*wave 2: 1 \+ 2 → 3/);
  const run = await carriedOut(made, 'specs/001-cart');
  expect(run).toContain('✓ 3 T004 Write the service');
  // A plan is named by the folder that it was run by, too.
  expect(await said(made, 'plan', 'show', 'specs/001-cart')).toContain('done, not merged');
  await merged(made, 'specs/001-cart');
  expect(readFileSync(join(made.repo, 'specs/001-cart/tasks.md'), 'utf8')).toBe(specKit.replaceAll('- [ ]', '- [x]'));
  // What the plan itself has marked is no edit of a person.
  const again = await said(made, 'run', 'specs/001-cart');
  expect(again).toMatch(/^0: .*001-cart is already done/);
  expect(again).not.toContain('edited');
});

const kiro = `# Implementation Plan

- [ ] 1. Set up the project
  - _Requirements: 1.1_
- [ ] 2. Store passkeys
  - [ ] 2.1 Write the table
  - [ ] 2.2 Test it
`;

it('of Kiro', async () => {
  const made = repository({
    '.kiro/specs/login/tasks.md': kiro,
    '.kiro/specs/login/requirements.md': '# Requirements\n',
    '.kiro/specs/search/tasks.md': '- [x] 1. Index\n- [x] 2. Ask\n',
  });
  // A person who names the requirements means the plan that was made of them; a planner would cost money.
  const other = await said(made, 'run', '.kiro/specs/login/requirements.md');
  expect(other).toMatch(
    /^64: .*whose plan \(tasks\.md\) lies beside it.* name that file: \.kiro\/specs\/login\/tasks\.md/,
  );
  expect(await said(made, 'run', '.kiro/specs')).toContain('a folder with 2 plans: login/tasks.md, search/tasks.md');
  await carriedOut(made, '.kiro/specs/login');
  expect(await said(made, 'run', '.kiro/specs/search')).toMatch(/^0: .*marks all of its tasks \(2\) as done/);
  await merged(made, 'login');
  expect(git(made.repo, 'show', 'main:.kiro/specs/login/tasks.md')).toBe(kiro.replaceAll('[ ]', '[x]').trimEnd());
});

const taskMaster = `{
  "master": {
    "tasks": [
      {"id": 1, "title": "Package", "status": "done", "dependencies": []},
      {"id": 2, "title": "Counter", "status": "pending", "dependencies": [1], "subtasks": [{"id": 1, "title": "Test", "status": "pending"}]},
      {"id": 3, "title": "Page", "status": "pending", "dependencies": [1]}
    ]
  }
}
`;

it('of task-master', async () => {
  const made = repository({ '.taskmaster/tasks/tasks.json': taskMaster });
  expect(await said(made, 'run', 'tasks.json')).toContain('did you mean .taskmaster/tasks/tasks.json?');
  const run = await carriedOut(made, '.taskmaster');
  // Its name is not that of a file, since its branch is named after it.
  expect(run).toContain('tasks is done, not merged');
  expect(await said(made, 'plan', 'show', '.taskmaster/tasks/tasks.json')).toContain('done, not merged');
  await merged(made, 'tasks');
  const text = git(made.repo, 'show', 'main:.taskmaster/tasks/tasks.json');
  expect(text).toBe(taskMaster.replaceAll('"pending"', '"done"').trimEnd());
  expect(await said(made, 'run', '.taskmaster')).toMatch(/^0: .*tasks is already done/);
});
