/** Work of one agent without a planner: one coder does the whole of a plan without waves. */
import { asOneTask } from '../../../machines/document/one-task.ts';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { instanceTitle } from '../../../machines/vocabulary/ids.ts';
import { isDraft } from '../../../machines/vocabulary/plan-status.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { SignalAnswer } from '../contract/signals.ts';
import type { CommandDependencies } from './command-dependencies.ts';
import { refuseAgents } from './refuse-start.ts';
import { type SendCommand, verdictWaitMs } from './signal-sender.ts';

export interface SoloPlan {
  readonly project: string;
  readonly plan: string;
  /** A person's text besides the document. */
  readonly words: string;
}

interface SoloParts extends CommandDependencies {
  send(command: SendCommand): Promise<SignalAnswer>;
}

export function createSoloCommands(parts: SoloParts) {
  const { projects, views } = parts;

  return {
    /**
     * Makes one task of a draft, and starts it; `title` is its agent's title. Changes nothing if it throws: `plan_not_found`, `conflict` if the plan is no
     * draft, `bad_plan`, `agent_unusable`, `untrusted`.
     */
    async soloPlan({ project, plan, words }: SoloPlan): Promise<{ answer: SignalAnswer; title: string }> {
      const { status, phase, content: draft, title, file } = await views.plan(project, plan);
      if (!isDraft({ status, phase }))
        throw new EngineError(
          'conflict',
          `plan ${project}/${plan} is ${phase ?? status}: only a draft is done by one agent without a planner`,
          `take its next step: stator plan advance ${shellWord(plan)}`,
        );
      const { ok, problems, document, content } = asOneTask(draft, { title: title ?? plan, words });
      if (!ok)
        throw new EngineError(
          'bad_plan',
          problems.map(({ line, message }) => `line ${line}: ${message}`).join('\n'),
          'correct the document, or start its planner',
        );
      projects.mustBeTrusted(project);
      await refuseAgents(parts, project, { document, isDone: () => false, plan, file });
      const person = { project, plan, origin: 'person', run: null, dedupeKey: null, waitMs: verdictWaitMs } as const;
      const taken = await parts.send({ ...person, type: 'plan_updated', payload: { content } });
      const isSmall = projects.get(project).config.policy.blueprint_skip_threshold > 0;
      const place = isSmall ? { wave: null, task: null } : { wave: 1, task: 1 };
      const agent = instanceTitle({ plan, role: 'coder', round: 1, ...place });
      if (taken.signal.status === 'failed') return { answer: taken, title: agent };
      return { answer: await parts.send({ ...person, type: 'implement_start', payload: {} }), title: agent };
    },
    /** The configuration decides the agent's program; another one is refused. Throws `bad_request`. */
    refuseOtherProgram(project: string, role: 'planner' | 'coder' | 'session', program: string): void {
      const { preset, program: own } = projects.get(project).config.profiles[role];
      if ([preset, own].includes(program)) return;
      throw new EngineError(
        'bad_request',
        `program: the ${role} of ${project} is ${own ?? preset}, and not ${JSON.stringify(program)}`,
        `leave it out, or name the program in the configuration, under [agents.${role}]`,
      );
    },
  };
}
