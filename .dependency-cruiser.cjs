/** The layers of the house: each rule says what a folder may import; anything else is an error. */
const only = (name, from, allowed, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from, pathNot: '\\.test\\.ts$' },
  to: { path: '^(functions|shared|infra|test|cli|console)/', pathNot: allowed },
});
const sdk =
  '^node_modules/(ali-oss|@types/ali-oss|tablestore|@alicloud|@darabonba|@kubernetes|undici|lmdb)(/|$)';

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    only('domain-is-pure', '^shared/domain/', '^shared/domain/', 'domain imports domain only'),
    {
      name: 'domain-has-no-packages',
      comment:
        'domain: no SDK, no node:*, no zod; cron-parser is a calendar: same arguments, same answer',
      severity: 'error',
      from: { path: '^shared/domain/', pathNot: '\\.test\\.ts$' },
      to: {
        dependencyTypes: ['npm', 'npm-dev', 'core', 'npm-no-pkg', 'npm-unknown'],
        pathNot: '^node_modules/cron-parser/',
      },
    },
    only('ports-know-domain', '^shared/ports/', '^shared/(domain|ports)/', 'ports import domain'),
    only(
      'format-knows-domain',
      '^shared/format/',
      '^shared/(domain|format)/',
      'format imports domain',
    ),
    only(
      'app-knows-ports',
      '^shared/app/',
      '^shared/(domain|ports|format|app)/',
      'app: domain, ports, format',
    ),
    only(
      'wire-schemas-know-domain',
      '^shared/api/',
      '^shared/(domain|api)/',
      'wire schemas import domain',
    ),
    only(
      'adapters-know-ports',
      '^shared/adapters/',
      '^shared/(domain|ports|adapters)/',
      'adapters: domain, ports',
    ),
    only(
      'config-knows-domain',
      '^shared/config/',
      '^shared/(domain|config)/',
      'config imports domain',
    ),
    only('wiring-composes', '^shared/wiring/', '^shared/', 'wiring imports shared only'),
    only(
      'api-function',
      '^functions/api/',
      '^(functions/api|shared/(app|api|wiring|domain|ports|config))/',
      'api: wiring, app, wire schemas',
    ),
    only(
      'other-functions',
      '^functions/(?!api/)',
      '^(functions/|shared/(app|wiring|domain|ports|config)/)',
      'handlers: wiring and app',
    ),
    only(
      'emulators-stand-alone',
      '^infra/emulators/',
      '^infra/emulators/',
      'emulators import nothing of ours',
    ),
    {
      name: 'sdk-only-in-adapters',
      comment: 'vendor SDKs stop at the adapters (emulators use them in their own suites)',
      severity: 'error',
      from: { path: '^(functions|shared)/', pathNot: '^shared/adapters/|\\.test\\.ts$' },
      to: { path: sdk },
    },
    {
      name: 'zod-at-the-edges',
      severity: 'error',
      from: { path: '^shared/(domain|ports|app)/', pathNot: '\\.test\\.ts$' },
      to: { path: '^node_modules/zod' },
    },
    {
      name: 'product-does-not-import-test-or-infra',
      severity: 'error',
      from: { path: '^(functions|shared)/', pathNot: '\\.test\\.ts$' },
      to: { path: '^(infra|test)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    exclude: { path: '^(dist|infra/testcluster)/' },
  },
};
