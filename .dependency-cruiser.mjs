/**
 * Who may import whom. Each rule here is proved to fire by a file of its own name under test/repository/fixtures/boundaries; a rule
 * without one fails the repository tests.
 */
const drivers =
  '(^|node_modules/)(@types/)?(kafkajs|pg|redis|@redis/[^/]+|ioredis|lmdb|koffi|@electric-sql/[^/]+)(/|$)';
const nest = '(^|node_modules/)(@nestjs/[^/]+|fastify|@fastify/[^/]+)(/|$)';

export default {
  forbidden: [
    {
      name: 'tote-imports-nothing',
      comment: 'The pari-mutuel mathematics is pure: no package, no node:*, no other lib.',
      severity: 'error',
      from: { path: '^libs/tote/src/' },
      to: { pathNot: '^libs/tote/src/' },
    },
    {
      name: 'engine-imports-only-tote',
      comment: 'Deciders are pure: everything they need comes in with the record or from the mathematics.',
      severity: 'error',
      from: { path: '^libs/engine/src/' },
      to: { pathNot: '^libs/(engine|tote)/src/' },
    },
    {
      name: 'audit-stands-alone',
      comment: 'The second calculator proves nothing if it reaches, even through another lib, what it checks.',
      severity: 'error',
      from: { path: '^libs/audit/src/' },
      to: { path: '^libs/(tote|engine)/', reachable: true },
    },
    {
      name: 'verify-shares-nothing',
      comment:
        'Who checks the log knows its documented form and the second calculator, and no code of whoever wrote it.',
      severity: 'error',
      from: { path: '^libs/verify/src/' },
      to: { path: '^(apps|libs)/', pathNot: '^libs/(verify|audit)/src/' },
    },
    {
      name: 'drivers-only-in-adapters',
      comment: 'Every seam to the world is a port; the packages behind the ports are named in one place.',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: '^libs/adapters/' },
      to: { path: drivers },
    },
    {
      name: 'nest-only-in-platform-and-apps',
      comment: 'The framework stays at the rim.',
      severity: 'error',
      from: { path: '^libs/', pathNot: '^libs/platform/' },
      to: { path: nest },
    },
    {
      name: 'runtime-knows-ports-only',
      comment: 'The runner is handed its adapters; it must not know which ones there are.',
      severity: 'error',
      from: { path: '^libs/runtime/src/' },
      to: { path: '^libs/(adapters|platform)/' },
    },
    {
      name: 'views-are-pure',
      comment: 'Projections are functions of facts; where the rows go is the concern of others.',
      severity: 'error',
      from: { path: '^libs/(views|pricing|contracts)/src/' },
      to: { path: '^libs/(adapters|platform|runtime)/' },
    },
    {
      name: 'apps-only-start-roles',
      comment:
        'A role is composed in platform. The command line tool and the demo may use the libs they are a door to.',
      severity: 'error',
      from: { path: '^apps/', pathNot: '^apps/(cli|console|demo)/' },
      to: { path: '^libs/', pathNot: '^libs/platform/' },
    },
    {
      name: 'console-knows-shapes-only',
      comment: 'The browser gets the shapes of the wire and nothing that belongs to the server.',
      severity: 'error',
      from: { path: '^apps/console/' },
      to: { path: '^libs/', pathNot: '^libs/contracts/' },
    },
    {
      name: 'demo-is-a-client',
      comment: 'The crowd and its stewards know the public API and nothing behind it.',
      severity: 'error',
      from: { path: '^(libs|apps)/demo/' },
      to: { path: '^libs/', pathNot: '^libs/demo/' },
    },
    {
      name: 'libs-by-their-door',
      comment: "Another lib is imported as '#mutuel/<name>', never by a path into it.",
      severity: 'error',
      from: { path: '^libs/([^/]+)/' },
      to: { path: '^libs/', pathNot: '^libs/$1/', dependencyTypesNot: ['aliased-subpath-import'] },
    },
    {
      name: 'apps-use-doors',
      comment: "An app imports a lib as '#mutuel/<name>', and no other app.",
      severity: 'error',
      from: { path: '^apps/([^/]+)/' },
      to: { path: '^(libs|apps)/', pathNot: '^apps/$1/', dependencyTypesNot: ['aliased-subpath-import'] },
    },
    {
      name: 'libs-know-no-app',
      severity: 'error',
      from: { path: '^libs/' },
      to: { path: '^apps/' },
    },
    {
      name: 'no-cycles',
      comment: 'Type-only imports included: two files that need each other are one file, or three.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'source-imports-no-test',
      severity: 'error',
      from: { path: '^(libs|apps)/[^/]+/src/' },
      to: { path: '(^|/)test/|\\.test\\.ts$' },
    },
    {
      name: 'server-runs-on-dependencies',
      comment: 'What the server imports is a dependency, so that an install without development packages runs.',
      severity: 'error',
      from: { path: '^(libs|apps)/[^/]+/src/', pathNot: '^apps/console/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-unresolved',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|fixtures)/' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      conditionNames: ['src', 'types', 'import', 'node', 'default'],
      exportsFields: ['exports'],
      extensions: ['.ts', '.tsx', '.d.ts', '.mts', '.mjs', '.js', '.json'],
    },
  },
};
