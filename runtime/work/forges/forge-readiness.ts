/**
 * Whether a repo's forge can be used. It is checked again as soon as the repo's remotes, the list of servers or the token's env file change. A program that
 * has the token (`gh`) is called once a minute at most.
 */
import { statSync } from 'node:fs';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { textDigest } from '../../base/platform/text-digest.ts';
import type { Repository } from '../git/repository.ts';
import type { Projects } from '../repos/registry.ts';
import { type ForgePlace, type ForgeSite, forgeSiteOf } from './repo-forge.ts';
import { serversFile } from './servers.ts';
import { findToken } from './tokens.ts';

/** `none`: no remote is at a known forge. `unready`: one is, but it cannot be used. */
export interface Readiness {
  readonly kind: 'none' | 'unready' | 'ready';
  /** null: the list of servers cannot be read, or there is none. */
  readonly site: ForgeSite | null;
  /** Changes when another token must be used. */
  readonly mark: string;
}

export interface ForgeReadiness {
  of(project: string): Promise<Readiness>;
  /** Makes the next call check everything again. */
  forget(): void;
}

interface Parts extends Pick<ForgePlace, 'home' | 'env'> {
  readonly projects: Pick<Projects, 'repository'>;
  /** The time between two checks if no change is visible. */
  readonly everyMs: number;
  /** The time between two checks of visible changes. */
  readonly beatMs: number;
}

interface Known {
  /** The same object while nothing of its configuration has changed. */
  readonly repository: Repository | null;
  readonly files: string;
  readonly readiness: Readiness;
  readonly lookMs: number;
  readonly askMs: number;
}

/** A repo without a forge seldom gets one in a way that is not visible at once. */
const noneFactor = 30;

export function createForgeReadiness({ home, env, projects, everyMs, beatMs }: Parts): ForgeReadiness {
  const found = new Map<string, Known>();

  async function ask(repository: Repository): Promise<Readiness> {
    const site = await forgeSiteOf({ home, repo: repository.path }).catch(orCode);
    if (typeof site === 'string') return { kind: site === 'no_forge' ? 'none' : 'unready', site: null, mark: site };
    const token = await findToken(site.server, env).catch(orCode);
    if (token === null || typeof token === 'string') return { kind: 'unready', site, mark: token ?? 'no_token' };
    return { kind: 'ready', site, mark: textDigest(`${site.server.url}\n${token.token}`) };
  }

  return {
    async of(project) {
      const now = performance.now();
      const known = found.get(project);
      if (known !== undefined && known.lookMs > now) return known.readiness;
      // Other code that uses the repo reports its faults.
      const repository = await projects.repository(project).catch(() => null);
      const files = filesOf([serversFile(home), known?.readiness.site?.server.envFile ?? null]);
      const isSame = known?.repository === repository && known?.files === files && known.askMs > now;
      if (known !== undefined && isSame) {
        found.set(project, { ...known, lookMs: now + beatMs });
        return known.readiness;
      }
      const readiness = repository === null ? nowhere : await ask(repository);
      found.set(project, {
        repository,
        files: filesOf([serversFile(home), readiness.site?.server.envFile ?? null]),
        readiness,
        lookMs: now + beatMs,
        askMs: now + everyMs * (readiness.kind === 'none' ? noneFactor : 1),
      });
      return readiness;
    },
    forget: () => found.clear(),
  };
}

const nowhere: Readiness = { kind: 'none', site: null, mark: '' };

/** The code of an EngineError; other errors are thrown again. */
function orCode(thrown: unknown): string {
  if (thrown instanceof EngineError) return thrown.code;
  throw thrown;
}

/** The modification times of the files, as one text. */
function filesOf(paths: readonly (string | null)[]): string {
  return paths
    .map((path) => (path === null ? '' : (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 'none')))
    .join(' ');
}
