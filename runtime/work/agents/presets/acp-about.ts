/** Reads an Agent Client Protocol agent's description of itself, which needs no login and no model. */
import { spawn } from 'node:child_process';
import { safeText } from '../../../base/platform/terminal-text.ts';
import { createLineReader } from '../line-reader.ts';
import { createRpc } from '../relay/json-rpc.ts';
import { LINE_LIMIT_BYTES, objectAt, textAt } from '../reports/json-line.ts';
import { type TrialOptions, trialMs, withTrialHome } from './trial.ts';

export interface AcpAbout {
  /** The protocol's version; stator supports 1. */
  readonly protocol: number;
  /** The agent's version; null: not reported. */
  readonly version: string | null;
}

/** null: it does not answer. */
export function acpAbout(path: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<AcpAbout | null> {
  return withTrialHome(env, (place) => aboutAt(path, args, place));
}

async function aboutAt(path: string, args: readonly string[], place: TrialOptions): Promise<AcpAbout | null> {
  const child = spawn(path, args, { ...place, stdio: ['pipe', 'pipe', 'ignore'] });
  const rpc = createRpc((line) => void child.stdin.write(`${line}\n`), {
    request: () => Promise.reject(new Error('nothing is offered')),
    notification() {},
  });
  const end = () => rpc.close('it does not answer');
  const limit = setTimeout(end, trialMs);
  child.stdin.on('error', () => {});
  child.stdout.on(
    'data',
    createLineReader(LINE_LIMIT_BYTES, (line) => rpc.line(line)),
  );
  const ended = new Promise<void>((resolve) => child.once('error', () => resolve()).once('close', () => resolve()));
  void ended.then(end);
  try {
    const about = await rpc.request('initialize', {
      protocolVersion: 1,
      clientInfo: { name: 'stator', version: '1' },
      clientCapabilities: {},
    });
    const version = textAt(objectAt(about, 'agentInfo') ?? {}, 'version');
    return {
      protocol: Number(about.protocolVersion),
      version: version === null ? null : safeText(version).slice(0, 40),
    };
  } catch {
    return null; // it has ended
  } finally {
    clearTimeout(limit);
    child.kill('SIGKILL');
    await ended;
  }
}
