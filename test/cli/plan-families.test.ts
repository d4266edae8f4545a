/** Plans that were written for other programs, from the file that people have to the branch: at the verbs. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Terminal, terminal } from '../support/cli.ts';
import { git } from '../support/ground.ts';
import { expectProse, expectRefusal } from '../support/prose.ts';

const specKit = `# Tasks: Cart

**Input**: Design documents from \`/specs/001-cart/\`

## Phase 1: Setup

- [x] T001 Create the project in src/

## Phase 2: User Story 1 - Add to cart (Priority: P1)

**Goal**: A person puts things into the cart.

- [ ] T002 [P] [US1] Write the model in src/models/cart.ts
- [ ] T003 [P] [US1] Write the item in src/models/item.ts
- [ ] T004 [US1] Write the service in src/services/cart.ts

**Checkpoint**: the cart works
`;

const sequence = `# Shop

Steps for the shop.

### Task 1: Models

- [ ] **Step 1: write them**

### Task 2: Service

- [ ] **Step 1: write it**
`;

/** Each run of an agent writes its title into a file of its own. */
const config = (more = '') =>
  `blueprint_skip_threshold = 0\n[agents.default]\npreset = "command"\nprogram = "sh -c 'cat > /dev/null; echo done > $STATOR_TITLE.txt'"\nattempts = 1\nsandbox = "off"\n${more}`;

function withPlans(plans: Readonly<Record<string, string>>, more = ''): Terminal {
  const made = terminal();
  for (const [file, text] of Object.entries({ '.stator/config.toml': config(more), ...plans })) {
    mkdirSync(dirname(join(made.repo, file)), { recursive: true });
    writeFileSync(join(made.repo, file), text);
  }
  git(made.repo, 'add', '-A');
  git(made.repo, 'commit', '-qm', 'plans');
  return made;
}

const filesOf = ({ repo }: Terminal, branch: string) =>
  git(repo, 'ls-tree', '--name-only', branch)
    .split('\n')
    .filter((name) => name.endsWith('.txt'));

describe('plan check', () => {
  it('says as what a document was read, its order, and who gets which section', async () => {
    const made = withPlans({ 'specs/001-cart/tasks.md': specKit });
    const { code, stdout } = await made.stator(['plan', 'check', 'specs/001-cart']);
    expect(code).toBe(0);
    expect(stdout).toContain('specs/001-cart/tasks.md: read as spec-kit: 2 phases, 4 tasks, 1 done');
    expect(stdout).toContain('wave 2: 1 + 2 → 3');
    const checked = JSON.parse((await made.stator(['plan', 'check', 'specs/001-cart', '--json'])).stdout);
    expect(checked).toMatchObject({ ok: true, name: '001-cart', family: 'spec-kit' });
    const wide = {
      input: ['# P', ...Array.from({ length: 14 }, (_, at) => `- [ ] T${at + 1} [P] a`), '- [ ] T99 b'].join('\n'),
    };
    expect((await made.stator(['plan', 'check', '-'], wide)).stdout).toContain(
      'wave 1: 1 + 2 + 3 + 4 + 5 + 6 + 7 + 8 + 9 + 10 + 11 + 12 + … 2 more → 15\n',
    );
    // Lines are those of the file, also of what only the configuration shows to be wrong.
    type Placed = { readonly line: number };
    const lines = checked.waves.map(({ line, tasks }: Placed & { tasks: Placed[] }) => [
      line,
      ...tasks.map((task) => task.line),
    ]);
    expect(lines).toEqual([
      [5, 7],
      [9, 13, 14, 15],
    ]);
    expect(checked.sections.map(({ line }: Placed) => line)).toEqual([3, 7, 11, 13, 14, 15]);
    const agent = { input: `${sequence}\n**Agent:** nope\n` };
    expect((await made.stator(['plan', 'check', '-'], agent)).stdout).toMatch(/^-:9: task 2 names the agent "nope"/);
  });

  it('prints the document in its own form with --as-plan, which reads the same again', async () => {
    const made = withPlans({ 'specs/001-cart/tasks.md': specKit });
    const own = await made.stator(['plan', 'check', 'specs/001-cart', '--as-plan']);
    expect(own.code).toBe(0);
    const again = await made.stator(['plan', 'check', '-', '--json'], { input: own.stdout });
    const { family, waves } = JSON.parse(again.stdout);
    expect(family).toBe('stator');
    expect(
      waves.map(({ tasks }: { tasks: { done: boolean; after: number[] }[] }) =>
        tasks.map(({ done, after }) => [done, after]),
      ),
    ).toEqual([
      [[true, []]],
      [
        [false, []],
        [false, []],
        [false, [1, 2]],
      ],
    ]);
  });

  it('takes a family by its name, and suggests the nearest name if it is unknown', async () => {
    const made = withPlans({ 'plan.md': sequence });
    expect((await made.stator(['plan', 'check', 'plan.md', '--as', 'stator'])).code).toBe(1);
    const wrong = await made.stator(['plan', 'check', 'plan.md', '--as', 'spec-kitt']);
    expect(wrong.code).toBe(64);
    expectRefusal(wrong.stderr, '"spec-kitt"', 'did you mean spec-kit?');
  });
});

