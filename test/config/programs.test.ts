import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { playersOf, type RepoOverrides } from '../../runtime/base/config/config.ts';
import { originOf } from '../../runtime/base/config/document.ts';
import { daemonDefaults, daemonOf, errorOf, home, putKasmos, repo, repoOf } from '../support/config.ts';
import { expectError, expectProse } from '../support/prose.ts';

describe('agents', () => {
  it('a missing key comes from the nearest place: repo role, repo default, daemon role, daemon default', () => {
    const daemon = daemonOf(`[agents.default]
attempts = 9
timeout = "9m"
idle_timeout = "9s"
env_file = "/daemon-default"
[agents.coder]
attempts = 8
timeout = "8m"
idle_timeout = "8s"`);
    const config = repoOf('[agents.default]\nattempts = 7\ntimeout = "7m"\n[agents.coder]\nattempts = 6', daemon);
    expect(config.profiles.coder).toMatchObject({
      attempts: 6,
      timeoutMs: 420_000,
      idleTimeoutMs: 8000,
      envFile: '/daemon-default',
    });
    expect(config.policy.roles.coder).toEqual({
      on: true,
      attempts: 6,
      timeoutMs: 420_000,
      idleMs: 8000,
      speaksByExit: false,
    });
    expect(originOf(config, 'agents.coder.idle_timeout')).toEqual({ file: join(home, 'daemon.toml'), line: 9 });
    expect(originOf(config, 'agents.coder.attempts')).toEqual({ file: join(repo, '.stator/config.toml'), line: 5 });
  });

  it('an empty text takes back what a farther place set', () => {
    const daemon = daemonOf('[agents.default]\nmodel = "big"\nenv_file = ".env"\nidle_timeout = "5m"');
    const { coder } = repoOf('[agents.coder]\nmodel = ""\nenv_file = ""\nidle_timeout = ""', daemon).profiles;
    expect(coder).toMatchObject({ model: null, envFile: null, idleTimeoutMs: null });
  });

  it('program, flags and model do not leak from one preset to another', () => {
    const daemon = daemonOf(
      '[agents.default]\npreset = "claude"\nprogram = "/opt/claude"\nmodel = "opus"\nflags = ["-v"]',
    );
    const { coder, reviewer, planner } = repoOf(
      '[agents.coder]\npreset = "codex"\n[agents.reviewer]\npreset = "claude"\nflags = []',
      daemon,
    ).profiles;
    expect(coder).toMatchObject({ preset: 'codex', program: null, model: null, flags: [] });
    expect(reviewer).toMatchObject({ preset: 'claude', program: '/opt/claude', model: 'opus', flags: [] });
    expect(planner).toMatchObject({ preset: 'claude', flags: ['-v'] });
  });

  it('a program that names no preset goes with any', () => {
    const { coder } = repoOf('[agents.default]\nprogram = "./agent"\n[agents.coder]\npreset = "command"').profiles;
    expect(coder).toMatchObject({ preset: 'command', program: './agent' });
  });

  it('architect and verifier are off unless named', () => {
    const { policy } = repoOf('[agents.verifier]\nattempts = 2\n[agents.architect]\nenabled = false');
    expect([policy.roles.verifier.on, policy.roles.architect.on]).toEqual([true, false]);
    expect(repoOf('[agents.default]\nenabled = true').policy.roles.verifier.on).toBe(false);
  });

  it('a role can be turned off, the coder cannot', () => {
    expect(repoOf('[agents.reviewer]\nenabled = false').policy.roles.reviewer.on).toBe(false);
    const error = errorOf(() => repoOf('[agents.default]\n\nenabled = false'));
    expectError(error, 'bad_config', 'shop/.stator/config.toml, line 3', '[agents.coder] enabled = true');
    const only = repoOf('[agents.default]\nenabled = false\n[agents.coder]\nenabled = true').policy.roles;
    expect([only.coder.on, only.planner.on, only.session.on]).toEqual([true, false, false]);
  });

  it('coordinators and the fixer that resolve to sh are off, with a note', () => {
    const config = repoOf(
      '[agents.default]\npreset = "sh"\n[agents.reviewer]\npreset = "command"\nprogram = "./review"',
    );
    expect(config.policy.auto_review_fix).toBe(false);
    expect(config.flags.auto_review_fix).toBe(true);
    const { coder, session, planner, fixer, reviewer } = config.policy.roles;
    expect([coder.on, session.on, planner.on, fixer.on, reviewer.on]).toEqual([true, true, false, false, true]);
    expect(reviewer.speaksByExit).toBe(true);
    expect(config.notes).toEqual([expect.stringContaining('planner'), expect.stringContaining('auto_review_fix')]);
    expectProse(config.notes.join('\n'));
  });

  it('a command without its program can be configured: it matters when the role is first needed', () => {
    expect(repoOf('[agents.coder]\npreset = "command"').profiles.coder).toMatchObject({
      preset: 'command',
      program: null,
    });
  });

  it('an embedding program overrides every file, and its mistakes are reported like those of a file', () => {
    const daemon = daemonDefaults();
    const config = repoOf('[agents.coder]\npreset = "codex"\nattempts = 5', daemon, {
      agents: { default: { preset: 'sh' } },
    });
    expect(config.profiles.coder).toMatchObject({ preset: 'sh', attempts: 5 });
    const wrong = { agents: { coder: { timeout: 'soon' }, fixr: {} } } as RepoOverrides;
    const error = errorOf(() => repoOf('', daemon, wrong));
    expectError(error, 'bad_config', 'agents.coder.timeout', 'agents.fixr');
  });
});

