/** `source = "github"`: the issues of the project's repository at GitHub. */
import { intakeSource } from './source.ts';
import { forgeTable } from './tracker.ts';

export const githubSource = intakeSource({ source: 'github', ...forgeTable });
