/** The kinds of forges that stator knows. `create-forge.ts` has the requests of each, and is loaded when a forge is first used. */
import { forgejo, gitea } from './gitea.ts';
import { github } from './github.ts';
import { gitlab } from './gitlab.ts';
import type { KindOfForge } from './kind.ts';

const kinds = { github, gitlab, gitea, forgejo };

export type ForgeKind = keyof typeof kinds;
export const forgeKinds = Object.keys(kinds) as ForgeKind[]; // the keys of the table above, nothing else

export function kindOfForge(kind: ForgeKind): KindOfForge {
  return kinds[kind];
}

/** All kinds, each with its name. */
export const allKinds: readonly (KindOfForge & { readonly kind: ForgeKind })[] = forgeKinds.map((kind) => ({
  ...kinds[kind],
  kind,
}));
