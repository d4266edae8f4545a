/** Who speaks to the control API: a person, or the run whose token came along. */
import { EngineError } from '../../machines/vocabulary/errors.ts';
import type { Origin } from '../../machines/vocabulary/signal.ts';
import type { Commands } from '../commands/commands.ts';
import type { RunRow } from '../store/rows.ts';

export interface Sender {
  readonly origin: Origin;
  readonly run: string | null;
}

export interface Principal {
  /** Throws `not_allowed` to an agent, `unauthorized`. */
  mustBePerson(): Promise<void>;
  /** An agent speaks of its own plan only; a person of every plan. Throws `not_allowed`, `unauthorized`. */
  mustOwn(project: string, plan: string): Promise<Sender>;
}

/** `header` is the request's Authorization; a person's has none. */
export function createPrincipal(commands: Commands, header: string | undefined): Principal {
  /** Null: a person. Throws `unauthorized`. */
  async function run(): Promise<RunRow | null> {
    if (header === undefined) return null;
    const token = /^Bearer (\S+)$/.exec(header)?.[1];
    if (token !== undefined) return commands.runOfToken(token);
    throw new EngineError(
      'unauthorized',
      'the Authorization header is not "Bearer <token>"',
      'leave it out to speak as a person (stator: unset STATOR_TOKEN)',
    );
  }

  return {
    async mustBePerson() {
      const who = await run();
      if (who === null) return;
      throw new EngineError(
        'not_allowed',
        `agent:${who.title} may not do this, only a person may`,
        'ask for it with: stator signal emit needs_decision --payload "<why>"',
      );
    },
    async mustOwn(project, plan) {
      const who = await run();
      if (who === null) return { origin: 'person', run: null };
      const origin = `agent:${who.title}` as const;
      if (who.project === project && who.plan === plan) return { origin, run: who.run };
      throw new EngineError(
        'not_allowed',
        `${origin} belongs to ${who.project}/${who.plan}, not to ${project}/${plan}`,
        'an agent speaks of its own plan only',
      );
    },
  };
}
