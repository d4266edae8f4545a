/** The answer to a permission request, and how a request is shown to people. */
import { z } from 'zod';
import { permissionId } from '../../../machines/vocabulary/signal-kind.ts';
import { time } from './shared-shapes.ts';

/** The id of a question as its run gives it. */
export const questionId = permissionId;

export const permissionState = z
  .object({
    state: z.enum(['open', 'allowed', 'denied']),
    /** A person's comment, or why it was not allowed; may be empty. */
    message: z.string(),
  })
  .meta({ id: 'PermissionState' });
/** The outcome of a run's permission request, with the person's comment. */
export interface PermissionState extends z.infer<typeof permissionState> {}

export const permissionQuestion = z
  .object({
    id: z.string(),
    tool: z.string(),
    /** What it would do, safe to print. */
    detail: z.string(),
    asked_at: time,
    /** From this time on the question counts as denied. */
    until: time,
  })
  .meta({ id: 'PermissionQuestion' });
/** A question of a run that waits for a person. */
export type PermissionQuestion = z.infer<typeof permissionQuestion>;
