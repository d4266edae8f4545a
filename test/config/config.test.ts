import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { errorClasses } from '../../machines/vocabulary/errors.ts';
import { defaultPolicy, policySchema } from '../../machines/vocabulary/policy.ts';
import {
  hookEvents,
  loadDaemonConfig,
  loadRepoConfig,
  parseRepoConfig,
  readRepoConfigSource,
} from '../../runtime/base/config/config.ts';
import { originOf } from '../../runtime/base/config/document.ts';
import { daemonForm, repoForm } from '../../runtime/base/config/schema.ts';
import { daemonDefaults, daemonOf, errorOf, home, put, putDaemon, putRepo, repo, repoOf } from '../support/config.ts';
import { expectError, expectProse } from '../support/prose.ts';

describe('a daemon.toml of kasmos', () => {
  it('is taken, and each key that has no effect is named with its line', () => {
    const { notes, flags } = daemonOf(
      [
        'poll_interval_sec = 2.0',
        'auto_advance = false',
        '[pr_monitor]',
        'enabled = true',
        'reactions = ["eyes"]',
      ].join('\n'),
    );
    const file = join(home, 'daemon.toml');
    expect(flags.auto_advance).toBe(false);
    expect(notes).toEqual([
      expect.stringContaining(`${file}, line 1: poll_interval_sec `),
      expect.stringContaining(`${file}, line 4: pr_monitor.enabled `),
      expect.stringContaining(`${file}, line 5: pr_monitor.reactions `),
    ]);
    expectProse(notes.join('\n'));
  });

  it('has no other keys than these: a slip of the pen is still one', () => {
    expectError(
      errorOf(() => daemonOf('poll_interval_secs = 2')),
      'bad_config',
      'line 1',
      'poll_interval_secs',
    );
  });
});

describe('the store', () => {
  it('is a file, or in a database of PostgreSQL that a variable or a URL without a password names', () => {
    const urlOf = (text: string) => daemonOf(text).storeUrl;
    expect(urlOf('')).toBeNull();
    expect(urlOf('store = ""')).toBeNull();
    expect(urlOf('store = "env:STATOR_STORE"')).toBe('env:STATOR_STORE');
    expect(urlOf('[store]\nurl = "env:STATOR_STORE"\nbackups = 1')).toBe('env:STATOR_STORE');
    expect(urlOf('store = "postgresql://stator@db.lan/stator?sslmode=require"')).toBe(
      'postgresql://stator@db.lan/stator?sslmode=require',
    );
  });

  it.each([
    'store = "postgresql://stator:a-secret@db.lan/stator"',
    'store = "postgresql://db.lan/stator?password=a-secret"',
    '[store]\nurl = "postgresql://stator:a-secret@db.lan/stator"',
    'store = "mysql://db.lan/a-secret"',
    'store = "postgresql://db.lan"',
    'store = "env:"',
    'store = 3',
    'store = "a-secret"\nmax_agents = 0',
    '[store]\nbackupz = 3',
  ])('refuses %j, and shows no password', (text) => {
    const error = errorOf(() => daemonOf(text));
    expectError(error, 'bad_config', 'store');
    expect(JSON.stringify(error)).not.toContain('a-secret');
  });
});

it.each([
  '[chats.phone]\nservice = "slack"\ntoken = "xoxb-a-secret"\nchat = "C1"\n',
  '[intake.eng]\nsource = "linear"\nproject = "shop"\nteam = "ENG"\ntoken = "a-secret"\n',
  '[intake.issues]\nsource = "github"\nproject = "shop"\nwebhook = "a-secret"\n',
  '[intake.alerts]\nsource = "webhook"\nproject = "shop"\nsecret = "a-secret"\n',
])('a secret that was written in place of its variable is refused, and not shown: %j', (text) => {
  const error = errorOf(() => daemonOf(text));
  expectError(error, 'bad_config', 'found a text; accepted: ');
  expect(JSON.stringify(error)).not.toContain('a-secret');
});

