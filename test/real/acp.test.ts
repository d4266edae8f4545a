/** Real agents of the Agent Client Protocol, with a model on loopback: they behave as the table in docs/agents.md says. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { acpAgent } from '../../runtime/base/config/acp/agents.ts';
import { streamPrograms } from '../../runtime/base/config/preset-programs.ts';
import { isShort } from '../soak/length.ts';
import { seedOf } from '../support/crash.ts';
import {
  afterwards,
  begin,
  ground,
  planText,
  say,
  startEngine,
  untilFile,
  untilPlan,
  untilStatus,
} from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { killLeft, processesWith } from '../support/leftovers.ts';
import { randomOf } from '../support/random.ts';
import { noWallsHere } from '../support/walls.ts';
import { installedPackage } from './installed.ts';
import { type Model, startModel } from './model/model.ts';
import { type Asked, type Reply, type Script, works } from './model/reply.ts';
import { cleared, waits } from './stage.ts';

interface Agent {
  /** A table for the protocol alone, for a program with its own option for it, or for any program that uses it. */
  readonly keys: string;
  /** Its modes for `permissions = "skip"` and `"ask"`, if no preset knows them. */
  readonly mode?: string;
  readonly askMode?: string;
  /** How its model reports that a command needs a person's permission, if the model decides that. */
  asking?(command: string): Reply;
  /** Further paths in the user's home that it writes, if no preset knows them. */
  readonly places?: readonly string[];
  /** Left out of the short form: it brings its own copy of its program, hundreds of MB. */
  readonly isLong?: true;
  readonly program: string;
  readonly npmPackage: string;
  readonly version: string;
  readonly service: Parameters<typeof startModel>[0];
  env(port: number): Readonly<Record<string, string>>;
  files(port: number): Readonly<Record<string, string>>;
}

const ofNpm = (command: string | undefined) => command?.replace('npm install -g ', '') ?? '';
const { opencode, gemini } = streamPrograms;
const [copilot, qwen] = [acpAgent('copilot'), acpAgent('qwen')];

const agents: readonly Agent[] = [
  {
    ...{ keys: 'preset = "opencode"\nacp = true\nmodel = "loopback/m1"\n', program: 'opencode', service: 'messages' },
    ...{ npmPackage: opencode.npmPackage, version: opencode.triedVersions[0] ?? '' },
    env: () => ({ OPENCODE_DISABLE_MODELS_FETCH: '1' }),
    files: (port) => ({
      '.config/opencode/opencode.json': JSON.stringify({
        provider: {
          loopback: {
            npm: '@ai-sdk/anthropic',
            options: { baseURL: `http://127.0.0.1:${port}/v1`, apiKey: 'a-key' },
            models: { m1: { name: 'm1', limit: { context: 200_000, output: 8_000 } } },
          },
        },
        small_model: 'loopback/m1',
        autoupdate: false,
      }),
    }),
  },
  {
    ...{ keys: 'preset = "gemini"\nacp = true\nenv = ["GOOGLE_GEMINI_BASE_URL"]\n', program: 'gemini' },
    ...{ npmPackage: gemini.npmPackage, version: gemini.triedVersions[0] ?? '', service: 'generateContent' },
    env: (port) => ({ GEMINI_API_KEY: 'a-key', GOOGLE_GEMINI_BASE_URL: `http://127.0.0.1:${port}` }),
    files: () => ({
      '.gemini/settings.json': JSON.stringify({ security: { auth: { selectedType: 'gemini-api-key' } } }),
    }),
  },
  {
    ...{ keys: 'preset = "qwen"\n', program: 'qwen', service: 'chat' },
    ...{ npmPackage: ofNpm(qwen?.installCommand), version: qwen?.triedVersions[0] ?? '' },
    env: (port) => ({
      OPENAI_API_KEY: 'a-key',
      OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1`,
      OPENAI_MODEL: 'm1',
    }),
    files: () => ({ '.qwen/settings.json': JSON.stringify({ security: { auth: { selectedType: 'openai' } } }) }),
  },
  {
    ...{ keys: 'preset = "copilot"\n', program: 'copilot', service: 'chat' },
    ...{ npmPackage: ofNpm(copilot?.installCommand), version: copilot?.triedVersions[0] ?? '' },
    env: (port) => ({
      COPILOT_PROVIDER_BASE_URL: `http://127.0.0.1:${port}/v1`,
      COPILOT_PROVIDER_API_KEY: 'a-key',
      COPILOT_MODEL: 'm1',
    }),
    files: () => ({}),
  },
  {
    ...{ keys: ofProgram('claude-agent-acp', ['ANTHROPIC_BASE_URL', 'ANTHROPIC_API_KEY', 'IS_SANDBOX']) },
    ...{
      mode: 'bypassPermissions',
      askMode: 'default',
      isLong: true,
      program: 'claude-agent-acp',
      service: 'messages',
    },
    ...{ npmPackage: '@agentclientprotocol/claude-agent-acp', version: '0.49.0' },
    env: (port) => ({
      ANTHROPIC_BASE_URL: `http://127.0.0.1:${port}`,
      ANTHROPIC_API_KEY: 'a-key',
      // For root it has that mode only if a variable says that it runs in a container.
      IS_SANDBOX: '1',
    }),
    places: ['.claude', '.claude.json'],
    files: () => ({ '.claude.json': '{}', '.claude/settings.json': '{}' }),
  },
  {
    ...{ keys: ofProgram('codex-acp', ['OPENAI_API_KEY']), program: 'codex-acp', service: 'responses' },
    ...{ mode: 'agent-full-access', askMode: 'read-only', isLong: true },
    ...{ npmPackage: '@agentclientprotocol/codex-acp', version: '2.6.0' },
    places: ['.codex'],
    asking: (cmd) => ({
      kind: 'call',
      tool: 'exec_command',
      input: { cmd, sandbox_permissions: 'require_escalated', justification: 'it writes a file' },
    }),
    env: () => ({ OPENAI_API_KEY: 'a-key' }),
    files: (port) => ({
      '.codex/config.toml': [
        'model_provider = "loopback"',
        '[model_providers.loopback]',
        'name = "loopback"',
        `base_url = "http://127.0.0.1:${port}/v1"`,
        'env_key = "OPENAI_API_KEY"',
        'wire_api = "responses"',
        '',
      ].join('\n'),
    }),
  },
];

