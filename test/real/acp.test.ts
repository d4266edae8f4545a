/** Real agents by the Agent Client Protocol, with a model on loopback: what the table of docs/agents.md says of them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { acpAgent } from '../../runtime/base/config/acp/agents.ts';
import { streamPrograms } from '../../runtime/base/config/preset-programs.ts';
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
import { installedPackage } from './installed.ts';
import { type Model, startModel } from './model/model.ts';
import { type Asked, type Reply, type Script, works } from './model/reply.ts';
import { cleared, waits } from './stage.ts';

interface Agent {
  /** Of the protocol alone, or of a program that is told to speak it. */
  readonly keys: string;
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
];

interface Tried extends Agent {
  /** The folder with the program in it, for PATH; null: it cannot be had here. */
  readonly folder: string | null;
}

const tried = agents.map((agent): Tried => {
  const found = installedPackage(agent.program, agent.npmPackage, agent.version);
  if ('folder' in found) return { ...agent, folder: found.folder };
  process.stderr.write(`skipped: ${agent.program} ${agent.version}: ${found.missing}\n`);
  return { ...agent, folder: null };
});

async function start(agent: Tried, { script, keys = '' }: { readonly script: Script; readonly keys?: string }) {
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
  const own = `[agents.default]\n${agent.keys}sandbox = "off"\n${keys}`;
  writeFileSync(
    join(on.home, 'daemon.toml'),
    `blueprint_skip_threshold = 0\n${own}[agents.reviewer]\nenabled = false\n`,
  );
  const env = {
    ...cleared(on.env),
    ...agent.env(model.port),
    HOME: userHome,
    PATH: `${agent.folder ?? ''}${delimiter}${on.env.PATH ?? ''}`,
  };
  return { ...(await startEngine({ agents: {}, on, env })), model };
}

const oneTask = planText([{ title: 'the work', sh: null }]);
describe.each(tried)('$program $version by the protocol', (agent) => {
  const isMissing = agent.folder === null;
  it.skipIf(isMissing)('does its task', async () => {
    const engine = await start(agent, { script: works('echo hello > made.txt'), keys: 'attempts = 1\n' });
    await begin(engine, 'task', oneTask);
    await untilStatus(engine, 'task', 'done');
    expect(git(engine.repo, 'show', 'plan/task:made.txt')).toBe('hello');
    const shown = await engine.client.capture('demo', 'task-w1-t1');
    expect(shown).toContain('It is done.');
  });

  it.skipIf(isMissing)('asks a person before it acts, and does what was allowed', async () => {
    const engine = await start(agent, {
      script: works('echo hello > made.txt'),
      keys: 'permissions = "ask"\nattempts = 1\n',
    });
    await begin(engine, 'asks', oneTask);
    const open = async () => (await engine.client.instances({ plan: 'asks' }))[0]?.permissions[0];
    await until(async () => (await open()) !== undefined);
    // Some say it in the title, some in what the tool is given.
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
