// Bundles the player:
//   node bundle.ts FOLDER RUNTIME COMPLETIONS
// RUNTIME is the text of runtime.json and COMPLETIONS what the editor knows, as JSON. A file's name changes with its content, so each
// module is made after those that it names.

import { readFileSync } from "node:fs"
import path from "node:path"
import process from "node:process"
import { brotliCompressSync } from "node:zlib" // its quality is 11, as that of the sizes in runtime.json
import { build, type BuildOptions, type Loader } from "esbuild"

const [folder = "", runtime = "", completions = ""] = process.argv.slice(2)

/** The name of the bundled file. In it, `define` puts values, as JSON, in the place of names. */
async function bundle(entry: string, define: Record<string, string>, css: Loader = "text"): Promise<string> {
  const { metafile } = await build({
    entryPoints: [entry],
    entryNames: "[name]-[hash]",
    outdir: folder,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    define,
    loader: { ".css": css },
    external: ["node:*"], // what Pyodide imports under Node
    alias: { tldts: "./lab/public_suffix.ts" }, // which says why
    metafile: true,
    logLevel: "warning",
  } satisfies BuildOptions & { metafile: true })
  return `./${path.basename(Object.keys(metafile.outputs).join())}`
}

const { lock, ...rest } = JSON.parse(runtime) as Runtime
// A worker unpacks packages by itself, and only Pyodide's own way compares these.
const unhashed = JSON.stringify({ lock, ...rest }, (key, value: unknown) => (key === "sha256" ? "" : value))
const worker = await bundle("python/worker.ts", { RUNTIME: unhashed })
const editor = await bundle("editor/editor.ts", { COMPLETIONS: completions })
const lab = await bundle("lab/lab.ts", {})
const lesson = await bundle("page/lesson.ts", {})
const details = await bundle("page/details.ts", {})
const exercise = await bundle("page/exercise.ts", {})
const modules = { WORKER: worker, EDITOR: editor, LAB: lab, LESSON: lesson, DETAILS: details, EXERCISE: exercise }
const names = Object.fromEntries(Object.entries(modules).map(([name, file]) => [name, JSON.stringify(file)]))
const ours = brotliCompressSync(readFileSync(path.join(folder, worker))).length
const total = Object.values(rest.sizes).reduce((sum, { wire }) => sum + wire, ours)
await bundle("page/page.ts", { ...names, DOWNLOAD_SIZE: `${total}` })
await bundle("page/block.css", {}, "css")
await bundle("theme/menu.ts", {})
const engine = await bundle("theme/search_engine.ts", {})
await bundle("theme/search_on_use.ts", { SEARCH_ENGINE: JSON.stringify(engine) })
await bundle("offline/service_worker.ts", {}) // RELEASE is not known yet: offline.py puts it before this