describe('hooks', () => {
  it('have their defaults filled in, and a name that outlives a reload', () => {
    const { hooks } = repoOf(`[[hooks]]
type = "webhook"
url = "https://example.com/n"
headers = { Authorization = "env:HOOK_TOKEN" }
secret = "env:HOOK_SECRET"
events = ["review_approved", "cancel"]
[[hooks]]
type = "command"
name = "deploy"
command = "make deploy"`);
    expect(hooks).toEqual([
      {
        type: 'webhook',
        name: expect.stringMatching(/^webhook-[0-9a-f]{8}$/),
        url: 'https://example.com/n',
        headers: { Authorization: 'env:HOOK_TOKEN' },
        secrets: ['HOOK_SECRET'],
        allowPrivate: false,
        enabled: true,
        timeoutMs: 30_000,
        envFile: null,
        events: ['review_approved', 'cancel'],
      },
      {
        ...{ type: 'command', name: 'deploy', command: 'make deploy', events: [] },
        ...{ enabled: true, timeoutMs: 30_000, envFile: null, sandbox: 'auto', writable: [], readable: [] },
      },
    ]);
    const again = repoOf(
      '[[hooks]]\nevents = ["cancel", "review_approved"]\ntype = "webhook"\nurl = "https://example.com/n"',
    );
    expect(again.hooks[0]?.name).toBe(hooks[0]?.name);
  });

  it('are off with the line of their mistake, the others count, and secrets are not repeated', () => {
    const toml = `[[hooks]]
type = "webhook"
url = "ftp://x.example"
secret = 5
headers = { "a b" = "tip-top", Good = "env:1X" }
events = ["review_aproved"]

[[hooks]]
type = "command"
url = "https://example.com"
[[hooks]]
type = "webhok"
[[hooks]]
[[hooks]]
type = "notify"
[[hooks]]
type = "notify"`;
    const { hooks, hooksOff } = repoOf(toml);
    const places = [
      'line 3: hooks[1].url',
      'line 4: hooks[1].secret',
      'line 5: hooks[1].headers."a b"',
      'line 5: hooks[1].headers.Good',
      'line 6: hooks[1].events[1]',
      'line 8: hooks[2].command',
      'line 10: unknown key hooks[2].url',
      'line 12: hooks[3].type',
      'line 13: hooks[4].type',
      'line 16: hooks[6].name',
    ];
    for (const place of places) expect(hooksOff.join('\n')).toContain(place);
    expect(hooksOff).toHaveLength(places.length);
    expect(hooksOff.join('\n')).not.toContain('tip-top');
    expect(hooks).toHaveLength(1);
    const twice = repoOf('[[hooks]]\ntype = "notify"\n[[hooks]]\ntype = "notify"');
    expect([twice.hooks.length, twice.hooksOff.length]).toEqual([1, 1]);
    expect(twice.hooksOff[0]).toContain('line 3: hooks[2].name');
  });

  it('of a .kasmos file are read and nothing else of it, after the repo’s own', () => {
    putKasmos(`theme = "dark"
max_agents = "many"
[[hooks]]
type = "command"
command = "make deploy"
events = ["review-changes", "no_such_event"]
retries = 3
[[hooks]]
type = "notify"
events = ["nothing_known"]
[[hooks]]
type = "webhook"
[[hooks]]
type = "notify"`);
    const config = repoOf('[[hooks]]\ntype = "notify"');
    expect(config.hooks.map(({ type, events }) => [type, events])).toEqual([
      ['notify', []],
      ['command', ['review_changes_requested']],
    ]);
    expect(originOf(config, 'hooks.1')).toEqual({ file: join(repo, '.kasmos/config.toml'), line: 3 });
    expect(config.notes).toHaveLength(4);
    const file = 'shop/.kasmos/config.toml';
    expectProse(config.notes.join('\n'), `${file}, line 3`, 'no_such_event', `${file}, line 8`, `${file}, line 11`);
    expect(config.enables.join('\n')).toContain('make deploy');
  });

  it('of a broken .kasmos file are off with a note, and the repo works', () => {
    putKasmos('[[hooks]\n');
    expect(repoOf('priority = 2')).toMatchObject({ priority: 2, hooks: [], notes: [expect.stringMatching(/line 1/)] });
    rmSync(join(repo, '.kasmos/config.toml'));
    mkdirSync(join(repo, '.kasmos/config.toml'));
    expect(repoOf('').notes).toEqual([expect.stringMatching(/hooks are off: .* is a folder, not a file/)]);
  });
});

