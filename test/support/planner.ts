/** A repo with a rough idea, and a scripted planner: it hands in the same plan each time, and records its runs. */
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Terminal, working } from './cli.ts';

export const idea = '# An idea\n\nsomething with a file in it\n';

/** `document`: what it hands in, once `$STATOR_HOME/hold` is deleted. `more`: the first lines of the repo's configuration. */
export function withPlanner(document: string, more = ''): Terminal {
  const made = working();
  planned(made, document, more);
  made.write('idea.md', idea);
  return made;
}

/** The same planner in an existing repo. It says by a file that it has finished: a second node would double what it costs. */
export function planned(made: Terminal, document: string, more = ''): void {
  made.write(
    'planner.sh',
    `#!/bin/sh
echo one >>"$STATOR_HOME/planners"
while test -e "$STATOR_HOME/hold"; do sleep 0.1; done
cat >"$STATOR_TEMP_DIR/plan.md" <<'PLAN'
${document}PLAN
stator plan update-content "$STATOR_PLAN" --file "$STATOR_TEMP_DIR/plan.md" || exit
: >".stator/signals/staging/planner-finished-$STATOR_PLAN" && mv .stator/signals/staging/* .stator/signals/
`,
  );
  chmodSync(join(made.repo, 'planner.sh'), 0o755);
  const agents = '[agents.default]\npreset = "sh"\n[agents.planner]\npreset = "command"\nprogram = "./planner.sh"\n';
  made.write('.stator/config.toml', `${more}${agents}`);
}

/** The number of its runs. */
export function planners(made: Terminal): number {
  const file = join(made.home, 'planners');
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').length : 0;
}
