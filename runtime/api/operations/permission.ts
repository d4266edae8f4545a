/** Permission questions of runs. A run's own socket accepts questions, never answers. */
import type { OperationParts } from '../commands/commands.ts';
import type { PermissionState } from '../contract/permissions.ts';
import { answerOf, operationWith, type Schemas } from './operation.ts';

const operation = operationWith<OperationParts>();

/** A waiting request must end well before the time limits of a stopping engine or of a proxy. */
const maxWaitMs = 20_000;

const question = ({ name, shapes }: Schemas) => ({ project: name, plan: name, id: shapes.questionId });
const errors = ['unauthorized', 'not_allowed', 'not_found', 'repo_not_found', 'limit_reached'] as const;

export const permissionOperations = {
  askPermission: operation({
    http: 'POST /v1/repos/:project/plans/:plan/permissions',
    does: 'a run asks whether its program may do something, and waits for the answer; a repeated request is the same question',
    again: 'free',
    who: 'own',
    inRuns: true,
    input: (schemas) => ({
      ...question(schemas),
      tool: schemas.z.string().min(1).max(256),
      detail: schemas.z.string().max(65_536),
      wait_ms: schemas.z.int().min(0).max(maxWaitMs).default(maxWaitMs),
    }),
    answer: answerOf<PermissionState>(({ shapes }) => shapes.permissionState),
    errors,
    run: ({ commands }, { wait_ms: waitMs, ...asked }, { run }) => commands.askPermission({ ...asked, run, waitMs }),
  }),
  withdrawPermission: operation({
    http: 'DELETE /v1/repos/:project/plans/:plan/permissions/:id',
    does: 'a run withdraws its question',
    again: 'free',
    who: 'own',
    inRuns: true,
    input: question,
    errors,
    run: ({ commands }, asked, { run }) => commands.withdrawPermission({ ...asked, run }),
  }),
};
