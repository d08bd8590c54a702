import { defineConfig } from "vite";

/** One classic script that a foreign page embeds; built into the desk's folder, after the desk. */
export default defineConfig({
  root: import.meta.dirname,
  build: {
    outDir: "../../gateway/desk_dist/widget",
    emptyOutDir: true,
    target: "es2020",
    lib: { entry: "src/main.ts", formats: ["iife"], name: "screenpopChat", fileName: () => "widget.js" },
  },
});
