// Bundles src/ into build/: hashed assets, compressed copies, a manifest, and the licenses of all bundled packages.
// usage: node build.mjs [OUT]
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import zlib from 'node:zlib';

import * as esbuild from 'esbuild';

const here = import.meta.dirname;
const out = path.resolve(process.argv[2] ?? path.join(here, 'build'));
const assets = path.join(out, 'assets');

const common = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  metafile: true,
  outdir: assets,
  entryNames: '[name]-[hash]',
  chunkNames: 'chunk-[hash]',
  assetNames: '[name]-[hash]',
  target: ['es2022', 'chrome109', 'firefox115', 'safari16.4'],
  define: { 'process.env.NODE_ENV': '"production"' },
  legalComments: 'none', // collected in THIRD_PARTY.txt
  logLevel: 'warning',
};

fs.rmSync(out, { recursive: true, force: true });
fs.mkdirSync(assets, { recursive: true });

const workers = await esbuild.build({
  ...common,
  format: 'iife',
  entryPoints: {
    'worker-editor': 'monaco-editor/esm/vs/editor/editor.worker.js',
    'worker-json': 'monaco-editor/esm/vs/language/json/json.worker.js',
    'worker-graphql': 'monaco-graphql/esm/graphql.worker.js',
  },
});
const workerFile = (kind) => `./${entry(workers, `worker-${kind}`)}`;

const app = await esbuild.build({
  ...common,
  format: 'esm',
  splitting: true,
  jsx: 'automatic',
  entryPoints: { app: 'src/main.jsx' },
  // Monaco's modules import their styles one by one; graphiql's stylesheet, built below, includes all of them.
  loader: { '.css': 'empty' },
  // GraphiQL's Prettify imports these by older names, which now resolve to CommonJS files without named exports.
  alias: { 'prettier/parser-graphql': 'prettier/plugins/graphql', 'prettier/parser-babel': 'prettier/plugins/babel' },
  define: {
    ...common.define,
    WORKERS: JSON.stringify(Object.fromEntries(['editor', 'json', 'graphql'].map((kind) => [kind, workerFile(kind)]))),
  },
});

// Fonts inlined into the stylesheet become files, so that a browser fetches only those it uses.
const sheet = await esbuild.build({
  ...common,
  entryPoints: { style: 'src/style.css' },
  loader: { '.ttf': 'dataurl' },
  write: false,
});
const css = sheet.outputFiles[0].text.replace(
  /url\(["']?data:font\/(\w+);base64,([^)"']+)["']?\)/g,
  (_, kind, data) => `url(./${keep('font', kind, Buffer.from(data, 'base64'))})`,
);

const manifest = {
  script: entry(app, 'app'),
  style: keep('style', 'css', css),
  preload: preloads(app),
};
fs.writeFileSync(path.join(out, 'manifest.json'), JSON.stringify(manifest, null, 1) + '\n');
fs.copyFileSync(path.join(here, 'src/page.html'), path.join(out, 'page.html'));
fs.writeFileSync(path.join(out, 'THIRD_PARTY.txt'), licenses([workers, app, sheet]));
await compress();

/** Writes an asset under a name that changes with its content. */
function keep(name, kind, content) {
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 8).toUpperCase();
  const file = `${name}-${hash}.${kind}`;
  fs.writeFileSync(path.join(assets, file), content);
  return file;
}

function entry(result, name) {
  const files = Object.keys(result.metafile.outputs).map((file) => path.basename(file));
  return files.find((file) => file.startsWith(`${name}-`) && file.endsWith('.js'));
}

/** The chunks needed for the first screen: static imports of the app, and Monaco, which it loads when mounted. */
function preloads({ metafile: { outputs } }) {
  const chunks = new Set();
  const add = (file) => {
    if (chunks.has(file)) return;
    chunks.add(file);
    for (const { kind, path: next } of outputs[file].imports) if (kind === 'import-statement') add(next);
  };
  for (const [file, { entryPoint = '' }] of Object.entries(outputs)) {
    if (/src\/main\.jsx$|monaco-graphql\/esm\/(monaco-editor|lite)\.js$/.test(entryPoint)) add(file);
  }
  return [...chunks].map((file) => path.basename(file)).filter((file) => !file.startsWith('app-'));
}

/** The name, version and license of every bundled package. */
function licenses(results) {
  const folders = new Set();
  for (const { metafile } of results) {
    for (const file of Object.keys(metafile.inputs)) {
      const found = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file);
      if (found) folders.add(found[0]);
    }
  }
  const packages = [...folders].map((folder) => {
    const { name, version, license } = JSON.parse(fs.readFileSync(path.join(here, folder, 'package.json'), 'utf8'));
    const texts = fs.readdirSync(path.join(here, folder)).filter((file) => /^(licen[cs]e|notice|thirdpartynotices)/i.test(file));
    const text = texts.map((file) => fs.readFileSync(path.join(here, folder, file), 'utf8').trim()).join('\n\n');
    return { title: `${name} ${version} (${license ?? 'see below'})`, text };
  });
  packages.sort((a, b) => (a.title < b.title ? -1 : 1));
  const rule = '-'.repeat(80);
  const list = packages.map(({ title }) => title).join('\n');
  const texts = packages.filter(({ text }) => text).map(({ title, text }) => `${rule}\n${title}\n\n${text}\n`);
  return `Third-party packages in this build\n\n${list}\n\n${texts.join('\n')}`;
}

async function compress() {
  const brotli = promisify(zlib.brotliCompress);
  const gzip = promisify(zlib.gzip);
  const files = fs.readdirSync(assets).filter((file) => /\.(js|css|ttf)$/.test(file));
  await Promise.all(
    files.map(async (file) => {
      const whole = fs.readFileSync(path.join(assets, file));
      const { BROTLI_PARAM_QUALITY: quality, BROTLI_PARAM_SIZE_HINT: hint } = zlib.constants;
      const [br, gz] = await Promise.all([
        brotli(whole, { params: { [quality]: 11, [hint]: whole.length } }),
        gzip(whole, { level: 9 }),
      ]);
      // Skip compressed copies that are not smaller.
      if (br.length < whole.length) fs.writeFileSync(path.join(assets, `${file}.br`), br);
      if (gz.length < whole.length) fs.writeFileSync(path.join(assets, `${file}.gz`), gz);
    }),
  );
}
