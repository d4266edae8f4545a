/** What an agent of the Agent Client Protocol says of itself before anything is asked of it: no login is needed for that, and no model. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { safeText } from '../../../base/platform/terminal-text.ts';
import { createLineReader } from '../line-reader.ts';
import { createRpc } from '../relay/json-rpc.ts';
import { LINE_LIMIT_BYTES, objectAt, textAt } from '../reports/json-line.ts';

export interface AcpAbout {
  /** Of the protocol; stator speaks 1. */
  readonly protocol: number;
  /** Of the agent; null: it does not say. */
  readonly version: string | null;
}

/** Some of them are 200 MB and start from a cold disk. */
const answerMs = 30_000;
const given = ['PATH', 'LANG'];

/** null: it does not answer. It is started outside of walls, so it gets no key, no home of anybody's and no folder with settings. */
export async function acpAbout(
  path: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<AcpAbout | null> {
  const home = await mkdtemp(join(tmpdir(), 'stator-about-'));
  const own = Object.fromEntries(given.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
  const child = spawn(path, args, {
    env: { ...own, HOME: home, TMPDIR: home },
    cwd: '/',
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const rpc = createRpc((line) => void child.stdin.write(`${line}\n`), {
    request: () => Promise.reject(new Error('nothing is offered')),
    notification() {},
  });
  const end = () => rpc.close('it does not answer');
  const limit = setTimeout(end, answerMs);
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
    return null; // it has ended, or said so
  } finally {
    clearTimeout(limit);
    child.kill('SIGKILL');
    await ended;
    await rm(home, { recursive: true, force: true });
  }
}
