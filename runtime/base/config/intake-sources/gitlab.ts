/** `source = "gitlab"`: the issues of the project's repository at GitLab. */
import { intakeSource } from './source.ts';
import { forgeTable } from './tracker.ts';

export const gitlabSource = intakeSource({ source: 'gitlab', ...forgeTable });
