/** Registers stator's MCP server with the agents' programs, through their own commands. */
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import { inPackage } from '../../runtime/base/platform/package-files.ts';
import type { Call } from '../command.ts';
import { runProgram } from '../other-program.ts';
import { canAsk, confirm } from '../sure.ts';
import { plain } from '../text.ts';
import { isOnPath, type KnownAgent } from './agents.ts';

interface Registration {
  /** The command that exits with 0 if a server of that name is registered; null: the program has no such command. */
  readonly get: readonly string[] | null;
  add(server: readonly string[]): string[];
}

/** Registers for the user, in every folder. Programs without a command for it are not listed. */
const registrations: Readonly<Record<string, Registration>> = {
  claude: {
    get: ['mcp', 'get', 'stator'],
    add: (server) => ['mcp', 'add', '--scope', 'user', 'stator', '--', ...server],
  },
  codex: { get: ['mcp', 'get', 'stator'], add: (server) => ['mcp', 'add', 'stator', '--', ...server] },
  gemini: { get: null, add: (server) => ['mcp', 'add', '--scope', 'user', 'stator', ...server] },
};

export interface McpRegistered {
  readonly agent: string;
  /** The command as a person types it. */
  readonly command: string;
  /** `offered`: nothing was registered. */
  readonly state: 'registered' | 'already' | 'failed' | 'offered';
  /** The program's output if it failed. */
  readonly why: string | null;
}

/** The programs of `found` that have a command for registering a server. */
function ableOf(found: readonly KnownAgent[]): string[] {
  return found.map(({ name }) => name).filter((name) => Object.hasOwn(registrations, name));
}

/** Whether the person at the terminal agrees to give agents these tools. Throws `interrupted` at Ctrl-C. */
export async function wantsMcp(call: Call, found: readonly KnownAgent[]): Promise<boolean> {
  const able = ableOf(found);
  return able.length > 0 && canAsk(call) && confirm(call, `give ${able.join(', ')} the tools of stator (MCP)?`);
}

/** Registers the server with the programs of `found` that have a command for it, or prints how to do it. */
export function offerMcp(call: Call, found: readonly KnownAgent[], isWanted: boolean): McpRegistered[] {
  const able = ableOf(found);
  if (isWanted && able.length === 0) {
    const names = Object.keys(registrations).join(', ');
    call.out.remark(`none of ${names} is on PATH; in another program, register the command: stator mcp (docs/mcp.md)`);
  }
  return able.map((name) => register(call, name, isWanted));
}

function register(call: Call, agent: string, isWanted: boolean): McpRegistered {
  const { get, add } = registrations[agent] as Registration; // one of its keys
  const server = isOnPath('stator', call.env)
    ? ['stator', 'mcp']
    : [process.execPath, inPackage('dist/bin/stator.js'), 'mcp'];
  const words = add(server);
  const command = [agent, ...words].map(shellWord).join(' ');
  const entry = { agent, command, why: null };
  if (!isWanted) return { ...entry, state: 'offered' };
  if (get !== null && runProgram(call, [agent, ...get]).status === 0) return { ...entry, state: 'already' };
  const { status, error, stdout, stderr } = runProgram(call, [agent, ...words]);
  if (status === 0) return { ...entry, state: 'registered' };
  const last = `${stdout ?? ''}\n${stderr ?? ''}`.trim().split('\n').at(-1) ?? '';
  return { ...entry, state: 'failed', why: error?.message ?? (last === '' ? `exit code ${status}` : last) };
}

export function mcpLines(registered: readonly McpRegistered[]): string[] {
  return registered.map(({ agent, command, state, why }) => {
    switch (state) {
      case 'registered':
        return `${agent} has the tools of stator now (MCP)`;
      case 'already':
        return `${agent} has the tools of stator already (MCP)`;
      case 'failed':
        return `${agent} did not take the tools of stator: ${plain(why ?? '')}; by hand: ${command}`;
      case 'offered':
        return `to give ${agent} the tools of stator (MCP): stator init --mcp, which runs: ${command}`;
      default:
        return state satisfies never;
    }
  });
}
