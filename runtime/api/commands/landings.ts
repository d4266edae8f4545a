/** What a person may do about the line of a branch. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { landingTree } from '../../../machines/vocabulary/ids.ts';
import type { LandingEntry } from '../contract/landings.ts';
import type { CommandDependencies } from './command-dependencies.ts';
import { createSignalSender, verdictWaitMs } from './signal-sender.ts';

type Word = 'landing_paused' | 'landing_resumed' | 'landing_first' | 'landing_removed';

export function createLandingCommands(parts: CommandDependencies) {
  const { views } = parts;
  const { post } = createSignalSender(parts);

  async function say({ project, branch }: LandingEntry, type: Word, payload: object): Promise<LandingEntry> {
    const tree = landingTree(project, branch);
    const { signal } = await post({ tree, type, payload, origin: 'person' }, verdictWaitMs);
    if (signal.status === 'done') return views.landing(project, branch);
    if (signal.status === 'failed')
      throw new EngineError(
        'conflict',
        `the line for ${branch} did not take ${type}: the plan has left it, or is being merged`,
        'see who stands there: stator landing list',
      );
    throw new EngineError(
      'unavailable',
      `${type} was not handled yet: it is ${signal.status}`,
      `look at it with: stator signal show ${signal.id}`,
    );
  }

  return {
    /** Throws as `views.landing`, and `unavailable`. */
    async switchLanding(project: string, branch: string | undefined, isOpen: boolean): Promise<LandingEntry> {
      return say(await views.landing(project, branch), isOpen ? 'landing_resumed' : 'landing_paused', {});
    },
    /** Throws `conflict` where it is in no line, or is being merged; `unavailable`. */
    async landFirst(project: string, plan: string): Promise<LandingEntry> {
      const entry = await views.landingOf(project, plan);
      return entry.current?.plan === plan ? entry : say(entry, 'landing_first', { plan });
    },
    /** Throws the same. */
    async leaveLanding(project: string, plan: string): Promise<LandingEntry> {
      return say(await views.landingOf(project, plan), 'landing_removed', { plan });
    },
  };
}
