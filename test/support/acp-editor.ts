/** An editor that speaks the Agent Client Protocol by the client of its SDK, with `stator acp` as its agent. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'vitest';
import { daemonGround } from './daemon.ts';
import { afterwards } from './engine.ts';

const editorScript = join(import.meta.dirname, 'scripts/acp-editor.mjs');
const stator = join(import.meta.dirname, '../../dist/bin/stator.js');

export interface Seen {
  readonly sessionUpdate?: string;
  readonly stopReason?: string;
  readonly entries?: readonly { readonly content: string; readonly status: string }[];
  readonly content?: { readonly text?: string };
  readonly asked?: { readonly title: string };
  readonly [key: string]: unknown;
}

/** An editor with `stator acp` in the repository, and the home of a daemon that does not run. `forms`: the editor shows them. */
export async function editor(config: (root: string) => string, { forms = false } = {}) {
  const made = daemonGround();
  made.configure(`blueprint_skip_threshold = 0\n${config(made.root)}`);
  // A person has trusted the repository before.
  expect((await made.stator(['repo', 'add', made.repo, '--trust'])).code).toBe(0);
  const child = spawn(process.execPath, [editorScript, made.repo, process.execPath, stator, 'acp'], {
    env: forms ? { ...made.env, EDITOR_FORMS: 'yes' } : made.env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  afterwards(() => void child.kill('SIGKILL'));
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const seen = (): Seen[] =>
    output
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Seen); // as the script writes them
  const stops = () => seen().flatMap(({ stopReason }) => stopReason ?? []);
  return {
    ...made,
    seen,
    stops,
    send: (what: object) => void child.stdin.write(`${JSON.stringify(what)}\n`),
    close: () => void child.stdin.end(),
    said: () =>
      seen()
        .filter(({ sessionUpdate }) => sessionUpdate === 'agent_message_chunk')
        .map(({ content }) => content?.text ?? '')
        .join(''),
  };
}

export function text(words: string): object[] {
  return [{ type: 'text', text: words }];
}
