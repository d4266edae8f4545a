/** `source = "gitea"`: the issues of the project's repository at Gitea and Forgejo. */
import { intakeSource } from './source.ts';
import { forgeTable } from './tracker.ts';

export const giteaSource = intakeSource({ source: 'gitea', ...forgeTable });
