/**
 * Bundles each function to `dist/<function>/index.js` (CommonJS, for nodejs20), the vendors' packages
 * that it loads with its first call to `dist/<function>/vendor/*.js` (reading them at a cold start
 * would take most of it, even where nothing runs), and the
 * local stack and the bench to `dist/local/*.js` and `dist/bench/*.js`.
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

const functions = readdirSync('functions', { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

const common = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  sourcemap: true,
  logLevel: 'warning',
};

/** Packages that are not read before they are needed; each must be imported lazily by our code. */
const vendors = [
  'ali-oss',
  'tablestore',
  '@alicloud/openapi-core',
  '@darabonba/typescript',
  '@kubernetes/client-node',
  'undici',
];
const fileOf = (name) =>
  `${name
    .replace(/[^a-z-]+/g, ' ')
    .trim()
    .replace(/ /g, '-')}.js`;

/** Each vendor's package once, as a file of its own, whoever asks for it. */
const apart = (folder, own) => ({
  name: 'vendors-apart',
  setup({ onResolve }) {
    onResolve({ filter: new RegExp(`^(${vendors.join('|')})$`) }, ({ path }) =>
      path === own ? undefined : { path: `${folder}/${fileOf(path)}`, external: true },
    );
  },
});

const bundle = {
  ...common,
  format: 'cjs',
  minify: true,
  // The Tablestore SDK assigns undeclared variables, which strict mode refuses; the compiler's
  // own `strict` would make the whole bundle strict.
  tsconfigRaw: { compilerOptions: { target: 'es2022', verbatimModuleSyntax: true } },
  keepNames: true,
  // A native import() of CommonJS would guess its names; require knows them.
  supported: { 'dynamic-import': false },
  // ali-oss requires this undeclared optional dependency.
  external: ['proxy-agent'],
};

async function buildVendor(name) {
  const built = await build({
    ...bundle,
    stdin: { contents: `module.exports = require('${name}');`, resolveDir: '.' },
    sourcemap: false,
    plugins: [apart('.', name)],
    write: false,
  });
  for (const { contents } of built.outputFiles) {
    for (const each of functions) {
      mkdirSync(`dist/${each}/vendor`, { recursive: true });
      writeFileSync(`dist/${each}/vendor/${fileOf(name)}`, contents);
    }
  }
}

await Promise.all([
  ...vendors.map(buildVendor),
  ...functions.map((name) =>
    build({
      ...bundle,
      entryPoints: [`functions/${name}/index.ts`],
      outfile: `dist/${name}/index.js`,
      plugins: [apart('./vendor')],
    }),
  ),
  build({
    ...common,
    entryPoints: readdirSync('infra/local')
      .filter((f) => /^(local|story)\.ts$/.test(f))
      .map((f) => `infra/local/${f}`),
    outdir: 'dist/local',
    format: 'esm',
    packages: 'external',
  }),
  build({
    ...common,
    entryPoints: ['infra/bench/bench.ts', 'infra/bench/child.ts'],
    outdir: 'dist/bench',
    format: 'esm',
    packages: 'external',
  }),
]);
// The repository is ESM; the bundles of functions are CommonJS.
for (const name of functions) writeFileSync(`dist/${name}/package.json`, '{"type":"commonjs"}\n');
