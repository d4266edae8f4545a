/** Commands of people about the line of a branch. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { landingTree } from '../../../machines/vocabulary/ids.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { Change } from '../../core/store/port.ts';
import { isBranchName } from '../../work/git/branch.ts';
import { realBranch } from '../../work/git/plan-base.ts';
import { branchRef, readRef } from '../../work/git/refs.ts';
import type { LandingEntry } from '../contract/landings.ts';
import type { CommandDependencies } from './command-dependencies.ts';
import { createSignalSender, notHandled, verdictWaitMs } from './signal-sender.ts';

type LineSignal = 'landing_paused' | 'landing_resumed' | 'landing_first' | 'landing_removed';

export function createLandingCommands(parts: CommandDependencies) {
  const { views, projects, clock } = parts;
  const { post } = createSignalSender(parts);

  type Line = Pick<LandingEntry, 'project' | 'branch'>;

  async function say({ project, branch }: Line, type: LineSignal, payload: object): Promise<LandingEntry> {
    const tree = landingTree(project, branch);
    // A person may name a branch for which no plan has waited yet.
    const opened = { type: 'landing_opened', payload: {}, origin: 'engine', at: clock.nowMs() } as const;
    const before: Change[] = [{ do: 'signal.insert', tree, ...opened }];
    const { signal } = await post({ tree, type, payload, origin: 'person' }, verdictWaitMs, before);
    if (signal.status === 'done') return views.landing(project, branch);
    if (signal.status === 'failed')
      throw new EngineError(
        'conflict',
        `the line for ${branch} did not take ${type}: the plan has left it, or is being merged`,
        'see which plans wait there: stator landing list',
      );
    throw notHandled(`${type} was not handled yet`, signal);
  }

  /** The line of a branch of the repo, whether a plan has waited in it or not. Throws `not_found`. */
  async function lineOf(project: string, name: string): Promise<Line> {
    const repository = await projects.repository(project);
    if (await isBranchName(repository, name)) {
      const branch = await realBranch(repository, name);
      const known = await views.landings({ project });
      if (known.some((entry) => entry.branch === branch) || (await readRef(repository, branchRef(branch))) !== null)
        return { project, branch };
    }
    throw new EngineError(
      'not_found',
      `${name} is no branch of ${project}`,
      `its branches: git -C ${shellWord(repository.path)} branch`,
    );
  }

  return {
    /** A named branch can be paused before a plan has waited in its line. Throws as `views.landing`, and `unavailable`. */
    async pauseLanding(project: string, branch: string | undefined): Promise<LandingEntry> {
      const line = branch === undefined ? await views.landing(project) : await lineOf(project, branch);
      return say(line, 'landing_paused', {});
    },
    /** Throws the same. */
    async resumeLanding(project: string, branch: string | undefined): Promise<LandingEntry> {
      return say(await views.landing(project, branch), 'landing_resumed', {});
    },
    /** Throws `conflict` if the plan is in no line, or is being merged; `unavailable`. */
    async landFirst(project: string, plan: string): Promise<LandingEntry> {
      const entry = await views.landingOf(project, plan);
      return entry.current.some((each) => each.plan === plan) ? entry : say(entry, 'landing_first', { plan });
    },
    /** Throws the same. */
    async leaveLanding(project: string, plan: string): Promise<LandingEntry> {
      return say(await views.landingOf(project, plan), 'landing_removed', { plan });
    },
  };
}
