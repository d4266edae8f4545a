/** `stator init`: the first configuration of a repo. */
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EngineError, messageOf } from '../machines/vocabulary/errors.ts';
import {
  homeFolder,
  loadDaemonConfig,
  loadRepoConfig,
  parseRepoConfig,
  writtenSource,
} from '../runtime/base/config/config.ts';
import { keysOf, parseToml } from '../runtime/base/config/document.ts';
import { readConfigText } from '../runtime/base/config/file.ts';
import { didYouMeanOr } from '../runtime/base/config/nearest.ts';
import { connect } from '../runtime/engine/connect.ts';
import { type Call, defineVerb } from './command.ts';
import { commitHook, commitHookLines } from './commit-hook.ts';
import { installedAgents, isOnPath, type KnownAgent, knownAgents, namedAgents } from './init/agents.ts';
import { configText, unmentionedKeys } from './init/file.ts';
import { type McpRegistered, mcpLines, offerMcp, wantsMcp } from './init/mcp.ts';
import { foundPlans, planLines } from './init/plans.ts';
import { requireRepository } from './place.ts';
import { canAsk, choose } from './sure.ts';
import { plain } from './text.ts';

export default defineVerb({
  summary:
    'Write .stator/config.toml of this repo, for the coding agent that is installed; an existing one is left as it is.',
  args: {
    agent: {
      type: 'string',
      valueHint: 'name',
      description: namedAgents.map(({ name }) => name).join(', '),
    },
    yes: { type: 'boolean', alias: 'y', description: 'ask nothing; use the first agent that is found' },
    mcp: { type: 'boolean', description: 'also give the installed agents the tools of stator, by their own commands' },
  },
  examples: ['stator init', 'stator init --agent codex', 'stator init --mcp'],
  async run({ agent, yes = false, mcp = false }, call) {
    const named = agent === undefined ? null : agentNamed(agent);
    const repo = realpathSync(requireRepository(call));
    const file = join(repo, '.stator', 'config.toml');
    const text = readConfigText(file);
    const found = installedAgents(call.env);
    // In a repo that already has a configuration this needs the flag.
    const existing = () => ({ repo, file, wanted: named, mcp: mcp ? offerMcp(call, found, true) : [] });
    if (text !== null) return printExisting(call, { text, ...existing() });
    const chosen = named ?? (await pick(call, found, yes));
    const gives = mcp || (!yes && (await wantsMcp(call, found)));
    const fresh = configText(chosen);
    if (!write(file, fresh)) return printExisting(call, { text: readConfigText(file) ?? '', ...existing() });
    const untrusted = isOpen(chosen)
      ? `it names no agent yet; ${asksLater}`
      : await trustWritten(call, { repo, file, text: fresh });
    const registered = offerMcp(call, found, gives);
    await printWritten(call, { file, chosen, found, untrusted, mcp: registered });
    return exitCode(registered);
  },
});

/** Whether the file still lacks the name of a program. */
function isOpen(chosen: KnownAgent | null): boolean {
  return chosen === null || chosen.settings.some((line) => line.includes('"your-agent '));
}

function exitCode(registered: readonly McpRegistered[]): number {
  return registered.some(({ state }) => state === 'failed') ? 1 : 0;
}

/** Throws `usage` with the nearest name. */
function agentNamed(name: string): KnownAgent {
  const found = namedAgents.find((agent) => agent.name === name);
  if (found !== undefined) return found;
  const names = namedAgents.map((agent) => agent.name);
  const hint = didYouMeanOr(name, names, `one of ${names.join(', ')}; any other program: --agent command`);
  throw new EngineError('usage', `unknown agent "${name}"`, hint);
}

async function pick(call: Call, found: readonly KnownAgent[], isQuick: boolean): Promise<KnownAgent | null> {
  const [first, ...more] = found;
  if (first === undefined || more.length === 0 || isQuick || !canAsk(call)) return first ?? null;
  const names = [first.name, ...more.map((agent) => agent.name)] as const;
  const name = await choose(call, 'which agent shall work here?', names);
  return found.find((agent) => agent.name === name) ?? first;
}

/** false: another process wrote the file meanwhile, and that file stays. Throws `bad_config` if it cannot be written. */
function write(file: string, text: string): boolean {
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text, { flag: 'wx' });
    return true;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EEXIST') return false; // fs throws system errors only
    const hint = `see that ${dirname(file)} is a folder that you may write, and that its disk has room`;
    throw new EngineError('bad_config', `${file} cannot be written: ${messageOf(thrown)}`, hint, { cause: thrown });
  }
}

const asksLater = 'the first run asks you';

/**
 * Registers the repo, and trusts only the file that was written. Other files of the repo (prompts, hooks of another program) give another digest, so
 * a person is asked about them before a plan runs. Returns why the repo is not trusted; null: it is trusted.
 */
