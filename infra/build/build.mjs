/**
 * Bundles each function to `dist/<function>/index.js` (CommonJS, one file, for nodejs20) and the
 * local stack and the bench to `dist/local/*.js` and `dist/bench/*.js`.
 */
import { readdirSync, writeFileSync } from 'node:fs';
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

await Promise.all([
  ...functions.map((name) =>
    build({
      ...common,
      entryPoints: [`functions/${name}/index.ts`],
      outfile: `dist/${name}/index.js`,
      format: 'cjs',
      minify: true,
      // The Tablestore SDK assigns undeclared variables, which strict mode refuses; the compiler's
      // own `strict` would make the whole bundle strict.
      tsconfigRaw: { compilerOptions: { target: 'es2022', verbatimModuleSyntax: true } },
      keepNames: true,
      // ali-oss requires this undeclared optional dependency.
      external: ['proxy-agent'],
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
