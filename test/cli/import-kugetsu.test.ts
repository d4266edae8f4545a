/** `stator import kugetsu` over folders that are made as kugetsu writes them. */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Piece } from '../../cli/import/steps.ts';
import type { IssueContext, IssueEntry, NotificationEntry } from '../../runtime/api/client/client.ts';
import { steady, type Terminal, terminal } from '../support/cli.ts';
import { git } from '../support/ground.ts';

const on = 'git.example.test/acme/shop';
const agents =
  '[agents.default]\npreset = "sh"\nattempts = 1\n[agents.reviewer]\nenabled = false\n[agents.planner]\nenabled = false\n';

interface There extends Terminal {
  readonly folder: string;
  put(name: string, value: unknown): void;
  bring(...words: string[]): Promise<{ code: number | null; pieces: readonly Piece[] }>;
  ask<Answer>(...words: string[]): Promise<Answer>;
}

/** A terminal in a registered repo with a remote, beside a folder of kugetsu. */
async function there(): Promise<There> {
  const made = terminal();
  made.write('.stator/config.toml', agents);
  git(made.repo, 'add', '-A');
  git(made.repo, 'commit', '-qm', 'agents');
  git(made.repo, 'remote', 'add', 'origin', `https://${on}.git`);
  expect(await made.stator(['repo', 'add', '.', '--trust'])).toMatchObject({ code: 0 });
  const folder = join(made.root, '.kugetsu');
  const put = (name: string, value: unknown) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), typeof value === 'string' ? value : JSON.stringify(value));
  };
  put('index.json', {
    base: 'ses_base',
    pm_agent: 'ses_pm',
    issues: { [`${on}#12`]: 'git.example.test-acme-shop-12.json' },
  });
  put('sessions/base.json', { type: 'base', opencode_session_id: 'ses_base' });
  return {
    ...made,
    folder,
    put,
    async bring(...words) {
      const { code, stdout } = await made.stator(['import', 'kugetsu', folder, '--json', ...words]);
      return { code, pieces: JSON.parse(stdout).pieces };
    },
    ask: async (...words) => JSON.parse((await made.stator([...words, '--json'])).stdout),
  };
}

const session = (number: number, more: object = {}) => ({
  type: 'forked',
  issue_ref: `${on}#${number}`,
  opencode_session_id: `ses_${number}`,
  worktree_path: null,
  created_at: '2026-04-05T10:00:00Z',
  state: 'idle',
  ...more,
});
const item = (number: number, state: string, more: object = {}) => ({
  id: `q_${number}`,
  issue_ref: `${on}#${number}`,
  message: `look at ${number}\n\n\`\`\`sh\necho ${number} > ${number}.txt\n\`\`\``,
  state,
  pending_since: '2026-04-05T10:00:00Z',
  notified_at: null,
  completed_at: null,
  error: null,
  ...more,
});
const shown = (pieces: readonly Piece[]) => pieces.map(({ kind, name, state }) => `${state} ${kind} ${name}`);

