/** The answer to a permission request, and how a request is shown to people. */
import { z } from 'zod';
import { permissionId } from '../../../machines/vocabulary/signal-kind.ts';
import { time } from './shared-shapes.ts';

/** The id of a question as its run gives it. */
export const questionId = permissionId;

export const permissionState = z
  .object({
    state: z.enum(['open', 'allowed', 'denied']),
    /** A person's word, or why nobody allowed it; may be empty. */
    message: z.string(),
  })
  .meta({ id: 'PermissionState' });
/** What became of a question of a run, and a person's word on it. */
export interface PermissionState extends z.infer<typeof permissionState> {}

export const permissionQuestion = z
  .object({
    id: z.string(),
    tool: z.string(),
    /** What it would do, safe to print. */
    detail: z.string(),
    asked_at: time,
    /** The question counts as denied from then on. */
    until: time,
  })
  .meta({ id: 'PermissionQuestion' });
/** A question of a run that waits for a person. */
export type PermissionQuestion = z.infer<typeof permissionQuestion>;
