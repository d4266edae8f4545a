/** An engine whose agents are a real program with a scripted model on loopback. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { describe, it } from 'vitest';
import type { StreamPreset } from '../../runtime/base/config/preset-programs.ts';
import { isShort } from '../soak/length.ts';
import { afterwards, ground, startEngine, type TestEngine } from '../support/engine.ts';
import type { Ground } from '../support/ground.ts';
import { noWallsHere } from '../support/walls.ts';
import { type Behaviour, type BehaviourFile, behaviours, type Column, columns } from './behaviours.ts';
import { installed } from './installed.ts';
import { type Model, startModel } from './model/model.ts';
import type { Script } from './model/reply.ts';

/** How a program is pointed at the test's model, as its documentation describes it for a user's own gateway. */
interface Wiring extends Pointing {
  readonly service: Parameters<typeof startModel>[0];
  /** With an expired login of a subscription instead of a key, which cannot be renewed. */
  readonly expired: Pointing;
}

interface Pointing {
  /** Further variables besides the port. */
  env(port: number): Readonly<Record<string, string>>;
  /** Lines of its profile. */
  profile(port: number): string;
  /** Files in the user's home, by their path there; `server` is the command line of a user's MCP server. */
  files(port: number, server: readonly string[]): Readonly<Record<string, string>>;
}

const longAgoMs = Date.UTC(2026, 0, 1);

/** A token in the form of the services, without a valid signature. */
function jwt(claims: object): string {
  const part = (content: object) => Buffer.from(JSON.stringify(content)).toString('base64url');
  return `${part({ alg: 'RS256', typ: 'JWT' })}.${part({ exp: longAgoMs / 1000, ...claims })}.c2lnbmVk`;
}

