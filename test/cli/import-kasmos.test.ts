/** `stator import kasmos` over stores that are made with kasmos's own tables. */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import type { Piece } from '../../cli/import/steps.ts';
import type { PlanEntry, PlanShow } from '../../runtime/api/client/client.ts';
import { planOf, steady, type Terminal, terminal } from '../support/cli.ts';
import { git } from '../support/ground.ts';
import { type KasmosRow, makeKasmosStore } from '../support/kasmos-store.ts';

const closers: (() => unknown)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

const document = planOf(['true', 'true', 'true'], ['true']);

interface There extends Terminal {
  readonly folder: string;
  readonly db: ReturnType<typeof makeKasmosStore>;
  bring(...words: string[]): Promise<{ code: number | null; pieces: readonly Piece[]; stderr: string }>;
}

/** A terminal with a store of kasmos that has these tasks, and its repo in `daemon.toml`. */
function there(tasks: readonly KasmosRow[], daemon = ''): There {
  const made = terminal();
  const folder = join(made.root, 'kasmos');
  const db = makeKasmosStore(join(folder, 'taskstore.db'), tasks);
  closers.push(() => db.close());
  writeFileSync(join(folder, 'daemon.toml'), `repos = [${JSON.stringify(made.repo)}]\n${daemon}`);
  return {
    ...made,
    folder,
    db,
    async bring(...words) {
      const { code, stdout, stderr } = await made.stator(['import', 'kasmos', folder, '--json', ...words]);
      return { code, pieces: stdout === '' ? [] : JSON.parse(stdout).pieces, stderr };
    },
  };
}

const shown = (pieces: readonly Piece[]) => pieces.map(({ kind, name, state }) => `${state} ${kind} ${name}`.trim());
async function plan({ stator }: Terminal, name: string): Promise<PlanShow> {
  return JSON.parse((await stator(['plan', 'show', name, '--json'])).stdout);
}

