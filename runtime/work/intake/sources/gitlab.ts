/** The issues of the project's repository at GitLab. */
import { gitlabRest } from '../../forges/rest-call.ts';
import { trackerSource } from '../tracker-source.ts';
import { openForgeTracker } from '../trackers/forge-tracker.ts';
import { gitlabTracker } from '../trackers/gitlab.ts';

export const createGitLabSource = trackerSource((config, parts, etags) =>
  openForgeTracker(config, { parts, etags, kinds: ['gitlab'], rest: gitlabRest, tracker: gitlabTracker }),
);
