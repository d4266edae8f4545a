/** Runs an effect's requests to a repo's forge: the forge's state is recorded, and a failure that a retry would repeat becomes the outcome. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { Outcome } from '../../core/outbox/handler.ts';
import type { EffectRow } from '../../core/store/rows.ts';
import type { ForgeStates } from '../forges/forge-states.ts';
import { forgeOfRepo, forgeSiteOf, type RepoForge } from '../forges/repo-forge.ts';
import type { CompositeMember } from './members.ts';
import type { EffectParts } from './workplace.ts';

export interface ForgeParts extends EffectParts {
  readonly env: NodeJS.ProcessEnv;
  readonly forgeStates: ForgeStates;
}

/** Failures that a retry would repeat: the plan gets them, with the remedy. */
const final = new Set([
  'no_forge',
  'no_token',
  'forge_denied',
  'forge_refused',
  'not_found',
  'address_refused',
  'refused',
  'bad_config',
  'agent_unusable',
]);

interface ForgeAsk {
  readonly repo: string;
  /** The registered repo whose forge it is. */
  readonly project: string;
  /** The plan that needs the request. */
  readonly plan: string;
  readonly abort: AbortSignal;
}

interface ForgeWork extends Omit<ForgeAsk, 'project'> {
  readonly row: EffectRow;
  work(at: RepoForge): Promise<Outcome>;
  failed(detail: string): Outcome;
}

/** If a forge is down or wants us to wait, this throws: the effect waits and spends no try. */
export async function withForge(
  parts: ForgeParts,
  { row: { project }, work, failed, ...at }: ForgeWork,
): Promise<Outcome> {
  return orFailed(() => askForge(parts, { ...at, project }, work), failed);
}

/** Failures that a retry would repeat become the outcome; others are thrown, and the effect waits. */
export async function orFailed(
  work: () => Promise<Outcome>,
  failed: (detail: string) => Outcome | Promise<Outcome>,
): Promise<Outcome> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof EngineError && final.has(thrown.code)) return failed(`${thrown.message}; ${thrown.hint}`);
    throw thrown;
  }
}

/** Throws the errors of the forge and of `work`. */
async function askForge<T>(
  { home, env, forgeStates }: ForgeParts,
  { repo, project, plan, abort }: ForgeAsk,
  work: (at: RepoForge) => Promise<T>,
): Promise<T> {
  try {
    const at = await forgeOfRepo({ home, env, repo, signal: abort });
    const done = await work(at);
    await forgeStates.answered({ project, server: at.forge.server, plan });
    return done;
  } catch (thrown) {
    const site = await forgeSiteOf({ home, repo }).catch(() => null); // without a site no forge has failed
    if (site !== null && !abort.aborted) await forgeStates.failed({ project, server: site.server, plan }, thrown);
    throw thrown;
  }
}

/** The plan for which a forge is asked, and the signal that aborts the request. */
export type AskedBy = Pick<ForgeAsk, 'plan' | 'abort'>;

/** As `askForge`, but at a member's forge. */
export function askMember<T>(
  parts: ForgeParts,
  { plan, abort }: AskedBy,
  { repository, project }: CompositeMember,
  work: (at: RepoForge) => Promise<T>,
): Promise<T> {
  return askForge(parts, { repo: repository.path, project, plan, abort }, work);
}
