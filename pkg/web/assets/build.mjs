// Bundles the browser's side into dist/: names with a hash of their content (so that they can
// be cached for ever), a manifest that maps the plain names to those, and .br and .gz beside each.
import { build } from "esbuild";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import zlib from "node:zlib";

const here = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);
const dist = path.join(here, "dist");
const brotli = promisify(zlib.brotliCompress);
const gzip = promisify(zlib.gzip);

await mkdir(dist, { recursive: true });
for (const name of await readdir(dist)) {
  if (name !== ".keep") await rm(path.join(dist, name), { recursive: true });
}

const result = await build({
  absWorkingDir: here,
  entryPoints: ["src/app.js", "src/theme.js", "src/app.css"],
  entryNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  outdir: "dist",
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022", "safari16"],
  // The live client is Go's neighbour in pkg/live and resolves its imports from here.
  nodePaths: [path.join(here, "node_modules")],
  loader: { ".svg": "file" },
  legalComments: "eof", // whose parts these are; the whole licences are at /licences
  metafile: true,
  logLevel: "warning",
});

const manifest = {};
for (const [output, meta] of Object.entries(result.metafile.outputs)) {
  const file = path.basename(output);
  if (meta.entryPoint) manifest[path.basename(meta.entryPoint)] = file;
  const body = await readFile(path.join(here, output));
  const options = { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 11 } };
  await writeFile(path.join(dist, file + ".br"), await brotli(body, options));
  await writeFile(path.join(dist, file + ".gz"), await gzip(body, { level: 9 }));
}
await writeFile(path.join(dist, "manifest.json"), JSON.stringify(manifest, null, 2) + "\n");
console.log(Object.values(manifest).join("\n"));