describe('trust', () => {
  const evil = '[agents.coder]\npreset = "command"\nprogram = "./agent"\nflags = ["--fast"]\nenv_file = ".env"\n';

  it('shows what the repo’s own files may start', () => {
    const { enables } = repoOf(`${evil}[agents.default]
model = "opus"
[agents.verifier]
[agents.reviewer]
enabled = false
[agents.fixer]
attempts = 2
[worktree]
setup = "npm ci \\u001b[2J"
copy = [".env"]
[[hooks]]
type = "webhook"
name = "tell"
url = "https://example.com/n"
allow_private = true
events = ["cancel"]`);
    expect(enables).toMatchInlineSnapshot(`
      [
        "agents: model opus",
        "agent coder: command ./agent --fast, model opus, environment from .env",
        "agent verifier: claude, model opus",
        "setup in every new worktree: npm ci \\u{1b}[2J",
        "copied into every new worktree: .env",
        "hook tell on cancel: POST https://example.com/n (private addresses allowed)",
        "agent reviewer: off",
      ]
    `);
  });

  it.each([
    ['[agents.reviewer]\nenabled = false', 'agent reviewer: off'],
    ['[agents.verifier]\nenabled = false', 'agent verifier: off'],
    ['auto_merge = true', 'auto_merge = true: a done plan is merged into the base branch'],
    ['auto_readiness_review = false', 'auto_readiness_review = false: no verifier looks at what the review approved'],
    [
      'auto_review_fix = false',
      'auto_review_fix = false: whether a fixer starts by itself when a review asks for changes',
    ],
    ['require_change = false', 'require_change = false: a coder that changed nothing has done its task'],
    ['isolation = "plan"', 'isolation = "plan": all tasks of a plan share one worktree'],
  ])('shows that %j alone weakens a gate', (toml, line) => {
    expect(repoOf(toml).enables).toEqual([line]);
  });

  it('knows who named the agents', () => {
    const of = (toml: string, daemon: string) => repoOf(toml, daemonOf(daemon)).agentsOf;
    expect(of('', '')).toBe('nobody');
    expect(of('[agents.reviewer]\npreset = "codex"', 'max_agents = 2')).toBe('nobody');
    expect(of('[agents.coder]\npreset = "codex"', evil)).toBe('repo');
    expect(of('', '[agents.default]\npreset = "claude"')).toBe('user');
  });

  it('what the user’s own daemon.toml starts needs none', () => {
    const plain = repoOf('').digest;
    const config = repoOf('priority = 3', daemonOf(evil));
    expect([config.enables, config.digest]).toEqual([[], plain]);
  });

  it.each([
    ['a comment', `# hello\n${evil}`],
    [
      'the order of keys',
      evil.replace('preset = "command"\nprogram = "./agent"', 'program = "./agent"\npreset = "command"'),
    ],
    ['a time limit', `${evil}timeout = "5m"\nattempts = 9`],
    ['a number', `priority = 7\nmax_active_plans = 2\n${evil}`],
    ['a gate that stays as strict as can be', `auto_merge = false\nrequire_change = true\n${evil}`],
    ['a table that sets only limits', `${evil}[agents.planner]\nattempts = 2`],
  ])('%s does not change the digest', (_what, toml) => expect(repoOf(toml).digest).toBe(repoOf(evil).digest));

  it.each([
    ['another program', evil.replace('./agent', './agent2')],
    ['another flag of the program', evil.replace('--fast', '--yolo')],
    ['another environment', evil.replace('.env', '.env2')],
    ['a variable of its user', `${evil}env = ["GITHUB_TOKEN"]`],
    ['no walls', `${evil}sandbox = "off"`],
    ['another network', `${evil}network = "full"`],
    ['a place to write in', `${evil}writable = ["/srv"]`],
    ['a place to read in', `${evil}readable = ["/srv"]`],
    ['no limit of memory', `${evil}memory = ""`],
    ['a setup', `${evil}[worktree]\nsetup = "make"`],
    ['a copied file', `${evil}[worktree]\ncopy = ["x"]`],
    ['a hook', `${evil}[[hooks]]\ntype = "command"\ncommand = "make"`],
    ['a role that is named', `${evil}[agents.verifier]\nattempts = 1`],
    ['a role that is off', `${evil}[agents.reviewer]\nenabled = false`],
    ['a merge without a person', `auto_merge = true\n${evil}`],
    ['no verification', `auto_readiness_review = false\n${evil}`],
    ['a coder that need not change anything', `require_change = false\n${evil}`],
    ['one worktree for all tasks', `isolation = "plan"\n${evil}`],
    ['another branch to merge into', `base_branch = "release"\n${evil}`],
    ['fixing without end', `max_review_fix_cycles = 0\n${evil}`],
  ])('%s changes the digest', (_what, toml) => expect(repoOf(toml).digest).not.toBe(repoOf(evil).digest));

  it('a hook of a .kasmos file changes the digest', () => {
    const before = repoOf(evil).digest;
    putKasmos('[[hooks]]\ntype = "command"\ncommand = "make"');
    expect(repoOf(evil).digest).not.toBe(before);
  });
});

describe('who plays an attempt', () => {
  const text = `
[agents.coder]
preset = "claude"
fallback = "spare"
escalate = ["fast", "coder", "strong"]
[agents.fast]
model = "haiku"
[agents.strong]
fallback = "rest"
[agents.spare]
preset = "codex"
[agents.rest]
preset = "gemini"
`;
  const players = (attempt: number) => playersOf(repoOf(text).profiles.coder, attempt);

  it.each([
    [1, ['fast', 'spare', null, 'strong', 'rest']],
    [2, [null, 'spare', 'strong', 'rest', 'fast']],
    [3, ['strong', 'rest', null, 'spare', 'fast']],
    [9, ['strong', 'rest', null, 'spare', 'fast']],
  ])('attempt %i', (attempt, expected) => {
    expect(players(attempt).map(({ name }) => name)).toEqual(expected);
  });

  it('each has the values of its own table, and otherwise those of the role', () => {
    const [fast, , own] = players(1);
    expect([fast, own]).toMatchObject([
      { preset: 'claude', model: 'haiku' },
      { preset: 'claude', model: null },
    ]);
  });
});
