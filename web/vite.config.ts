import { defineConfig } from "vite";

export default defineConfig({
  base: "/desk/",
  build: {
    outDir: "../gateway/desk_dist",
    emptyOutDir: true,
    target: "es2022",
    // The content policy has no data: for fonts or scripts; every asset stays a file of its own.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: { "/v1": { target: "http://localhost:8080", ws: true } },
  },
});
