import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { defineConfig } from "vite";

const SOURCE = new URL("../../handoff_bot/web/widget/", import.meta.url);

/** The digest of the sources that tests/web/test_chat_files.py computes too: a stale bundle fails without Node. */
function digest() {
  const hash = createHash("sha256");
  const names = readdirSync(SOURCE).filter((name) => name.endsWith(".js"));
  for (const name of names.sort()) hash.update(`${name}\0`).update(readFileSync(new URL(name, SOURCE)));
  return hash.digest("hex").slice(0, 16);
}

// The website's chat as one file. The bot puts the texts of its catalogues before it: see chat_files.py.
export default defineConfig({
  publicDir: false,
  plugins: [
    {
      name: "texts-from-the-bot",
      enforce: "pre",
      resolveId: (name) => (name.endsWith("languages.js") ? "\0languages" : undefined),
      load: (name) => (name === "\0languages" ? "export const LANGUAGES = HANDOFF_LANGUAGES;" : undefined),
    },
  ],
  build: {
    outDir: "../../handoff_bot/web",
    emptyOutDir: false,
    modulePreload: false,
    target: "es2022",
    rollupOptions: {
      input: new URL("widget.js", SOURCE).pathname,
      output: { entryFileNames: "widget_bundle.js", format: "es", postBanner: `/* built of ${digest()} */` },
    },
  },
});