describe('stator import kasmos', () => {
  it('brings every status of a plan, and starts nothing', async () => {
    const made = there([
      { filename: 'draft', content: '# An idea', description: 'an idea' },
      { filename: 'bare', description: 'only a name' },
      { filename: 'planned', content: document, execution_phase: 'planned', topic: 'auth' },
      { filename: 'planning', status: 'planning', content: '# An idea' },
      { filename: 'waves', status: 'implementing', content: document, execution_phase: 'wave_running', active_wave: 2 },
      { filename: 'old', status: 'in_progress', content: document, execution_phase: 'single_agent_implementing' },
      {
        filename: 'fixing',
        status: 'implementing',
        content: document,
        execution_phase: 'fixing',
        latest_review_feedback: 'the door is open',
      },
      { filename: 'reviewing', status: 'reviewing', content: document, execution_phase: 'reviewing' },
      { filename: 'ready-review', status: 'reviewing', content: document, execution_phase: 'readiness_reviewing' },
      { filename: 'verifying', status: 'verifying', content: document },
      { filename: 'done', status: 'done', content: document, pr_url: 'https://github.com/a/b/pull/1' },
      { filename: 'completed', status: 'completed', content: document },
      { filename: 'cancelled', status: 'cancelled', content: document },
      {
        filename: 'asks',
        status: 'implementing',
        content: document,
        blocked_reason: 'which key?',
        blocked_source: 'agent',
      },
      { filename: 'named.md', content: document, branch: 'work/named' },
    ]);
    const { code, pieces, stderr } = await made.bring('--yes', '--trust');
    expect([code, stderr]).toEqual([0, '']);
    const plans = JSON.parse((await made.stator(['plan', 'list', '--json'])).stdout) as PlanEntry[];
    const rows = plans.map(({ plan: name, status, phase, blocked }) => [name, status, phase, blocked?.source ?? null]);
    expect(rows.sort()).toEqual([
      ['asks', 'ready', 'planned', 'agent'],
      ['bare', 'ready', null, null],
      ['cancelled', 'cancelled', null, null],
      ['completed', 'done', null, null],
      ['done', 'done', null, null],
      ['draft', 'ready', null, null],
      ['fixing', 'reviewing', 'reviewing', 'override'],
      ['named', 'ready', 'planned', null],
      ['old', 'ready', 'planned', null],
      ['planned', 'ready', 'planned', null],
      ['planning', 'ready', null, null],
      ['ready-review', 'verifying', null, 'override'],
      ['reviewing', 'reviewing', 'reviewing', 'override'],
      ['verifying', 'verifying', null, 'override'],
      ['waves', 'ready', 'planned', null],
    ]);
    expect(await made.stator(['instance', 'list', '--json'])).toMatchObject({ stdout: '[]\n' });
    const next = Object.fromEntries(
      pieces.filter(({ kind }) => kind === 'plan').map((piece) => [piece.name, piece.next]),
    );
    expect(next).toMatchObject({
      'demo/waves': 'stator plan advance waves --wave 2',
      'demo/reviewing': 'stator plan answer reviewing',
      'demo/asks': 'stator plan answer asks "<answer>"',
      'demo/done': null,
    });
    expect(await plan(made, 'planned')).toMatchObject({ topic: 'auth', content: document });
    expect(await plan(made, 'named')).toMatchObject({ branch: 'work/named' });
    const what = Object.fromEntries(pieces.map((piece) => [piece.name, piece.what]));
    expect(what['demo/fixing']).toContain('the door is open');
    expect(what['demo/done']).toContain('https://github.com/a/b/pull/1');
  });

  it('only shows what would come with --dry-run, and writes neither there nor here', async () => {
    const made = there([{ filename: 'login', content: document }], 'auto_advance = false\n');
    const files = () => readdirSync(made.folder).map((name) => [name, statSync(join(made.folder, name)).mtimeMs]);
    const before = [files(), readFileSync(join(made.folder, 'taskstore.db'))];
    const { code, pieces } = await made.bring('--dry-run');
    expect(code).toBe(0);
    expect(shown(pieces)).toEqual([
      `comes settings ${made.home}/daemon.toml`,
      `comes repo demo`,
      'comes plan demo/login',
    ]);
    expect([files(), readFileSync(join(made.folder, 'taskstore.db'))]).toEqual(before);
    expect(await made.stator(['repo', 'list', '--json'])).toMatchObject({ stdout: '[]\n' });
    // In a pipe it brings nothing by itself.
    const refused = await made.bring();
    expect([refused.code, refused.pieces]).toEqual([1, []]);
    expect(JSON.parse(refused.stderr.split('\n').find((line) => line.startsWith('{')) ?? '')).toMatchObject({
      code: 'refused',
    });
  });

  it('brings a plan once: what was done with it since stays as it is', async () => {
    const made = there([
      { filename: 'login', content: document },
      { filename: 'done', status: 'done', content: document },
      { filename: 'cancelled', status: 'cancelled', content: document },
    ]);
    await made.bring('--yes', '--trust');
    expect((await made.stator(['plan', 'advance', 'cancelled', 'reopen', '--yes'])).code).toBe(0);
    writeFileSync(join(made.root, 'new.md'), `${document}\nmore\n`);
    expect((await made.stator(['plan', 'update-content', 'login', '--file', join(made.root, 'new.md')])).code).toBe(0);
    const states = async () => JSON.parse((await made.stator(['plan', 'list', '--json'])).stdout);
    const before = await states();
    const { code, pieces } = await made.bring('--yes');
    expect(code).toBe(0);
    expect(shown(pieces)).toEqual([
      'there repo demo',
      'there plan demo/login',
      'there plan demo/done',
      'there plan demo/cancelled',
    ]);
    expect(await states()).toEqual(before);
    // One that was deleted comes anew, with its status.
    expect((await made.stator(['plan', 'delete', 'done', '--yes'])).code).toBe(0);
    expect(shown((await made.bring('--yes')).pieces)).toContain('brought plan demo/done');
    expect(await plan(made, 'done')).toMatchObject({ status: 'done' });
  });

  it('goes on where it was interrupted: a plan that was registered gets its status', async () => {
    const made = there([{ filename: 'done', status: 'done', content: document }]);
    expect((await made.stator(['repo', 'add', made.repo, '--trust'])).code).toBe(0);
    expect((await made.stator(['plan', 'create', 'done', '--content', document])).code).toBe(0);
    const { pieces } = await made.bring('--yes');
    expect(shown(pieces)).toEqual(['there repo demo', 'brought plan demo/done']);
    expect(await plan(made, 'done')).toMatchObject({ status: 'done' });
  });

  it('sends a word anew that was refused, but not to a plan that a person has gone on with', async () => {
    const made = there([{ filename: 'asks', status: 'reviewing', content: document, blocked_reason: 'which key?' }]);
    expect((await made.bring('--yes', '--trust')).code).toBe(0);
    const refuse = () => {
      const db = new BetterSqlite3(join(made.home, 'taskstore.db'));
      db.exec("UPDATE signals SET status = 'failed' WHERE type = 'needs_decision'");
      db.close();
    };
    refuse();
    expect(shown((await made.bring('--yes')).pieces)).toContain('brought plan demo/asks');
    expect(shown((await made.bring('--yes')).pieces)).toContain('there plan demo/asks');
    refuse();
    expect((await made.stator(['plan', 'cancel', 'asks', '--yes'])).code).toBe(0);
    expect(shown((await made.bring('--yes')).pieces)).toContain('there plan demo/asks');
  });

  it('says what puts its files in force where an import was cut off before it could', async () => {
    const made = there([], 'auto_review_fix = false\n');
    expect((await made.stator(['repo', 'add', made.repo, '--trust'])).code).toBe(0);
    made.write('.kasmos/config.toml', 'default_program = "codex"\n');
    const hints = (pieces: readonly Piece[]) =>
      pieces.filter(({ kind }) => kind === 'settings').map(({ state, next }) => [state, next]);
    const trust = 'stator repo trust demo';
    expect(hints((await made.bring('--yes')).pieces)).toContainEqual(['brought', trust]);
    expect(hints((await made.bring('--yes')).pieces)).toContainEqual(['there', trust]);
    expect((await made.stator(['repo', 'trust', 'demo'])).code).toBe(0);
    expect(hints((await made.bring('--yes')).pieces)).toContainEqual(['there', null]);
  });

  it('goes on from the branch of kasmos, and says what holds it', async () => {
    const made = there([
      { filename: 'login', status: 'implementing', content: document, branch: 'plan/login' },
      { filename: 'gone', status: 'implementing', content: document, branch: 'plan/gone' },
    ]);
    git(made.repo, 'branch', 'plan/login');
    git(made.repo, 'worktree', 'add', '-q', join(made.repo, '.worktrees/plan-login'), 'plan/login');
    writeFileSync(join(made.repo, '.worktrees/plan-login/done.txt'), 'by kasmos\n');
    git(join(made.repo, '.worktrees/plan-login'), 'add', '-A');
    git(join(made.repo, '.worktrees/plan-login'), 'commit', '-qm', 'work of kasmos');
    made.write('.stator/config.toml', '[agents.default]\npreset = "sh"\n[agents.reviewer]\nenabled = false\n');
    const dry = await made.bring('--dry-run');
    const { code, pieces } = await made.bring('--yes', '--trust');
    expect(code).toBe(0);
    const whats = (from: readonly Piece[]) => from.filter(({ kind }) => kind === 'plan').map(({ what }) => what);
    expect(whats(dry.pieces)).toEqual(whats(pieces));
    expect(whats(pieces)[1]).toContain('git has no branch plan/gone: what kasmos did on it is not here');
    const free = `git -C ${made.repo} worktree remove ${made.repo}/.worktrees/plan-login`;
    expect(pieces.find(({ kind }) => kind === 'plan')?.what).toContain(free);
    git(made.repo, 'worktree', 'remove', join(made.repo, '.worktrees/plan-login'));
    writeFileSync(join(made.repo, 'login.md'), document);
    const run = await made.stator(['run', 'login.md', '--yes', '--json']);
    expect(run.stdout.trim().split('\n').at(-1)).toContain('"status":"done"');
    expect(git(made.repo, 'show', 'plan/login:done.txt')).toBe('by kasmos');
    expect(git(made.repo, 'show', 'plan/login:w2t1.txt')).toBe('made');
  });

  it('a reviewing plan goes on with its review when a person says so', async () => {
    const made = there([{ filename: 'login', status: 'reviewing', content: document, branch: 'plan/login' }]);
    git(made.repo, 'branch', 'plan/login');
    made.write(
      '.stator/config.toml',
      '[agents.default]\npreset = "sh"\n[agents.reviewer]\npreset = "command"\nprogram = "true"\n',
    );
    expect((await made.bring('--yes', '--trust')).code).toBe(0);
    writeFileSync(join(made.repo, 'login.md'), document);
    expect((await made.stator(['plan', 'resolve', 'login'])).code).toBe(0);
    const run = await made.stator(['run', 'login.md', '--yes', '--json']);
    expect(run.stdout.trim().split('\n').at(-1)).toContain('"status":"done"');
  });

  it('writes the profiles and settings that have an equal, names the others by their line, and changes no file that is there', async () => {
    const made = there([], 'auto_review_fix = false\npoll_interval_sec = 2.0\nmystery = 1\n');
    made.write(
      '.kasmos/config.toml',
      [
        'default_program = "codex"',
        'branch_prefix = "ada/"',
        'auto_advance = false',
        '[orchestration]',
        'blueprint_skip_threshold = 4',
        'planners = ["a", "b"]',
        '[phases]',
        'quality_review = "strict"',
        '[agents.coder]',
        'enabled = true',
        'program = "/opt/claude"',
        'model = "opus"',
        'flags = ["--verbose"]',
        'permission_default = "prompt"',
        'temperature = 0.2',
        '[agents.strict]',
        'enabled = true',
        'program = "my-reviewer"',
        '[agents.master]',
        'enabled = false',
        '[agents.chat]',
        'enabled = true',
        '[[hooks]]',
        'type = "command"',
        'command = "true"',
      ].join('\n'),
    );
    const { code, pieces } = await made.bring('--yes', '--trust');
    expect(code).toBe(0);
    expect(readFileSync(join(made.home, 'daemon.toml'), 'utf8')).toBe('auto_review_fix = false\n');
    expect(readFileSync(join(made.repo, '.stator/config.toml'), 'utf8')).toMatchInlineSnapshot(`
      "auto_advance = false
      blueprint_skip_threshold = 4
      planner_drafts = 2

      [agents.default]
      preset = "codex"

      [agents.coder]
      enabled = true
      preset = "claude"
      program = "/opt/claude"
      model = "opus"
      flags = [ "--verbose" ]
      permissions = "ask"

      [agents.reviewer]
      enabled = true
      preset = "command"
      program = "my-reviewer"
      "
    `);
    const noted = pieces.filter(({ state }) => state === 'no_equal').map(({ name }) => steady(name, made));
    expect(noted).toMatchInlineSnapshot(`
      [
        "<root>/kasmos/daemon.toml, line 3: poll_interval_sec: what happens is seen at once",
        "<root>/kasmos/daemon.toml, line 4: mystery: stator has no such key",
        "<root>/demo/.kasmos/config.toml, line 2: branch_prefix: a plan has the branch plan/<plan>, or the one of --branch",
        "<root>/demo/.kasmos/config.toml, line 6: orchestration.planners: so many planners write a draft each (planner_drafts = 2), all with the profile of the planner",
        "<root>/demo/.kasmos/config.toml, line 15: agents.coder.temperature: a profile of stator has no such key; flags may say it to the program",
        "<root>/demo/.kasmos/config.toml, line 19: agents.master: it is not enabled there, and so runs the default program; it is left out here",
        "<root>/demo/.kasmos/config.toml, line 21: agents.chat: no role of stator uses it",
      ]
    `);
    const { stdout } = await made.stator(['repo', 'show', 'demo', '--json']);
    expect(JSON.parse(stdout).enables.join('\n')).toContain('my-reviewer');
    made.write('.stator/config.toml', '[agents.default]\npreset = "sh"\n');
    const again = await made.bring('--yes');
    expect(shown(again.pieces.filter(({ kind }) => kind === 'settings'))).toEqual([
      `there settings ${made.home}/daemon.toml`,
      `left settings ${made.repo}/.stator/config.toml`,
    ]);
    expect(readFileSync(join(made.repo, '.stator/config.toml'), 'utf8')).toBe('[agents.default]\npreset = "sh"\n');
  });

  it('asks for trust in what a repo would start, as everywhere', async () => {
    const made = there([{ filename: 'login', content: document }]);
    made.write('.kasmos/config.toml', '[agents.coder]\nenabled = true\nprogram = "./evil"\n');
    const { code, pieces } = await made.bring('--yes');
    expect(code).toBe(1);
    expect(pieces.find(({ kind }) => kind === 'repo')).toMatchObject({ state: 'failed' });
    expect(await made.stator(['repo', 'list', '--json'])).toMatchObject({ stdout: '[]\n' });
    expect((await made.bring('--yes', '--trust')).code).toBe(0);
    expect(await plan(made, 'login')).toMatchObject({ status: 'ready' });
  });

  it('brings what it can of a broken store, and names the rest with its place', async () => {
    const made = there([
      { filename: 'login', content: document },
      { filename: '???', content: document },
      { filename: 'odd', status: 'sleeping', content: document },
      { filename: 'elsewhere', project: 'gone', content: document },
    ]);
    made.db.exec("UPDATE tasks SET content = x'ff00' WHERE filename = 'login'");
    made.db.exec(
      `INSERT INTO tasks (project, filename, content) VALUES ('demo', 'whole', '${document.replaceAll("'", "''")}')`,
    );
    made.db.exec("INSERT INTO signals (project, plan_file, signal_type) VALUES ('demo', 'whole', 'planner_finished')");
    writeFileSync(join(made.repo, 'x'), '');
    mkdirSync(join(made.repo, '.kasmos'));
    writeFileSync(join(made.repo, '.kasmos/config.toml'), 'default_program = \n');
    const { code, pieces } = await made.bring('--yes', '--trust');
    expect(code).toBe(1);
    expect(shown(pieces)).toEqual([
      'broken row table tasks, row 1',
      'broken file',
      'brought repo demo',
      'broken plan demo/???',
      'broken plan demo/odd',
      'brought plan demo/whole',
      'left repo gone',
      'no_equal  1 signal',
    ]);
    expect(pieces[1]?.what).toContain(`${made.repo}/.kasmos/config.toml, line 1`);
    expect(await plan(made, 'whole')).toMatchObject({ status: 'ready' });
  });

  it('says why a path is not a store of kasmos', async () => {
    const made = there([]);
    const refusalOf = async (path: string) => {
      const { code, stderr } = await made.stator(['import', 'kasmos', path, '--json']);
      return [code, JSON.parse(stderr).code];
    };
    expect(await refusalOf(join(made.root, 'nothing'))).toEqual([1, 'not_found']);
    const unbuilt = join(made.root, 'unbuilt.cjs');
    writeFileSync(unbuilt, `process.dlopen = () => { throw new Error('Could not locate the bindings file') };`);
    const call = made.start(['import', 'kasmos', made.folder], { env: { NODE_OPTIONS: `--require=${unbuilt}` } });
    expect((await call.ended).stderr).toContain('npm run install');
    writeFileSync(join(made.root, 'text.db'), 'no database at all'.repeat(500));
    expect(await refusalOf(join(made.root, 'text.db'))).toEqual([78, 'store_unreadable']);
    made.db.exec('DROP TABLE tasks');
    expect(await refusalOf(made.folder)).toEqual([78, 'store_unreadable']);
    rmSync(join(made.folder, 'taskstore.db'));
    expect(await refusalOf(made.folder)).toEqual([1, 'not_found']);
  });
});