const wirings: Readonly<Record<StreamPreset, Wiring>> = {
  claude: {
    service: 'messages',
    env: (port) => ({
      ANTHROPIC_BASE_URL: `http://127.0.0.1:${port}`,
      ANTHROPIC_API_KEY: 'a-key',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    }),
    profile: () => '',
    files: (_port, [command, ...args]) => ({
      '.claude.json': JSON.stringify(
        command === undefined ? {} : { mcpServers: { helper: { type: 'stdio', command, args } } },
      ),
    }),
    expired: {
      env: (port) => ({
        ANTHROPIC_BASE_URL: `http://127.0.0.1:${port}`,
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      }),
      profile: () => '',
      files: () => ({
        '.claude/.credentials.json': JSON.stringify({
          claudeAiOauth: {
            ...{ accessToken: 'sk-ant-oat01-old', refreshToken: 'sk-ant-ort01-old', expiresAt: longAgoMs },
            ...{ scopes: ['user:inference', 'user:profile'], subscriptionType: 'pro' },
          },
        }),
      }),
    },
  },
  codex: {
    service: 'responses',
    env: () => ({ OPENAI_API_KEY: 'a-key' }),
    profile: () => '',
    files: (port, [command, ...args]) => ({
      '.codex/config.toml': [
        'model_provider = "loopback"',
        '[model_providers.loopback]',
        'name = "loopback"',
        `base_url = "http://127.0.0.1:${port}/v1"`,
        'env_key = "OPENAI_API_KEY"',
        'wire_api = "responses"',
        ...(command === undefined
          ? []
          : ['[mcp_servers.helper]', `command = ${JSON.stringify(command)}`, `args = ${JSON.stringify(args)}`]),
        '',
      ].join('\n'),
    }),
    expired: {
      env: (port) => ({ CODEX_REFRESH_TOKEN_URL_OVERRIDE: `http://127.0.0.1:${port}/oauth/token` }),
      profile: () => 'env = ["CODEX_REFRESH_TOKEN_URL_OVERRIDE"]\n',
      files: (port) => ({
        '.codex/config.toml': [
          'model_provider = "loopback"',
          '[model_providers.loopback]',
          'name = "loopback"',
          `base_url = "http://127.0.0.1:${port}/v1"`,
          'requires_openai_auth = true',
          'wire_api = "responses"',
          '',
        ].join('\n'),
        '.codex/auth.json': JSON.stringify({
          OPENAI_API_KEY: null,
          tokens: {
            id_token: jwt({ email: 'a@example.com', 'https://api.openai.com/auth': { chatgpt_plan_type: 'plus' } }),
            access_token: jwt({}),
            refresh_token: 'rt_old',
            account_id: 'an-account',
          },
          last_refresh: new Date(longAgoMs).toISOString(),
        }),
      }),
    },
  },
  gemini: {
    service: 'generateContent',
    env: (port) => ({ GEMINI_API_KEY: 'a-key', GOOGLE_GEMINI_BASE_URL: `http://127.0.0.1:${port}` }),
    profile: () => 'env = ["GOOGLE_GEMINI_BASE_URL"]\n',
    files: (_port, [command, ...args]) => ({
      '.gemini/settings.json': JSON.stringify({
        security: { auth: { selectedType: 'gemini-api-key' } },
        ...(command === undefined ? {} : { mcpServers: { helper: { command, args } } }),
      }),
    }),
    expired: {
      env: (port) => ({ CODE_ASSIST_ENDPOINT: `http://127.0.0.1:${port}` }),
      profile: () => 'env = ["CODE_ASSIST_ENDPOINT"]\n',
      files: () => ({
        '.gemini/settings.json': JSON.stringify({ security: { auth: { selectedType: 'oauth-personal' } } }),
        '.gemini/oauth_creds.json': JSON.stringify({
          ...{ access_token: 'ya29.old', refresh_token: '1//old', token_type: 'Bearer', expiry_date: longAgoMs },
          scope: 'https://www.googleapis.com/auth/cloud-platform',
        }),
      }),
    },
  },
  opencode: {
    service: 'messages',
    env: () => ({ OPENCODE_DISABLE_MODELS_FETCH: '1' }),
    profile: () => 'model = "loopback/m1"\n',
    files: (port, server) => ({
      '.config/opencode/opencode.json': JSON.stringify({
        provider: {
          loopback: {
            npm: '@ai-sdk/anthropic',
            name: 'loopback',
            options: { baseURL: `http://127.0.0.1:${port}/v1`, apiKey: 'a-key' },
            models: {
              m1: {
                name: 'm1',
                limit: { context: 200_000, output: 8000 },
                cost: { input: 1, output: 2, cache_read: 0.5 },
              },
            },
          },
        },
        small_model: 'loopback/m1',
        autoupdate: false,
        ...(server.length === 0 ? {} : { mcp: { helper: { type: 'local', command: server } } }),
      }),
    }),
    expired: {
      env: () => ({ OPENCODE_DISABLE_MODELS_FETCH: '1' }),
      profile: () => 'model = "anthropic/claude-sonnet-4-5"\n',
      files: (port) => ({
        '.config/opencode/opencode.json': JSON.stringify({
          provider: { anthropic: { options: { baseURL: `http://127.0.0.1:${port}/v1` } } },
          small_model: 'anthropic/claude-sonnet-4-5',
          autoupdate: false,
        }),
        '.local/share/opencode/auth.json': JSON.stringify({
          anthropic: { type: 'oauth', refresh: 'sk-ant-ort01-old', access: 'sk-ant-oat01-old', expires: longAgoMs },
        }),
      }),
    },
  },
};

export interface Tried extends Column {
  /** The program's folder for PATH; null: it cannot be installed here. */
  readonly folder: string | null;
}

/** Each program with each tested version. The tests of a program that cannot be installed are skipped, with one line that says why. */
const tried: readonly Tried[] = columns.map((column) => {
  const found = installed(column.program, column.version);
  if ('folder' in found) return { ...column, folder: found.folder };
  process.stderr.write(`skipped: ${column.program} ${column.version}: ${found.missing}\n`);
  return { ...column, folder: null };
});

/** The tests of a file: one for each behaviour, program and version. */
export function behaves<File extends BehaviourFile>(
  file: File,
  tests: { readonly [Title in keyof (typeof behaviours)[File]]: (each: Tried) => Promise<void> },
): void {
  const titles = Object.entries<Behaviour>(behaviours[file]);
  const byTitle: Readonly<Record<string, (each: Tried) => Promise<void>>> = tests;
  describe.each(tried)('$program $version', (each) => {
    for (const [title, behaviour] of titles) it.skipIf(isSkipped(behaviour, each))(title, () => byTitle[title]?.(each));
  });
}

