/**
 * Variables that make a started program load or run something else, or read other settings, which can do the same. Setting one decides what runs.
 */

const exact = [
  ...[
    'PATH',
    'HOME',
    'ZDOTDIR',
    'SHELL',
    'ENV',
    'PS4',
    'IFS',
    'CDPATH',
    'INPUTRC',
    'SHELLOPTS',
    'BASHOPTS',
    'PROMPT_COMMAND',
  ],
  ...['EDITOR', 'VISUAL', 'PAGER', 'MANPAGER', 'LESSOPEN', 'LESSCLOSE', 'BROWSER', 'CURL_HOME', 'WGETRC', 'NETRC'],
  ...['OPENSSL_CONF', 'OPENSSL_ENGINES', 'OPENSSL_MODULES', 'GCONV_PATH', 'LOCPATH', 'TERMINFO', 'TERMINFO_DIRS'],
  ...[
    'CLASSPATH',
    'JAVA_HOME',
    'JAVA_TOOL_OPTIONS',
    '_JAVA_OPTIONS',
    'JDK_JAVA_OPTIONS',
    'JAVA_OPTS',
    'GRADLE_OPTS',
    'ANT_OPTS',
  ],
  ...[
    'GROOVY_OPTS',
    'SBT_OPTS',
    'KUBECONFIG',
    'AWS_CONFIG_FILE',
    'DOCKER_CONFIG',
    'GNUPGHOME',
    'PHPRC',
    'PHP_INI_SCAN_DIR',
  ],
  ...[
    'TCLLIBPATH',
    'GUILE_LOAD_PATH',
    'ERL_FLAGS',
    'ERL_LIBS',
    'ELIXIR_ERL_OPTIONS',
    'DOTNET_STARTUP_HOOKS',
    'CC',
    'CXX',
    'CLAUDE_CONFIG_DIR',
    'CODEX_HOME',
  ],
];
const beginnings = [
  ...[
    'LD_',
    'DYLD_',
    'BASH_',
    'NODE_',
    'NPM_',
    'YARN_',
    'PNPM_',
    'COREPACK_',
    'BUN_',
    'DENO_',
    'ELECTRON_',
    'XDG_',
    'SSH_',
  ],
  ...[
    'PYTHON',
    'PIP_',
    'UV_',
    'POETRY_',
    'VIRTUAL_ENV',
    'CONDA_',
    'PERL5',
    'RUBY',
    'GEM_',
    'BUNDLE_',
    'RBENV_',
    'LUA_',
    'JULIA_',
  ],
  ...[
    'R_',
    'RUSTC',
    'RUSTFLAGS',
    'RUSTUP_',
    'GOFLAGS',
    'GOROOT',
    'GOPATH',
    'GOTOOL',
    'GOENV',
    'CGO_',
    'MAKE',
    'CMAKE_',
    'MAVEN_',
    'MVN_',
  ],
  ...[
    'CORECLR_',
    'OPENCODE_CONFIG',
    'OPENCODE_BIN',
    'GEMINI_CLI_',
    'COMPLUS_',
    'MSBUILD',
    'NIX_',
    'ASDF_',
    'NVM_',
    'VOLTA_',
    'PYENV_',
    'SDKMAN_',
    'GLIBC_',
    'MALLOC_',
  ],
];
/** The harmless variables of git are only those of the identity, and of cargo only those of the login. */
const git = /^GIT_(?!(?:AUTHOR|COMMITTER)_(?:NAME|EMAIL|DATE)$)/;
const cargo = /^CARGO_(?!(?:REGISTRY|REGISTRIES_\w+)_TOKEN$)/;
/** These have a listed prefix, but only contain a text. */
const harmless = new Set(['NODE_ENV', 'NPM_TOKEN', 'NODE_AUTH_TOKEN', 'NODE_EXTRA_CA_CERTS']);

/** Whether a variable of that name makes other programs load or run something. Upper and lower case count alike: npm and others take both. */
export function isLoader(name: string): boolean {
  const upper = name.toUpperCase();
  if (harmless.has(upper)) return false;
  return (
    exact.includes(upper) || beginnings.some((each) => upper.startsWith(each)) || git.test(upper) || cargo.test(upper)
  );
}
