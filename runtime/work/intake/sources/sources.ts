/** Every source, by its name in the configuration. */
import type { IntakeConfig, IntakeOf, IntakeSourceName } from '../../../base/config/config.ts';
import type { Source, SourceParts } from '../source.ts';
import { createFolderSource } from './folder.ts';
import { createGiteaSource } from './gitea.ts';
import { createGitHubSource } from './github.ts';
import { createGitLabSource } from './gitlab.ts';
import { createJiraSource } from './jira.ts';
import { createLinearSource } from './linear.ts';
import { createScheduleSource } from './schedule.ts';
import { createWebhookSource } from './webhook.ts';

const sources: { readonly [Name in IntakeSourceName]: (config: IntakeOf<Name>, parts: SourceParts) => Source } = {
  folder: createFolderSource,
  schedule: createScheduleSource,
  github: createGitHubSource,
  gitea: createGiteaSource,
  gitlab: createGitLabSource,
  linear: createLinearSource,
  jira: createJiraSource,
  webhook: createWebhookSource,
};

export function createSource(config: IntakeConfig, parts: SourceParts): Source {
  return sources[config.source](config as never, parts); // the configuration of its own source
}