function isSkipped({ differs, long, walls, none = [] }: Behaviour, { folder, program, isNewest }: Tried): boolean {
  if (folder === null || none.includes(program)) return true;
  if (walls === true && noWallsHere !== null) return true;
  return isShort && (long === true || (!isNewest && differs !== true));
}

export interface RealSetting {
  readonly on: Ground;
  readonly model: Model;
  /** The home of the user who runs the programs. */
  readonly userHome: string;
  /** The engine's environment. */
  readonly env: NodeJS.ProcessEnv;
}

export type RealEngine = TestEngine & Pick<RealSetting, 'model' | 'userHome'>;

export interface Scene {
  readonly script: Script;
  readonly on?: Ground;
  /** Further lines of `[agents.default]`. */
  readonly keys?: string;
  /** Further tables of daemon.toml. */
  readonly tables?: string;
  readonly sandbox?: 'bwrap' | 'off';
  /** The user's login. Default: a key. */
  readonly login?: 'key' | 'expired';
  /** The command line of an MCP server that the user's own settings name. */
  readonly server?: readonly string[];
}

/** Plans have waves, every agent is the program, and nobody reviews, unless the scene sets it. */
export async function startReal(tried: Tried, scene: Scene): Promise<RealEngine> {
  const { on, model, userHome, env } = await setReal(tried, scene);
  const engine = await startEngine({ agents: {}, on, env });
  return { ...engine, model, userHome };
}

/** Everything for such an engine: its daemon.toml is written, and its model answers. */
export async function setReal({ program, folder }: Tried, scene: Scene): Promise<RealSetting> {
  const { script, keys = '', tables = '[agents.reviewer]\nenabled = false\n', sandbox = 'off', on = ground() } = scene;
  const { service, expired, ...byKey } = wirings[program];
  const wiring = scene.login === 'expired' ? expired : byKey;
  const model = await startModel(service, script);
  afterwards(() => model.stop());
  const userHome = join(on.root, 'user');
  for (const [file, text] of Object.entries(wiring.files(model.port, scene.server ?? []))) {
    mkdirSync(dirname(join(userHome, file)), { recursive: true });
    writeFileSync(join(userHome, file), text);
  }
  mkdirSync(userHome, { recursive: true });
  const profile = `[agents.default]\npreset = "${program}"\nsandbox = "${sandbox}"\n${wiring.profile(model.port)}${keys}`;
  mkdirSync(on.home, { recursive: true, mode: 0o700 });
  writeFileSync(join(on.home, 'daemon.toml'), `blueprint_skip_threshold = 0\n${profile}\n${tables}`);
  const env = {
    ...cleared(on.env),
    ...wiring.env(model.port),
    // As root, claude starts outside of walls only if a variable says that it runs in a container.
    ...(sandbox === 'off' ? { IS_SANDBOX: '1' } : {}),
    HOME: userHome,
    PATH: `${folder ?? ''}${delimiter}${on.env.PATH ?? ''}`,
  };
  return { on, model, userHome, env };
}

/** The environment without variables that would lead a program to the tester's own account or settings. */
export function cleared(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const own =
    /^(IS_SANDBOX$|ANTHROPIC|CLAUDE|OPENAI|CODEX|GEMINI|GOOGLE|OPENCODE|COPILOT|QWEN|GH_|GITHUB_|XDG_(CONFIG|DATA|STATE|CACHE)_HOME)/;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !own.test(name) && name !== 'STATOR_SANDBOX'));
}

/** A shell line that reports its start, and then waits for ever. Programs refuse a long sleep, and recognize `sleep` by its name. */
export function waits(begun: string): string {
  return `tail -f /dev/null & echo begun > '${begun}'; wait`;
}

/** The same, but it waits for a text in the pipe that it makes, and prints that text. */
export function waitsAt(pipe: string, begun: string): string {
  return `mkfifo '${pipe}'; echo begun > '${begun}'; cat '${pipe}'`;
}
