/** A repo whose origin is at a forge on this machine, and an engine with its token. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ForgeKind } from '../../runtime/work/forges/kinds/kinds.ts';
import { afterwards, type EngineSetup, ground, startEngine, type TestEngine } from './engine.ts';
import { type FakeStatus, type ForgeServer, type ForgeState, startForge } from './forge-server.ts';
import { type Ground, git } from './ground.ts';

export interface Site {
  readonly on: Ground;
  readonly forge: ForgeServer;
  /** The bare repository that receives pushes. */
  readonly bare: string;
}

/** The statuses of every commit. */
export class Ci extends Map<string, FakeStatus[]> {
  now: FakeStatus[];
  constructor(state: FakeStatus['state'] | null) {
    super();
    this.now = [];
    if (state !== null) this.become(state);
  }
  become(state: FakeStatus['state']): void {
    this.now = [{ name: 'ci', state, description: '' }];
  }
  override get(_commit: string): FakeStatus[] {
    return this.now;
  }
}

/** A repo whose origin is at a forge on this machine; its pushes go to a bare repository beside it. */
export async function site(kind: ForgeKind = 'gitea', more = '', given: Partial<ForgeState> = {}): Promise<Site> {
  const on = ground();
  const bare = join(on.root, 'bare.git');
  const headOf = (branch: string) => readHead(bare, branch);
  const forge = await startForge(kind, { headOf, ...given });
  afterwards(() => forge.stop());
  git(on.root, 'init', '-q', '--bare', bare);
  git(on.repo, 'remote', 'add', 'origin', `${forge.url}/ada/demo.git`);
  git(on.repo, 'config', 'remote.origin.pushurl', bare);
  if (given.bare !== undefined) {
    forge.state.bare = bare;
    git(on.repo, 'push', '-q', bare, 'main');
  }
  mkdirSync(on.home, { recursive: true, mode: 0o700 });
  writeFileSync(join(on.home, 'daemon.toml'), `blueprint_skip_threshold = 0\n${more}`);
  writeFileSync(
    join(on.home, 'servers.toml'),
    `[[servers]]\nname = "here"\nurl = "${forge.url}"\nkind = "${kind}"\ntoken = "env:FORGE_TOKEN"\nallow_private = true\n`,
  );
  return { on, forge, bare };
}

/** The interval between two looks at requests. A look at three of them takes 20 ms of processor time, and a test waits for few. */
export const requestLookMs = 300;

export function start({ on }: Site, setup: EngineSetup = {}): Promise<TestEngine> {
  return startEngine({
    on,
    env: { ...on.env, FORGE_TOKEN: 'secret-token' },
    pullRequestLookMs: requestLookMs,
    ...setup,
  });
}

/** null: the branch is missing. A forge needs it at each request, so git is started only if a ref may be packed. */
export function readHead(path: string, branch: string): string | null {
  const loose = join(path, 'refs/heads', branch);
  if (existsSync(loose)) return readFileSync(loose, 'utf8').trim();
  if (existsSync(join(path, 'HEAD')) && !existsSync(join(path, 'packed-refs'))) return null;
  const found = git(path, 'for-each-ref', '--format=%(objectname)', `refs/heads/${branch}`);
  return found === '' ? null : found;
}