/** A program without a preset of its own. */
function ofProgram(program: string, variables: readonly string[]): string {
  return `preset = "acp"\nprogram = "${program}"\nenv = ${JSON.stringify(variables)}\n`;
}

interface Tried extends Agent {
  /** The program's folder for PATH; null: it cannot be installed here. */
  readonly folder: string | null;
}

const tried = agents.map((agent): Tried => {
  if (isShort && agent.isLong === true) return { ...agent, folder: null };
  const found = installedPackage(agent.program, agent.npmPackage, agent.version);
  if ('folder' in found) return { ...agent, folder: found.folder };
  process.stderr.write(`skipped: ${agent.program} ${agent.version}: ${found.missing}\n`);
  return { ...agent, folder: null };
});

interface Scene {
  readonly script: Script;
  readonly keys?: string;
  readonly sandbox?: 'bwrap' | 'off';
}

/** Everything for an engine with these agents: its daemon.toml is written, and its model answers. */
async function prepare(agent: Tried, { script, keys = '', sandbox = 'off' }: Scene) {
  const on = ground();
  const model: Model = await startModel(agent.service, script);
  afterwards(() => model.stop());
  const userHome = join(on.root, 'user');
  mkdirSync(userHome);
  for (const [file, text] of Object.entries(agent.files(model.port))) {
    mkdirSync(dirname(join(userHome, file)), { recursive: true });
    writeFileSync(join(userHome, file), text);
  }
  mkdirSync(on.home, { recursive: true, mode: 0o700 });
  const mode = keys.includes('permissions = "ask"') ? agent.askMode : agent.mode;
  const named = mode === undefined ? '' : `mode = "${mode}"\n`;
  const own = (agent.places ?? []).map((place) => join(userHome, place));
  const reached = own.length === 0 ? '' : `writable = ${JSON.stringify(own)}\n`;
  const profile = `[agents.default]\n${agent.keys}${named}${reached}sandbox = "${sandbox}"\n${keys}`;
  writeFileSync(
    join(on.home, 'daemon.toml'),
    `blueprint_skip_threshold = 0\n${profile}[agents.reviewer]\nenabled = false\n`,
  );
  const env = {
    ...cleared(on.env),
    ...agent.env(model.port),
    HOME: userHome,
    PATH: `${agent.folder ?? ''}${delimiter}${on.env.PATH ?? ''}`,
  };
  return { on, env, model };
}

async function start(agent: Tried, scene: Scene) {
  const { on, env, model } = await prepare(agent, scene);
  return { ...(await startEngine({ agents: {}, on, env })), model };
}

const engineScript = join(import.meta.dirname, '../support/scripts/crash-engine.mjs');
const kills = 6;

