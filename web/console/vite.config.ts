import { defineConfig } from "vite";

/** The console: a page of its own, so that the desk stays as small as it is; built after the desk, into its folder. */
export default defineConfig({
  root: import.meta.dirname,
  base: "/console/",
  publicDir: "../public",
  build: {
    outDir: "../../gateway/desk_dist/console",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The editor with its language is one library of some 400 kB.
    chunkSizeWarningLimit: 900,
  },
  server: {
    port: 5174,
    proxy: { "/v1": { target: "http://localhost:8080", ws: true } },
  },
});
