/** Hosts that users need not list: each preset's service, and the package registries that a repository uses. */
import { type Dirent, readdirSync } from 'node:fs';
import type { Preset } from '../../base/config/config.ts';
import { registriesWord } from '../../base/platform/host-rules.ts';
import { knownProgram } from '../agents/presets/programs.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** A person's own service address instead of the vendor's. */
const serviceVariables: readonly string[] = [
  'ANTHROPIC_BASE_URL',
  'OPENAI_BASE_URL',
  'GOOGLE_GEMINI_BASE_URL',
  'GOOGLE_VERTEX_BASE_URL',
];

interface Registry {
  /** Files at the root of a repository that uses it. */
  readonly files: RegExp;
  readonly hosts: readonly string[];
}

const registries: readonly Registry[] = [
  {
    files: /^(?:package\.json|package-lock\.json|yarn\.lock|pnpm-lock\.yaml|bun\.lockb?)$/,
    hosts: ['registry.npmjs.org', 'registry.yarnpkg.com'],
  },
  { files: /^(?:deno\.jsonc?|deno\.lock)$/, hosts: ['deno.land', 'jsr.io', 'npm.jsr.io', 'registry.npmjs.org'] },
  {
    files: /^(?:pyproject\.toml|setup\.py|setup\.cfg|requirements[\w.-]*\.txt|Pipfile|poetry\.lock|uv\.lock)$/,
    hosts: ['pypi.org', 'files.pythonhosted.org'],
  },
  { files: /^Cargo\.(?:toml|lock)$/, hosts: ['index.crates.io', 'static.crates.io', 'crates.io'] },
  { files: /^go\.(?:mod|work)$/, hosts: ['proxy.golang.org', 'sum.golang.org'] },
  { files: /^(?:Gemfile|.*\.gemspec)$/, hosts: ['rubygems.org', 'index.rubygems.org'] },
  { files: /^composer\.json$/, hosts: ['packagist.org', 'repo.packagist.org'] },
  { files: /^pom\.xml$/, hosts: ['repo.maven.apache.org', 'repo1.maven.org'] },
  {
    files: /^(?:build|settings)\.gradle(?:\.kts)?$/,
    hosts: [
      ...['repo.maven.apache.org', 'repo1.maven.org', 'plugins.gradle.org', 'plugins-artifacts.gradle.org'],
      ...['services.gradle.org', 'downloads.gradle.org'],
    ],
  },
  { files: /\.(?:csproj|fsproj|vbproj|slnx?)$/, hosts: ['api.nuget.org'] },
  { files: /^mix\.exs$/, hosts: ['hex.pm', 'repo.hex.pm', 'builds.hex.pm'] },
  { files: /^pubspec\.yaml$/, hosts: ['pub.dev'] },
];

/**
 * The hosts of a profile, with those of its preset. `repo`: the main folder, to which no agent inside walls can write; files at its root show which
 * registries it uses.
 */
export function hostsOf(
  { preset, hosts }: { readonly preset: Preset; readonly hosts: readonly string[] },
  { repo, env }: { readonly repo: string; readonly env: Environment },
): string[] {
  const named = hosts.flatMap((host) => (host === registriesWord ? registriesOf(repo) : [host]));
  const own = knownProgram(preset)?.hosts ?? [];
  const service = own.length === 0 ? [] : [...own, ...servicesIn(env)];
  return [...new Set([...service, ...named])];
}

function registriesOf(repo: string): string[] {
  const names = rootFiles(repo);
  return registries.filter(({ files }) => names.some((name) => files.test(name))).flatMap(({ hosts }) => hosts);
}

function rootFiles(repo: string): string[] {
  let entries: Dirent[];
  try {
    entries = readdirSync(repo, { withFileTypes: true });
  } catch {
    return []; // the folder is away; other code reports that
  }
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

function servicesIn(env: Environment): string[] {
  return serviceVariables.flatMap((name) => {
    const url = URL.canParse(env[name] ?? '') ? new URL(env[name] ?? '') : null;
    return url === null ? [] : [url.host];
  });
}
