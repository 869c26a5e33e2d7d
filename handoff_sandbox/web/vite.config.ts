import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The names of the files hold no hash: the bundle is committed, and a change should show as a change.
export default defineConfig({
  base: "/sandbox/",
  plugins: [react()],
  build: {
    outDir: "../static",
    emptyOutDir: true,
    license: { fileName: "licenses.md" }, // what is bundled asks to be named
    target: "es2022",
    // Browsers of 2024 and later know light-dark(), and then the style sheet stays as it was written.
    cssTarget: ["chrome123", "firefox121", "safari17.5"],
    chunkSizeWarningLimit: 2000,
    rollupOptions: {
      output: {
        entryFileNames: "assets/[name].js",
        chunkFileNames: "assets/[name].js",
        assetFileNames: "assets/[name][extname]",
      },
    },
  },
});
