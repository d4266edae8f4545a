/** Work at a repo's forge, as an effect: what the forge says of itself is noted, and a failure that a retry would repeat is an outcome. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { Outcome } from '../../core/outbox/handler.ts';
import type { EffectRow } from '../../core/store/rows.ts';
import type { ForgeStates } from '../forges/forge-states.ts';
import { forgeOfRepo, forgeSiteOf, type RepoForge } from '../forges/repo-forge.ts';
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

interface ForgeWork {
  readonly repo: string;
  readonly row: EffectRow;
  /** The plan that it is for. */
  readonly plan: string;
  readonly abort: AbortSignal;
  work(at: RepoForge): Promise<Outcome>;
  failed(detail: string): Outcome;
}

/** If a forge is down or wants us to wait, this throws: the effect waits and spends no try. */
export async function withForge(
  { home, env, forgeStates }: ForgeParts,
  { repo, row: { project }, plan, abort, work, failed }: ForgeWork,
): Promise<Outcome> {
  try {
    const at = await forgeOfRepo({ home, env, repo, signal: abort });
    const outcome = await work(at);
    await forgeStates.answered({ project, server: at.forge.server, plan });
    return outcome;
  } catch (thrown) {
    const site = await forgeSiteOf({ home, repo }).catch(() => null); // without a site no forge has failed
    if (site !== null && !abort.aborted) await forgeStates.failed({ project, server: site.server, plan }, thrown);
    if (thrown instanceof EngineError && final.has(thrown.code)) return failed(`${thrown.message}; ${thrown.hint}`);
    throw thrown;
  }
}
