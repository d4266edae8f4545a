import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { namedAgents } from '../../cli/init/agents.ts';
import { configText } from '../../cli/init/file.ts';
import type { PlanShow } from '../../runtime/api/client/client.ts';
import type { RepoConfig } from '../../runtime/base/config/config.ts';
import {
  agentKeys,
  budgetKeys,
  documentsKeys,
  hookKeys,
  httpKeys,
  landingKeys,
  notesKeys,
  pullRequestsKeys,
  topKeys,
  wavesKeys,
  worktreeKeys,
} from '../../runtime/base/config/reference.ts';
import { planOf, steady, type Terminal, terminal } from '../support/cli.ts';
import { daemonOf, repoOf } from '../support/config.ts';
import { git } from '../support/ground.ts';
import { fakeEnv } from '../support/program.ts';
import { expectProse, expectRefusal } from '../support/prose.ts';

/** Programs of these names, and git and the rest of what a shell needs; nothing of what this machine has besides. */
function pathWith({ root }: Terminal, programs: Readonly<Record<string, string>>): { PATH: string } {
  const bin = join(root, 'bin');
  mkdirSync(bin, { recursive: true });
  for (const [name, script] of Object.entries({ stator: 'true', ...programs })) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  return { PATH: `${bin}:/usr/bin:/bin` };
}