describe('stator import kugetsu', () => {
  it('says of a worktree what git says of it: whether it is there, and holds a branch', async () => {
    const made = await there();
    const at = (name: string) => join(made.root, name);
    git(made.repo, 'worktree', 'add', '-q', '-b', 'fix/issue-12', at('held'));
    git(made.repo, 'worktree', 'add', '-q', '--detach', at('free'));
    for (const [number, name] of [
      [12, 'held'],
      [13, 'free'],
      [14, 'gone'],
    ] as const) {
      made.put(`sessions/${number}.json`, session(number, { worktree_path: at(name) }));
      made.put(`queue/items/q_${number}.json`, item(number, 'pending'));
    }
    const { pieces } = await made.bring('--dry-run');
    const of = (kind: string) => pieces.filter((piece) => piece.kind === kind);
    expect(of('session').map(({ what }) => what.split('\n').slice(1).join())).toEqual([
      `its worktree ${at('held')} holds its branch fix/issue-12; first: git -C ${at('held')} switch --detach`,
      '',
      `its worktree ${at('gone')} is not there any more`,
    ]);
    expect(of('task').map(({ next }) => next)).toEqual([`git -C ${at('held')} switch --detach`, null, null]);
  });

  it('imports sessions with their conversations, pull requests and unread notifications', async () => {
    const made = await there();
    made.put('sessions/12.json', session(12, { pr_url: 'https://github.com/acme/shop/pull/3' }));
    made.put('sessions/13.json', session(13, { state: 'completed' }));
    made.put('context/12.json', {
      issue_ref: `${on}#12`,
      created_at: '2026-04-05T10:00:00Z',
      updated_at: '2026-04-05T11:00:00Z',
      conversation_history: [
        { role: 'user', content: 'fix the basket', time: '2026-04-05T10:00:00Z' },
        { role: 'assistant', content: 'it is fixed', time: '2026-04-05T10:30:00Z' },
      ],
    });
    made.put('notifications.json', [
      {
        type: 'task_started',
        issue_ref: `${on}#12`,
        message: 'started',
        read: true,
        timestamp: '2026-04-05T10:00:00Z',
      },
      {
        type: 'task_blocked',
        issue_ref: `${on}#12`,
        message: 'it asks',
        read: false,
        timestamp: '2026-04-05T10:40:00Z',
      },
    ]);
    const unasked = await made.stator(['import', 'kugetsu', made.folder]);
    expect([unasked.code, unasked.stderr]).toEqual([1, expect.stringContaining('nobody can be asked here')]);
    expect(await made.ask<IssueEntry[]>('issue', 'list')).toEqual([]);
    const { code, pieces } = await made.bring('--yes');
    expect(shown(pieces)).toEqual([
      `brought session ${on}#12`,
      `brought session ${on}#13`,
      'no_equal  1 base session',
      'no_equal  1 read notification',
    ]);
    expect(code).toBe(0);
    const sessions = await made.ask<IssueEntry[]>('issue', 'list');
    expect(sessions.map(({ reference, status, pull_request: request }) => [reference, status, request])).toEqual([
      [`${on}#12`, 'ready', 'https://github.com/acme/shop/pull/3'],
      [`${on}#13`, 'done', null],
    ]);
    const { messages } = await made.ask<IssueContext>('issue', 'context', `${on}#12`);
    expect(messages).toEqual([
      { by: 'person', content: 'fix the basket', at: '2026-04-05T10:00:00.000Z' },
      { by: 'agent', content: 'it is fixed', at: '2026-04-05T10:30:00.000Z' },
    ]);
    const notices = await made.ask<NotificationEntry[]>('notify', 'list');
    expect(notices).toMatchObject([{ type: 'task_error', message: 'it asks', at: '2026-04-05T10:40:00.000Z' }]);
    // Once more changes nothing.
    const again = await made.bring('--yes');
    expect(shown(again.pieces).slice(0, 2)).toEqual([`there session ${on}#12`, `there session ${on}#13`]);
    expect(await made.ask('issue', 'list')).toEqual(sessions);
    expect(await made.ask('notify', 'list')).toEqual(notices);
  });

  it('queues what is pending, once, and the session goes on from its branch', async () => {
    const made = await there();
    git(made.repo, 'checkout', '-q', '-b', 'fix/issue-12');
    made.write('by-kugetsu.txt', 'work\n');
    git(made.repo, 'add', '-A');
    git(made.repo, 'commit', '-qm', 'work of kugetsu');
    git(made.repo, 'checkout', '-q', 'main');
    made.put('sessions/12.json', session(12));
    made.put('queue/items/q_1.json', item(12, 'pending'));
    made.put('queue/items/q_2.json', item(14, 'completed'));
    const first = await made.bring('--yes');
    expect(shown(first.pieces)).toEqual([
      `brought session ${on}#12`,
      `brought task ${on}#12`,
      'no_equal  1 base session',
      'no_equal  1 ended task',
    ]);
    expect(first.code).toBe(0);
    const second = await made.bring('--yes');
    expect(shown(second.pieces).slice(0, 2)).toEqual([`there session ${on}#12`, `there task ${on}#12`]);
    // The same words, asked for since then, are another task.
    made.put('queue/items/q_1.json', item(12, 'pending', { pending_since: '2126-04-05T10:00:00Z' }));
    expect(shown((await made.bring('--yes')).pieces)).toContain(`brought task ${on}#12`);
    const { messages } = await made.ask<IssueContext>('issue', 'context', `${on}#12`);
    expect(messages).toHaveLength(1);
    expect(git(made.repo, 'show', 'fix/issue-12:by-kugetsu.txt')).toBe('work');
    expect(await made.ask('queue', 'list')).toMatchObject([{ state: 'pending' }]);
  });

  it('brings servers and settings, runs nothing of the shell file, and writes neither there nor, with --dry-run, here', async () => {
    const made = await there();
    const ran = join(made.root, 'ran');
    made.put(
      'config',
      [
        '# settings',
        'MAX_CONCURRENT_AGENTS=5',
        'export TASK_TIMEOUT_HOURS="1.5" # wall time',
        `KUGETSU_BASE_BRANCH=${'$'}{KUGETSU_BASE_BRANCH:-origin/main}`,
        'GITEA_TOKEN=secret-token-value',
        'declare -A GIT_SERVERS=(',
        '  ["github.com"]="https://github.com"',
        '  [git.example.test]=https://git.example.test)',
        'DEFAULT_GIT_SERVER="git.example.test"',
        `TRAP=$(touch '${ran}')`,
        `touch '${ran}'`,
      ].join('\n'),
    );
    made.put('repos.json', {});
    const files = () => readdirSync(made.folder).map((name) => [name, statSync(join(made.folder, name)).mtimeMs]);
    const before = files();
    const dry = await made.bring('--dry-run');
    expect(shown(dry.pieces).map((line) => steady(line, made))).toEqual([
      'there server github.com',
      'comes server git.example.test',
      'comes server git.example.test',
      'comes settings <root>/home/daemon.toml',
      'no_equal setting <root>/.kugetsu/config, line 4: KUGETSU_BASE_BRANCH',
      'no_equal setting <root>/.kugetsu/config, line 5: GITEA_TOKEN',
      'no_equal setting <root>/.kugetsu/config, line 10: TRAP',
      'no_equal  1 base session',
      'no_equal file <root>/.kugetsu/repos.json',
    ]);
    expect(JSON.stringify(dry.pieces)).not.toContain('secret-token-value');
    expect((await made.bring('--yes')).code).toBe(0);
    expect(readFileSync(join(made.home, 'daemon.toml'), 'utf8')).toBe(
      'max_agents = 5\n\n[agents.default]\ntimeout = "90m"\n',
    );
    const servers = await made.ask<{ name: string; kind: string; default: boolean }[]>('server', 'list');
    expect(servers[0]).toMatchObject({ name: 'git.example.test', kind: 'gitea', default: true });
    expect(
      shown((await made.bring('--yes')).pieces)
        .slice(0, 3)
        .map((line) => steady(line, made)),
    ).toEqual(['there server github.com', 'there server git.example.test', 'there settings <root>/home/daemon.toml']);
    // A person who has chosen another default since keeps it.
    expect((await made.stator(['server', 'default', 'github.com'])).code).toBe(0);
    expect(shown((await made.bring('--yes')).pieces)).toContain('left server git.example.test');
    expect((await made.ask<typeof servers>('server', 'list')).find((one) => one.default)?.name).toBe('github.com');
    expect(files()).toEqual(before);
    expect(statSync(ran, { throwIfNoEntry: false })).toBeUndefined();
  });

  it('brings what it can of a broken folder, and names each file that it cannot read', async () => {
    const made = await there();
    made.put('sessions/12.json', session(12));
    made.put('sessions/13.json', '{"type": "forked", "issue_ref"');
    made.put('sessions/14.json', session(14, { issue_ref: null }));
    made.put('sessions/15.json', { ...session(15), issue_ref: 'git.example.test/acme/other#1' });
    made.put('queue/items/q_1.json', { state: 'pending' });
    mkdirSync(join(made.folder, 'context/x.json'), { recursive: true });
    made.put('notifications.json', [{ message: 'no type' }]);
    const { code, pieces } = await made.bring('--yes');
    expect(code).toBe(1);
    expect(shown(pieces).map((line) => steady(line, made))).toEqual([
      'broken file <root>/.kugetsu/sessions/13.json',
      'broken file <root>/.kugetsu/queue/items/q_1.json',
      'broken file <root>/.kugetsu/context/x.json',
      'broken file <root>/.kugetsu/notifications.json, entry 1',
      `brought session ${on}#12`,
      'broken session ',
      'left session git.example.test/acme/other#1',
      'no_equal  1 base session',
    ]);
    expect(pieces.find(({ state }) => state === 'left')?.next).toContain('stator repo add');
    // What was put right comes with the same command.
    made.put('sessions/13.json', session(13));
    expect(shown((await made.bring('--yes')).pieces)).toContain(`brought session ${on}#13`);
  });

  it('says that a folder of kugetsu is missing', async () => {
    const made = await there();
    rmSync(made.folder, { recursive: true });
    const { code, stderr } = await made.stator(['import', 'kugetsu', made.folder, '--json']);
    expect([code, JSON.parse(stderr).code]).toEqual([1, 'not_found']);
  });
});
