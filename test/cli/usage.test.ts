import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createOutput } from '../../cli/output.ts';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { planOf, terminal, working } from '../support/cli.ts';
import { git } from '../support/ground.ts';
import { expectProse, expectRefusal, expectRefusalJson } from '../support/prose.ts';

describe('the command line', () => {
  it('shows all commands on one screen, and its version', async () => {
    const { stator } = terminal();
    const help = await stator(['--help']);
    expect(help.code).toBe(0);
    expect(help.stdout.split('\n').length).toBeLessThanOrEqual(24);
    expectProse(help.stdout, 'example: stator run');
    expect((await stator(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('has a page with an example for every verb and noun, that fits a small terminal', async () => {
    const { nouns, pageOf, verbs } = await import('../../cli/commands.ts');
    const { stator } = terminal();
    const pages: [string, string][] = [];
    const all = Object.entries(nouns).flatMap(([noun, list]) => list.map((entry) => ({ noun, entry })));
    for (const { noun, entry } of [...verbs.map((verb) => ({ noun: null, entry: verb })), ...all]) {
      const name = noun === null ? entry.name : `${noun} ${entry.name}`;
      const verb = await entry.load();
      expect(verb.read(name, ['--help']).wantsHelp).toBe(true);
      if (entry.now === undefined) pages.push([name, await pageOf(noun, entry)]);
    }
    for (const path of [[], ...Object.keys(nouns).map((noun) => [noun]), ['plan', 'show'], ['status']]) {
      const { code, stdout, stderr } = await stator([...path, '--help']);
      expect({ path, code, stderr }).toEqual({ path, code: 0, stderr: '' });
      pages.push([path.join(' '), stdout.trimEnd()]);
    }
    expect(pages.flatMap(([name, page]) => (page.split('\n').length > 24 ? [name] : []))).toEqual([]);
    for (const [name, page] of pages) {
      expect(page, name).toContain('example: ');
      expect(page.split('\n').length, `${name}\n${page}`).toBeLessThanOrEqual(24);
      expect(Math.max(...page.split('\n').map((line) => line.length)), `${name}\n${page}`).toBeLessThanOrEqual(80);
    }
  });

  it('cuts no meaning on the page of a noun, and has nothing there that is not for every day', async () => {
    const { nounPage, nouns } = await import('../../cli/commands.ts');
    const pages = Object.entries(nouns).map(([noun, entries]) => nounPage(noun, entries));
    expect(pages.filter((page) => page.includes('…'))).toEqual([]);
    expect(nounPage('plan', nouns.plan ?? [])).not.toContain('another host');
    expect(nounPage('trust', nouns.trust ?? [])).toMatch(
      / revoke {2}stator repo trust .*--revoke\n[\s\S]* stator repo trust --help/,
    );
    expect(nounPage('instance', nouns.instance ?? [])).toBe(nounPage('agent', nouns.agent ?? []));
    expect(nounPage('host', nouns.host ?? [])).toContain('drain');
  });

  it('leaves what is wrong with a word on a small terminal, and does not push it off with a page', async () => {
    const { stator } = terminal();
    for (const words of [
      ['runn', 'p.md'],
      ['shw', 'p'],
      ['plan', 'shw', 'p'],
      ['agent', 'xyzzy'],
    ]) {
      const { code, stderr } = await stator(words);
      expect([words, code]).toEqual([words, 64]);
      expect(stderr).toMatch(/^error: unknown (?:command|verb) "[^"]+"\nhint: .+\n\nusage: .+--help|stator help\n$/);
      expect(stderr.split('\n').length).toBeLessThan(8);
    }
  });

  it('has 16 words and 60 pages at most, and each name from kasmos and kugetsu leads to a verb', async () => {
    const { isOtherNoun, listed, nouns, todayOf, topUsage, verbs } = await import('../../cli/commands.ts');
    const words = topUsage('').match(/^ {2}[a-z]+(?= {2})/gm) ?? [];
    expect(words.length).toBeGreaterThan(10);
    expect(words.length).toBeLessThanOrEqual(16);
    const ofToday = Object.values(nouns).filter((entries) => !isOtherNoun(entries));
    const pages = [verbs, ...ofToday].flatMap((entries) => listed(entries).filter(({ isHidden }) => !isHidden));
    expect(pages.length).toBeLessThanOrEqual(60);
    const old = [verbs, ...Object.values(nouns)].flat().filter(({ now }) => now !== undefined);
    expect(old.length).toBeGreaterThan(20);
    const lost = old.filter((entry) => {
      const [word = '', verb = ''] = todayOf(entry).split(' ');
      const found = [
        ...(nouns[word] ?? []).filter(({ name }) => name === verb),
        ...verbs.filter((one) => one.name === word),
      ];
      return !found.some(({ now }) => now === undefined);
    });
    expect(lost.map(({ name, now }) => `${name}: ${now}`)).toEqual([]);
  });

  it.each([
    [['pln'], ['"pln"', 'plan?']],
    [['stat'], ['"stat"', 'status?']],
    [
      ['plan', 'list', '--proj', 'demo'],
      ['--proj', '--project?'],
    ],
    [
      ['plan', 'lits'],
      ['"plan lits"', 'list?'],
    ],
    [
      ['plan', 'list', '--jsno'],
      ['--jsno', '--json?'],
    ],
    [
      ['plan', 'show', 'a', '--no-such'],
      ['--no-such', '--json'],
    ],
    [
      ['plan', 'check'],
      ['<file>', 'stator plan check --help'],
    ],
    [
      ['plan', 'show'],
      ['<plan>', 'stator plan list'],
    ],
    [
      ['plan', 'answer', 'a#1'],
      ['<answer>', 'stator plan answer a#1'],
    ],
    [
      ['store', 'copy'],
      ['--to', 'stator store copy --to'],
    ],
    [['plan', 'show', 'a', 'b'], ['"b"']],
    [['plan', 'list', '--json', 'plan,status'], ['--json=plan,status']],
    [
      ['plan', 'show', ''],
      ['<plan>', 'empty'],
    ],
    [
      ['run', '-my plan.md'],
      ['-m', "'./-my plan.md'"],
    ],
    [['plan', 'advance', 'a', 'implement-start', '--wave'], ['--wave <N>']],
    [['plan', 'list', '--project', '--json'], ['--project <name>']],
    [['plan'], ['stator plan']],
  ])('refuses %j with 64, says why, and shows the page that helps', async (args, places) => {
    const { stator } = terminal();
    const { code, stdout, stderr } = await stator(args);
    expect(code).toBe(64);
    expect(stdout).toBe('');
    if (args.includes('--json')) {
      expectRefusalJson(stderr, 'usage', ...places);
    } else {
      const [error = '', hint = ''] = stderr.split('\n');
      expect([error, hint]).toEqual([expect.stringMatching(/^error: ./), expect.stringMatching(/^hint: ./)]);
      expectProse(`${error}\n${hint}`, ...places);
      expect(stderr).toContain('usage: stator');
    }
  });

  it('takes flags before the command and before its verb too', async () => {
    const { stator } = terminal();
    for (const line of ['--json plan list', 'plan --json list', '--quiet plan --json ls'])
      expect(await stator(line.split(' ')), line).toMatchObject({ code: 0, stdout: '[]\n' });
    expect((await stator(['plan', '--project', 'nope', 'list'])).stderr).toContain('no repo "nope" is registered');
    expect((await stator(['plan', '--project', 'list'])).code).toBe(64);
  });

  it('does not crash when the reader of its output goes away', async () => {
    const { start } = terminal();
    const running = start(['--help']);
    running.child.stdout?.destroy();
    const { code, stderr } = await running.ended;
    expect(code).toBe(0);
    expect(stderr).toBe('');
  });

  it('says with 78 what is wrong with a configuration, and that a home cannot be used', async () => {
    const { stator, home, root } = terminal();
    mkdirSync(home, { mode: 0o700 });
    writeFileSync(join(home, 'daemon.toml'), 'max_agent = 3\n');
    const typo = await stator(['plan', 'list']);
    expect(typo.code).toBe(78);
    expectProse(typo.stderr, `error: ${root}/home/daemon.toml, line 1`, 'max_agent;', 'max_agents?', 'hint: ');
    writeFileSync(join(root, 'file'), '');
    const noFolder = await stator(['plan', 'list', '--json'], { env: { STATOR_HOME: join(root, 'file') } });
    expect(noFolder.code).toBe(78);
    expectRefusalJson(noFolder.stderr, 'home_unusable', join(root, 'file'), 'STATOR_HOME');
  });

  it('says with 78 that a home cannot be written', async () => {
    const { stator } = terminal();
    const refused = await stator(['plan', 'list'], { env: { STATOR_HOME: '/dev/null/stator' } });
    expect(refused.code).toBe(78);
    expectRefusal(refused.stderr, '/dev/null/stator', 'STATOR_HOME');
  });

  it('tells a bug with 70 and leaves a report', async () => {
    const { reportFailure } = await import('../../cli/failure.ts');
    const { home } = terminal();
    const words: string[] = [];
    const stderr = { write: (text: string) => words.push(text) };
    const env = { STATOR_HOME: home };
    const out = createOutput({ stdout: stderr, stderr, env, json: true, quiet: false, verbose: false });
    const code = reportFailure(new TypeError('x is not a function'), { out, argv: ['plan', 'list'], version: '1.2.3' });
    expect(code).toBe(70);
    const said = words.join('');
    const told = JSON.parse(said);
    expect(told).toMatchObject({ code: 'internal' });
    expectProse(told.error, 'x is not a function');
    const [report = ''] = readdirSync(join(home, 'reports'));
    expect(said).toContain(report);
    expect(existsSync(join(home, 'reports', report))).toBe(true);
  });

  it('prints an answer of more lines than a function takes arguments', () => {
    const texts: string[] = [];
    const stdout = { write: (text: string) => texts.push(text) };
    const out = createOutput({ stdout, stderr: stdout, env: {}, json: false, quiet: false, verbose: false });
    out.answer(null, () => Array.from({ length: 300_000 }, () => 'a'));
    expect(texts.join('').length).toBe(600_000);
  });

  it('leaves the terminal alone, whatever the words of others hold', async () => {
    const { reportFailure } = await import('../../cli/failure.ts');
    const words: string[] = [];
    const stderr = { write: (text: string) => words.push(text) };
    const out = createOutput({ stdout: stderr, stderr, env: {}, json: false, quiet: false, verbose: true });
    const cause = new Error('fatal: \x1b]0;owned\x07');
    const thrown = new EngineError('git_failed', 'a\x1b[2J\u202eb\nc\x9b1m', 'see \x1b[31m/tmp/\rx', { cause });
    expect(reportFailure(thrown, { out, argv: [], version: '1.2.3' })).toBe(1);
    const said = words.join('');
    expect(said).toContain('error: ab\nc\nhint: x\n');
    expect(said).toContain('caused by: Error: fatal: \n');
    expect(said).not.toMatch(/[^\P{Cc}\n]|\u202e/u);
  });
});

describe('plan check', () => {
  it('reads a good plan without a store', async () => {
    const { stator, write, home } = terminal();
    write('docs/My Plan.md', planOf(['true', 'true'], ['true']));
    const checked = await stator(['plan', 'check', 'docs/My Plan.md']);
    expect(checked).toMatchObject({ code: 0, stderr: '' });
    expectProse(checked.stdout, 'docs/My Plan.md: ');
    expect((await stator(['plan', 'check', 'docs/My Plan.md', '--quiet'])).stdout).toBe('');
    const { stdout } = await stator(['plan', 'check', 'docs/My Plan.md', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: true,
      name: 'my-plan',
      tech_stack: null,
      waves: [
        { number: 1, line: 3, tasks: [{ number: 1, title: 'piece 1.1', check: null, files: [], after: [] }, {}] },
        {},
      ],
      problems: [],
    });
    expect(existsSync(home)).toBe(false);
  });

  it('lists each section and the agents that receive it', async () => {
    const { stator, write } = terminal();
    write(
      'p.md',
      '# P\n**Goal:** g\n\nBefore.\n\n## Wave 1\nWhy.\n### Task 1: a\nb\n## Rollout\nslowly\n## Wave 2\n### Task 1: c\n',
    );
    const { code, stdout } = await stator(['plan', 'check', 'p.md']);
    expect(code).toBe(0);
    expect(stdout).toMatchInlineSnapshot(`
      "p.md: 2 waves, 2 tasks, no problems
        goal: g
      line  section      goes to
      2     **Goal:** g  every agent
      7     Why.         every coder of wave 1
      8     Task 1: a    the coder of w1-t1
      10    Rollout      every agent
      13    Task 1: c    the coder of w2-t1
      "
    `);
    const { sections } = JSON.parse((await stator(['plan', 'check', 'p.md', '--json'])).stdout);
    expect(sections).toContainEqual({ line: 10, title: 'Rollout', to: 'every agent' });
  });

  it('shows what it read: the budget, and of each task its check, its files and what it comes after', async () => {
    const { stator, write } = terminal();
    const fields = '**Check:** make\n**Files:** a.ts, b.ts\n**After:** 1';
    write('p.md', `# P\n\n**Budget:** 5 USD\n\n## Wave 1\n### Task 1: a\n### Task 2: b\n${fields}\n`);
    const { code, stdout } = await stator(['plan', 'check', 'p.md']);
    expect(code).toBe(0);
    expect(stdout).toContain('budget: 5 USD');
    expect(stdout).toContain('check: make; files: a.ts, b.ts; after: task 1');
  });

  it('shows which tasks are marked as done', async () => {
    const { stator, write } = terminal();
    write('p.md', '# P\n\n## Wave 1\n### [x] Task 1: Cart\n### Task 2: Till\n');
    expect((await stator(['plan', 'check', 'p.md'])).stdout).toMatch(/Task 1: Cart +the coder of w1-t1 +done\n/);
    const { waves } = JSON.parse((await stator(['plan', 'check', 'p.md', '--json'])).stdout);
    expect(waves).toMatchObject([{ tasks: [{ done: true }, { done: false }] }]);
  });

  it('says of a check outside of any task that nothing runs it, and shows headings without their marks', async () => {
    const { stator, write } = terminal();
    write('p.md', '# P\n\n### Background\nOld.\n\n## Wave 1\n**Check:** make\n### Task 1: a\n');
    const { code, stdout } = await stator(['plan', 'check', 'p.md']);
    expect(code).toBe(0);
    expect(stdout).toMatchInlineSnapshot(`
      "p.md: 1 wave, 1 task, no problems
      p.md:7: note: this check is in no task, so nothing runs it; move it below the heading of its task
      line  section          goes to
      3     Background       every agent
      7     **Check:** make  every coder of wave 1
      8     Task 1: a        the coder of w1-t1
      "
    `);
    const { remarks } = JSON.parse((await stator(['plan', 'check', 'p.md', '--json'])).stdout);
    expect(remarks).toMatchObject([{ line: 7 }]);
  });

  it('says of the agent of no task that no task has it, and which repo the whole plan is for', async () => {
    const { stator, write } = terminal();
    write('p.md', '**Agent:** strong\n**Repo:** api\n\n## Wave 1\n### Task 1: a\n');
    const { remarks, repo, waves } = JSON.parse((await stator(['plan', 'check', 'p.md', '--json'])).stdout);
    expect(remarks).toMatchObject([{ line: 1 }]);
    expect([repo, waves[0].tasks[0].repo]).toEqual(['api', 'api']);
    expectProse((await stator(['plan', 'check', 'p.md'])).stdout, 'p.md:1: note:', '  repo: api');
  });

  it('says of what was most likely meant as a check, a wave or a task that it is read as text', async () => {
    const { stator, write } = terminal();
    write(
      'p.md',
      '# P\n\n## Wave 1\n### Task 1: a\n**Check** npm test\n### Task 2: b\n- Check: make\n### Task 3: c\n**Check:** true\nCheck: the rest\n### Task 4: d\nCheck that it works.\n\n```sh\ncheck: x\n```\n\n## Wave two\n\nmore\n\n# Wave 2\n\nand more\n',
    );
    const { code, stdout } = await stator(['plan', 'check', 'p.md']);
    expect(code).toBe(0);
    expect(stdout.split('\n').filter((line) => line.includes('note:'))).toMatchInlineSnapshot(`
      [
        "p.md:5: note: \`**Check** npm test\` is not read, so nothing runs it; a check is written **Check:** npm test",
        "p.md:7: note: \`- Check: make\` is not read, so nothing runs it; a check is written **Check:** make",
        "p.md:18: note: \`Wave two\` is not read as a wave, so nobody works on it; write \`## Wave 2\`",
        "p.md:22: note: \`Wave 2\` is not read as a wave, so nobody works on it; write \`## Wave 2\`",
      ]
    `);
  });

  it('names every problem with file and line', async () => {
    const { stator, write } = terminal();
    write('p.md', '# P\n\n### Task 1: early\n\n## Wave 2\n\n## Wave 2\n');
    const { code, stdout } = await stator(['plan', 'check', 'p.md']);
    expect(code).toBe(1);
    expect(stdout).toMatchInlineSnapshot(`
      "p.md:5: \`## Wave 2\` is read as a section of text, so nobody works on it; give it another name, or write its tasks below it as \`### Task 1: title\`
      p.md:7: \`## Wave 2\` is read as a section of text, so nobody works on it; give it another name, or write its tasks below it as \`### Task 1: title\`
      "
    `);
    write('none.md', '# P\n\njust words\n');
    expectProse((await stator(['plan', 'check', 'none.md'])).stdout, 'none.md:1: ');
  });

  it.each(['missing.md', 'folder', '/dev/zero', 'huge.md'])('says of %s what it is', async (file) => {
    const { stator, write, repo } = terminal();
    mkdirSync(join(repo, 'folder'));
    if (file === 'huge.md') write(file, Buffer.alloc(17 * 1024 * 1024, 'x'));
    const { code, stderr } = await stator(['plan', 'check', file]);
    expect(code).toBe(1);
    expectRefusal(stderr, `error: ${file}`);
  });

  it.each([
    ['a binary file', Buffer.from([0x23, 0x20, 0x50, 0x0a, 0x00, 0x01]), 'p.md:2: '],
    ['a file of 2 MiB', Buffer.alloc(2 * 1024 * 1024, 'x'), 'p.md:1: '],
    ['a file in another encoding', Buffer.from([0x23, 0x20, 0xe9, 0x0a]), 'p.md:1: '],
    ['an empty file', Buffer.alloc(0), 'p.md:1: '],
  ])('says of %s what is wrong with it', async (_what, bytes, place) => {
    const { stator, write } = terminal();
    write('p.md', bytes);
    const { code, stdout } = await stator(['plan', 'check', 'p.md']);
    expect(code).toBe(1);
    expectProse(stdout, place);
  });
});

describe('outside of a good repo', () => {
  it('run and register say that this is no git repository', async () => {
    const { stator, root } = terminal();
    writeFileSync(join(root, 'p.md'), planOf(['true']));
    for (const args of [
      ['run', 'p.md'],
      ['plan', 'register', 'p.md'],
      ['plan', 'show', 'p'],
    ]) {
      const { code, stderr } = await stator(args, { cwd: root });
      expect(code).toBe(1);
      expectRefusal(stderr, root);
    }
  });

  it('run says that there is no commit yet, and that git knows nobody', async () => {
    const { stator, root } = terminal();
    const empty = join(root, 'empty');
    mkdirSync(empty);
    git(empty, 'init', '-q');
    writeFileSync(join(empty, 'p.md'), planOf(['true']));
    const nobody = await stator(['run', 'p.md'], { cwd: empty, env: { EMAIL: '' } });
    expect(nobody.code).toBe(78);
    expectRefusal(nobody.stderr, 'user.name', 'user.email');
    git(empty, 'config', 'user.name', 'Ada');
    git(empty, 'config', 'user.email', 'ada@example.com');
    const noCommit = await stator(['run', 'p.md'], { cwd: empty });
    expect(noCommit.code).toBe(1);
    expectRefusal(noCommit.stderr, empty);
  });

  it('doctor says what is in the way', async () => {
    const { stator, root, home } = working();
    const good = await stator(['doctor', '--json']);
    expect(good.code).toBe(0);
    expect(JSON.parse(good.stdout)).toMatchObject({ ok: true });
    mkdirSync(home, { mode: 0o700 });
    writeFileSync(join(home, 'daemon.toml'), 'max_agents = "many"\n');
    const { code, stdout } = await stator(['doctor'], { cwd: root });
    expect(code).toBe(1);
    expect(stdout).toContain('✗  daemon.toml');
    expect(stdout).toContain('✗  git identity');
    // The row is cut on a terminal.
    expect(stdout).toMatch(/^daemon\.toml, socket, .*: .*max_agents: found the text "many".*\ncorrect /m);
  });
});
