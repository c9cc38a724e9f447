/** Bundles the extension and its page into dist/, or with --tests the unit tests into dist-test/. */

import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";

import { build } from "esbuild";

const common = { bundle: true, logLevel: "warning", metafile: true, legalComments: "none" };
const node = { ...common, platform: "node", format: "cjs", target: "node20", external: ["vscode"] };

if (process.argv.includes("--tests")) {
  await rm("dist-test", { recursive: true, force: true });
  const tests = (await readdir("test")).filter((name) => name.endsWith(".test.ts"));
  const entryPoints = tests.map((name) => path.join("test", name));
  await build({ ...node, format: "esm", outExtension: { ".js": ".mjs" }, entryPoints, outdir: "dist-test" });
} else {
  await rm("dist", { recursive: true, force: true });
  const made = await Promise.all([
    // What only ES modules' entry points offer is not there with `require`, so those come first.
    build({ ...node, entryPoints: ["src/extension.ts"], outdir: "dist", minify: true, mainFields: ["module", "main"] }),
    build({
      ...common,
      entryPoints: { webview: "src/webview/main.ts" },
      outdir: "dist",
      minify: true,
      format: "iife",
      target: "chrome120",
    }),
    build({ ...common, entryPoints: { webview: "src/webview/style.css" }, outdir: "dist", minify: true }),
  ]);
  const inputs = made.flatMap((each) => Object.keys(each.metafile.inputs));
  await writeFile("dist/NOTICES.txt", await notices(inputs));
  await writeFile("dist/README.md", packaged(await readFile("README.md", "utf8")));
}

/** The README without what an installed extension has no place for: pictures, and links into the repository. */
function packaged(readme) {
  return readme.replace(/^!\[.*\n\n/gm, "").replace(/\[([^\]]*)\]\(\.\.[^)]*\)/g, "$1");
}

/** The licences of the packages that became part of the bundles. */
async function notices(inputs) {
  const folders = inputs.map((input) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0]);
  const texts = [];
  for (const folder of [...new Set(folders)].filter(Boolean).sort()) {
    const { name, version, license } = JSON.parse(await readFile(path.join(folder, "package.json"), "utf8"));
    const file = (await readdir(folder)).find((each) => /^licen[cs]e/i.test(each));
    const text = file ? await readFile(path.join(folder, file), "utf8") : "";
    texts.push(`${name} ${version} (${license})\n\n${text.trim()}\n`);
  }
  return texts.join(`\n${"-".repeat(80)}\n\n`);
}
