/** The answer to a permission request, and how a request is shown to people. */
import { z } from 'zod';
import { time } from './shared-shapes.ts';

export const permissionState = z
  .object({
    state: z.enum(['open', 'allowed', 'denied']),
    /** A person's word, or why nobody allowed it; may be empty. */
    message: z.string(),
  })
  .meta({ id: 'PermissionState' });
export type PermissionState = z.infer<typeof permissionState>;

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
export type PermissionQuestion = z.infer<typeof permissionQuestion>;