describe('without any file', () => {
  it('the daemon runs on the documented defaults', () => {
    const { flags, origins, agents, file, ...rest } = loadDaemonConfig(home);
    expect(rest).toEqual({
      baseFetch: false,
      sign: '',
      repos: [],
      socketPath: '',
      maxAgents: 3,
      maxAgentsPerRepo: 0,
      maxCoordinators: 2,
      logLevel: 'info',
      machines: {},
      retentionMs: 90 * 86_400_000,
      notifications: { desktop: 'off', terminal: true },
      storeUrl: null,
      backups: 3,
      intakes: [],
      chats: [],
      host: { name: '', labels: [], clones: null },
      http: { bind: null, hosts: [] },
      maxActivePlans: 0,
      notes: [],
    });
    expect(defaultPolicy).toMatchObject(flags);
    expect([origins, agents, file]).toEqual([{}, {}, join(home, 'daemon.toml')]);
  });

  it('a repo has the default policy, starts nothing of its own and needs no trust', () => {
    const config = loadRepoConfig(repo, loadDaemonConfig(home));
    expect(config.policy).toEqual(defaultPolicy);
    expect(config).toMatchObject({
      baseBranch: '',
      isolation: 'task',
      requireChange: true,
      cleanupAgeMs: 7 * 86_400_000,
      worktree: { setup: null, copy: [], dir: '.worktrees' },
      enables: [],
      notes: [],
      hooks: [],
    });
    expect(config.profiles.coder).toEqual({
      role: 'coder',
      name: null,
      account: null,
      fallbacks: [],
      steps: [],
      choices: [],
      small: null,
      reserve: null,
      enabled: true,
      preset: 'claude',
      program: null,
      flags: [],
      model: null,
      acp: false,
      mode: null,
      mcp: {},
      timeoutMs: 3_600_000,
      idleTimeoutMs: null,
      attempts: 3,
      envFile: null,
      sandbox: 'auto',
      network: 'full',
      hosts: ['registries'],
      nice: 0,
      maxCostUsd: null,
      terminal: false,
      permissions: 'skip',
      permissionTimeoutMs: 3_600_000,
      writable: [],
      readable: [],
      trustedFiles: [],
      env: [],
    });
    expect(originOf(config, 'agents.coder.preset')).toEqual({ file: null, line: null });
  });

  it('a configuration cannot be changed by who reads it', () => {
    const config = repoOf('[[hooks]]\ntype = "notify"');
    expect(() => Object.assign(config.worktree, { dir: 'x' })).toThrow(TypeError);
    expect(() => Object.assign(config.policy.roles.coder, { on: false })).toThrow(TypeError);
    expect(() => Object.assign(config.hooks[0] ?? {}, { name: 'x' })).toThrow(TypeError);
  });
});

