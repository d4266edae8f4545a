/** Creates the client of a forge's repository, by the forge's kind. */
import type { Forge, ForgeParts } from './forge.ts';
import { createGitea } from './gitea.ts';
import { createGitHub } from './github.ts';
import { createGitLab } from './gitlab.ts';
import type { ForgeKind } from './kinds/kinds.ts';

const forges: { readonly [kind in ForgeKind]: (parts: ForgeParts) => Forge } = {
  github: createGitHub,
  gitea: createGitea,
  forgejo: createGitea,
  gitlab: createGitLab,
};

export function createForge(parts: ForgeParts): Forge {
  return forges[parts.server.kind](parts);
}