/** Two tasks, one after the other, whose engine is killed again and again; returns the prompts of each run. */
async function killedThroughPlan(agent: Tried, sandbox: 'bwrap' | 'off'): Promise<void> {
  const random = randomOf(seedOf('acp real'));
  const script = works('for turn in 1 2 3 4; do sleep 0.5; done; echo hello >> made.txt');
  const { on, env } = await prepare(agent, { script, sandbox, keys: 'attempts = 3\n' });
  afterwards(() => killLeft(processesWith((entries) => entries.includes(`STATOR_HOME=${on.home}`))));
  const work = { title: 'the work', sh: null };
  const content = planText([work], [work]);
  const options = { home: on.home, repo: on.repo, plan: 'killed', content, agents: {}, graceMs: 2_000 };
  for (let left = kills; ; left -= 1) {
    const engine = spawn(process.execPath, [engineScript, JSON.stringify(options)], {
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const kill = left > 0 ? setTimeout(() => engine.kill('SIGKILL'), 500 + random() * 2_500) : undefined;
    const [code, signal] = await once(engine, 'exit');
    clearTimeout(kill);
    if (signal === 'SIGKILL') continue;
    expect(code).toBe(0);
    break;
  }
  expect(git(on.repo, 'show', 'plan/killed:made.txt')).toBe('hello\nhello');
  const runs = join(on.home, 'runs');
  const logs = readdirSync(runs).map((run) => readFileSync(join(runs, run, 'log'), 'utf8'));
  const prompts = logs.map((log) => log.match(/^\{"stator":\{"sent":"session\/prompt"/gm)?.length ?? 0);
  expect(prompts.filter((count) => count > 0)).toEqual([1, 1]);
}

const acting = (command: string): Reply => ({ kind: 'run', command });
const done: Reply = { kind: 'say', text: 'It is done.' };
const oneTask = planText([{ title: 'the work', sh: null }]);
describe.each(tried)('$program $version by the protocol', (agent) => {
  const isMissing = agent.folder === null;
  it.skipIf(isMissing)('does its task', async () => {
    const engine = await start(agent, { script: works('echo hello > made.txt'), keys: 'attempts = 1\n' });
    await begin(engine, 'task', oneTask);
    await untilStatus(engine, 'task', 'done');
    expect(git(engine.repo, 'show', 'plan/task:made.txt')).toBe('hello');
    const shown = await engine.client.capture({ project: 'demo', title: 'task-w1-t1' });
    expect(shown).toContain('It is done.');
  });

  it.skipIf(isMissing)('asks a person before it acts, and does what was allowed', async () => {
    const engine = await start(agent, {
      script: (asked) => (asked.results.length === 0 ? (agent.asking ?? acting)('echo hello > made.txt') : done),
      keys: 'permissions = "ask"\nattempts = 1\n',
    });
    await begin(engine, 'asks', oneTask);
    const open = async () => (await engine.client.instances({ plan: 'asks' }))[0]?.permissions[0];
    await until(async () => (await open()) !== undefined);
    // Some agents name the command in the title, some in the tool's input.
    const asked = await open();
    expect(`${asked?.tool} ${asked?.detail}`).toContain('made.txt');
    await engine.client.answerPermission('demo', 'asks-w1-t1', { answer: 'allow' });
    await untilStatus(engine, 'asks', 'done');
    expect(git(engine.repo, 'show', 'plan/asks:made.txt')).toBe('hello');
  });

  it.skipIf(isMissing || agent.program === 'gemini')('goes on in its conversation at the next attempt', async () => {
    const script = (asked: Asked): Reply => {
      const isAgain = asked.said.some(({ by, text }) => by === 'model' && text.includes('I made the wrong one.'));
      const file = isAgain ? 'made.txt' : 'other.txt';
      if (asked.results.length === 0) return { kind: 'run', command: `echo hello > ${file}` };
      return { kind: 'say', text: isAgain ? 'I made the right one.' : 'I made the wrong one.' };
    };
    const engine = await start(agent, { script, keys: 'attempts = 2\n' });
    const checked = planText([{ title: 'the work', sh: null, fields: '**Check:** test -f made.txt\n' }]);
    await begin(engine, 'again', checked);
    await untilStatus(engine, 'again', 'done');
    expect(git(engine.repo, 'show', 'plan/again:made.txt')).toBe('hello');
  });

  it.skipIf(isMissing || isShort)('goes on while its engine is killed, and is asked nothing twice', () =>
    killedThroughPlan(agent, 'off'),
  );

  it.skipIf(isMissing || isShort || noWallsHere !== null)(
    'goes on while its engine is killed, inside of walls, and is asked nothing twice',
    () => killedThroughPlan(agent, 'bwrap'),
  );

  it.skipIf(isMissing)('ends its turn at a cancel, with all that it started', async () => {
    const on: { begun: string } = { begun: '' };
    const engine = await start(agent, {
      script: ({ results }) => (results.length === 0 ? { kind: 'run', command: waits(on.begun) } : { kind: 'hang' }),
      keys: 'attempts = 1\n',
    });
    on.begun = join(engine.root, 'begun');
    await begin(engine, 'end', oneTask);
    await untilFile(on.begun);
    await say(engine, 'end', 'cancel');
    await untilPlan(engine, 'end', ({ tasks_by_wave: [wave] }) => wave?.tasks[0]?.status === 'cancelled');
    await until(async () => (await engine.client.instances({ plan: 'end' }))[0]?.live === false);
  });
});