describe('a mistake in a document of another family', () => {
  const mistaken = sequence.replace('### Task 2: Service\n', '### Task 2: Service\n\n**Depends on:** Task 7\n');
  const line = /shop\.md:11: `Service` comes after `7`, which this document does not have/;

  it('is named with its line, and nothing starts', async () => {
    const made = withPlans({ 'shop.md': mistaken });
    const registered = await made.stator(['plan', 'register', 'shop.md', '--trust']);
    expect([registered.code, registered.stderr]).toEqual([0, expect.stringMatching(line)]);
    const run = await made.stator(['run', 'shop.md', '--trust']);
    expect([run.code, run.stderr]).toEqual([1, expect.stringMatching(line)]);
    const dry = await made.stator(['plan', 'simulate', 'shop.md']);
    expect([dry.code, dry.stderr]).toEqual([1, expect.stringMatching(line)]);
    expect(git(made.repo, 'branch', '--list', 'plan/*')).toBe('');
    writeFileSync(join(made.repo, 'shop.md'), sequence);
    expect((await made.stator(['run', 'shop.md', '--trust'])).code).toBe(0);
  });

  it('is named where the plan is planned already, and is then a draft', async () => {
    const made = withPlans({ 'shop.md': sequence });
    await made.stator(['plan', 'register', 'shop.md', '--trust']);
    writeFileSync(join(made.repo, 'shop.md'), mistaken);
    const updated = await made.stator(['plan', 'update-content', 'shop', '--file', 'shop.md']);
    expect([updated.code, updated.stderr]).toEqual([0, expect.stringMatching(line)]);
    expect(JSON.parse((await made.stator(['plan', 'show', 'shop', '--json'])).stdout).phase).toBeNull();
  });
});

describe('--as', () => {
  /** Read as what it looks like this is one task; as a list it is two. */
  const list = '# Shop\n\n## Tasks\n\n- [ ] 1. Models\n- [ ] 2. Service\n  - [ ] 2.1 Write\n  - [ ] 2.2 Test\n';
  const tasksOf = async (made: Terminal) =>
    JSON.parse((await made.stator(['plan', 'show', 'shop', '--json'])).stdout).tasks as number;

  it('holds for the file from then on: for an edit, for a moved file, for a text handed in, and until another family is said', async () => {
    const made = withPlans({ 'docs/shop.md': list });
    expect((await made.stator(['plan', 'check', 'docs/shop.md', '--json'])).stdout).toContain('"family":"kiro"');
    await made.stator(['plan', 'register', 'docs/shop.md', '--as', 'lists', '--trust']);
    expect(await tasksOf(made)).toBe(2);
    // Nothing was edited: no part of it becomes another plan.
    const again = await made.stator(['plan', 'import', 'docs/shop.md', '--json']);
    expect(JSON.parse(again.stdout)).toMatchObject([{ status: 'unchanged', family: 'lists' }]);
    writeFileSync(join(made.repo, 'docs/shop.md'), `${list}- [ ] 3. Page\n`);
    expect((await made.stator(['plan', 'update-content', 'shop', '--file', 'docs/shop.md'])).code).toBe(0);
    expect(await tasksOf(made)).toBe(3);
    const written = await made.stator(['plan', 'export', 'shop', '--write']);
    expectRefusal(written.stderr, 'a document of lists', 'stator plan export shop');
    mkdirSync(join(made.repo, 'plans'));
    renameSync(join(made.repo, 'docs/shop.md'), join(made.repo, 'plans/shop.md'));
    const run = await made.stator(['run', 'plans/shop.md', '--plan-only']);
    expect({ code: run.code, stderr: run.stderr }).toEqual({
      code: 0,
      stderr: expect.stringContaining('lists of work: 3 tasks'),
    });
    await made.stator(['plan', 'update-content', 'shop', '--file', 'plans/shop.md', '--as', 'kiro']);
    expect(await tasksOf(made)).toBe(4);
    writeFileSync(join(made.repo, 'plans/shop.md'), list);
    await made.stator(['plan', 'update-content', 'shop', '--file', 'plans/shop.md']);
    expect(await tasksOf(made)).toBe(3);
  });

  it('says for the marks that are written back, too, which tasks are done', async () => {
    const others = ['Testing', 'Review', 'Nice to have', 'Future ideas', 'Sign-off review'].map(
      (title) => `\n## ${title}\n- [ ] one\n`,
    );
    const whole = list + others.join('');
    const made = withPlans({ 'docs/shop.md': whole }, '[documents]\nwrite_back = true\n');
    expect(await made.stator(['run', 'docs/shop.md', '--as', 'lists', '--trust'])).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(
        /: 2 tasks\nline 10: one check box below `Testing` is no task;.*(\nline \d+: .*){2}\nand 2 more notes: stator plan check shows all\n/,
      ),
    });
    const marked = whole.replace(list, list.replaceAll('[ ]', '[x]'));
    expect(git(made.repo, 'show', 'plan/shop:docs/shop.md')).toBe(marked.trimEnd());
  });
});

