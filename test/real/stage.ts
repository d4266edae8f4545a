/** An engine whose agents are a real program, whose model is a script on loopback. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import type { ProgramPreset } from '../../runtime/config/preset-programs.ts';
import { afterwards, type EngineSetup, ground, startEngine, type TestEngine } from '../support/engine.ts';
import { installed, triedVersions } from './installed.ts';
import { type Model, startModel } from './model/model.ts';
import type { Script } from './model/reply.ts';

/** How a program is pointed at a model of ours: all of it as its documents say for a gateway of one's own. */
interface Wiring {
  readonly service: Parameters<typeof startModel>[0];
  /** Variables of its own, beside the port. */
  env(port: number): Readonly<Record<string, string>>;
  /** Lines of its profile. */
  profile(port: number): string;
  /** Files of the user's home, by their path there. */
  files(port: number): Readonly<Record<string, string>>;
}

const wirings: Readonly<Record<ProgramPreset, Wiring>> = {
  claude: {
    service: 'messages',
    env: (port) => ({
      ANTHROPIC_BASE_URL: `http://127.0.0.1:${port}`,
      ANTHROPIC_API_KEY: 'a-key',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    }),
    profile: () => '',
    files: () => ({}),
  },
  codex: {
    service: 'responses',
    env: () => ({ OPENAI_API_KEY: 'a-key' }),
    profile: () => '',
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
  gemini: {
    service: 'generateContent',
    env: (port) => ({ GEMINI_API_KEY: 'a-key', GOOGLE_GEMINI_BASE_URL: `http://127.0.0.1:${port}` }),
    profile: () => 'env = ["GOOGLE_GEMINI_BASE_URL"]\n',
    files: () => ({
      '.gemini/settings.json': JSON.stringify({ security: { auth: { selectedType: 'gemini-api-key' } } }),
    }),
  },
  opencode: {
    service: 'messages',
    env: () => ({ OPENCODE_DISABLE_MODELS_FETCH: '1' }),
    profile: () => 'model = "loopback/m1"\n',
    files: (port) => ({
      '.config/opencode/opencode.json': JSON.stringify({
        provider: {
          loopback: {
            npm: '@ai-sdk/anthropic',
            name: 'loopback',
            options: { baseURL: `http://127.0.0.1:${port}/v1`, apiKey: 'a-key' },
            models: { m1: { name: 'm1', limit: { context: 200_000, output: 8000 }, cost: { input: 1, output: 2 } } },
          },
        },
        small_model: 'loopback/m1',
        autoupdate: false,
      }),
    }),
  },
};

export interface Tried {
  readonly program: ProgramPreset;
  readonly version: string;
  /** The folder with the program in it, for PATH; null: it cannot be had here. */
  readonly folder: string | null;
}

/** Each program with each version that is tried. The tests of one that cannot be had are skipped, and one line says why. */
export const tried: readonly Tried[] = (Object.keys(triedVersions) as ProgramPreset[]) // its keys are the programs
  .flatMap((program) => triedVersions[program].map((version) => ({ program, version })))
  .map((each) => {
    const found = installed(each.program, each.version);
    if ('folder' in found) return { ...each, folder: found.folder };
    process.stderr.write(`skipped: ${each.program} ${each.version}: ${found.missing}\n`);
    return { ...each, folder: null };
  });

export interface RealEngine extends TestEngine {
  readonly model: Model;
  /** The home of the user whose programs they are. */
  readonly userHome: string;
}

export interface Scene extends Omit<EngineSetup, 'agents' | 'env'> {
  readonly script: Script;
  /** Further lines of `[agents.default]`. */
  readonly keys?: string;
  /** Further tables of daemon.toml. */
  readonly tables?: string;
  readonly sandbox?: 'bwrap' | 'off';
}

/** Plans have waves, every agent is the program, nobody reviews; unless the scene says otherwise. */
export async function startReal({ program, folder }: Tried, scene: Scene): Promise<RealEngine> {
  const { script, keys = '', tables = '[agents.reviewer]\nenabled = false\n', sandbox = 'off', ...setup } = scene;
  const wiring = wirings[program];
  const model = await startModel(wiring.service, script);
  afterwards(() => model.stop());
  const on = setup.on ?? ground();
  const userHome = join(on.root, 'user');
  for (const [file, text] of Object.entries({ '.keep': '', ...wiring.files(model.port) })) {
    mkdirSync(dirname(join(userHome, file)), { recursive: true });
    writeFileSync(join(userHome, file), text);
  }
  const profile = `[agents.default]\npreset = "${program}"\nsandbox = "${sandbox}"\n${wiring.profile(model.port)}${keys}`;
  const engine = await startEngine({
    agents: {},
    daemon: `blueprint_skip_threshold = 0\n${profile}\n${tables}`,
    ...setup,
    on,
    env: {
      ...cleared(on.env),
      ...wiring.env(model.port),
      // As root claude starts outside of walls only where it is told that it stands in a container.
      ...(sandbox === 'off' ? { IS_SANDBOX: '1' } : {}),
      HOME: userHome,
      PATH: `${folder ?? ''}${delimiter}${on.env.PATH ?? ''}`,
    },
  });
  return { ...engine, model, userHome };
}

/** The surroundings without what would lead a program to the tester's own account or settings. */
function cleared(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const own = /^(IS_SANDBOX$|ANTHROPIC|CLAUDE|OPENAI|CODEX|GEMINI|GOOGLE|OPENCODE|XDG_(CONFIG|DATA|STATE|CACHE)_HOME)/;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !own.test(name) && name !== 'STATOR_SANDBOX'));
}
