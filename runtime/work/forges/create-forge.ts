/** A repository of a forge, by the forge's kind. */
import type { Forge, ForgeParts } from './forge.ts';
import { createGitea } from './gitea.ts';
import { createGitHub } from './github.ts';
import { createGitLab } from './gitlab.ts';

export function createForge(parts: ForgeParts): Forge {
  switch (parts.server.kind) {
    case 'github':
      return createGitHub(parts);
    case 'gitea':
    case 'forgejo':
      return createGitea(parts);
    case 'gitlab':
      return createGitLab(parts);
    default:
      return parts.server.kind satisfies never;
  }
}