describe('run', () => {
  it('carries out the open tasks of a spec-kit folder under the name of the folder, and marks nothing unless asked', async () => {
    const made = withPlans({ 'specs/001-cart/tasks.md': specKit });
    const { code, stderr } = await made.stator(['run', 'specs/001-cart', '--trust']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('read as spec-kit') });
    expect(filesOf(made, 'plan/001-cart')).toEqual(['001-cart-w2-t1.txt', '001-cart-w2-t2.txt', '001-cart-w2-t3.txt']);
    expect(git(made.repo, 'show', 'plan/001-cart:specs/001-cart/tasks.md')).toBe(specKit.trimEnd());
    // The same command again finds the plan of that file, done.
    const again = await made.stator(['run', 'specs/001-cart/tasks.md']);
    expect([again.code, again.stdout]).toEqual([0, expect.stringContaining('001-cart is already done')]);
  });

  it('marks what is done in the file, on its branch, where [documents] asks for it', async () => {
    const made = withPlans({ 'specs/001-cart/tasks.md': specKit }, '[documents]\nwrite_back = true\n');
    expect((await made.stator(['run', 'specs/001-cart', '--trust'])).code).toBe(0);
    const marked = specKit.replaceAll('- [ ] T00', '- [x] T00');
    expect(git(made.repo, 'show', 'plan/001-cart:specs/001-cart/tasks.md')).toBe(marked.trimEnd());
    expect(readFileSync(join(made.repo, 'specs/001-cart/tasks.md'), 'utf8')).toBe(specKit);
    // In the commits that brought the work, and in no others.
    expect(git(made.repo, 'log', '--format=%s', 'main..plan/001-cart', '--', 'specs').split('\n')).toHaveLength(3);
  });

  it('marks the work of one coder, and of tasks that share a worktree, all the same', async () => {
    for (const more of ['isolation = "plan"\n', 'blueprint_skip_threshold = 9\n']) {
      const made = withPlans({ 'specs/001-cart/tasks.md': specKit });
      made.write(
        '.stator/config.toml',
        `${more}${config().replace('blueprint_skip_threshold = 0\n', '')}[documents]\nwrite_back = true\n`,
      );
      git(made.repo, 'commit', '-qam', 'config');
      expect((await made.stator(['run', 'specs/001-cart', '--trust'])).code).toBe(0);
      const marked = git(made.repo, 'show', 'plan/001-cart:specs/001-cart/tasks.md');
      expect([marked.includes('[x]'), marked.includes('[ ]')]).toEqual([true, false]);
    }
  });

  it('has nothing to start where all is marked as done, and says so', async () => {
    const made = withPlans({ 'specs/001-cart/tasks.md': specKit.replaceAll('[ ]', '[x]') });
    const { code, stdout } = await made.stator(['run', 'specs/001-cart', '--trust']);
    expect(code).toBe(0);
    expect(stdout).toContain('marks all of its tasks (4) as done, and nothing is started');
    expect(JSON.parse((await made.stator(['plan', 'show', '001-cart', '--json'])).stdout)).toMatchObject({
      status: 'ready',
      tasks_done: 4,
    });
  });

  it('takes a plan from standard input, named by its title or by --name', async () => {
    const made = withPlans({});
    expect((await made.stator(['run', '-', '--trust', '--yes'], { input: sequence })).code).toBe(0);
    expect(filesOf(made, 'plan/shop')).toEqual(['shop-w1-t1.txt', 'shop-w1-t2.txt']);
    expect((await made.stator(['run', '-', '--name', 'again', '--yes'], { input: sequence })).code).toBe(0);
    const nameless = await made.stator(['run', '-'], { input: sequence.replace('# Shop', '') });
    expect(nameless.code).toBe(64);
    expectRefusal(nameless.stderr, '--name <plan>');
  });

  it('names the plans of a folder that has several', async () => {
    const made = withPlans({ 'specs/001-cart/tasks.md': specKit, 'specs/002-shop/tasks.md': specKit });
    const { code, stderr } = await made.stator(['run', 'specs', '--trust']);
    expect(code).toBe(1);
    expectProse(
      stderr,
      'specs is a folder with 2 plans: 001-cart/tasks.md, 002-shop/tasks.md',
      'stator plan import specs',
    );
    const none = await made.stator(['run', '.stator']);
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('a folder without a plan')]);
  });
});

