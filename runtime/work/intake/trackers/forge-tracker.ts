/** The issues of a repo's own forge: of its first remote at a known server, with the token that pull requests have. */
import { EngineError } from '../../../../machines/vocabulary/errors.ts';
import type { ForgeRepo, Server } from '../../forges/forge.ts';
import { type Ask, createForgeCall } from '../../forges/forge-call.ts';
import { forgeAccess } from '../../forges/repo-forge.ts';
import type { RestOptions } from '../../forges/rest-call.ts';
import type { SourceParts } from '../source.ts';
import { type AskKept, askKept, type Etags, type Tracker, type TrackerConfig } from '../tracker.ts';

/** The calls of one kind of forge. `kept` asks with the etag of the last answer. */
export type ForgeTracker = (parts: {
  readonly ask: Ask;
  readonly kept: AskKept;
  readonly config: Pick<TrackerConfig, 'labels' | 'state' | 'assignee'>;
  readonly repo: ForgeRepo;
}) => Tracker;

/** Throws `no_forge`, `no_token`, and `bad_config` where the repo is at a forge of another kind. */
export async function openForgeTracker(
  { name, source, project, ...config }: TrackerConfig,
  {
    parts,
    etags,
    kinds,
    rest,
    tracker,
  }: {
    readonly parts: Pick<SourceParts, 'home' | 'env' | 'projects'>;
    readonly etags: Etags;
    readonly kinds: readonly Server['kind'][];
    readonly rest: RestOptions;
    readonly tracker: ForgeTracker;
  },
): Promise<Tracker> {
  const { home, env, projects } = parts;
  const { server, repo, token } = await forgeAccess({ home, env, repo: projects.get(project).path });
  if (!kinds.includes(server.kind))
    throw new EngineError(
      'bad_config',
      `[intake.${name}] has source = "${source}", and ${project} is at ${server.name}, which is ${server.kind}`,
      `write source = "${server.kind === 'forgejo' ? 'gitea' : server.kind}"`,
    );
  const call = createForgeCall({ server, token }, rest({ server, token }));
  return tracker({ ask: call.ask, kept: askKept(call, etags), config, repo });
}
