/** Every source, by its name in the configuration. */
import type { IntakeConfig } from '../../base/config/config.ts';
import { createFolderSource } from './folder.ts';
import type { Source, SourceOf, SourceParts } from './source.ts';

const sources = { folder: createFolderSource } satisfies {
  [Name in IntakeConfig['source']]: SourceOf<Extract<IntakeConfig, { source: Name }>>;
};

export function createSource(config: IntakeConfig, parts: SourceParts): Source {
  return sources[config.source](config, parts);
}