describe('plan import', () => {
  it('registers every plan of a folder under a name of its own, once, and names what cannot be read', async () => {
    const made = withPlans({
      'specs/001-cart/tasks.md': specKit,
      'specs/002-shop/tasks.md': specKit,
      'docs/shop.md': sequence,
      'docs/broken.md': '## Wave 1\n',
      'docs/readme.md': '# Shop\n',
      'docs/.worktrees/plan-shop/shop.md': sequence,
      'docs/checkout/shop.md': sequence,
    });
    made.write('docs/checkout/.git', 'gitdir: elsewhere\n');
    const first = await made.stator(['plan', 'import', 'specs', 'docs', '--trust', '--json']);
    expect(first.code).toBe(1);
    const states = (text: string) =>
      (JSON.parse(text) as { plan: string; status: string; tasks: number }[]).map(({ plan, status, tasks }) => [
        plan,
        status,
        tasks,
      ]);
    expect(states(first.stdout)).toEqual([
      ['001-cart', 'registered', 4],
      ['002-shop', 'registered', 4],
      [null, 'failed', 0],
      ['shop', 'registered', 2],
    ]);
    const second = await made.stator(['plan', 'register', 'specs/001-cart', 'docs/shop.md', '--json']);
    expect([second.code, states(second.stdout)]).toEqual([
      0,
      [
        ['001-cart', 'unchanged', 4],
        ['shop', 'unchanged', 2],
      ],
    ]);
    const wrong = await made.stator(['plan', 'register', 'docs/shop.md', 'specs/001-cart', '--name', 'x']);
    expect(wrong.code).toBe(64);
    expectRefusal(wrong.stderr, '--name', 'one by one');
  });
});

describe('--as', () => {
  it('forces the family at every verb that takes a document', async () => {
    const made = withPlans({ 'plan.md': sequence, 'other.md': sequence });
    const { stator } = made;
    const titles = async (plan: string) => (await stator(['plan', 'export', plan])).stdout.match(/^### .*$/gm);
    const simulated = await stator(['plan', 'simulate', 'plan.md', '--as', 'tasks', '--json']);
    expect([simulated.code, JSON.parse(simulated.stdout).order.length]).toEqual([0, 3]);
    expect((await stator(['plan', 'register', 'plan.md', '--name', 'one', '--as', 'tasks', '--trust'])).code).toBe(0);
    expect((await stator(['plan', 'import', 'other.md', '--as', 'tasks', '--json'])).stdout).toContain(
      '"family":"tasks"',
    );
    const both = ['### Task 1: Models', '### Task 2: Service'];
    expect([await titles('one'), await titles('other')]).toEqual([both, both]);
    expect((await stator(['plan', 'update-content', 'one', '--file', 'plan.md', '--as', 'stator'])).code).toBe(0);
    expect(await titles('one')).toEqual(both);
    expect((await stator(['plan', 'export', 'one'])).stdout).not.toContain('## Wave 1');
    const refused = await stator(['run', 'plan.md', '--as', 'nothing']);
    expect(refused.code).toBe(64);
    expectRefusal(refused.stderr, '--as: "nothing"');
    expect((await stator(['run', 'plan.md', '--name', 'two', '--as', 'tasks', '--dry'])).stdout).toContain('w1-t2');
  });
});

describe('plan export', () => {
  it('prints the own form, and writes it over no document of another program unless it is forced', async () => {
    const made = withPlans({ 'specs/001-cart/tasks.md': specKit });
    expect((await made.stator(['plan', 'import', 'specs', '--trust'])).code).toBe(0);
    const { stdout } = await made.stator(['plan', 'export', '001-cart']);
    expect(stdout).toBe((await made.stator(['plan', 'check', 'specs/001-cart', '--as-plan'])).stdout);
    const refused = await made.stator(['plan', 'export', '001-cart', '--write']);
    expect(refused.code).toBe(1);
    expectRefusal(refused.stderr, 'spec-kit', '--force');
    expect((await made.stator(['plan', 'export', '001-cart', '--write', '--force'])).code).toBe(0);
    expect(readFileSync(join(made.repo, 'specs/001-cart/tasks.md'), 'utf8')).toBe(stdout);
  });
});

describe('init', () => {
  it('names the plans that a repo has, and how to run each', async () => {
    const made = withPlans({ 'specs/001-cart/tasks.md': specKit, 'PLAN.md': sequence });
    const { stdout } = await made.stator(['init', '--yes']);
    expect(stdout).toContain('stator run specs/001-cart/tasks.md  # spec-kit: 4 tasks, 1 done');
    expect(stdout).toContain('stator run PLAN.md  # ');
  });
});