describe('reading daemon.toml', () => {
  it('takes every documented key', () => {
    const config = daemonOf(`repos = ["/srv/shop/", "/srv/shop", "/srv/api"]
socket_path = "/run/me/s.sock"
max_agents = 8
max_agents_per_repo = 2
max_coordinators = 4
max_active_plans = 5
auto_merge = true
log_level = "debug"
http = { bind = "127.0.0.1:7433", hosts = ["stator.lan"] }
[agents.coder]
timeout = "90s"`);
    expect(config).toMatchObject({
      repos: ['/srv/shop', '/srv/api'],
      socketPath: '/run/me/s.sock',
      maxAgents: 8,
      maxAgentsPerRepo: 2,
      maxCoordinators: 4,
      maxActivePlans: 5,
      flags: { auto_merge: true, auto_advance: true },
      logLevel: 'debug',
      http: { bind: '127.0.0.1:7433', hosts: ['stator.lan'] },
    });
    expect(originOf(config, 'max_agents')).toEqual({ file: join(home, 'daemon.toml'), line: 3 });
    expect(originOf(config, 'agents.coder.timeout').line).toBe(11);
  });

  it('names an unknown key, its line and the nearest valid one, and exits 78', () => {
    const error = errorOf(() => daemonOf('\nmax_agnets = 3\n'));
    expectError(error, 'bad_config', `${home}/daemon.toml, line 2`, 'max_agnets', 'max_agents?');
    expect(errorClasses[error.code].exitCode).toBe(78);
  });

  it('of a table inside of a table, names the keys of the inner one', () => {
    const move = 'source = "linear"\nproject = "shop"\nteam = "ENG"\nauthors = ["a"]\nmove = { runing = "x" }\n';
    expectError(
      errorOf(() => daemonOf(`[intake.i]\n${move}`)),
      'bad_config',
      'did you mean running?',
    );
    const server = '[agents.coder.mcp.docs]\ncommand = "x"\narg = []\n';
    expectError(
      errorOf(() => daemonOf(server)),
      'bad_config',
      'did you mean args?',
    );
  });

  it('a misspelt key of the whole file below a table: the key that is meant, and where it belongs', () => {
    const error = errorOf(() => daemonOf('[agents.reviewer]\nenabled = false\nauto_advanc = true\n'));
    expectError(error, 'bad_config', `${home}/daemon.toml, line 3`, 'did you mean auto_advance?', 'top of the file');
  });

  it('tells every problem of a file at once, in the order of its lines', () => {
    const toml = `max_agents = "three"
auto_merge = 1
repos = ["/ok", "shop",
  7]
log_level = "inof"
base_branch = "main"
[agents.coder]
enabled = false
timeout = 3600
preset = "cluade"
[agents.revewer]
[agents.default]
max_coordinators = 2
attempts = 0
qqq = 1
`;
    const error = errorOf(() => daemonOf(toml));
    expectError(error, 'bad_config');
    const places = error.message.split('\n').map((line) => /^ {2}line (\d+): /.exec(line)?.[1]);
    expect(places.slice(1).map(Number)).toEqual([1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 13, 14, 15]);
  });

  it('takes trusted_files for who judges alone, and only paths inside of the repository', () => {
    for (const path of ['.', 'scripts/', 'a/b.sh'])
      expect(() => daemonOf(`[agents.reviewer]\ntrusted_files = ["${path}"]`)).not.toThrow();
    for (const path of ['/etc', '..', 'a/../../b', ''])
      expectError(
        errorOf(() => daemonOf(`[agents.verifier]\ntrusted_files = ["${path}"]`)),
        'bad_config',
        'agents.verifier.trusted_files[1]',
      );
    for (const role of ['planner', 'architect', 'coder', 'fixer', 'session'])
      expectError(
        errorOf(() => daemonOf(`[agents.${role}]\ntrusted_files = ["scripts"]`)),
        'bad_config',
        `agents.${role}.trusted_files`,
        '[agents.reviewer]',
      );
  });

  it('gives the line and column of invalid TOML, and quotes none of it', () => {
    const error = errorOf(() => daemonOf('max_agents = 3\nlog_level = "info\nsecret = 1'));
    expectError(error, 'bad_config');
    expect(error.message).toMatch(/daemon\.toml, line 2, column \d+: /);
    expect(JSON.stringify([error.message, error.cause ?? null])).not.toContain('secret');
    expectError(
      errorOf(() => daemonOf('a = 1\na = 2')),
      'bad_config',
      'home/daemon.toml, line 2, column 1',
    );
    expectError(
      errorOf(() => daemonOf('__proto__ = 1')),
      'bad_config',
      'line 1, column 1',
    );
  });

  it('has an own message for a folder, a device, a huge file and one that is not UTF-8', () => {
    expectError(
      errorOf(() => loadDaemonConfig(home, '/dev/null')),
      'bad_config',
      '/dev/null',
    );
    expectError(
      errorOf(() => daemonOf(`# ${'x'.repeat(256 * 1024)}`)),
      'bad_config',
      'home/daemon.toml',
      '256 KiB',
    );
    put(join(home, 'daemon.toml'), Buffer.from([0x61, 0xff, 0xfe]));
    expectError(
      errorOf(() => loadDaemonConfig(home)),
      'bad_config',
      'home/daemon.toml',
    );
    rmSync(join(home, 'daemon.toml'));
    // A limit that was set in it would not hold, and nobody would know.
    symlinkSync('/gone/daemon.toml', join(home, 'daemon.toml'));
    expectError(
      errorOf(() => loadDaemonConfig(home)),
      'bad_config',
      'home/daemon.toml',
      '/gone/daemon.toml',
    );
    rmSync(join(home, 'daemon.toml'));
    const defaults = loadDaemonConfig(home);
    mkdirSync(join(home, 'daemon.toml'));
    expectError(
      errorOf(() => loadDaemonConfig(home)),
      'bad_config',
      'home/daemon.toml',
    );
    put(join(repo, '.stator'), 'a file');
    expectError(
      errorOf(() => loadRepoConfig(repo, defaults)),
      'bad_config',
      'shop/.stator/config.toml',
    );
  });

  it('says so when it may not be read', () => {
    chmodSync(putDaemon(''), 0o000);
    for (const folder of [dirname(home), home]) chmodSync(folder, 0o711);
    const isRoot = process.geteuid?.() === 0;
    // Root may read everything, so it becomes nobody for this one look.
    if (isRoot) process.seteuid?.(65534);
    try {
      expectError(
        errorOf(() => loadDaemonConfig(home)),
        'bad_config',
        `chmod u+r ${home}/daemon.toml`,
      );
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  });

  it('does not claim that there is one where its folder is closed', () => {
    chmodSync(home, 0o000);
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(65534);
    try {
      expectError(
        errorOf(() => loadDaemonConfig(home)),
        'bad_config',
        `ls -ld ${home}`,
      );
    } finally {
      if (isRoot) process.seteuid?.(0);
      chmodSync(home, 0o700);
    }
  });

  it('reads a byte order mark and CRLF as if they were not there', () => {
    const config = daemonOf('\ufeff# first\r\nmax_agents = 4\r\n[agents.default]\r\nattempts = 2\r\n');
    expect(config.maxAgents).toBe(4);
    expect(originOf(config, 'agents.default.attempts').line).toBe(4);
  });

  it('refuses a file that was asked for by name and is not there', () => {
    expectError(
      errorOf(() => loadDaemonConfig(home, join(home, 'other.toml'))),
      'bad_config',
      'home/other.toml',
    );
  });

  it.each([
    ['http.bind = "7433"', 'http.bind'],
    ['http.bind = "127.0.0.1:70000"', 'http.bind'],
    ['socket_path = "run/s.sock"', 'socket_path'],
    ['agents.default.env_file = "~/tokens"', 'agents.default.env_file'],
    ['agents.default.flags = "-v"', 'agents.default.flags'],
    ['agents.default.program = "a\\u0000b"', 'agents.default.program'],
    ['agents.default.timeout = "31d"', 'agents.default.timeout'],
    ['agents.default.timeout = "1 hour"', 'agents.default.timeout'],
    ['agents = 3', 'agents'],
    ['max_agents = 2024-01-01', 'max_agents'],
    ['max_agents = 1.5', 'max_agents'],
    ['max_agents = 0', 'max_agents'],
    ['max_agents = -1', 'max_agents'],
    ['max_agents = "three"', 'max_agents'],
    ['max_agents_per_repo = -1', 'max_agents_per_repo'],
    ['max_coordinators = 0', 'max_coordinators'],
    [`agents.default.flags = "${'x'.repeat(300)}"`, 'agents.default.flags'],
  ])('refuses %s', (toml, key) =>
    expectError(
      errorOf(() => daemonOf(toml)),
      'bad_config',
      `line 1: ${key}: `,
    ),
  );
});

describe("reading a repo's own file", () => {
  it('takes every documented key', () => {
    const config = repoOf(`base_branch = "develop"
isolation = "plan"
require_change = false
cleanup_age = "12h"
max_active_plans = 1
priority = -5
auto_advance = false
max_review_fix_cycles = 4
[worktree]
setup = "npm ci"
copy = [".env"]
dir = "build/trees"`);
    expect(config).toMatchObject({
      baseBranch: 'develop',
      isolation: 'plan',
      cleanupAgeMs: 43_200_000,
      priority: -5,
      worktree: { setup: 'npm ci', copy: ['.env'], dir: 'build/trees' },
      policy: {
        auto_advance: false,
        max_review_fix_cycles: 4,
        require_change: false,
        max_active_plans: 1,
        priority: -5,
        cleanup_age_ms: 43_200_000,
      },
    });
    expect(policySchema.parse(config.policy)).toEqual(config.policy);
  });

  it('may not set what is the daemon’s alone', () => {
    const error = errorOf(() => repoOf('repos = []\nmax_agents = 9\n[http]\nbind = "x:1"'));
    expectError(error, 'bad_config', 'line 1: repos ', 'line 2: max_agents ', 'line 3: http ');
  });

  it.each([
    ['base_branch = "--upload-pack=x"', 'base_branch'],
    ['worktree.copy = ["../secrets"]', 'worktree.copy[1]'],
    ['worktree.copy = ["/etc/passwd"]', 'worktree.copy[1]'],
    ...['./', '/tmp/.git/trees', '../trees', 'trees/../../out', '..', '~/trees', '.git/trees', './.GIT'].map((dir) => [
      `worktree.dir = "${dir}"`,
      'worktree.dir',
    ]),
    ['worktree.setpu = "x"', 'worktree.setpu'],
    ['isolation = "plans"', 'isolation'],
    ['hooks = 1', 'hooks'],
    ['agents.planner.drafts = 2', 'agents.planner.drafts'],
  ])('refuses %s', (toml = '', key = '') =>
    expectError(
      errorOf(() => repoOf(toml)),
      'bad_config',
      'line 1',
      key,
    ),
  );

  it.each([
    ['[pull_requests]\nmerge = "when-green"', 'merge = "when-green"'],
    ['[landing]\nby = "forge"', 'by = "forge"'],
    ['[landing]\nrefresh = "1d"', 'refresh'],
  ])('refuses a stack of requests beside %j, also a stack of daemon.toml', (config, named) => {
    expect(repoOf(config).policy.pull_stack).toBe('none');
    const daemon = daemonOf('pull_requests.stack = "task"');
    const refused = errorOf(() => repoOf(config, daemon));
    expectError(refused, 'bad_config', join(repo, '.stator/config.toml'), 'stack = "task"', named);
  });

  it.each([
    ['stack = "wave"', 'stack = "none"'],
    ['merge = "when-green"', 'merge = "manual"'],
    ['stack = "task"\nmerge = "when-green"', 'stack = "none"'],
  ])('refuses %j beside members, also of daemon.toml, and says what to write', (keys, off) => {
    const members = '[members.api]\nbranch = "main"\n';
    const places = ['[members]', keys.split('\n')[0] ?? '', off];
    const refused = errorOf(() => repoOf(`[pull_requests]\n${keys}\n${members}`));
    expectError(refused, 'bad_config', join(repo, '.stator/config.toml'), ...places);
    const daemon = daemonOf(`[pull_requests]\n${keys}`);
    expect(errorOf(() => repoOf(members, daemon)).message).toBe(refused.message);
    const set = '[pull_requests]\nstack = "none"\nmerge = "manual"\n[landing]\nby = "forge"\n';
    expect(repoOf(`${set}${members}`, daemon).members).toHaveLength(1);
  });

  it('overrides daemon.toml key by key, and each value knows where it comes from', () => {
    const daemon = daemonOf('auto_merge = true\nauto_create_pr = false\nmax_active_plans = 7');
    const config = repoOf('\nauto_create_pr = true', daemon);
    expect(config.flags).toMatchObject({ auto_merge: true, auto_create_pr: true, auto_advance: true });
    expect(config.maxActivePlans).toBe(7);
    expect(originOf(config, 'auto_merge')).toEqual({ file: join(home, 'daemon.toml'), line: 1 });
    expect(originOf(config, 'auto_create_pr')).toEqual({ file: join(repo, '.stator/config.toml'), line: 2 });
    expect(originOf(config, 'max_active_plans').line).toBe(3);
    expect(originOf(config, 'constructor')).toEqual({ file: null, line: null });
  });

  it('a pinned text means the same whatever the file says by now', () => {
    putRepo('priority = 3');
    const pinned = JSON.parse(JSON.stringify(readRepoConfigSource(repo)));
    putRepo('priority = 9');
    expect(parseRepoConfig(pinned, daemonDefaults()).priority).toBe(3);
  });
});

describe('docs/configuration.md', () => {
  it('has every key of both files, and every event', () => {
    const page = readFileSync('docs/configuration.md', 'utf8');
    const paths = [[], ['agents'], ['agents', 'coder'], ['worktree'], ['http'], ['hooks', 0]];
    const keys = [daemonForm, repoForm].flatMap((form) => paths.flatMap((path) => form.keysOf(path, {})));
    const documented = [...new Set([...keys, ...hookEvents])].filter((key) => !['agents', 'hooks'].includes(key));
    expect(documented.length).toBeGreaterThan(60);
    const written = /`\[?\[?(?:agents\.)?([a-z_]+)\]?\]?`/g;
    const present = new Set([...page.matchAll(written)].map((match) => match[1]));
    expect(documented.filter((key) => !present.has(key))).toEqual([]);
    const hooks = readFileSync('docs/hooks.md', 'utf8');
    expect(hookEvents.filter((event) => !hooks.includes(`\`${event}\``))).toEqual([]);
  });

  it('and all other pages show configurations that are accepted', () => {
    const pages = readdirSync('docs').filter((name) => name.endsWith('.md'));
    const blocks = pages.flatMap((name) => [
      ...readFileSync(`docs/${name}`, 'utf8').matchAll(/^( *)```toml\n([\s\S]*?)^ *```$/gm),
    ]);
    // servers.toml, and the durations of a simulation.
    const others = /^ *\[\[servers\]\]|^ *w1-t2 = /m;
    for (const [, indent = '', body = ''] of blocks.filter(([block]) => !others.test(block))) {
      const block = body.replaceAll(`\n${indent}`, '\n').slice(indent.length);
      const isOfDaemon = /^\[(?:chats|host|http|intake|machines|notifications|store)\b|^(?:store|max_agents) =/m.test(
        block,
      );
      if (isOfDaemon) daemonOf(block);
      else expect(repoOf(block, daemonOf('')).notes.filter((note) => note.includes(' is off: '))).toEqual([]);
    }
    expect(blocks.length).toBeGreaterThan(50);
  });

  it('has each table in the chapter of the file that takes it', () => {
    const page = readFileSync('docs/configuration.md', 'utf8');
    const tablesBelow = (heading: string) => {
      const [, chapter = ''] = page.split(`\n## ${heading}\n`);
      return [...(chapter.split('\n## ')[0] ?? '').matchAll(/^In `\[([a-z_]+)\]`/gm)].map(([, table = '']) => table);
    };
    const ofRepo = tablesBelow('.stator/config.toml');
    expect(ofRepo.length).toBeGreaterThan(4);
    expect(ofRepo.filter((table) => !repoForm.keysOf([], {}).includes(table))).toEqual([]);
    expect(tablesBelow('daemon.toml').filter((table) => !daemonForm.keysOf([], {}).includes(table))).toEqual([]);
  });

  it('says of each gate that a yes is about it', () => {
    const page = readFileSync('docs/configuration.md', 'utf8');
    const chapter = page.split('\n### What a yes is about\n')[1]?.split('\n### ')[0] ?? '';
    const weak = [
      ...[
        'auto_advance = true',
        'auto_advance_waves = true',
        'auto_review_fix = false',
        'auto_readiness_review = false',
      ],
      ...[
        'auto_create_pr = true',
        'auto_merge = true',
        'max_review_fix_cycles = 9',
        'readiness_self_fix_max_lines = 9',
      ],
      ...['require_change = false', 'isolation = "plan"', 'base_branch = "main"', 'confirm_deletions = false'],
      ...['confirm_secrets = false', 'confirm_file_size = ""', 'confirm_new_files = ""', '[notes]', 'take = "rule"'],
      ...['[landing]', 'auto = true', 'review_again = "never"', '[budget]', 'usd = 9'],
    ].join('\n');
    const lines = [
      ...repoOf(`${weak}\n[pull_requests]\nstack = "wave"\n`).enables,
      ...repoOf('[landing]\nby = "forge"\n[pull_requests]\nmerge = "when-green"\n').enables,
    ];
    expect(lines).toHaveLength(22);
    expect(lines.filter((line) => !chapter.includes(`\`${line.split(' = ')[0]}\``))).toEqual([]);
  });
});
