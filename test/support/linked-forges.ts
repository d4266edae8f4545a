/** A repo of two members, `api` and `web`, each with its own forge on this machine. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ForgeKind } from '../../runtime/work/forges/kinds/kinds.ts';
import { type FakePull, type ForgeServer, type ForgeState, mergeNow, startForge } from './forge-server.ts';
import { Ci, readHead } from './forge-site.ts';
import { type Ground, git } from './ground.ts';

export const memberNames = ['api', 'web'] as const;

export interface MemberSite {
  readonly name: string;
  readonly path: string;
  readonly bare: string;
  readonly forge: ForgeServer;
}

/** The first member lands first. `given`: for both forges. `lines`: of the repo's configuration, before its members. */
export async function linkedForges(
  on: Ground,
  kinds: readonly [ForgeKind, ForgeKind],
  { lines = '', ...given }: Partial<ForgeState> & { lines?: string } = {},
): Promise<[MemberSite, MemberSite]> {
  const made: MemberSite[] = [];
  for (const [nth, name] of memberNames.entries()) {
    const [path, bare] = [join(on.root, name), join(on.root, `${name}.git`)];
    git(on.root, 'clone', '-q', '--no-hardlinks', on.repo, path);
    git(path, 'config', 'user.name', 'eve');
    git(path, 'config', 'user.email', 'eve@here.test');
    git(on.root, 'init', '-q', '--bare', bare);
    const headOf = (branch: string) => readHead(bare, branch);
    const forge = await startForge(kinds[nth] ?? 'gitea', {
      headOf,
      bare,
      name,
      statuses: new Ci('success'),
      ...given,
    });
    git(path, 'remote', 'set-url', 'origin', `${forge.url}/ada/${name}.git`);
    git(path, 'config', 'remote.origin.pushurl', bare);
    git(path, 'push', '-q', bare, 'main');
    made.push({ name, path, bare, forge });
  }
  mkdirSync(on.home, { recursive: true, mode: 0o700 });
  const server = ({ name, forge }: MemberSite) =>
    `[[servers]]\nname = "${name}-forge"\nurl = "${forge.url}"\nkind = "${forge.kind}"\ntoken = "env:FORGE_TOKEN"\nallow_private = true\n`;
  writeFileSync(join(on.home, 'servers.toml'), made.map(server).join('\n'));
  mkdirSync(join(on.repo, '.stator'), { recursive: true });
  const tables = memberNames.map((name) => `[members.${name}]\nbranch = "main"\n`).join('');
  writeFileSync(join(on.repo, '.stator', 'config.toml'), `${lines}\n${tables}`);
  writeFileSync(join(on.repo, '.gitignore'), '.stator/\n.worktrees/\n');
  git(on.repo, 'add', '.gitignore');
  git(on.repo, 'commit', '-qm', 'configured');
  return made as [MemberSite, MemberSite]; // one for each name
}

export function pullsOf({ forge }: MemberSite): FakePull[] {
  return [...forge.state.pulls.values()];
}

/** A person merges it on the forge's page. */
export function mergeByHand(where: MemberSite, method: 'merge' | 'squash' = 'merge'): void {
  const pull = pullsOf(where).at(-1);
  if (pull === undefined) throw new Error(`${where.name} has no request`);
  pull.headCommit = git(where.bare, 'rev-parse', `refs/heads/${pull.head}`);
  mergeNow(where.forge.state, pull, method, pull.headCommit);
}
