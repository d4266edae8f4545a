/** The issues that a query finds at Jira. */
import { trackerSource } from '../tracker-source.ts';
import { openJira } from '../trackers/jira.ts';

export const createJiraSource = trackerSource(openJira);