const written = ({ repo: folder }: Terminal) => readFileSync(join(folder, '.stator/config.toml'), 'utf8');
/** As if a person took the mark away from every line that is a setting. */
const uncommented = (text: string) => text.replace(/^# (?=\[|[a-z_]+ = )/gm, '');

describe('stator init', () => {
  it('writes a file for the agent that is installed, and says what to run next', async () => {
    const here = terminal();
    const env = pathWith(here, { codex: 'true' });
    const { code, stdout, stderr } = await here.stator(['init'], { env });
    expect(stderr).toBe('');
    expect(steady(stdout, here)).toMatchInlineSnapshot(`
      "written: <root>/demo/.stator/config.toml
      agent: codex
      trusted as it is now; a later change is asked about
      to share it, commit it; stator does not: git add .stator/config.toml
      to give codex the tools of stator (MCP): stator init --mcp, which runs: codex mcp add stator -- stator mcp
      next: stator run <plan.md>, or see it work first: stator demo
      "
    `);
    expect(code).toBe(0);
    expect(written(here)).toContain('[agents.default]\npreset = "codex"\n');
    expect(git(here.repo, 'status', '--porcelain')).toBe('?? .stator/');
  });

  it('takes the first of several agents in a pipe, and names the others', async () => {
    const here = terminal();
    const env = pathWith(here, { gemini: 'true', claude: 'true' });
    const { stdout } = await here.stator(['init'], { env });
    expectProse(stdout, 'agent: claude', 'gemini', '--agent');
    expect(written(here)).toContain('preset = "claude"\n');
  });

  it('writes the recipe of a program that has no preset', async () => {
    const here = terminal();
    const env = pathWith(here, { aider: 'true' });
    const { stdout } = await here.stator(['init', '--json'], { env });
    expect(JSON.parse(stdout)).toMatchObject({ written: true, agent: 'aider', installed: ['aider'], missing: [] });
    const documented = readFileSync(join(import.meta.dirname, '../../docs/agents.md'), 'utf8');
    expect(documented).toContain(/preset = "command"\nprogram = 'aider [^\n]*\n/.exec(written(here))?.[0]);
    const doctor = JSON.parse((await here.stator(['doctor', '--json'], { env })).stdout);
    const repo = doctor.checks.find(({ name }: { name: string }) => name === 'repo config');
    expectProse(repo.detail, '.stator/config.toml', 'command aider');
  });

  it('says how to install an agent if none is found, and how to name any program', async () => {
    const here = terminal();
    const { code, stdout } = await here.stator(['init'], { env: pathWith(here, {}) });
    expect(code).toBe(0);
    expectProse(stdout, 'PATH', 'npm install -g @anthropic-ai/claude-code');
    expect(written(here)).toMatch(/^# preset = "command" /m);
  });

  it('takes an agent that is not installed yet, and says how to install it', async () => {
    const here = terminal();
    const { code, stdout } = await here.stator(['init', '--agent', 'gemini'], {
      env: pathWith(here, { claude: 'true' }),
    });
    expect(code).toBe(0);
    expectProse(stdout, 'agent: gemini', 'npm install -g @google/gemini-cli');
    // The program is not named yet, so there is nothing to run or to trust.
    rmSync(join(here.repo, '.stator'), { recursive: true });
    const open = (await here.stator(['init', '--agent', 'command'])).stdout;
    expect(open).toMatch(
      /\nnot trusted yet.*\n[\s\S]*\nnext: name your program in that file; stator doctor checks both\n$/,
    );
  });

  it('refuses an agent that nobody knows, with the nearest', async () => {
    const here = terminal();
    const { code, stderr } = await here.stator(['init', '--agent', 'cluade']);
    expect(code).toBe(64);
    expectRefusal(stderr, '"cluade"', 'claude?');
    expect(existsSync(join(here.repo, '.stator'))).toBe(false);
  });

  it('says of a coder that an existing file names, and that is not on PATH, how it is installed', async () => {
    const here = terminal();
    here.write('.stator/config.toml', '[agents.default]\npreset = "gemini"\n');
    const { code, stdout } = await here.stator(['init'], { env: { PATH: '/usr/bin:/bin' } });
    expect(code).toBe(0);
    expectProse(stdout.split('\n').slice(-3).join('\n'), 'npm install -g @google/gemini-cli', 'stator doctor');
  });

  it('says in a repo without a commit that one is needed, and how it is made', async () => {
    const here = terminal();
    const bare = join(here.root, 'bare');
    mkdirSync(bare);
    git(bare, 'init', '-q');
    const { code, stdout } = await here.stator(['init', '--agent', 'sh'], { cwd: bare });
    expect(code).toBe(0);
    // Whatever programs this machine has.
    expectProse(stdout.replace(/ \(installed as well: [^)]*\)/, ''), 'git -C ');
  });

  it('never overwrites: it says what the file sets and what it does not mention', async () => {
    const here = terminal();
    const roles =
      '[agents.reviewer]\nenabled = false\n\n[[hooks]]\ntype = "command"\ncommand = "true"\nwritable = []\n';
    const text = `isolation = "task"\n\n[agents.default]\npreset = "sh"\n# attempts = 3\n\n${roles}`;
    here.write('.stator/config.toml', text);
    const { code, stdout } = await here.stator(['init', '--agent', 'claude', '--yes']);
    expect(code).toBe(0);
    expect(written(here)).toBe(text);
    expectProse(stdout, 'max_active_plans, auto_advance, ', ' agents.default.enabled, ', ' agents.default.writable, ');
    expect(stdout).toContain('\nit sets: isolation, agents.default.preset, agents.reviewer.enabled, hooks\n');
    expect(stdout).not.toMatch(/attempts/);
  });

  it('has nothing to add to a file that it wrote itself', async () => {
    const here = terminal();
    const env = pathWith(here, { claude: 'true' });
    await here.stator(['init'], { env });
    const before = written(here);
    const again = JSON.parse((await here.stator(['init', '--json'], { env })).stdout);
    expect(again).toMatchObject({ written: false, holds: ['agents.default.preset'], missing: [] });
    expect(written(here)).toBe(before);
  });

  it('tells with 78 what is wrong with a file that is there', async () => {
    const here = terminal();
    here.write('.stator/config.toml', 'isolaton = "task"\n');
    const { code, stderr } = await here.stator(['init']);
    expect(code).toBe(78);
    expectRefusal(stderr, join(here.repo, '.stator/config.toml'), 'isolaton;', 'isolation?');
  });

  it('is for git repositories only, and finds the one above', async () => {
    const here = terminal();
    const outside = await here.stator(['init'], { cwd: here.root });
    expect(outside.code).toBe(1);
    expectRefusal(outside.stderr, here.root);
    mkdirSync(join(here.repo, 'src'));
    const env = pathWith(here, {});
    const { stderr } = await here.stator(['init', '--agent', 'sh', '--mcp'], { cwd: join(here.repo, 'src'), env });
    expect(stderr).toContain('none of claude, codex, gemini is on PATH; in another program');
    expect(written(here)).toContain('preset = "sh"');
  });

  it('leaves a repo in which a plan runs at once', async () => {
    const here = terminal();
    const script = 'cat >/dev/null; echo done >made-by-agent.txt';
    const env = pathWith(here, { aider: script, node: `exec ${process.execPath} "$@"` });
    await here.stator(['init'], { env });
    const off = '\n[agents.reviewer]\nenabled = false\n';
    here.write('.stator/config.toml', `${written(here)}${off}`);
    here.write('p.md', planOf(['true']));
    const run = await here.stator(['run', 'p.md', '--trust'], { env });
    expect(run, run.stdout + run.stderr).toMatchObject({ code: 0 });
    expect(git(here.repo, 'show', 'plan/p:made-by-agent.txt')).toBe('done');
  });
});

describe('a repo that was set up for an agent', () => {
  it('runs a plan with it, and tells what that took', async () => {
    const here = terminal();
    const env = fakeEnv(here.env, { root: here.root, says: 'ok' });
    expect((await here.stator(['init', '--yes'], { env })).stdout).toContain('agent: claude');
    here.write('.stator/config.toml', `${written(here)}\n[agents.reviewer]\nenabled = false\n`);
    here.write('p.md', planOf(['true', 'true', 'true']));
    const run = await here.stator(['run', 'p.md', '--trust'], { env });
    expect(run, run.stdout + run.stderr).toMatchObject({ code: 0 });
    const plan = JSON.parse((await here.stator(['plan', 'show', 'p', '--json'])).stdout) as PlanShow;
    const tasks = plan.tasks_by_wave.flatMap((wave) => wave.tasks.map((task) => task.usage));
    expect(tasks.map(({ runs }) => runs)).toEqual([1, 1, 1]);
    const sum = tasks.reduce((total, task) => total + (task.input_tokens ?? 0), 0);
    expect(sum).toBeGreaterThan(0);
    expect(plan.usage).toMatchObject({ runs: 3, input_tokens: sum });
    const row = /^took +3 runs, .*$/m.exec((await here.stator(['plan', 'show', 'p'])).stdout)?.[0];
    const [headings] = (await here.stator(['agent', 'list'])).stdout.split('\n');
    const status = (await here.stator(['status'])).stdout;
    expectProse([row, headings?.replaceAll(/ +/g, ' '), status].join('\n'), ' took ', '1 plan', '3 runs');
  });
});

describe('the file that init writes', () => {
  it.each([null, ...namedAgents])('is accepted as it is, and with every comment taken away: %#', (agent) => {
    const text = configText(agent);
    expect(() => repoOf(text)).not.toThrow();
    expect(() => repoOf(uncommented(text))).not.toThrow();
  });

  it('names the defaults that are in force: with every comment taken away nothing changes', () => {
    const text = uncommented(configText({ name: 'claude', settings: ['preset = "claude"'], install: null }));
    // A written default changes nothing, but it is a statement of the person: where values come from, and what is trusted, may differ.
    const inForce = ({ enables, digest, origins, ownAgents, agentsOf, ...rest }: RepoConfig) => rest;
    expect(inForce(repoOf(text))).toEqual(inForce(repoOf('')));
  });

  it('has one line for every key, with what it does', () => {
    const text = configText(null);
    const keys = [
      ...topKeys.filter(({ files }) => files.includes('.stator/config.toml')),
      ...agentKeys,
      ...budgetKeys,
      ...pullRequestsKeys,
      ...worktreeKeys,
      ...landingKeys,
      ...wavesKeys,
      ...documentsKeys,
      ...notesKeys,
    ];
    for (const { key } of keys) expect(text).toMatch(new RegExp(`^# ${key} = .+  # .{10}`, 'm'));
  });
});

describe('the reference of the configuration', () => {
  it('names the defaults of daemon.toml that are in force', () => {
    const own = topKeys.filter(({ files }) => files.includes('daemon.toml'));
    const lines = [
      ...own.map(({ key, default: fallback }) => `${key} = ${fallback}`),
      '[http]',
      ...httpKeys.map(({ key, default: fallback }) => `${key} = ${fallback}`),
    ];
    const { origins: _origins, ...said } = daemonOf(lines.join('\n'));
    const { origins: _none, ...bare } = daemonOf('');
    expect(said).toEqual(bare);
  });

  it('says of every key what it does and what is accepted', () => {
    const all = [
      ...topKeys,
      ...agentKeys,
      ...worktreeKeys,
      ...landingKeys,
      ...wavesKeys,
      ...documentsKeys,
      ...notesKeys,
      ...httpKeys,
      ...hookKeys,
    ];
    for (const { key, does, accepted } of all) {
      expect(does.length, key).toBeGreaterThan(10);
      expect(accepted, key).not.toMatch(/^Invalid|anything/);
    }
  });
});

describe('stator init --mcp', () => {
  const fake = (root: string) =>
    `echo "$(basename "$0") $*" >>'${root}/said'; case "$2" in get) test -e '${root}/known';; add) exit "$(cat '${root}/code')";; esac`;

  it('registers the MCP server with each installed agent by its own command, and once', async () => {
    const here = terminal();
    const script = fake(here.root);
    const env = pathWith(here, { claude: script, codex: script, gemini: script, aider: 'true' });
    writeFileSync(join(here.root, 'code'), '0');
    const { code, stdout } = await here.stator(['init', '--mcp', '--json'], { env });
    expect(code).toBe(0);
    const states = (text: string) =>
      JSON.parse(text).mcp.map(({ agent, state }: { agent: string; state: string }) => `${agent} ${state}`);
    expect(states(stdout)).toEqual(['claude registered', 'codex registered', 'gemini registered']);
    expect(readFileSync(join(here.root, 'said'), 'utf8').trim().split('\n')).toEqual([
      'claude mcp get stator',
      'claude mcp add --scope user stator -- stator mcp',
      'codex mcp get stator',
      'codex mcp add stator -- stator mcp',
      'gemini mcp add --scope user stator stator mcp',
    ]);
    // In a repo that is set up it does that alone.
    writeFileSync(join(here.root, 'known'), '');
    const again = await here.stator(['init', '--mcp', '--json'], { env });
    expect(states(again.stdout)).toEqual(['claude already', 'codex already', 'gemini registered']);
  });

  it('says what the program said where it did not take it, and ends with 1', async () => {
    const here = terminal();
    const env = pathWith(here, { claude: `echo no room >&2; ${fake(here.root)}` });
    writeFileSync(join(here.root, 'code'), '3');
    const { code, stdout } = await here.stator(['init', '--mcp'], { env });
    expect(code).toBe(1);
    expect(stdout).toContain('claude mcp add --scope user stator -- ');
    expect(stdout).toContain('no room');
  });
});
