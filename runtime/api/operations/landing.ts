/** The operations on the lines of landing: in each, the done plans of one target branch wait to be merged. */
import type { OperationParts } from '../commands/commands.ts';
import type { LandingEntry } from '../contract/landings.ts';
import { answerOf, listOf, operationWith, type Schemas } from './operation.ts';

const operation = operationWith<OperationParts>();

const ofBranch = ({ name, line }: Schemas) => ({ project: name, branch: line(256).optional() });
const ofPlan = ({ name, line }: Schemas) => ({ project: name, plan: line(256) });
const entry = answerOf<LandingEntry>(({ shapes }) => shapes.landingEntry);
const branchArg = {
  type: 'positional',
  required: false,
  description: 'the branch that plans land on; default: that of the only line',
} as const;
const planArg = { type: 'positional', description: 'the name of a plan that waits in line' } as const;
const ofLine = ['repo_not_found', 'not_found', 'unavailable'] as const;
const ofEntrant = ['repo_not_found', 'conflict', 'unavailable'] as const;

export const landingOperations = {
  landings: operation({
    http: 'GET /v1/landings',
    does: 'the lines in which plans wait for a branch, with the plan that is being landed and those behind it',
    who: 'anyone',
    input: ({ line }) => ({ project: line(255).optional() }),
    answer: listOf<LandingEntry>(({ shapes }) => shapes.landingEntry),
    errors: ['repo_not_found'],
    run: ({ views }, asked) => views.landings(asked),
    tool: {
      name: 'landing_list',
      does: 'Lists the lines in which done plans wait for their target branch: the plan that is being landed, and those behind it.',
      list: 'landings',
    },
    verb: {
      name: 'list',
      listed: 'list the lines; show one',
      summary: 'List the lines in which done plans wait for their target branch.',
      examples: ['stator landing list', 'stator landing list --json'],
      more: 'A plan gets in line with: stator plan land <plan>. They land in their order.',
      takesProject: true,
    },
  }),
  landing: operation({
    http: 'GET /v1/repos/:project/landing',
    does: 'the line of a branch of a repo; without `branch` the only existing one',
    who: 'anyone',
    input: ofBranch,
    answer: entry,
    errors: ['repo_not_found', 'not_found'],
    run: ({ views }, { project, branch }) => views.landing(project, branch),
    verb: {
      name: 'show',
      listed: { with: 'list' },
      summary: 'Show the line of a branch: the plan that is being landed, and those behind it.',
      args: { branch: branchArg },
      examples: ['stator landing show main'],
    },
  }),
  pauseLanding: operation({
    http: 'POST /v1/repos/:project/landing/pause',
    does: 'lets no plan land on a branch, also before one has waited in its line; what is being merged comes to its end',
    again: 'free',
    who: 'person',
    needs: 'steer',
    input: ofBranch,
    answer: entry,
    errors: ofLine,
    run: ({ commands }, { project, branch }) => commands.pauseLanding(project, branch),
    verb: {
      name: 'pause',
      listed: 'let nothing land',
      summary:
        'Let no plan land on a branch. A merge that has begun is finished; a plan that was checked keeps its place.',
      args: { branch: branchArg },
      examples: ['stator landing pause main'],
      more: 'A branch may be paused before a plan is in its line. A pause stays until you resume, also when the repo is removed and added again.',
    },
  }),
  resumeLanding: operation({
    http: 'POST /v1/repos/:project/landing/resume',
    does: 'lets plans land on a branch again',
    again: 'free',
    who: 'person',
    needs: 'steer',
    input: ofBranch,
    answer: entry,
    errors: ofLine,
    run: ({ commands }, { project, branch }) => commands.resumeLanding(project, branch),
    verb: {
      name: 'resume',
      listed: 'let plans land again',
      summary: 'Let plans land on a branch again.',
      args: { branch: branchArg },
      examples: ['stator landing resume main'],
    },
  }),
  landFirst: operation({
    http: 'POST /v1/repos/:project/landing/first',
    does: 'puts a plan in front of the others that wait in its line',
    again: 'free',
    who: 'person',
    needs: 'steer',
    input: ofPlan,
    answer: entry,
    errors: ofEntrant,
    run: ({ commands }, { project, plan }) => commands.landFirst(project, plan),
    verb: {
      name: 'first',
      listed: 'put a plan first',
      summary: 'Put a plan in front of the others that wait in its line.',
      args: { plan: planArg },
      examples: ['stator landing first login'],
    },
  }),
  leaveLanding: operation({
    http: 'POST /v1/repos/:project/landing/remove',
    does: 'takes a plan out of its line; its check is stopped. 409 while it is being merged',
    who: 'person',
    needs: 'steer',
    input: ofPlan,
    answer: entry,
    errors: ofEntrant,
    run: ({ commands }, { project, plan }) => commands.leaveLanding(project, plan),
    verb: {
      name: 'remove',
      listed: 'take a plan out',
      summary: 'Take a plan out of its line. It stays done, and is not merged.',
      args: { plan: planArg },
      examples: ['stator landing remove login'],
    },
  }),
};
