/** The scripted agent of the Agent Client Protocol as an agent of an engine, and the messages that it got. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentSettings } from '../../runtime/base/config/config.ts';
import { script } from './engine.ts';

const fake = join(import.meta.dirname, 'fixtures/agents/acp.mjs');

export interface AcpCall {
  readonly pid: number;
  readonly run: string;
  readonly method: string;
  readonly params: { readonly prompt?: readonly { readonly text: string }[]; readonly [key: string]: unknown };
}

/** `acts`: what it plays, prompt by prompt. */
export function acpAgent(root: string, acts: string, more: AgentSettings = {}): AgentSettings {
  const program = script(join(root, 'agent'), `exec '${process.execPath}' '${fake}' '${stateOf(root)}' '${acts}' "$@"`);
  return { preset: 'acp', program, mode: 'free', attempts: 1, ...more };
}

export function stateOf(root: string): string {
  return join(root, 'acp');
}

/** The received messages, in order. */
export function acpCalls(root: string, method?: string): AcpCall[] {
  const file = join(stateOf(root), 'calls.jsonl');
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  const calls = lines.map((line) => JSON.parse(line) as AcpCall); // written by the agent
  return method === undefined ? calls : calls.filter((call) => call.method === method);
}