async function trustWritten({ env }: Call, { repo, file, text }: { repo: string; file: string; text: string }) {
  try {
    const { digest } = parseRepoConfig(writtenSource(file, text), loadDaemonConfig(homeFolder(env)));
    const client = await connect({ env, mode: 'write' });
    try {
      await client.addRepo(repo, { trust: digest, way: 'init' });
      return null;
    } finally {
      await client.close();
    }
  } catch (thrown) {
    if (!(thrown instanceof EngineError)) throw thrown;
    if (thrown.code === 'untrusted') return `there is more in the repo than was written here; ${asksLater}`;
    return `${thrown.message}; ${thrown.hint}`;
  }
}

interface Written {
  readonly file: string;
  readonly chosen: KnownAgent | null;
  readonly found: readonly KnownAgent[];
  /** Why the repo is not trusted; null: it is trusted. */
  readonly untrusted: string | null;
  readonly mcp: readonly McpRegistered[];
}

async function printWritten({ out, env }: Call, { file, chosen, found, untrusted, mcp }: Written): Promise<void> {
  const names = found.map(({ name }) => name);
  const next = 'stator run <plan.md>';
  const trusted = untrusted === null;
  const agent = chosen?.name ?? null;
  const repo = dirname(dirname(file));
  const plans = await foundPlans(repo);
  const hook = commitHook({ env }, repo);
  const answer = { file, written: true, trusted, agent, installed: names, missing: [], mcp, plans, hook, next };
  out.outcome(answer, () => [
    `written: ${file}`,
    ...agentLines(chosen, names, env),
    trusted ? 'trusted as it is now; a later change is asked about' : `not trusted yet, since ${plain(untrusted)}`,
    'to share it, commit it; stator does not: git add .stator/config.toml',
    ...mcpLines(mcp),
    ...(hook === null ? [] : commitHookLines(hook)),
    ...planLines(plans),
    isOpen(chosen)
      ? `next: ${chosen === null ? 'install an agent and name it' : 'name your program'} in that file; stator doctor checks both`
      : `next: ${next}, or see it work first: stator demo`,
  ]);
}

function agentLines(chosen: KnownAgent | null, names: readonly string[], env: NodeJS.ProcessEnv): string[] {
  if (chosen === null) {
    const ways = knownAgents.map(({ name, install }) => `  ${name.padEnd(9)} ${install}`);
    return ['no coding agent was found on PATH; one of these installs one:', ...ways];
  }
  const others = names.filter((name) => name !== chosen.name).join(', ');
  if (chosen.install !== null && !isOnPath(chosen.name, env)) {
    return [`agent: ${chosen.name}, which is not on PATH yet: ${chosen.install}`];
  }
  const isFirst = chosen.name === names[0];
  const more = `${isFirst ? 'the first that was found; ' : ''}installed as well: ${others}; --agent <name> takes another`;
  return [`agent: ${chosen.name}${others === '' ? '' : ` (${more})`}`];
}

interface Existing {
  readonly repo: string;
  readonly file: string;
  readonly text: string;
  readonly wanted: KnownAgent | null;
  readonly mcp: readonly McpRegistered[];
}

/** Throws `bad_config` if the file is broken. */
async function printExisting({ out, env }: Call, existing: Existing): Promise<number> {
  const { repo, file, text, wanted, mcp } = existing;
  const { profiles } = loadRepoConfig(repo, loadDaemonConfig(homeFolder(env)));
  const keys = keysOf(parseToml(file, text));
  const missing = unmentionedKeys(text, keys);
  const names = installedAgents(env).map(({ name }) => name);
  const agent = profiles.coder.preset;
  const known = knownAgents.find(({ name }) => name === agent);
  // If the table names another program, `doctor` looks for it.
  const absent = known === undefined || profiles.coder.program !== null || isOnPath(agent, env) ? null : known.install;
  const next = absent === null ? 'stator run <plan.md>' : 'stator doctor';
  const plans = await foundPlans(repo);
  const hook = commitHook({ env }, repo);
  const answer = { file, written: false, agent, installed: names, holds: keys, missing, mcp, plans, hook, next };
  out.outcome(answer, () => [
    `${file} is there already, and stays as it is`,
    keys.length === 0 ? 'it sets nothing: all is by default' : `it sets: ${keys.join(', ')}`,
    ...(missing.length === 0 ? [] : [`not mentioned in it, so by default: ${missing.join(', ')}`]),
    `its coder is ${agent}${absent === null ? '' : `, which is not on PATH: ${absent}`}`,
    ...(wanted === null || wanted.name === agent
      ? []
      : [`for ${wanted.name} instead, in its [agents.default]: ${wanted.settings.join(', ')}`]),
    ...mcpLines(mcp),
    ...(hook === null ? [] : commitHookLines(hook)),
    ...planLines(plans),
    `next: ${next}`,
  ]);
  return exitCode(mcp);
}
