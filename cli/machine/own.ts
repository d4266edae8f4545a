/** What the verbs about machines of one's own share: only an engine that was given the machine can say anything of its trees. */
import { EngineError } from '../../machines/vocabulary/errors.ts';
import type { Client, MachineVerdict } from '../../runtime/api/client/client.ts';
import { connect } from '../../runtime/engine/connect.ts';
import type { Call } from '../command.ts';

export const treeArgs = {
  machine: { type: 'positional', description: 'its name, as under [machines] of daemon.toml' },
  id: { type: 'positional', description: 'which of its trees' },
} as const;

/** Throws `no_daemon` where no engine runs. */
export async function withMachines<Answer>({ env }: Call, use: (client: Client) => Promise<Answer>): Promise<Answer> {
  const client = await connect({ env, mode: 'read' });
  try {
    if (client.note === null) return await use(client);
    throw new EngineError(
      'no_daemon',
      'no engine runs, so nobody carries a machine of your own',
      'start one that has it under [machines] of its daemon.toml: stator daemon start',
    );
  } finally {
    await client.close();
  }
}

/** A JSON object of the command line. Throws `usage` with the flag. */
export function objectOf(flag: string, text: string | undefined): unknown {
  if (text === undefined || text.trim() === '') return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // told below, as what is no object
  }
  throw new EngineError(
    'usage',
    `${flag} is no JSON object: ${text.slice(0, 100)}`,
    `such as ${flag} '{"version": "1.2.0"}'`,
  );
}

/** One line of what became of a message. */
export function verdictText({ signal, tree }: MachineVerdict, machine: string, id: string): string {
  const { type, status, result } = signal;
  const how = typeof result === 'string' && result !== 'done' ? ` (${result})` : '';
  const stands = tree === null ? '' : `; ${machine} ${id} is in ${stateText(tree.value)}`;
  return `${status}${how}: ${type}${stands}`;
}

/** A state's value as one dotted word. */
export function stateText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.entries(value)
    .map(([key, inner]) => `${key}.${stateText(inner)}`)
    .join(' ');
}
